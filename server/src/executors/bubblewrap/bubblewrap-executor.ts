import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { endControlGroups } from '../../lib/control-group.ts';
import { silentLogger, type Logger } from '../../lib/logger.ts';
import {
  createControlGroups,
  enterControlGroups,
  findControlGroups,
  type ControlGroupHost,
} from '../control-groups.ts';
import type { Executor, Launch, LaunchFile, Place, SandboxCommand, SandboxLimits } from '../executor.ts';
import { giveFolder } from '../give-folder.ts';
import { homeFilesScript, writeHomeFiles } from '../home-files.ts';
import { findProgram, pathWith, programPath, readSystemFolders } from '../system-programs.ts';
import { awaitBridge, startBridge } from '../way-out.ts';
import { checkBubblewrap } from './check.ts';
import { profileArguments, profileLines, wayOutInside, type ProfileLine } from './profile.ts';
import { seccompFilter } from './seccomp.ts';
import { writeStateFiles, type StateFiles } from './state-files.ts';

export type BubblewrapOptions = {
  /** A folder of ours for a few small files; other users of the host must be able to reach it. */
  readonly stateFolder: string;
  /** Where places lie, for the check; where nobody says, it is made in the state folder. */
  readonly workspaceFolder?: string;
  readonly logger?: Logger;
  /** The first of the users that sandboxes run as where the server is root. */
  readonly firstUid?: number;
  /** Changes the profile's lines; for the tests that show what each of them is good for. */
  readonly changeProfile?: (lines: readonly ProfileLine[]) => readonly ProfileLine[];
  /** What is known of the host's control groups, instead of looking. */
  readonly controlGroupHost?: ControlGroupHost;
};

/** As many users as workspaces that may be alive at the same time without sharing one. */
const uidCount = 50_000;
const defaultFirstUid = 200_000;

/** Descriptors of a launch, see `spawnLaunch`. */
const statusDescriptor = 3;
const argumentsDescriptor = 4;
const seccompDescriptor = 5;

/** The sandbox's loopback is its own, so the port is free. */
const wayOutPort = 3128;

/**
 * The shell that bubblewrap starts from, as the sandbox's user: it makes sure that the kernel's tie to the
 * spawner was made in time, and hands a second end of the status pipe through to the inside.
 */
const startOutside = '[ "$PPID" = "$LAUNCHED_BY" ] || exit 125; exec 9>&3; exec "$@"';

/**
 * The shell that a command starts from, inside: a file mode of its own, no core files, and the limits on
 * processes and address space. The first is set here because the kernel counts per user namespace; outside
 * it would count all processes of the operator. dash calls the limit `-p`, other shells `-u`. Bubblewrap ties its inner process
 * to the outer one only after it has built everything; so before the command starts, the spawner has to
 * answer: one that lives, and did not see the outer process die. That it holds the pipe is not enough: of a
 * killed Node the main thread ends, and with it the outer process, before the last thread lets go of the pipe.
 */
function startInside(command: SandboxCommand, homeFilesDescriptor: number): string {
  const bridge = { port: wayOutPort, socket: wayOutInside, endsWith: 'sandbox' } as const;
  // Both before the command counts as started: what fails here is not its fault.
  const homeFiles = command.homeFiles === undefined ? [] : [writeHomeFiles(homeFilesDescriptor)];
  const steps =
    command.wayOut === undefined ? homeFiles : [startBridge(bridge), ...homeFiles, awaitBridge(bridge)];
  return [
    'umask 022; ulimit -c 0; ulimit -u "$1" 2>/dev/null || ulimit -p "$1" || exit 126; ulimit -v "$2" || exit 126',
    'shift 2',
    ...steps,
    'unset OLDPWD SHLVL; echo \'{"started":true}\' >&9 && read -r go <&9 || exit 125; exec 9>&-; exec "$@"',
  ].join('; ');
}

/**
 * The executor for Linux: a sandbox of namespaces made by bubblewrap, with an allow-list of mounts, no
 * network, no privileges and a system call filter. Where the server is root, each workspace has a user of
 * its own and bubblewrap itself runs as that user: as root it would keep all capabilities.
 *
 * When the spawner is killed in the one millisecond in which bubblewrap has made its inner process and not
 * yet let it go on, that process stays and waits, without ever running anything, until the control group is
 * emptied; where there is none, until somebody ends it.
 *
 * What it does not do: it shares the kernel with the host. For code that attacks kernels use a container
 * runtime with a kernel of its own, or a virtual machine.
 */
