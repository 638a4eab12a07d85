import type { Clock } from '../lib/clock.ts';
import type { Secret } from '../lib/secret.ts';

/** Settings that were given as flags, by the name of their environment variable; flags win over those. */
export type FlagSettings = Readonly<Partial<Record<ServerSetting, string>>>;

export type ServerSetting =
  | 'SLIPWAY_HOST'
  | 'SLIPWAY_PORT'
  | 'SLIPWAY_DATA_DIR'
  | 'SLIPWAY_WORKERS'
  | 'SLIPWAY_ISOLATION'
  | 'SLIPWAY_WORKSPACE_DIR'
  | 'SLIPWAY_DEBUG';

/** Runs a part of the server and resolves with the exit code; prints its own problems, ends by its own signal. */
type ServerCommand = (settings: FlagSettings) => Promise<number>;

/** What the demo shows: which agent, and whether a script on loopback stands in for the agent's model. */
export type DemoChoice = {
  readonly agent: (typeof demoAgents)[number];
  readonly scriptedModel: boolean;
};

export const demoAgents = ['script', 'claude-code', 'codex'] as const;

/** What the terminal commands know of their configuration. */
export type CliConfig = {
  /** The server's address, where the environment names one. */
  readonly address?: string | undefined;
  readonly token?: Secret | undefined;
  /** Where a server of this user may have left its address and administrator token; the first that has wins. */
  readonly dataFolders: readonly string[];
  /** Whether colours are wanted on a terminal. */
  readonly color: boolean;
};

export type CliDeps = {
  readonly version: string;
  readonly config: CliConfig;
  /** A variable of the caller's environment, of whatever name the caller gives. */
  readonly variable: (name: string) => string | undefined;
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: NodeJS.WritableStream & { readonly columns?: number };
  readonly stderr: NodeJS.WritableStream;
  /** Whether stdout is a terminal: then progress is live, and what an agent wrote is made harmless. */
  readonly isTerminal: boolean;
  /** Aborted when the user interrupts. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly commands: {
    readonly serve: ServerCommand;
    readonly work: ServerCommand;
    readonly doctor: ServerCommand;
    readonly demo: (choice: DemoChoice) => Promise<number>;
  };
};
