import type { Finding } from './executor.ts';
import { SandboxNotStarted } from './run-in-sandbox.ts';
import { shellWord } from './shell-word.ts';
import { findProgram, installCommand, programPath, readOsRelease } from './system-programs.ts';

const bridgeProgram = 'socat';

export type Bridge = {
  /** On the command's own loopback. */
  readonly port: number;
  /** The unix socket as the command's side sees it. */
  readonly socket: string;
  /**
   * Who ends it: the sandbox, whose namespace goes with the command, or the kernel, which ties it to the
   * command's first process (where this host has `setpriv`).
   */
  readonly endsWith: 'sandbox' | 'command';
};

/**
 * Half-closed connections last as long as the longest run: socat's own 0.5 s would cut a stream that is
 * still being answered when its question has ended.
 */
const socatFlags = '-t 86400 -b 65536';
/** Answers are streams of small pieces: none waits for the next. Fifty callers at once find room in the queue. */
const listenOptions = 'bind=127.0.0.1,reuseaddr,nodelay,backlog=512,fork';

/** Each takes some 5 ms: together 10 s and, on a busy machine, more. */
const tries = 2000;

/**
 * The line of shell that starts the bridge from the command's loopback to its way out, and leaves its number
 * in `$1`, before what was there. It holds no descriptor of the command, and is in a session of its own, so
 * that no signal to the command's group ends it while the command still wants to say its last words.
 *
 * With `endsWith: 'sandbox'` it is no child of the command either, which may wait for all of its children:
 * a shell that no request to end reaches stands between. Throws `SandboxNotStarted` where the host lacks it.
 */
export function startBridge({ port, socket, endsWith }: Bridge): string {
  for (const { problem, remedy } of missingForWayOut()) throw new SandboxNotStarted(`${problem} ${remedy}`);
  const socat = [
    shellWord(programPath(bridgeProgram)),
    socatFlags,
    `TCP4-LISTEN:${port},${listenOptions}`,
    shellWord(`UNIX-CONNECT:${socket.replaceAll(/[\\,:!"'([{]/g, '\\$&')}`),
    '</dev/null >/dev/null 2>&1 3>&- 4>&- 5>&- 6>&- 9>&- &',
  ].join(' ');
  if (endsWith === 'command') {
    // The kernel's tie begins when it is asked for: a command that ended before that has to be noticed.
    const alive = ['/bin/sh', '-c', shellWord('[ "$PPID" = "$1" ] || exit; shift; exec "$@"'), 'sh', '$$'];
    const tied = [...wrapper('setsid'), ...wrapper('setpriv', '--pdeathsig', 'KILL', '--'), ...alive];
    const tie = tied.join(' ');
    return `${tie} ${socat} set -- $! "$@"`;
  }
  const orphan = `( exec 2>/dev/null 3>&- 4>&- 5>&- 6>&- 9>&-; trap '' TERM INT HUP; setsid ${socat} echo $!; exec >/dev/null; wait ) &`;
  return `set -- "$( ${orphan} )" "$@"`;
}

/**
 * The lines of shell that wait until the bridge listens, with its number in `$1`, which they take away; a
 * bridge that ends instead, or takes too long, ends the shell with 126 and its reason on stderr.
 */
export function awaitBridge({ port, endsWith }: Bridge): string {
  const address = ` 0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A `;
  const listens = endsWith === 'sandbox' ? someoneListens(address) : bridgeListens(address, port);
  const wait =
    `i=0; until bridge_listens "$1"; do i=$((i+1)); ` +
    `[ $i -lt ${tries} ] && kill -0 "$1" 2>/dev/null || exit 1; sleep 0.002 || :; done`;
  const failed = `{ echo 'The way out could not be opened: ${bridgeProgram} does not listen on 127.0.0.1:${port}.' >&2; exit 126; }`;
  return `( ${listens}; ${wait} ) || ${failed}; shift`;
}

/** On a loopback of its own nobody else can be there. Without another process: this is asked often. */
function someoneListens(address: string): string {
  return (
    `bridge_listens() { while read -r line; do case "$line" in *'${address}'*) return 0; esac; done ` +
    '</proc/net/tcp; return 1; }'
  );
}

/**
 * On the host's loopback somebody else may have the port: the listening socket has to be the bridge's own.
 * Only Linux shows whose it is; elsewhere a connection that says nothing has to do.
 */
function bridgeListens(address: string, port: number): string {
  return (
    `bridge_listens() ( [ -r /proc/net/tcp ] || exec ${bridgeProgram} -u OPEN:/dev/null TCP4:127.0.0.1:${port} 2>/dev/null; ` +
    `bridge=$1; line=$(grep '${address}' /proc/net/tcp) || exit 1; set -- $line; ` +
    'ls -l "/proc/$bridge/fd" 2>/dev/null | grep -qF "socket:[${10}]" )'
  );
}

/**
 * What is missing on this host for commands with a way out, and how to get it; empty: nothing. Commands
 * without one do not miss it, so it is no finding of an executor's check.
 */
export function missingForWayOut(): readonly Finding[] {
  return findProgram(bridgeProgram) === undefined ? [missingBridge(readOsRelease())] : [];
}

/** The finding of a host without the bridge's program, by the text of its os-release file. */
export function missingBridge(osRelease: string): Finding {
  return {
    problem: `${bridgeProgram} is not installed: no agent can reach its model.`,
    remedy: installCommand(bridgePackages, osRelease),
  };
}

const bridgePackages = {
  debian: bridgeProgram,
  fedora: bridgeProgram,
  arch: bridgeProgram,
  alpine: bridgeProgram,
};

function wrapper(name: string, ...args: readonly string[]): readonly string[] {
  const path = process.platform === 'linux' ? findProgram(name) : undefined;
  return path === undefined ? [] : [path, ...args];
}
