import type { Agent } from '../agents/agent.ts';
import { deadlineSeconds } from '../domain/deadlines.ts';
import { invalidField, Refusal } from '../domain/errors.ts';
import type { FaultPoint } from '../domain/fault-points.ts';
import type { NamedMcpServer } from '../domain/mcp-server.ts';
import { priorityRange, type PublishMode, type TaskOptions } from '../domain/options.ts';
import { publishesByItself } from '../domain/publishes-by-itself.ts';
import {
  parseRepositoryUrl,
  RepositoryUrlRefused,
  type RepositoryUrl,
  type RepositoryUrlPolicy,
} from '../domain/repository-url.ts';
import type { TaskKind } from '../domain/run-state.ts';
import type { ToolRequest } from '../domain/tool.ts';
import type { ForgeOf } from '../forges/forge.ts';
import type { Faults } from '../lib/faults.ts';
import { createAddressGuard, type AddressGuard } from '../lib/guarded-address.ts';
import type { Ids } from '../lib/ids.ts';
import type { Secret } from '../lib/secret.ts';
import { silentTelemetry, type Telemetry } from '../lib/telemetry.ts';
import { placeOf, type TracePlace } from '../lib/traceparent.ts';
import type { KeyRing } from '../secrets/key-ring.ts';
import {
  createLimitedTaskInserter,
  createTaskInserter,
  findIdempotencyKey,
  type NewTask,
  type SealedSecret,
  type WorkflowPlace,
} from '../store/create-task.ts';
import type { Database } from '../store/database.ts';
import { findKey } from '../store/keys.ts';
import { ensureRepository } from '../store/owners.ts';
import { findSharedWorkspace } from '../store/shared-workspace.ts';
import type { TaskReference, Viewer } from '../store/tasks.ts';
import type { Wakeups } from '../store/wakeups.ts';
import { bodyHashOf, idempotencyMismatch } from './idempotency.ts';
import { keyMisfit } from './key-misfit.ts';
import { requireAbility, type Actor } from './require-ability.ts';
import { spendTask } from './spend-task.ts';
import {
  taskOptionsOf,
  type OptionsPolicy,
  type SubmissionFields,
  type WantedOptions,
} from './task-options.ts';
import { taskServersOf } from './task-servers.ts';

export type { SubmissionFields } from './task-options.ts';

/** A submission, parsed at the edge: types and lengths hold, names and addresses are checked here. */
export type Submission = WantedOptions & {
  readonly source: string;
  readonly kind: TaskKind;
  readonly repositoryUrl: string;
  readonly prompt: string;
  readonly publish: PublishMode;
  readonly accessToken?: Secret;
  /** The key that the agent's model is called with, in the place of the server's. */
  readonly aiKey?: Secret;
  readonly providerKey?: string;
  readonly callbackUrl?: string;
  /** The task in whose workspace this one is to work. */
  readonly workspaceTask?: TaskReference;
  /** Servers of the task's own, of different names. */
  readonly mcpServers?: readonly NamedMcpServer[];
  /** Tools of different names; a server of the task's own with the name of one stands in its place. */
  readonly tools?: readonly ToolRequest[];
  readonly idempotencyKey?: string;
  /** Whose keys these are; undefined: those of callers of the API, which nobody else's shall meet. */
  readonly idempotencyRoute?: string;
  /** Identifies who is counted against the rate limit, without telling the credential; undefined: nobody is. */
  readonly rateLimitKey?: string;
  /** So many runs may wait in the queue of tasks: where it is full, the submission is refused. */
  readonly queueLimit?: number;
  /** The request's place in a trace: the task goes on with it. */
  readonly trace?: TracePlace;
  /** The workflow run that it is a step of. */
  readonly workflow?: WorkflowPlace;
};

export type CreatedTask = { readonly id: string; readonly createdAt: Date };