export function createBubblewrapExecutor(options: BubblewrapOptions): Executor {
  const { stateFolder, logger = silentLogger, firstUid = defaultFirstUid } = options;
  const workspaceFolder = options.workspaceFolder ?? stateFolder;
  const asRoot = process.getuid?.() === 0;
  const controlGroupHost = options.controlGroupHost ?? findControlGroups();
  const build = createBuilder(options);
  const executor: Executor = {
    name: 'bubblewrap',
    check: (signal) =>
      checkBubblewrap({ executor, stateFolder, workspaceFolder, asRoot, controlGroupHost, logger }, signal),
    place: (folder, number) => ({
      folder,
      tree: join(folder, 'tree'),
      treeInside: '/workspace',
      home: join(folder, 'home'),
      homeInside: '/home/agent',
      uid: asRoot ? firstUid + (number % uidCount) : undefined,
      wayOutPort,
    }),
    handOver,
    async launch(place, command, limits) {
      const { file, args, files } = build(place, command, limits);
      const host: ControlGroupHost = command.brief === true ? { kind: 'none' } : controlGroupHost;
      const { folders, memoryBounded } = createControlGroups(host, limits);
      const common = { env: {}, cwd: '/', files, controlGroups: folders, memoryBounded };
      if (folders.length === 0) return { file, args, ...common };
      const entering = ['-c', enterControlGroups, 'sh', ...folders, '--', file, ...args];
      return { file: '/bin/sh', args: entering, ...common };
    },
    release: (launch) => endControlGroups(launch.controlGroups),
  };
  return executor;
}

async function handOver({ folder, tree, home, uid }: Place): Promise<void> {
  await mkdir(home, { recursive: true });
  // The folder itself stays ours; the sandbox's user only passes through it.
  if (uid !== undefined) await chmod(folder, 0o711);
  for (const given of [tree, home]) {
    await chmod(given, 0o700);
    if (uid !== undefined) await giveFolder(given, uid);
  }
}

/** How a command is spawned in its sandbox, before any control group. */
function createBuilder({
  stateFolder,
  changeProfile = (lines) => lines,
}: BubblewrapOptions): (
  place: Place,
  command: SandboxCommand,
  limits: SandboxLimits,
) => Pick<Launch, 'file' | 'args' | 'files'> {
  const systemFolders = readSystemFolders();
  let stateFiles: StateFiles | undefined;
  return (place, command, limits) => {
    stateFiles ??= writeStateFiles(stateFolder, seccompFilter(process.arch));
    const lines = profileLines({
      tree: place.tree,
      treeInside: place.treeInside,
      home: place.home,
      homeInside: place.homeInside,
      readOnly: command.readOnly ?? [],
      wayOut: command.wayOut?.socket,
      systemFolders,
      etc: stateFiles.etc,
      env: { ...environmentInside(place, command), ...command.env },
      temporaryBytes: limits.temporaryBytes,
      statusDescriptor,
      seccompDescriptor: stateFiles.seccomp === undefined ? undefined : seccompDescriptor,
    });
    const space = command.brief === true ? addressSpaceKilobytes(limits) : 'unlimited';
    const homeFilesDescriptor = stateFiles.seccomp === undefined ? seccompDescriptor : seccompDescriptor + 1;
    const inside = [
      '/bin/sh',
      '-c',
      startInside(command, homeFilesDescriptor),
      'sh',
      String(limits.processes),
      space,
      ...command.argv,
    ];
    const bwrap = [programPath('bwrap'), '--args', String(argumentsDescriptor), '--', ...inside];
    const files = launchFiles(profileArguments(changeProfile(lines)), stateFiles.seccomp);
    if (command.homeFiles !== undefined)
      files.push({ descriptor: homeFilesDescriptor, content: homeFilesScript(command.homeFiles) });
    const start = ['/bin/sh', '-c', startOutside, 'sh', ...bwrap];
    const [file, ...args] = [...asUser(place.uid), ...start];
    if (file === undefined) throw new Error('unreachable');
    return { file, args, files };
  };
}

/** git maps the packs that it reads: they count here, but are no memory that anybody misses. */
function addressSpaceKilobytes(limits: SandboxLimits): string {
  return String(Math.ceil(limits.memoryBytes / 1024) + 4 * 1024 * 1024);
}

/** What every command gets beside its own; `PWD` comes from bubblewrap. */
function environmentInside(place: Place, command: SandboxCommand): Readonly<Record<string, string>> {
  return {
    PATH: pathWith(command.pathFolders),
    HOME: place.homeInside,
    LANG: 'C.UTF-8',
    TMPDIR: '/tmp',
    USER: 'agent',
  };
}

/** Takes on the sandbox's user, where it has one, and asks to be killed with the spawner. */
function asUser(uid: number | undefined): readonly string[] {
  const tie = ['--pdeathsig', 'KILL', '--'];
  if (uid !== undefined) {
    const drop = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--inh-caps=-all', '--no-new-privs'];
    return [programPath('setpriv'), ...drop, ...tie];
  }
  // An ordinary user can do without: bubblewrap makes the same tie itself a few milliseconds later.
  const setpriv = findProgram('setpriv');
  return setpriv === undefined ? [] : [setpriv, ...tie];
}

/** The arguments go through a pipe: on the command line every user of the host could read the environment. */
function launchFiles(args: readonly string[], seccomp: string | undefined): LaunchFile[] {
  // bubblewrap takes what follows a NUL for an argument of its own, such as another mount.
  if (args.some((argument) => argument.includes('\0')))
    throw new TypeError('a NUL in the environment or a path');
  const content = args.map((argument) => `${argument}\0`).join('');
  const files: LaunchFile[] = [{ descriptor: argumentsDescriptor, content }];
  if (seccomp !== undefined) files.push({ descriptor: seccompDescriptor, path: seccomp });
  return files;
}
