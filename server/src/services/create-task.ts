import { createHash } from 'node:crypto';
import type { Agent } from '../agents/agent.ts';
import { isBranchName } from '../domain/branch-name.ts';
import { deadlineSeconds } from '../domain/deadlines.ts';
import { invalidField, Refusal } from '../domain/errors.ts';
import type { FaultPoint } from '../domain/fault-points.ts';
import { branchMaxLength, priorityRange, type PublishMode, type TaskOptions } from '../domain/options.ts';
import {
  parseRepositoryUrl,
  RepositoryUrlRefused,
  type RepositoryUrl,
  type RepositoryUrlPolicy,
} from '../domain/repository-url.ts';
import type { Faults } from '../lib/faults.ts';
import type { Ids } from '../lib/ids.ts';
import type { Secret } from '../lib/secret.ts';
import type { KeyRing } from '../secrets/key-ring.ts';
import { findIdempotencyKey, insertTask, type NewTask, type SealedSecret } from '../store/create-task.ts';
import type { Database } from '../store/database.ts';
import { ensureRepository } from '../store/owners.ts';
import { spendRateLimit } from '../store/rate-limits.ts';
import type { Viewer } from '../store/tasks.ts';
import type { Wakeups } from '../store/wakeups.ts';

/** A submission, parsed at the edge: types and lengths hold, names and addresses are checked here. */
export type Submission = {
  readonly source: string;
  readonly repositoryUrl: string;
  readonly prompt: string;
  readonly agent: string;
  readonly command?: string;
  /** Clamped to the maximum, not refused. */
  readonly timeoutSeconds?: number;
  readonly sourceBranch?: string;
  readonly targetBranch?: string;
  readonly publish: PublishMode;
  readonly priority?: number;
  readonly accessToken?: Secret;
  readonly providerKey?: string;
  readonly callbackUrl?: string;
  readonly idempotencyKey?: string;
  /** Identifies who is counted against the rate limit, without telling the credential. */
  readonly rateLimitKey: string;
};

export type CreatedTask = { readonly id: string; readonly createdAt: Date };

export type CreateTaskDeps = {
  readonly database: Database;
  readonly wakeups: Wakeups;
  readonly keyRing: KeyRing;
  readonly ids: Ids;
  readonly faults: Faults<FaultPoint>;
  readonly agents: ReadonlyMap<string, Agent>;
  readonly policy: CreateTaskPolicy;
};

export type CreateTaskPolicy = {
  readonly repositories: RepositoryUrlPolicy;
  readonly timeoutSecondsDefault: number;
  readonly timeoutSecondsMax: number;
  /** 0: no limit. */
  readonly tasksPerMinute: number;
};

/** The fields of a submission under the names that the caller knows them by, for messages. */
export type SubmissionFields = {
  readonly repositoryUrl: string;
  readonly agent: string;
  readonly command: string;
  readonly sourceBranch: string;
  readonly targetBranch: string;
  readonly priority: string;
};

const route = 'tasks';

/**
 * Stores a task and wakes a worker. Creating never contacts the repository. With an idempotency key the
 * same submission gives the same task however often it is sent.
 *
 * @throws Refusal `invalid` (by field), `rate_limited`, or `idempotency_mismatch` when the key was used
 * with another submission.
 */
export function createTaskService(deps: CreateTaskDeps) {
  const repositoryIds = new Map<string, string>();

  return async (viewer: Viewer, submission: Submission, fields: SubmissionFields): Promise<CreatedTask> => {
    const repository = checkedRepository(submission.repositoryUrl, deps.policy.repositories, fields);
    const options = checkedOptions(submission, deps.policy, fields);
    const idempotency =
      submission.idempotencyKey === undefined ? null : keyOf(submission, submission.idempotencyKey);
    const taskId = deps.ids.random();
    checkAgent(deps.agents, { ...submission, taskId }, fields);
    if (idempotency !== null) {
      const kept = await findKept(deps.database, viewer, idempotency);
      if (kept !== undefined) return kept;
    }
    await spend(deps, submission.rateLimitKey);
    const repositoryId = await repositoryIdOf(deps, repositoryIds, repository.canonical);
    const task: NewTask = {
      taskId,
      workspaceId: deps.ids.ordered(),
      runId: deps.ids.ordered(),
      ownerId: viewer.userId,
      repositoryId,
      repositoryUrl: repository.publicUrl,
      source: submission.source,
      kind: 'code',
      prompt: submission.prompt,
      options,
      publish: submission.publish,
      callbackUrl: submission.callbackUrl ?? null,
      providerKey: submission.providerKey ?? null,
      accessToken: submission.accessToken === undefined ? null : seal(deps, submission.accessToken),
      traceId: deps.ids.random().replaceAll('-', ''),
      priority: submission.priority ?? priorityRange.default,
      pendingSeconds: deadlineSeconds.pending,
      idempotency,
    };
    const createdAt = await insertTask(deps.database, task);
    if (createdAt === undefined) {
      const kept = idempotency === null ? undefined : await findKept(deps.database, viewer, idempotency);
      if (kept === undefined) throw new Refusal('conflict', 'the idempotency key is in use; try again');
      return kept;
    }
    deps.faults.reach('create.stored');
    deps.wakeups.wake('run', task.runId);
    return { id: taskId, createdAt };
  };
}

