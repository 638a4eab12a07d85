import type { Delivery, DeliveryList, Operations, RedeliverAnswer } from './api-types.ts';
import type { RequestOptions } from './request-options.ts';
import { pathPart, read, type Transport } from './transport.ts';

/** Which page of the deliveries, and of which. */
export type DeliveryQuery = Operations['listDeliveries']['query'];

/** Callbacks that were sent or are to be sent, and how that went. */
export type Deliveries = {
  readonly list: (query?: DeliveryQuery, options?: RequestOptions) => Promise<DeliveryList>;
  /** With its body and its attempts. */
  readonly get: (id: string, options?: RequestOptions) => Promise<Delivery>;
  /** Sends one again, with the same id and the same bytes. One that has not ended is a 409. */
  readonly redeliver: (id: string, options?: RequestOptions) => Promise<RedeliverAnswer>;
};

export function createDeliveries(transport: Transport): Deliveries {
  return {
    list: (query = {}, { signal } = {}) =>
      transport.json({ ...read('api/v1/deliveries', signal), query: { ...query } }),
    get: async (id, { signal } = {}) => transport.json(read(deliveryPath(id), signal)),
    redeliver: async (id, { signal } = {}) =>
      transport.json({ method: 'POST', path: `${deliveryPath(id)}/redeliver`, repeatable: false, signal }),
  };
}

function deliveryPath(id: string): string {
  return `api/v1/deliveries/${pathPart(id)}`;
}
