import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { endControlGroups } from '../../lib/control-group.ts';
import {
  createControlGroups,
  enterControlGroups,
  findControlGroups,
  type ControlGroupHost,
} from '../control-groups.ts';
import type { Executor, Place } from '../executor.ts';
import { findProgram } from '../system-programs.ts';

export type ProcessOptions = {
  /** The PATH of every command; where the server's own tools are, if commands shall have them. */
  readonly path?: string;
  /** What is known of the host's control groups, instead of looking. */
  readonly controlGroupHost?: ControlGroupHost;
};

const defaultPath = '/usr/local/bin:/usr/bin:/bin';

/**
 * Makes sure that the spawner lives, says that the command is about to begin, lets go of the pipe it says
 * it on, and becomes the command.
 * The limit on processes of `ulimit` is not set: it would count all processes of the server's user.
 */
const start =
  '[ "$PPID" = "$LAUNCHED_BY" ] || exit 125; umask 022; ulimit -c 0; ' +
  'echo \'{"started":true}\' >&3 && read -r go <&3 || exit 125; exec 3>&-; unset OLDPWD SHLVL LAUNCHED_BY; exec "$@"';

/**
 * The executor without isolation, for an operator who asks for it: the command runs as the server's own
 * user, sees all files and the network, and can do whatever that user can, to the server too.
 *
 * What it keeps of the port: the environment is exact; the tree is the working folder; where control groups
 * can be written they bound memory and processes, and whatever the command started ends with it. Where they
 * cannot, a process that forks twice and leaves its process group outlives its run, and `processes` is no
 * limit. `temporaryBytes` never is one: /tmp is the host's. The home is a folder of its own, but nothing
 * keeps the command out of others; a path in `readOnly` is as writable as the server's user finds it. When
 * the spawner is killed, the command's first process is too (with util-linux), not what that started.
 */
export function createProcessExecutor(options: ProcessOptions = {}): Executor {
  const controlGroupHost = options.controlGroupHost ?? findControlGroups();
  return {
    name: 'process',
    check: () => Promise.resolve([]),
    place: (folder) => {
      const tree = join(folder, 'tree');
      const home = join(folder, 'home');
      return { folder, tree, treeInside: tree, home, homeInside: home, uid: undefined };
    },
    async handOver(place) {
      await mkdir(place.home, { recursive: true, mode: 0o700 });
    },
    launch(place, command, limits) {
      const { folders, memoryBounded } = createControlGroups(
        command.brief === true ? { kind: 'none' } : controlGroupHost,
        limits,
      );
      const started = ['/bin/sh', '-c', start, 'sh', ...command.argv];
      return Promise.resolve({
        file: '/bin/sh',
        args: ['-c', enterControlGroups, 'sh', ...folders, '--', ...diesWithParent(), ...started],
        env: { ...environment(place), PATH: options.path ?? defaultPath, ...command.env },
        cwd: place.tree,
        files: [],
        controlGroups: folders,
        memoryBounded,
      });
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
