import type { ArmedFault } from '../lib/faults.ts';

/**
 * What the worker and the supervisor say to each other. The supervisor is a program of its own that owns
 * one living sandbox and outlives the server: a killed server takes nothing of the agent away.
 *
 * In the run's folder:
 * - `supervisor.json`: its `ProcessIdentity` and socket, created exclusively before the sandbox starts.
 *   Whoever finds it there already lost the race and leaves.
 * - `output`: what the agent wrote to stdout, as it came. `errors`: the first 256 KiB of stderr.
 * - `exit.json`: the `ExitRecord`, renamed into place after everything of the sandbox is gone and both
 *   spools are synced. Nothing is appended to `output` after that.
 * - `notices`: what the way out has to tell, a `Notice` a line. Only ever appended to.
 * - `supervisor.log`: what Node says when the supervisor itself fails; normally empty.
 */
export const supervisorFile = 'supervisor.json';
export const outputFile = 'output';
export const errorsFile = 'errors';
export const exitFile = 'exit.json';
export const noticesFile = 'notices';

/** Given to the supervisor as one JSON line on its stdin, never as an argument: it may carry secrets. */
export type SupervisorSpec = {
  readonly folder: string;
  readonly socket: string;
  readonly launch: SupervisorLaunch;
  /** Written to the agent's stdin at its start; then stdin is closed unless `keepInput`. */
  readonly input: string;
  readonly keepInput: boolean;
  readonly limits: SupervisorLimits;
  /** How the sandbox reaches the outside; without it, it does not. */
  readonly wayOut?: WayOut;
  /** Ends or freezes the supervisor at one of its points, for the kill tests. */
  readonly fault?: ArmedFault;
};

/**
 * The only way out of a sandbox: a unix socket that the supervisor serves and the sandbox gets to see. It
 * speaks HTTP: requests whose path begins with a relay's prefix go to the model's address with the key
 * added, CONNECT and absolute addresses go to the hosts that are allowed, everything else is refused.
 */
export type WayOut = {
  readonly socket: string;
  /** The host's user that the sandbox runs as, who alone may connect; undefined: the server's own. */
  readonly uid?: number;
  readonly relays: readonly ModelRelay[];
  /** `host`, `*.host`, `host:port`, an address; without a port 443 and 80 are meant. */
  readonly allow: readonly string[];
};

export type ModelRelay = {
  /** `/anthropic`: `/anthropic/v1/messages` goes to `<url>/v1/messages`. */
  readonly prefix: string;
  /** Without a slash at its end. */
  readonly url: string;
  /** Put in the place of what the sandbox sent under these names (lower case): the credential. */
  readonly headers: Readonly<Record<string, string>>;
  /** Names of headers that are taken out: a credential of the sandbox's own goes nowhere. */
  readonly strip: readonly string[];
};

/** A line of `notices`. */
export type Notice = {
  readonly type: 'egress_refused';
  readonly host: string;
  readonly port: number;
  readonly reason: 'not_allowed' | 'private_address' | 'not_http';
};

/** An argument of the supervisor's program: its run will have a way out, which it loads at once. */
export const wayOutArgument = 'way-out';

/** Where `fault` can strike: claimed, sandbox spawned, sandbox gone, end recorded. */
export const supervisorFaultPoints = [
  'supervisor.claimed',
  'supervisor.spawned',
  'supervisor.ended',
  'supervisor.recorded',
] as const;
export type SupervisorFaultPoint = (typeof supervisorFaultPoints)[number];

/** The executor's `Launch`, by shape: the supervisor imports nothing but `lib`. */
export type SupervisorLaunch = {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly files: readonly (
    | { readonly descriptor: number; readonly path: string }
    | { readonly descriptor: number; readonly content: string }
  )[];
  readonly controlGroups: readonly string[];
  readonly memoryBounded: boolean;
};

export type SupervisorLimits = {
  /** The agent's whole time. */
  readonly timeMs: number;
  /** Longest time without a byte of output. */
  readonly silenceMs: number;
  readonly outputBytes: number;
  readonly memoryBytes: number;
  /** Bytes that the folders may hold together. */
  readonly diskBytes: number;
  readonly diskFolders: readonly string[];
  /** How long the supervisor goes on with nobody attached before it ends its sandbox. */
  readonly unattendedMs: number;
  /** How long the agent has between SIGTERM and the end of its sandbox, at a stop that asks for one. */
  readonly graceMs: number;
};

export type ExitReason =
  | 'exited'
  /** Its turn was over (`finish`), and it had not left in its grace. */
  | 'finished'
  | 'stopped'
  | 'time_limit'
  | 'silence_limit'
  | 'output_limit'
  | 'memory_limit'
  | 'disk_limit'
  | 'unattended'
  | 'not_started';

/** How a run's sandbox ended. `code` and `signal` are the command's own; `reason` is why it is over. */
export type ExitRecord = {
  readonly reason: ExitReason;
  readonly code: number | null;
  readonly signal: string | null;
  /** The size of `output`. */
  readonly outputBytes: number;
  readonly startedAt: string;
  readonly endedAt: string;
  /** Of the time between them, what was on hold; not in records of older versions. */
  readonly heldMs?: number;
  /** For people: what was exceeded, or why the command could not be started. */
  readonly detail: string;
};

/**
 * Lines of JSON over the socket. A connection counts as attendance for as long as it stands.
 * - `input` is written to the agent once for each key, however often it is sent: who adopts an agent sends
 *   again what it would have sent.
 * - `hold` stops the clocks of time and silence until `go`: the agent waits for a person.
 * - `finish`: the agent has said its last word. Its stdin is closed; after `graceMs` its sandbox is ended.
 */
export type ToSupervisor =
  | { readonly type: 'stop'; readonly graceMs: number }
  | { readonly type: 'input'; readonly key: string; readonly text: string; readonly end: boolean }
  | { readonly type: 'hold' }
  | { readonly type: 'go' }
  | { readonly type: 'finish'; readonly graceMs: number };

export type FromSupervisor =
  | { readonly type: 'output'; readonly bytes: number }
  /** There are so many notices by now. */
  | { readonly type: 'notices'; readonly count: number }
  | { readonly type: 'exit'; readonly exit: ExitRecord };