export type CreateTaskDeps = {
  readonly database: Database;
  readonly wakeups: Wakeups;
  readonly keyRing: KeyRing;
  readonly ids: Ids;
  readonly faults: Faults<FaultPoint>;
  readonly agents: ReadonlyMap<string, Agent>;
  readonly forgeOf: ForgeOf;
  readonly policy: CreateTaskPolicy;
  readonly telemetry?: Telemetry;
};

export type CreateTaskPolicy = OptionsPolicy & {
  readonly repositories: RepositoryUrlPolicy;
  /** 0: no limit. */
  readonly tasksPerMinute: number;
  /** Hosts that callbacks may go to although they are not on the internet, as `createAddressGuard` has them. */
  readonly allowPrivate: readonly string[];
};

const callersRoute = 'tasks';
/** A worker takes its next task within seconds of the end of another. */
const fullQueueRetrySeconds = 10;

/**
 * Stores a task and wakes a worker. Creating never contacts the repository. With an idempotency key the
 * same submission gives the same task however often it is sent.
 *
 * @throws Refusal `invalid` (by field), `forbidden`, `rate_limited`, `unavailable` where the queue is full, or
 * `idempotency_mismatch` when the key was used with another submission.
 */
export function createTaskService(deps: CreateTaskDeps) {
  const repositoryIds = new Map<string, string>();
  const store = createStoring(deps.database);
  const guard = createAddressGuard(deps.policy.allowPrivate);

  return async (viewer: Actor, submission: Submission, fields: SubmissionFields): Promise<CreatedTask> => {
    const receivedAt = new Date();
    if (publishesByItself(submission)) requireAbility(viewer, 'git:push');
    const repository = checkedRepository(submission.repositoryUrl, deps.policy.repositories, fields);
    checkCallback(guard, submission.callbackUrl, fields);
    const idempotency =
      submission.idempotencyKey === undefined ? null : keyOf(submission, submission.idempotencyKey);
    const taskId = deps.ids.random();
    const options = taskOptionsOf(taskId, submission, { policy: deps.policy, fields });
    checkAgent(deps.agents, { taskId, prompt: submission.prompt, options }, fields);
    if (idempotency !== null) {
      const kept = await findKept(deps.database, viewer, idempotency);
      if (kept !== undefined) return kept;
    }
    await checkKey(deps, viewer, { submission, repository, fields });
    const servers = await taskServersOf(deps.database, viewer, { wanted: submission, fields });
    if (submission.rateLimitKey !== undefined) {
      await spendTask(deps.database, deps.policy.tasksPerMinute, submission.rateLimitKey);
    }
    const repositoryId = await repositoryIdOf(deps, repositoryIds, repository.canonical);
    const { workspace, ...shared } = await workspaceOf(deps, viewer, { submission, repositoryId, fields });
    const task: NewTask = {
      taskId,
      ...workspace,
      runId: deps.ids.ordered(),
      ownerId: viewer.userId,
      repositoryId,
      repositoryUrl: repository.publicUrl,
      source: submission.source,
      kind: submission.kind,
      prompt: submission.prompt,
      options: { ...options, ...servers.options, ...shared },
      publish: submission.publish,
      callbackUrl: submission.callbackUrl ?? null,
      providerKey: submission.providerKey ?? null,
      accessToken: submission.accessToken === undefined ? null : seal(deps, submission.accessToken),
      ...(submission.aiKey === undefined ? {} : { aiKey: seal(deps, submission.aiKey) }),
      ...(servers.sealable === undefined ? {} : { mcpServers: seal(deps, servers.sealable) }),
      ...(submission.workflow === undefined ? {} : { workflow: submission.workflow }),
      traceId: submission.trace?.traceId ?? deps.ids.random().replaceAll('-', ''),
      priority: submission.priority ?? priorityRange.default,
      pendingSeconds: deadlineSeconds.pending,
      idempotency,
    };
    const createdAt = await store(task, submission.queueLimit);
    if (!(createdAt instanceof Date)) {
      const kept = idempotency === null ? undefined : await findKept(deps.database, viewer, idempotency);
      if (kept === undefined) throw createdAt;
      return kept;
    }
    deps.faults.reach('create.stored');
    recordBirth(deps, task, { parent: submission.trace, at: receivedAt });
    deps.wakeups.wake('run', task.runId);
    return { id: taskId, createdAt };
  };
}

