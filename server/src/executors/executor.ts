/**
 * The executor port: makes isolated places to run commands in.
 *
 * Contract:
 * - `check` finds what is missing on this host before anything runs; nothing falls back to less isolation.
 * - `place` is pure: the same folder and number give the same place, after a restart too.
 * - `handOver` is called once a workspace folder, before its first command; it gives `tree/` and `home/`
 *   to the sandbox's user without following symbolic links.
 * - `launch` turns a command into plain data that anybody may spawn: the supervisor for the agent,
 *   `runInSandbox` for the worker's own short commands. Each launch is spawned at most once.
 * - Ending the spawned process with SIGKILL ends everything that the command started, daemons and double
 *   forks included (`process` does so as well as it can and says so). When the spawner dies, so does the sandbox.
 * - `release` is called after the command ended, in any way, and may be repeated.
 */
export type Executor = {
  readonly name: ExecutorName;
  readonly check: (signal: AbortSignal) => Promise<readonly Finding[]>;
  readonly place: (folder: string, number: number) => Place;
  readonly handOver: (place: Place) => Promise<void>;
  readonly launch: (place: Place, command: SandboxCommand, limits: SandboxLimits) => Promise<Launch>;
  readonly release: (launch: Launch) => Promise<void>;
};

export type ExecutorName = 'bubblewrap' | 'process';

/** Something that this host lacks, and the exact command or setting that mends it. */
export type Finding = { readonly problem: string; readonly remedy: string };

/** The folders of a workspace that a sandbox may write to. The home stays between runs, `/tmp` does not. */
export type Place = {
  readonly folder: string;
  /** The checked-out tree on the host, and where the command sees it. */
  readonly tree: string;
  readonly treeInside: string;
  readonly home: string;
  readonly homeInside: string;
  /** The host's user that the command runs as; undefined: the server's own. */
  readonly uid: number | undefined;
  /** The port on the command's own loopback that leads to the way out, where a command has one. */
  readonly wayOutPort: number;
};

export type SandboxCommand = {
  /** The program as the sandbox sees it, and its arguments. */
  readonly argv: readonly [string, ...string[]];
  /** The whole environment beside PATH, HOME, LANG, TMPDIR and USER, which the executor sets; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Files or folders of the host that the command may read, at their own paths. */
  readonly readOnly?: readonly string[];
  /** Folders of `readOnly` programs, for PATH; behind the system's. */
  readonly pathFolders?: readonly string[];
  /**
   * A unix socket of the host, served by the spawner, that the command reaches at `wayOutPort` of its own
   * loopback, through a bridge that the executor starts before it; it exists when the launch is spawned.
   */
  readonly wayOut?: { readonly socket: string };
  /** Files written below the home, 0600, before the command starts, or removed (null): paths relative to it, no `..`. */
  readonly homeFiles?: Readonly<Record<string, string | null>>;
  /**
   * A short command of the server's own. It gets no control group, which costs 12 ms to enter, and as much
   * again to leave: its address space bounds it, and its caller bounds its time.
   */
  readonly brief?: boolean;
};

export type SandboxLimits = {
  readonly memoryBytes: number;
  readonly processes: number;
  /** The size of the private /tmp. */
  readonly temporaryBytes: number;
};

/** How to spawn a command in a sandbox: plain data, safe to hand to another process. */
export type Launch = {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Read by the sandbox at these descriptors (numbers from 4 up, no gaps); 3 is where it tells about itself. */
  readonly files: readonly LaunchFile[];
  /** Control group folders that the command was put in; empty where none can be written. */
  readonly controlGroups: readonly string[];
  /** False where memory must be watched from outside, since no control group bounds it. */
  readonly memoryBounded: boolean;
};

/** A file of the host, opened for reading, or a text that comes through a pipe and is seen by nobody else. */
export type LaunchFile =
  | { readonly descriptor: number; readonly path: string }
  | { readonly descriptor: number; readonly content: string };
