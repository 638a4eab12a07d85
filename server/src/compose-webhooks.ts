import type { Foundation } from './compose.ts';
import type { HttpServices } from './http/http-deps.ts';
import { systemIds } from './lib/ids.ts';
import { createWebhookCounter } from './services/count-webhooks.ts';
import { createListWebhooksService } from './services/list-webhooks.ts';
import { createProcessWebhook } from './services/process-webhook.ts';
import { createReceiveWebhook } from './services/receive-webhook.ts';
import { createRedeliverWebhookService } from './services/redeliver-webhook.ts';
import { createWebhookInbox } from './services/webhook-inbox.ts';

/** What takes webhooks, and the loop that sees to those whose request did not. */
export function composeWebhooks(
  { config, database, faults, forges, repositories, logger, telemetry, adminId }: Foundation,
  createTask: HttpServices['createTask'],
): {
  readonly services: HttpServices['webhooks'];
  readonly inbox: { readonly run: (signal: AbortSignal) => Promise<void> };
} {
  const count = createWebhookCounter(telemetry.meter);
  const process = createProcessWebhook({
    database,
    createTask,
    forgeOf: forges.forgeOf,
    faults,
    count,
    policy: {
      repositories,
      keyNames: config.reviews.keyNames,
      agent: config.reviews.agent ?? config.agents.defaultAgent,
      command: config.reviews.command,
    },
  });
  const { dedupSeconds, ...secrets } = config.webhooks;
  const receiver = createReceiveWebhook({
    database,
    ids: systemIds,
    faults,
    count,
    process,
    ownerId: adminId,
    secrets,
    dedupSeconds,
    reviewDrafts: config.reviews.drafts,
  });
  return {
    services: {
      ...receiver,
      ...createListWebhooksService({ database }),
      redeliver: createRedeliverWebhookService({ database }),
    },
    inbox: createWebhookInbox({ database, process, logger }),
  };
}