/** Stores a task, within a limit where there is one: when it was stored, else why it was not. */
function createStoring(database: Database) {
  const insert = createTaskInserter(database);
  const insertWithin = createLimitedTaskInserter(database);
  return async (task: NewTask, limit: number | undefined): Promise<Date | Refusal> => {
    const stored = await (limit === undefined ? insert(task) : insertWithin({ task, limit }));
    if (stored === 'full') {
      return new Refusal('unavailable', `the queue is full: ${limit} tasks wait`, {
        retryAfterSeconds: fullQueueRetrySeconds,
      });
    }
    return stored ?? new Refusal('conflict', 'the idempotency key is in use; try again');
  };
}

/** The span below which everything hangs that is done for the task, in whatever process: its id is the task's. */
function recordBirth(
  { telemetry = silentTelemetry }: CreateTaskDeps,
  task: NewTask,
  { parent, at }: { readonly parent: TracePlace | undefined; readonly at: Date },
): void {
  const span = telemetry.tracer.begin('create task', {
    parent,
    place: placeOf(task.traceId, task.taskId),
    kind: 'producer',
    at,
    attributes: { 'slipway.task.id': task.taskId, 'slipway.task.source': task.source },
  });
  span.end();
}

/** Reads a repository's address. Throws Refusal `invalid`, by its field. */
export function checkedRepository(
  text: string,
  policy: RepositoryUrlPolicy,
  fields: Pick<SubmissionFields, 'repositoryUrl'>,
): RepositoryUrl {
  try {
    return parseRepositoryUrl(text, policy);
  } catch (error) {
    if (error instanceof RepositoryUrlRefused) throw invalidField(fields.repositoryUrl, error.message);
    throw error;
  }
}

/** Nothing is looked up: a name may lead elsewhere by the time that it is used, and is judged then. */
function checkCallback(guard: AddressGuard, url: string | undefined, fields: SubmissionFields): void {
  if (url === undefined) return;
  switch (guard.read(url)) {
    case 'not_a_url':
      throw invalidField(fields.callbackUrl, 'must be a valid URL');
    case 'credentials':
      throw invalidField(fields.callbackUrl, 'must not contain a user name or password');
    case 'not_public':
      throw invalidField(
        fields.callbackUrl,
        'must lead to the public internet; the operator lists other hosts in SLIPWAY_ALLOW_PRIVATE_ADDRESSES',
      );
  }
}

function checkAgent(
  agents: ReadonlyMap<string, Agent>,
  task: { readonly taskId: string; readonly prompt: string; readonly options: TaskOptions },
  fields: SubmissionFields,
): void {
  const {
    agent: name,
    timeoutSeconds: _time,
    mcpServers: _servers,
    tools: _tools,
    ...options
  } = task.options;
  const agent = agents.get(name);
  if (agent === undefined) throw invalidField(fields.agent, `unknown CLI: ${name.slice(0, 100)}`);
  const about = { taskId: task.taskId, runId: task.taskId, iteration: 1, prompt: task.prompt };
  const refusal = agent.refuse({ ...about, ...options });
  if (refusal !== undefined) throw invalidField(fields[refusal.field], refusal.message);
}

/**
 * A key that is there must fit the repository. One that is not there is taken: it may be registered before the
 * task needs it, and creating promises nothing about the outside.
 */
