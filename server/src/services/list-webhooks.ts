import { Refusal } from '../domain/errors.ts';
import type { Database } from '../store/database.ts';
import type { Viewer } from '../store/tasks.ts';
import {
  countWebhooks,
  findWebhook,
  listWebhooks,
  type WebhookDelivery,
  type WebhookFilter,
} from '../store/webhook-list.ts';
import { requireAdministrator } from './require-administrator.ts';

export type { WebhookDelivery } from '../store/webhook-list.ts';

/** Undefined: all sources and states; an empty list: none. */
export type WebhookQuery = WebhookFilter & { readonly limit: number; readonly offset: number };

export type WebhookPage = { readonly rows: readonly WebhookDelivery[]; readonly total: number };

/**
 * Webhooks that came in, for administrators, since they tell of repositories of all owners: a page of them, newest
 * first, with how many match in all, or one.
 *
 * @throws Refusal `forbidden`, or `not_found`.
 */
export function createListWebhooksService({ database }: { readonly database: Database }) {
  return {
    async list(viewer: Viewer, { limit, offset, ...filter }: WebhookQuery): Promise<WebhookPage> {
      requireAdministrator(viewer, 'webhooks');
      if (filter.sources?.length === 0 || filter.states?.length === 0) return { rows: [], total: 0 };
      const rows = await listWebhooks(database, { ...filter, limit, offset });
      return { rows, total: await countWebhooks(database, filter) };
    },
    async show(viewer: Viewer, id: string): Promise<WebhookDelivery> {
      requireAdministrator(viewer, 'webhooks');
      return existingWebhook(database, id);
    },
  };
}

/** @throws Refusal `not_found`. */
export async function existingWebhook(database: Database, id: string): Promise<WebhookDelivery> {
  const webhook = await findWebhook(database, id);
  if (webhook === undefined) throw new Refusal('not_found', 'webhook not found');
  return webhook;
}