function checkedRepository(
  text: string,
  policy: RepositoryUrlPolicy,
  fields: SubmissionFields,
): RepositoryUrl {
  try {
    return parseRepositoryUrl(text, policy);
  } catch (error) {
    if (error instanceof RepositoryUrlRefused) throw invalidField(fields.repositoryUrl, error.message);
    throw error;
  }
}

function checkedOptions(
  submission: Submission,
  policy: CreateTaskPolicy,
  fields: SubmissionFields,
): TaskOptions {
  const { sourceBranch, targetBranch, priority } = submission;
  for (const [name, branch] of [
    [fields.sourceBranch, sourceBranch],
    [fields.targetBranch, targetBranch],
  ] as const) {
    if (branch === undefined) continue;
    if (branch.length > branchMaxLength) throw invalidField(name, 'exceeds maximum length');
    if (!isBranchName(branch)) throw invalidField(name, 'is not a valid branch name');
  }
  if (priority !== undefined && (priority < priorityRange.min || priority > priorityRange.max)) {
    throw invalidField(fields.priority, `must be between ${priorityRange.min} and ${priorityRange.max}`);
  }
  const wanted = submission.timeoutSeconds ?? policy.timeoutSecondsDefault;
  return {
    agent: submission.agent,
    timeoutSeconds: Math.min(wanted, policy.timeoutSecondsMax),
    ...(submission.command === undefined ? {} : { command: submission.command }),
    ...(sourceBranch === undefined ? {} : { sourceBranch }),
    ...(targetBranch === undefined ? {} : { targetBranch }),
  };
}

function checkAgent(
  agents: ReadonlyMap<string, Agent>,
  task: Submission & { readonly taskId: string },
  fields: SubmissionFields,
): void {
  const agent = agents.get(task.agent);
  if (agent === undefined) throw invalidField(fields.agent, `unknown CLI: ${task.agent.slice(0, 100)}`);
  const refusal = agent.refuse({
    taskId: task.taskId,
    runId: task.taskId,
    iteration: 1,
    prompt: task.prompt,
    ...(task.command === undefined ? {} : { command: task.command }),
  });
  if (refusal !== undefined) throw invalidField(fields[refusal.field], refusal.message);
}

async function spend(deps: CreateTaskDeps, key: string): Promise<void> {
  if (deps.policy.tasksPerMinute === 0) return;
  const wait = await spendRateLimit(deps.database, `tasks ${key}`, deps.policy.tasksPerMinute);
  if (wait === undefined) return;
  throw new Refusal(
    'rate_limited',
    `at most ${deps.policy.tasksPerMinute} tasks a minute; try again in ${wait} s`,
    {
      retryAfterSeconds: wait,
    },
  );
}

type Idempotency = NonNullable<NewTask['idempotency']>;

function keyOf(submission: Submission, key: string): Idempotency {
  const { accessToken, rateLimitKey: _counted, ...body } = submission;
  const hash = createHash('sha256').update(JSON.stringify([body, accessToken?.reveal() ?? null]));
  return { route, key, bodyHash: hash.digest('hex') };
}

async function findKept(
  database: Database,
  viewer: Viewer,
  idempotency: Idempotency,
): Promise<CreatedTask | undefined> {
  const kept = await findIdempotencyKey(database, viewer.userId, route, idempotency.key);
  if (kept === undefined) return undefined;
  if (kept.bodyHash !== idempotency.bodyHash) {
    throw new Refusal('idempotency_mismatch', 'this Idempotency-Key was used with another request body');
  }
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
