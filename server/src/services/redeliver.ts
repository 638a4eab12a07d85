import { Refusal } from '../domain/errors.ts';
import type { Database } from '../store/database.ts';
import { findDelivery, reviveDelivery } from '../store/deliveries.ts';
import type { Viewer } from '../store/tasks.ts';
import type { Wakeups } from '../store/wakeups.ts';

export type RedeliverDeps = { readonly database: Database; readonly wakeups: Wakeups };

/**
 * Has a callback sent again that was delivered or given up, with the same id and body and all its attempts.
 *
 * @throws Refusal `not_found`, or `conflict` while it waits or is being sent.
 */
export function createRedeliverService({ database, wakeups }: RedeliverDeps) {
  return async (viewer: Viewer, id: string): Promise<void> => {
    const delivery = await findDelivery(database, viewer, id);
    if (delivery === undefined) throw new Refusal('not_found', 'delivery not found');
    if (!(await reviveDelivery(database, id))) throw new Refusal('conflict', 'delivery is already pending');
    wakeups.wake('effect', delivery.taskId);
  };
}
