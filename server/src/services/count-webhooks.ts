import type { WebhookSource, WebhookState } from '../domain/webhook.ts';
import type { Meter } from '../lib/metrics.ts';

/** `forged`: the sender knew no secret, and nothing was kept. */
export type CountedWebhook = WebhookState | 'forged';

export type CountWebhook = (source: WebhookSource, outcome: CountedWebhook) => void;

/** What counts webhooks by what came of them: whoever records that tells it here. */
export function createWebhookCounter(meter: Meter): CountWebhook {
  const count = meter.counter({
    name: 'slipway_webhooks_total',
    help: 'Webhooks that this process has taken, by source and what came of them; forged: no secret was known.',
    labels: ['source', 'outcome'],
  });
  return (source, outcome) => count({ source, outcome });
}