async function checkKey(
  { database, forgeOf }: CreateTaskDeps,
  viewer: Viewer,
  asked: {
    readonly submission: Submission;
    readonly repository: RepositoryUrl;
    readonly fields: SubmissionFields;
  },
): Promise<void> {
  const { submission, repository, fields } = asked;
  const { providerKey, accessToken } = submission;
  // The task's own token goes before the key, but does not log in over ssh.
  const isUsed = accessToken === undefined || repository.kind === 'ssh';
  if (providerKey === undefined || !isUsed) return;
  const key = await findKey(database, viewer.userId, providerKey);
  const misfit = key && keyMisfit(key, repository, forgeOf(repository.publicUrl));
  if (misfit !== undefined) throw invalidField(fields.providerKey, misfit);
}

/** The workspace of the task that the submission names, where one can go on in it, else a new one. */
async function workspaceOf(
  { database, ids }: CreateTaskDeps,
  viewer: Viewer,
  asked: {
    readonly submission: Submission;
    readonly repositoryId: string;
    readonly fields: SubmissionFields;
  },
): Promise<{
  readonly workspace: Pick<NewTask, 'workspaceId' | 'sharesWorkspace'>;
  readonly workspaceTaskId?: string;
}> {
  const { submission, repositoryId, fields } = asked;
  const fresh = { workspaceId: ids.ordered() };
  if (submission.workspaceTask === undefined) return { workspace: fresh };
  const wanted = { task: submission.workspaceTask, ownerId: viewer.userId, repositoryId };
  const found = await findSharedWorkspace(database, wanted);
  if (found.kind === 'foreign') {
    throw invalidField(fields.workspaceTask, 'must be a task of yours in the same repository');
  }
  // What is not there any more cannot be gone on in, whatever it was.
  if (found.kind === 'unknown') return { workspace: fresh };
  const { taskId: workspaceTaskId, workspaceId } = found;
  // A pull request is looked at as it is, in a tree of its own.
  if (workspaceId === undefined || submission.kind === 'pr_review')
    return { workspace: fresh, workspaceTaskId };
  return { workspace: { workspaceId, sharesWorkspace: true }, workspaceTaskId };
}

type Idempotency = NonNullable<NewTask['idempotency']>;

function keyOf(submission: Submission, key: string): Idempotency {
  const { accessToken, aiKey, kind, idempotencyRoute: route = callersRoute, ...rest } = submission;
  const { rateLimitKey: _counted, trace: _trace, queueLimit: _limit, branchOf: _branch, ...plain } = rest;
  // Without the kind that was once the only one: keys that are kept go on standing for what they stood for.
  const body = kind === 'code' ? plain : { ...plain, kind };
  const secrets = [accessToken?.reveal() ?? null, ...(aiKey === undefined ? [] : [aiKey.reveal()])];
  return { route, key, bodyHash: bodyHashOf(body, ...secrets) };
}

async function findKept(
  database: Database,
  viewer: Viewer,
  idempotency: Idempotency,
): Promise<CreatedTask | undefined> {
  const kept = await findIdempotencyKey(database, viewer.userId, idempotency.route, idempotency.key);
  if (kept === undefined) return undefined;
  if (kept.bodyHash !== idempotency.bodyHash) throw idempotencyMismatch();
  return { id: kept.taskId, createdAt: kept.createdAt };
}

const rememberedRepositories = 10_000;

/** The row's id never changes, so it is remembered: one look-up less on the hot path. */
async function repositoryIdOf(
  deps: CreateTaskDeps,
  known: Map<string, string>,
  canonicalUrl: string,
): Promise<string> {
  const remembered = known.get(canonicalUrl);
  if (remembered !== undefined) return remembered;
  const id = await ensureRepository(deps.database, deps.ids, canonicalUrl);
  if (known.size >= rememberedRepositories) known.clear();
  known.set(canonicalUrl, id);
  return id;
}

function seal(deps: CreateTaskDeps, token: Secret): SealedSecret {
  const id = deps.ids.ordered();
  return { id, ...deps.keyRing.seal(id, token) };
}
