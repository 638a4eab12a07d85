import { everyAbility } from '../domain/ability.ts';
import { Refusal } from '../domain/errors.ts';
import type { FaultPoint } from '../domain/fault-points.ts';
import type { RepositoryUrlPolicy } from '../domain/repository-url.ts';
import { reviewPrompt } from '../domain/webhook.ts';
import type { ForgeOf } from '../forges/forge.ts';
import type { Faults } from '../lib/faults.ts';
import type { TracePlace } from '../lib/traceparent.ts';
import { findIdempotencyKey } from '../store/create-task.ts';
import type { Database } from '../store/database.ts';
import { findKey } from '../store/keys.ts';
import { settleDelivery, type WaitingDelivery } from '../store/webhook-deliveries.ts';
import {
  checkedRepository,
  type CreatedTask,
  type Submission,
  type SubmissionFields,
} from './create-task.ts';
import type { CountWebhook } from './count-webhooks.ts';
import { keyMisfit } from './key-misfit.ts';
import type { Actor } from './require-ability.ts';

/** How tasks that webhooks ask for are made. */
export type WebhookPolicy = {
  readonly repositories: RepositoryUrlPolicy;
  /** Names of keys; the first that is there and fits the repository is taken. */
  readonly keyNames: readonly string[];
  readonly agent: string;
  /** For the agent `script`. */
  readonly command: string | undefined;
};

export type ProcessWebhookDeps = {
  readonly database: Database;
  readonly createTask: (
    actor: Actor,
    submission: Submission,
    fields: SubmissionFields,
  ) => Promise<CreatedTask>;
  readonly forgeOf: ForgeOf;
  readonly faults: Faults<FaultPoint>;
  readonly count: CountWebhook;
  readonly policy: WebhookPolicy;
};

type WebhookOutcome = { readonly taskId: string } | { readonly refusal: Refusal };

export type ProcessWebhook = (delivery: WaitingDelivery, trace?: TracePlace) => Promise<WebhookOutcome>;

const idempotencyRoute = 'webhooks';
const keySetting = 'SLIPWAY_REVIEW_KEY_NAME';
/** A day of them, at the pace of the inbox. */
const mostTries = 100;
const givenUp = `it failed ${mostTries} times: see the server's log for the reason, then have it redelivered`;

/** What a refusal calls them: where the operator, or the forge, has given each. */
const fields: SubmissionFields = {
  repositoryUrl: 'repository',
  sourceBranch: 'source branch',
  targetBranch: 'target branch',
  providerKey: keySetting,
  agent: 'SLIPWAY_REVIEW_AGENT',
  command: 'SLIPWAY_REVIEW_COMMAND',
  callbackUrl: 'callback_url',
  priority: 'priority',
  model: 'model',
  maxTurns: 'max_turns',
  maxBudget: 'max_budget',
  approvals: 'approvals',
  partialMessages: 'partial_messages',
  mcpServers: 'mcp_servers',
  tools: 'tools',
  outputSchema: 'output_schema',
  workspaceTask: 'workspace_task',
};

/**
 * Makes the review task of a delivery that waits, and records what came of it. Repeated in whatever way, and after
 * a death at whatever place, a round leads to one task: the task's idempotency key is made of the row. What cannot
 * be made is recorded as refused; what fails otherwise is thrown, and the delivery goes on waiting, for a day.
 */
export function createProcessWebhook(deps: ProcessWebhookDeps): ProcessWebhook {
  return async (delivery, trace) => {
    const outcome = await outcomeOf(deps, delivery, trace);
    const settled = 'taskId' in outcome ? outcome : { refused: outcome.refusal.message };
    const isRecorded = await settleDelivery(deps.database, delivery, settled);
    deps.faults.reach('webhook.settled');
    if (isRecorded) deps.count(delivery.source, 'taskId' in outcome ? 'created' : 'refused');
    return outcome;
  };
}

async function outcomeOf(
  deps: ProcessWebhookDeps,
  delivery: WaitingDelivery,
  trace: TracePlace | undefined,
): Promise<WebhookOutcome> {
  const { database, policy } = deps;
  const { ownerId, source, news } = delivery;
  const idempotencyKey = `webhook:${delivery.id}:${delivery.round}`;
  // Before anything is looked at that may have changed since the task was made: its key, the configuration.
  const made = await findIdempotencyKey(database, ownerId, idempotencyRoute, idempotencyKey);
  if (made !== undefined) return { taskId: made.taskId };
  if (delivery.attempts > mostTries) return { refusal: new Refusal('invalid', givenUp) };
  try {
    const task = await deps.createTask(
      { userId: ownerId, isAdmin: true, abilities: everyAbility },
      {
        source: 'webhook',
        kind: 'pr_review',
        repositoryUrl: news.repositoryUrl,
        prompt: reviewPrompt(source, news),
        publish: 'manual',
        sourceBranch: news.sourceBranch,
        targetBranch: news.targetBranch,
        pullRequestNumber: news.number,
        outputMode: 'post_comments',
        providerKey: await chooseKey(deps, delivery),
        agent: policy.agent,
        ...(policy.agent === 'script' && policy.command !== undefined ? { command: policy.command } : {}),
        idempotencyKey,
        idempotencyRoute,
        ...(trace === undefined ? {} : { trace }),
      },
      fields,
    );
    return { taskId: task.id };
  } catch (error) {
    if (error instanceof Refusal && error.code === 'invalid') return { refusal: error };
    throw error;
  }
}

/** The name of the first key that may be used. Throws Refusal `invalid` with what is wrong with each of them. */
async function chooseKey(
  deps: ProcessWebhookDeps,
  { ownerId, source, news }: WaitingDelivery,
): Promise<string> {
  const { database, forgeOf, policy } = deps;
  if (policy.keyNames.length === 0) {
    throw new Refusal('invalid', `no key for reviews is configured: set ${keySetting} to the name of one`);
  }
  const repository = checkedRepository(news.repositoryUrl, policy.repositories, fields);
  const forge = forgeOf(repository.publicUrl);
  if (forge.name !== source) {
    throw new Refusal('invalid', `${repository.host || 'file://'} is not the ${source} of this server`);
  }
  const misfits: string[] = [];
  for (const name of policy.keyNames) {
    const key = await findKey(database, ownerId, name);
    const misfit = key === undefined ? `${name} is not registered` : keyMisfit(key, repository, forge);
    if (misfit === undefined) return name;
    misfits.push(misfit);
  }
  throw new Refusal('invalid', `no key of ${keySetting} can be used: ${misfits.join('; ')}`);
}
