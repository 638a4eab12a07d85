import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { endControlGroups } from '../../lib/control-group.ts';
import {
  createControlGroups,
  enterControlGroups,
  findControlGroups,
  type ControlGroupHost,
} from '../control-groups.ts';
import type { Executor, LaunchFile, Place, SandboxCommand } from '../executor.ts';
import { homeFilesScript, writeHomeFiles } from '../home-files.ts';
import { findProgram, pathWith } from '../system-programs.ts';
import { awaitBridge, startBridge, type Bridge } from '../way-out.ts';

export type ProcessOptions = {
  /** The PATH of every command; where the server's own tools are, if commands shall have them. */
  readonly path?: string;
  /** What is known of the host's control groups, instead of looking. */
  readonly controlGroupHost?: ControlGroupHost;
};

/**
 * The ports that commands find their way out at: below those that Linux gives to outgoing connections. Two
 * places share one where their numbers lie so far apart; then the second command is not started.
 */
const firstPort = 20_000;
const portCount = 12_000;

const homeFilesDescriptor = 4;

/**
 * Makes sure that the spawner lives, says that the command is about to begin, lets go of the pipe it says
 * it on, and becomes the command.
 * The limit on processes of `ulimit` is not set: it would count all processes of the server's user.
 */
function start(place: Place, { wayOut, homeFiles }: SandboxCommand): string {
  const bridge: Bridge | undefined =
    wayOut === undefined ? undefined : { port: place.wayOutPort, socket: wayOut.socket, endsWith: 'command' };
  return [
    '[ "$PPID" = "$LAUNCHED_BY" ] || exit 125; umask 022; ulimit -c 0',
    ...(bridge === undefined ? [] : [startBridge(bridge)]),
    ...(homeFiles === undefined ? [] : [writeHomeFiles(homeFilesDescriptor)]),
    ...(bridge === undefined ? [] : [awaitBridge(bridge)]),
    'echo \'{"started":true}\' >&3 && read -r go <&3 || exit 125; exec 3>&-; unset OLDPWD SHLVL LAUNCHED_BY; exec "$@"',
  ].join('; ');
}

/**
 * The executor without isolation, for an operator who asks for it: the command runs as the server's own
 * user, sees all files and the network, and can do whatever that user can, to the server too.
 *
 * What it keeps of the port: the environment is exact; the tree is the working folder; where control groups
 * can be written they bound memory and processes, and whatever the command started ends with it. Where they
 * cannot, a process that forks twice and leaves its process group outlives its run, and `processes` is no
 * limit. `temporaryBytes` never is one: /tmp is the host's. The home is a folder of its own, but nothing
 * keeps the command out of others; the port of its way out is open to every user of the host while it runs,
 * and the server's key is added to what comes in there; a path in `readOnly` is as writable as the server's user finds it. When
 * the spawner is killed, the command's first process is too (with util-linux), not what that started.
 */
export function createProcessExecutor(options: ProcessOptions = {}): Executor {
  const controlGroupHost = options.controlGroupHost ?? findControlGroups();
  return {
    name: 'process',
    check: () => Promise.resolve([]),
    place: (folder, number) => {
      const tree = join(folder, 'tree');
      const home = join(folder, 'home');
      const wayOutPort = firstPort + (number % portCount);
      return { folder, tree, treeInside: tree, home, homeInside: home, uid: undefined, wayOutPort };
    },
    async handOver(place) {
      await mkdir(place.home, { recursive: true, mode: 0o700 });
    },
    // oxlint-disable-next-line require-await -- what it refuses is a rejection, as with every executor
    async launch(place, command, limits) {
      const started = ['/bin/sh', '-c', start(place, command), 'sh', ...command.argv];
      const path = pathWith(command.pathFolders, options.path);
      const files: LaunchFile[] = [];
      if (command.homeFiles !== undefined)
        files.push({ descriptor: homeFilesDescriptor, content: homeFilesScript(command.homeFiles) });
      const { folders, memoryBounded } = createControlGroups(
        command.brief === true ? { kind: 'none' } : controlGroupHost,
        limits,
      );
      return {
        file: '/bin/sh',
        args: ['-c', enterControlGroups, 'sh', ...folders, '--', ...diesWithParent(), ...started],
        env: { ...environment(place), PATH: path, ...command.env },
        cwd: place.tree,
        files,
        controlGroups: folders,
        memoryBounded,
      };
    },
    release: (launch) => endControlGroups(launch.controlGroups),
  };
}

function environment(place: Place): Readonly<Record<string, string>> {
  return {
    HOME: place.home,
    LANG: 'C.UTF-8',
    TMPDIR: '/tmp',
    USER: 'agent',
    PWD: place.tree,
  };
}

/** The kernel's tie between parent and child, where util-linux has it (busybox's setpriv does not). */
function diesWithParent(): readonly string[] {
  const setpriv = process.platform === 'linux' ? findProgram('setpriv') : undefined;
  return setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'KILL', '--'];
}
