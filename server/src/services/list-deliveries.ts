import { Refusal } from '../domain/errors.ts';
import type { EffectState } from '../domain/effect-state.ts';
import type { Database } from '../store/database.ts';
import {
  countDeliveries,
  findDelivery,
  listDeliveries,
  type Delivery,
  type DeliveryRecord,
} from '../store/deliveries.ts';
import { findTask, type TaskReference, type Viewer } from '../store/tasks.ts';

export type { Delivery, DeliveryRecord } from '../store/deliveries.ts';

/** Of one task, or of all that the viewer may see; `states` undefined: all of them, empty: none. */
export type DeliveryQuery = {
  readonly task: TaskReference | undefined;
  readonly states: readonly EffectState[] | undefined;
  readonly limit: number;
  readonly offset: number;
};

export type DeliveryPage = { readonly rows: readonly Delivery[]; readonly total: number };

/**
 * Callbacks that were delivered or are to be: a page of them, newest first, with how many match in all, or
 * one with its attempts.
 *
 * @throws Refusal `not_found` for the task or the delivery.
 */
export function createListDeliveriesService({ database }: { readonly database: Database }) {
  return {
    async list(viewer: Viewer, { task, states, ...page }: DeliveryQuery): Promise<DeliveryPage> {
      const found = task && (await findTask(database, viewer, task));
      if (task !== undefined && found === undefined) throw new Refusal('not_found', 'task not found');
      if (states?.length === 0) return { rows: [], total: 0 };
      const filter = {
        ...(found === undefined ? {} : { taskId: found.id }),
        ...(states === undefined ? {} : { states }),
      };
      const rows = await listDeliveries(database, viewer, { ...filter, ...page });
      return { rows, total: await countDeliveries(database, viewer, filter) };
    },
    async show(viewer: Viewer, id: string): Promise<DeliveryRecord> {
      const delivery = await findDelivery(database, viewer, id);
      if (delivery === undefined) throw new Refusal('not_found', 'delivery not found');
      return delivery;
    },
  };
}
