import { Refusal } from '../domain/errors.ts';
import type { Database } from '../store/database.ts';
import type { Viewer } from '../store/tasks.ts';
import { reviveWebhook } from '../store/webhook-list.ts';
import { existingWebhook } from './list-webhooks.ts';
import { requireAdministrator } from './require-administrator.ts';

/**
 * Has a review made of a webhook that has been dealt with, whatever came of it: also of a draft, and of a commit
 * that was reviewed before. The inbox does it within a second or two.
 *
 * @throws Refusal `forbidden`, `not_found`, or `conflict` while it waits, and where it is about no pull request.
 */
export function createRedeliverWebhookService({ database }: { readonly database: Database }) {
  return async (viewer: Viewer, id: string): Promise<void> => {
    requireAdministrator(viewer, 'webhooks');
    const { news } = await existingWebhook(database, id);
    if (news === null) throw new Refusal('conflict', 'this webhook asks for no review');
    if (!(await reviveWebhook(database, id))) throw new Refusal('conflict', 'webhook is already waiting');
  };
}
