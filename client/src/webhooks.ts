import type { Operations, RedeliverWebhookAnswer, Webhook, WebhookList } from './api-types.ts';
import type { RequestOptions } from './request-options.ts';
import { pathPart, read, type Transport } from './transport.ts';

/** Which page of the webhooks, and of which. */
export type WebhookQuery = Operations['listWebhooks']['query'];

/** What code hosts have told of pull requests, and what came of it; for administrators. */
export type Webhooks = {
  readonly list: (query?: WebhookQuery, options?: RequestOptions) => Promise<WebhookList>;
  /** With what is kept of it. */
  readonly get: (id: string, options?: RequestOptions) => Promise<Webhook>;
  /** Makes a review of one again. One that waits, or is about no pull request, is a 409. */
  readonly redeliver: (id: string, options?: RequestOptions) => Promise<RedeliverWebhookAnswer>;
};

export function createWebhooks(transport: Transport): Webhooks {
  return {
    list: (query = {}, { signal } = {}) =>
      transport.json({ ...read('api/v1/webhooks/deliveries', signal), query: { ...query } }),
    get: async (id, { signal } = {}) => transport.json(read(webhookPath(id), signal)),
    redeliver: async (id, { signal } = {}) =>
      transport.json({ method: 'POST', path: `${webhookPath(id)}/redeliver`, repeatable: false, signal }),
  };
}

function webhookPath(id: string): string {
  return `api/v1/webhooks/deliveries/${pathPart(id)}`;
}
