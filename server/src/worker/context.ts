import type { Agent, AgentName } from '../agents/agent.ts';
import type { FaultPoint } from '../domain/fault-points.ts';
import type { CommitStyle } from '../domain/commit-message.ts';
import type { PullRequestPolicy } from '../domain/pull-request-text.ts';
import type { RepositoryUrlPolicy } from '../domain/repository-url.ts';
import type { RunQueue } from '../domain/run-state.ts';
import type { Executor, Place, SandboxLimits } from '../executors/executor.ts';
import type { OfferedProgram } from '../executors/offer-program.ts';
import type { ForgeOf } from '../forges/forge.ts';
import type { Git } from '../git/git.ts';
import type { Mirrors } from '../git/mirrors.ts';
import type { ArmedFault, Faults } from '../lib/faults.ts';
import type { Ids } from '../lib/ids.ts';
import type { Logger } from '../lib/logger.ts';
import type { Secret } from '../lib/secret.ts';
import type { FindCredential } from '../services/find-credential.ts';
import type { BlobFolder } from '../store/blob-folder.ts';
import type { ClaimLimits } from '../store/claim-run.ts';
import type { Database } from '../store/database.ts';
import type { Wakeups } from '../store/wakeups.ts';
import type { RunTelemetry } from './run-telemetry.ts';

/** What every step of the recipe needs; built once, in compose. */
export type WorkerContext = {
  readonly workerId: string;
  readonly database: Database;
  readonly wakeups: Wakeups;
  readonly blobs: BlobFolder;
  readonly git: Git;
  readonly mirrors: Mirrors;
  readonly executor: Executor;
  readonly agents: ReadonlyMap<string, Agent>;
  /** The program of an agent, as a sandbox in this place can run it. Throws RunFailure where it is missing. */
  readonly offerProgram: (agent: AgentName, place: Place) => Promise<OfferedProgram>;
  /** The program's version, asked for once; undefined where it does not tell. */
  readonly versionOf: (agent: AgentName, place: Place) => Promise<string | undefined>;
  /** Whether the program can be given a schema for its answer, by its own list of flags. Never rejects. */
  readonly takesSchema: (agent: Agent, place: Place) => Promise<boolean>;
  readonly forgeOf: ForgeOf;
  readonly findCredential: FindCredential;
  readonly openSecret: (id: string) => Promise<Secret>;
  /** The token of an owner's key; undefined where there is no such key, or nothing opens it. */
  readonly openKey: (ownerId: string, name: string) => Promise<Secret | undefined>;
  readonly ids: Ids;
  readonly faults: Faults<FaultPoint>;
  readonly logger: Logger;
  readonly telemetry: RunTelemetry;
  readonly folders: WorkerFolders;
  readonly settings: WorkerSettings;
};

/** Whose API an agent speaks to its model. */
export type ModelProvider = 'anthropic' | 'openai';

export type WorkerFolders = {
  /** `<workspace id>/{tree,home}` each. */
  readonly workspaces: string;
  /** `<workspace id>/<run id>` each: the supervisor's files. */
  readonly runs: string;
  /** Bundles and clean repositories, for as long as a step needs them. */
  readonly scratch: string;
  /** Short: the path of a unix socket ends at 107 bytes. */
  readonly sockets: string;
  readonly compileCache: string;
};

export type WorkerSettings = {
  /** How many runs of each queue at a time. */
  readonly slots: Readonly<Record<RunQueue, number>>;
  readonly limits: ClaimLimits;
  readonly sandbox: SandboxLimits;
  readonly silenceMs: number;
  readonly outputBytes: number;
  readonly diskBytes: number;
  readonly bundleBytes: number;
  readonly branchPrefix: string;
  readonly commit: CommitStyle;
  readonly repositories: RepositoryUrlPolicy;
  readonly pullRequests: PullRequestPolicy;
  /** Where the relays lead, and the server's own keys. */
  readonly models: Readonly<
    Record<ModelProvider, { readonly url: string; readonly key: Secret | undefined }>
  >;
  /** What the operator gave to the server for forges: no agent's words show it. */
  readonly forgeTokens: readonly Secret[];
  /** Certificates to trust beside Node's own, on the way to a model. */
  readonly certificatesFile: string | undefined;
  /** Hosts that sandboxes may reach. */
  readonly allowEgress: readonly string[];
  /** How long a question waits for a person; then it is denied. */
  readonly approvalSeconds: number;
  /** How long an agent's process is kept while its question waits; then the run is parked. */
  readonly approvalHoldMs: number;
  /** What an agent has to leave after its last word. */
  readonly agentExitMs: number;
  /** What the agent `script` runs to review finished work; undefined: the command of the task. */
  readonly reviewCommand: string | undefined;
  /** How often tests that failed are given back to the agent. */
  readonly testFixes: number;
  /** For the supervisor's own fault points. */
  readonly supervisorFault?: ArmedFault;
};
