import { delay } from '../lib/abort.ts';
import type { Logger } from '../lib/logger.ts';
import type { Database } from '../store/database.ts';
import { takeWaitingDelivery } from '../store/webhook-deliveries.ts';
import type { ProcessWebhook } from './process-webhook.ts';

export type WebhookInboxDeps = {
  readonly database: Database;
  readonly process: ProcessWebhook;
  readonly logger: Logger;
  /** Between two looks where nothing waits. */
  readonly everyMs?: number;
};

const defaultEveryMs = 1_000;
/** What fails for a reason that nobody foresaw is tried after 10 s, 20 s, 40 s… and then every 15 minutes. */
const again = { firstSeconds: 10, maxSeconds: 900 } as const;

/**
 * Deals with deliveries that wait longer than their request would take: it died, or the database was away, or
 * somebody wants one done again. Any number of processes may run this over one database.
 */
export function createWebhookInbox(deps: WebhookInboxDeps): {
  readonly run: (signal: AbortSignal) => Promise<void>;
} {
  const { everyMs = defaultEveryMs, logger } = deps;
  return {
    async run(signal) {
      while (!signal.aborted) {
        const wasDue = await dealWithOne(deps).catch((error: unknown) => {
          logger.warn({ error: String(error) }, 'webhooks that wait could not be looked for; trying again');
          return false;
        });
        if (!wasDue) await delay(everyMs, signal).catch(() => undefined);
      }
    },
  };
}

/** False: none is due. */
async function dealWithOne({ database, process, logger }: WebhookInboxDeps): Promise<boolean> {
  const delivery = await takeWaitingDelivery(database, again);
  if (delivery === undefined) return false;
  const { id: webhookId, source, attempts } = delivery;
  try {
    const outcome = await process(delivery);
    if ('taskId' in outcome) {
      logger.info({ webhookId, source, taskId: outcome.taskId }, 'a webhook that waited became a task');
    } else {
      logger.warn(
        { webhookId, source, reason: outcome.refusal.message },
        'a webhook that waited was refused',
      );
    }
  } catch (error) {
    logger.warn({ webhookId, source, attempts, error: String(error) }, 'a webhook failed; trying again');
  }
  return true;
}
