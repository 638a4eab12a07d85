import { rmdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Agent } from './agents/agent.ts';
import { composeAgents, createAgentPrograms } from './compose-agents.ts';
import { composeCallbacks } from './compose-callbacks.ts';
import { composeDelivery, leasePoints } from './compose-delivery.ts';
import { composeExecutor } from './compose-executor.ts';
import { composeRepositories, type RepositoryParts } from './compose-repositories.ts';
import { composeTelemetry, type ProcessTelemetry } from './compose-telemetry.ts';
import { composeWorkflowSteps } from './compose-workflows.ts';
import { composeWorkspaceKeeping } from './compose-workspaces.ts';
import type { Config } from './config.ts';
import { keptSecret, keptWorkerId, openDataFolder, type DataFolder } from './data-folder.ts';
import type { FaultPoint } from './domain/fault-points.ts';
import { createOutbox } from './effects/outbox.ts';
import type { Executor } from './executors/executor.ts';
import { createMirrors } from './git/mirrors.ts';
import { createFaults, type Faults } from './lib/faults.ts';
import { lockFolder } from './lib/folder-lock.ts';
import { systemIds } from './lib/ids.ts';
import type { Logger, ProcessLog } from './lib/logger.ts';
import type { Secret } from './lib/secret.ts';
import { startEmbeddedPostgres } from './postgres/embedded.ts';
import { createKeyRing, openIfPossible, type KeyRing } from './secrets/key-ring.ts';
import { createHousekeeping, databaseDuties, type Duty } from './services/housekeeping.ts';
import { createRunCounter } from './services/count-runs.ts';
import { measureDisk } from './services/measure-disk.ts';
import { measureWork } from './services/measure-work.ts';
import { resealDuty } from './services/reseal-secrets.ts';
import { createSweeper } from './services/sweep.ts';
import { createBlobFolder, type BlobFolder } from './store/blob-folder.ts';
import { openDatabase, type Database, type DatabaseAddress } from './store/database.ts';
import { migrate } from './store/migrate.ts';
import { findKey } from './store/keys.ts';
import { ensureAdministrator, ensureWorker } from './store/owners.ts';
import { findSecret } from './store/secrets.ts';
import { createWakeups, type Wakeups } from './store/wakeups.ts';
import { supervisorFaultPoints } from './supervisor/protocol.ts';
import type { WorkerContext, WorkerSettings } from './worker/context.ts';
import { createLeaseKeeper } from './worker/lease-keeper.ts';
import { createRunTelemetry } from './worker/run-telemetry.ts';
import { version } from './version.ts';
import { createWorker } from './worker/worker.ts';

/** What every role of a process stands on: the data folder, the database, and what is made once. */
export type Foundation = RepositoryParts & {
  readonly config: Config;
  readonly logger: ProcessLog;
  readonly telemetry: ProcessTelemetry;
  readonly folder: DataFolder;
  readonly database: Database;
  readonly wakeups: Wakeups;
  readonly blobs: BlobFolder;
  readonly keyRing: KeyRing;
  readonly agents: ReadonlyMap<string, Agent>;
  readonly faults: Faults<FaultPoint>;
  readonly adminId: string;
};

const megabyte = 1024 * 1024;
/** In the place of no limit: more runs than any installation has. */
const unlimited = 1_000_000;

/**
 * Opens the data folder and the database, in this order: one process a folder, PostgreSQL started or adopted
 * where no `DATABASE_URL` is set, migrations under their lock. What is opened is closed by `stack`, in reverse.
 */
