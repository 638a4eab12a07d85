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
 * - `supervisor.log`: what Node says when the supervisor itself fails; normally empty.
 */
export const supervisorFile = 'supervisor.json';
export const outputFile = 'output';
export const errorsFile = 'errors';
export const exitFile = 'exit.json';

/** Given to the supervisor as one JSON line on its stdin, never as an argument: it may carry secrets. */
export type SupervisorSpec = {
  readonly folder: string;
  readonly socket: string;
  readonly launch: SupervisorLaunch;
  /** Written to the agent's stdin at its start; then stdin is closed unless `keepInput`. */
  readonly input: string;
  readonly keepInput: boolean;
  readonly limits: SupervisorLimits;
  /** Ends or freezes the supervisor at one of its points, for the kill tests. */
  readonly fault?: ArmedFault;
};

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
  /** For people: what was exceeded, or why the command could not be started. */
  readonly detail: string;
};

/** Lines of JSON over the socket. A connection counts as attendance for as long as it stands. */
export type ToSupervisor =
  | { readonly type: 'stop'; readonly graceMs: number }
  | { readonly type: 'input'; readonly text: string; readonly end: boolean };

export type FromSupervisor =
  | { readonly type: 'output'; readonly bytes: number }
  | { readonly type: 'exit'; readonly exit: ExitRecord };
