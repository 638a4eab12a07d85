import { createHash } from 'node:crypto';
import { invalidField, Refusal } from '../domain/errors.ts';
import type { FaultPoint } from '../domain/fault-points.ts';
import { parseWebhookBody } from '../domain/webhook-body.ts';
import { lineOf } from '../domain/webhook-fields.ts';
import { readGithubWebhook } from '../domain/webhook-github.ts';
import { readGitlabWebhook } from '../domain/webhook-gitlab.ts';
import type { WebhookReading, WebhookSource, WebhookState } from '../domain/webhook.ts';
import type { Faults } from '../lib/faults.ts';
import type { Ids } from '../lib/ids.ts';
import type { Secret } from '../lib/secret.ts';
import type { TracePlace } from '../lib/traceparent.ts';
import type { Database } from '../store/database.ts';
import { keepDelivery, type NewDelivery } from '../store/webhook-deliveries.ts';
import type { CountWebhook } from './count-webhooks.ts';
import type { ProcessWebhook } from './process-webhook.ts';
import { isSignedByGithub, isTokenOfGitlab } from './verify-webhook.ts';

/** A webhook as it came; what its headers lack is empty. */
export type IncomingWebhook = {
  readonly source: WebhookSource;
  /** The signature, or the token. */
  readonly proof: string;
  readonly event: string;
  /** The sender's id of the delivery. */
  readonly deliveryId: string;
  /** One that the sender gives to several deliveries of one cause; counts where there is no other. */
  readonly causeId: string;
  readonly body: Buffer;
  readonly trace: TracePlace | undefined;
};

/** `taskId` null: the task is not made yet, or there is none. */
export type WebhookAnswer = {
  readonly state: WebhookState;
  readonly reason: string | null;
  readonly taskId: string | null;
};

export type ReceiveWebhook = {
  /** Refuses before the body is read what could not be proven whatever it is. */
  readonly admit: (source: WebhookSource, proof: string) => void;
  readonly receive: (webhook: IncomingWebhook) => Promise<WebhookAnswer>;
};

export type ReceiveWebhookDeps = {
  readonly database: Database;
  readonly ids: Ids;
  readonly faults: Faults<FaultPoint>;
  readonly count: CountWebhook;
  readonly process: ProcessWebhook;
  /** Whose tasks and keys they are. */
  readonly ownerId: string;
  /** Any of them is taken; none: webhooks of this source are not. */
  readonly secrets: Readonly<Record<WebhookSource, readonly Secret[]>>;
  readonly dedupSeconds: number;
  readonly reviewDrafts: boolean;
};

const eventHeaders = { github: 'X-GitHub-Event', gitlab: 'X-Gitlab-Event' } as const;
const readers = { github: readGithubWebhook, gitlab: readGitlabWebhook } as const;
const unconfiguredRetrySeconds = 3_600;

/**
 * Takes webhooks: proves the sender, keeps what it says, and makes of it what is to be made. From the moment that
 * one is kept it is dealt with, whatever becomes of its request (`createWebhookInbox`).
 *
 * @throws Refusal `unavailable` without a secret, `unauthenticated`, `invalid` for what cannot be read, and for
 * what no review can be made of.
 */
export function createReceiveWebhook(deps: ReceiveWebhookDeps): ReceiveWebhook {
  return {
    admit(source, proof) {
      if (deps.secrets[source].length === 0) {
        throw new Refusal('unavailable', `no secret for webhooks of ${source} is configured`, {
          retryAfterSeconds: unconfiguredRetrySeconds,
        });
      }
      if (proof === '') throw forged(deps, source);
    },
    async receive(webhook) {
      const { source } = webhook;
      if (!isProven(deps, webhook)) throw forged(deps, source);
      const event = eventOf(webhook);
      const reading = readers[source](event, parseWebhookBody(webhook.body));
      const kept = await keepDelivery(
        deps.database,
        newDelivery(deps, webhook, { event, reading }),
        deps.dedupSeconds,
      );
      deps.faults.reach('webhook.stored');
      const { id, round, state, reason, taskId } = kept;
      if (state === 'waiting' && 'news' in reading) {
        const waiting = { id, round, attempts: 0, ownerId: deps.ownerId, source, news: reading.news };
        const outcome = await deps.process(waiting, webhook.trace);
        if ('refusal' in outcome) throw outcome.refusal;
        return { state: 'created', reason: null, taskId: outcome.taskId };
      }
      deps.count(source, state);
      return { state, reason, taskId };
    },
  };
}

function forged({ count }: ReceiveWebhookDeps, source: WebhookSource): Refusal {
  count(source, 'forged');
  return new Refusal('unauthenticated', 'the signature or token of the webhook is missing or wrong');
}

function isProven({ secrets }: ReceiveWebhookDeps, { source, body, proof }: IncomingWebhook): boolean {
  return source === 'github'
    ? isSignedByGithub(secrets.github, body, proof)
    : isTokenOfGitlab(secrets.gitlab, proof);
}

function eventOf({ source, event }: IncomingWebhook): string {
  const line = lineOf(event, 100);
  if (line === '') throw invalidField(eventHeaders[source], 'field is required');
  return line;
}

function newDelivery(
  { ids, ownerId, reviewDrafts }: ReceiveWebhookDeps,
  webhook: IncomingWebhook,
  { event, reading }: { readonly event: string; readonly reading: WebhookReading },
): NewDelivery {
  const { source, body } = webhook;
  const bodySha256 = createHash('sha256').update(body).digest('hex');
  const about = {
    id: ids.ordered(),
    ownerId,
    source,
    deliveryId: deliveryIdOf(webhook, bodySha256) ?? ids.random(),
    event,
    action: reading.action,
    bodySha256,
    bodyBytes: body.length,
  };
  if (!('news' in reading)) return { ...about, news: null, state: 'ignored', reason: reading.ignored };
  const { news } = reading;
  return news.isDraft && !reviewDrafts
    ? { ...about, news, state: 'skipped', reason: 'it is a draft' }
    : { ...about, news, state: 'waiting', reason: null };
}

/**
 * The id under which a delivery is sent again. GitLab gives one id of a cause to all that comes of it, such as the
 * updates of two merge requests by one push: with the body's digest it tells them apart.
 */
function deliveryIdOf({ deliveryId, causeId }: IncomingWebhook, bodySha256: string): string | undefined {
  const isId = /^[\u0021-\u007e]{1,200}$/u;
  if (isId.test(deliveryId)) return deliveryId;
  return isId.test(causeId) ? `${causeId}:${bodySha256}` : undefined;
}