export async function layFoundation(
  config: Config,
  dataFolder: string,
  logger: ProcessLog,
  stack: AsyncDisposableStack,
): Promise<Foundation> {
  // First, so that it is closed last: what the others do while they stop is told too.
  const telemetry = await composeTelemetry(config, logger, stack);
  const folder = await openDataFolder(dataFolder, config.data);
  const lock = await lockFolder(folder.root, 'slipway');
  stack.defer(() => lock.release());
  stack.defer(() => removeSocketFolder(folder));
  const database = openDatabase(
    await addressOf(config, folder, logger, stack),
    config.database.poolSize,
    logger,
  );
  stack.defer(() => database.close());
  await migrateWith(database);
  measureWork(database, telemetry.meter);
  measureDisk(database, telemetry.meter, folder.workspaces);
  const wakeups = createWakeups(database, systemIds.random(), logger);
  runLoop(stack, wakeups.run);
  const keyRing = hidingKeyRing(await encryptionKeys(config, folder), logger);
  return {
    ...composeRepositories(config, { folder, database, keyRing, logger, meter: telemetry.meter }),
    config,
    logger,
    telemetry,
    folder,
    database,
    wakeups,
    blobs: createBlobFolder(folder.blobs),
    keyRing,
    agents: composeAgents(config),
    faults: createFaults<FaultPoint>(config.fault),
    adminId: await ensureAdministrator(database, systemIds),
  };
}

/** What is opened was configured nowhere: the log has to be told that it must not say it. */
function hidingKeyRing(keys: readonly [Secret, ...Secret[]], logger: ProcessLog): KeyRing {
  keys.forEach(logger.hide);
  const keyRing = createKeyRing(keys);
  return {
    ...keyRing,
    open(id, sealed) {
      const secret = keyRing.open(id, sealed);
      logger.hide(secret);
      return secret;
    },
  };
}

/** Empty folders only: a living supervisor still listens on its socket, and its folder stays. */
async function removeSocketFolder(folder: DataFolder): Promise<void> {
  await rmdir(join(folder.sockets, 'postgres')).catch(() => undefined);
  await rmdir(folder.sockets).catch(() => undefined);
}

async function addressOf(
  config: Config,
  folder: DataFolder,
  logger: Logger,
  stack: AsyncDisposableStack,
): Promise<DatabaseAddress> {
  if (config.database.url !== undefined) return { url: config.database.url };
  const starting = new AbortController();
  const embedded = await startEmbeddedPostgres({
    dataFolder: folder.root,
    socketFolder: folder.sockets,
    logger,
    signal: starting.signal,
  });
  stack.defer(() => embedded.stop());
  return embedded.connection;
}

async function migrateWith(database: Database): Promise<void> {
  const client = await database.connect(() => undefined);
  try {
    await migrate(client, join(import.meta.dirname, '../migrations'));
  } finally {
    await client.end();
  }
}

async function encryptionKeys(config: Config, folder: DataFolder): Promise<readonly [Secret, ...Secret[]]> {
  const [newest, ...older] = config.encryptionKeys;
  return newest === undefined ? [(await keptSecret(folder, 'key')).secret] : [newest, ...older];
}

export type RunningWork = {
  /** Resolves when the runs of a killed predecessor are this process's own again. */
  readonly reconciled: Promise<void>;
};

/**
 * Starts what works on tasks: the worker, the lease loop, the outbox and the sweeper. Each is a loop that
 * `stack` ends; the leases go on until the worker has let go of everything.
 */
export async function startWork(foundation: Foundation, stack: AsyncDisposableStack): Promise<RunningWork> {
  const { config, database, logger, telemetry, wakeups } = foundation;
  const workerId = await keptWorkerId(foundation.folder, systemIds.ordered);
  const workspacesFolder = foundation.folder.workspaces;
  await ensureWorker(database, { id: workerId, host: hostname(), version, workspacesFolder });
  const context = workerContext(foundation, workerId, composeExecutor(config, foundation.folder, logger));
  const leases = createLeaseKeeper(database, logger, telemetry);
  const worker = createWorker(context, leases);
  const outbox = createOutbox({
    workerId,
    database,
    wakeups,
    logger,
    hold: leases.holdEffect,
    telemetry,
    afterLease: (kind) => context.faults.reach(leasePoints[kind]),
    handlers: {
      ...composeDelivery(context),
      workflow_step: composeWorkflowSteps(foundation, context),
      callback: composeCallbacks(foundation),
    },
  });
  const sweeper = createSweeper({
    database,
    wakeups,
    ids: systemIds,
    faults: foundation.faults,
    logger,
    countRun: createRunCounter(telemetry.meter),
  });
  runLoop(stack, leases.run);
  runLoop(stack, worker.run);
  runLoop(stack, outbox.run);
  runLoop(stack, async (signal) => {
    await worker.reconciled;
    await sweeper.run(signal);
  });
  const workspaces = composeWorkspaceKeeping(foundation, context);
  runLoop(stack, workspaces.mind);
  runLoop(stack, async (signal) => {
    await worker.reconciled;
    await housekeeping(foundation, workspaces.duties).run(signal);
  });
  return { reconciled: worker.reconciled };
}

function housekeeping({ database, keyRing, logger }: Foundation, onHost: readonly Duty[]) {
  const duties = [...databaseDuties(database), resealDuty({ database, keyRing }), ...onHost];
  return createHousekeeping({ database, logger, duties });
}

/** Begins a loop that lasts until `stack` ends it, and is waited for then. */
export function runLoop(stack: AsyncDisposableStack, loop: (signal: AbortSignal) => Promise<void>): void {
  const stopping = new AbortController();
  const ended = loop(stopping.signal);
  stack.defer(async () => {
    stopping.abort();
    await ended;
  });
}

function workerContext(foundation: Foundation, workerId: string, executor: Executor): WorkerContext {
  const { config, folder, database, keyRing, git, repositories } = foundation;
  return {
    workerId,
    database,
    wakeups: foundation.wakeups,
    blobs: foundation.blobs,
    git,
    mirrors: createMirrors({ git, folder: folder.mirrors, maxBytes: config.worker.mirrorsMb * megabyte }),
    executor,
    agents: foundation.agents,
    ...createAgentPrograms(config, { executor, folder, logger: foundation.logger }),
    openSecret: async (id) => {
      const sealed = await findSecret(database, id);
      if (sealed === undefined) throw new Error('a stored secret is gone');
      return keyRing.open(id, sealed);
    },
    openKey: async (ownerId, name) => {
      const key = await findKey(database, ownerId, name);
      return key === undefined ? undefined : openIfPossible(keyRing, key.secret);
    },
    forgeOf: foundation.forges.forgeOf,
    findCredential: foundation.findCredential,
    ids: systemIds,
    faults: foundation.faults,
    logger: foundation.logger,
    telemetry: createRunTelemetry(foundation.telemetry),
    folders: folder,
    settings: workerSettings(config, repositories),
  };
}

function workerSettings(config: Config, repositories: WorkerSettings['repositories']): WorkerSettings {
  const { worker, git, agents } = config;
  const fault = config.fault;
  return {
    slots: { tasks: worker.workers, reviews: worker.reviewWorkers, follow_ups: worker.followUpWorkers },
    limits: {
      perRepository: worker.runsPerRepository === 0 ? unlimited : worker.runsPerRepository,
      perOwner: worker.runsPerOwner === 0 ? unlimited : worker.runsPerOwner,
    },
    sandbox: {
      memoryBytes: worker.memoryMb * megabyte,
      processes: worker.processes,
      temporaryBytes: worker.temporaryMb * megabyte,
    },
    silenceMs: worker.silenceSeconds * 1_000,
    outputBytes: worker.outputMb * megabyte,
    diskBytes: worker.diskMb * megabyte,
    bundleBytes: worker.resultMb * megabyte,
    branchPrefix: git.branchPrefix,
    commit: { authorName: git.authorName, authorEmail: git.authorEmail, trailers: git.commitTrailers },
    repositories,
    models: {
      anthropic: { url: agents.anthropic.url, key: agents.anthropic.key },
      openai: { url: agents.openai.url, key: agents.openai.key },
    },
    pullRequests: config.pullRequests,
    forgeTokens: [config.forges.github.token, config.forges.gitlab.token].filter(
      (token) => token !== undefined,
    ),
    certificatesFile: agents.certificatesFile,
    allowEgress: agents.allowEgress,
    approvalSeconds: agents.approvalSeconds,
    approvalHoldMs: agents.approvalHoldSeconds * 1_000,
    agentExitMs: agents.exitSeconds * 1_000,
    testFixes: agents.testFixes,
    reviewCommand: config.reviews.command,
    ...(fault !== undefined && isSupervisorPoint(fault.point) ? { supervisorFault: fault } : {}),
  };
}

function isSupervisorPoint(point: string): boolean {
  const points: readonly string[] = supervisorFaultPoints;
  return points.includes(point);
}
