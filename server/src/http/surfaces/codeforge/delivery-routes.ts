import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { callbackBody } from '../../../domain/callback-body.ts';
import type { EffectState } from '../../../domain/effect-state.ts';
import { Refusal } from '../../../domain/errors.ts';
import { isUuid } from '../../../lib/ids.ts';
import type { Delivery, DeliveryRecord } from '../../../services/list-deliveries.ts';
import { parseTaskReference } from '../../task-reference.ts';
import type { CodeforgeDeps } from './codeforge-deps.ts';
import { deliveryDocuments } from './delivery-documents.ts';
import {
  deliveryBody,
  deliveryParams,
  deliveryStatuses,
  listDeliveriesQuery,
  redeliverAnswer,
  type DeliveryBody,
  type DeliveryRowBody,
  type DeliveryStatus,
} from './delivery-schemas.ts';
import { parsePage } from './list-query.ts';

/** Callbacks that were sent or are to be sent, and having them sent again. */
export function addDeliveryRoutes(api: FastifyInstance, { services, auth }: CodeforgeDeps): void {
  const typed = api.withTypeProvider<TypeBoxTypeProvider>();
  typed.get(
    '/deliveries',
    { schema: { querystring: listDeliveriesQuery }, config: deliveryDocuments.list },
    async (request) => {
      const { task_id: task, status } = request.query;
      const page = await services.deliveries.list(auth.callerOf(request), {
        task: task ? parseTaskReference(task) : undefined,
        states: status ? statesOf(status) : undefined,
        ...parsePage(request.query),
      });
      return { deliveries: page.rows.map(deliveryRowOf), total: page.total };
    },
  );
  typed.get(
    '/deliveries/:id',
    { schema: { params: deliveryParams, response: { 200: deliveryBody } }, config: deliveryDocuments.show },
    async (request) =>
      deliveryBodyOf(await services.deliveries.show(auth.callerOf(request), parseId(request.params.id))),
  );
  typed.post(
    '/deliveries/:id/redeliver',
    {
      schema: { params: deliveryParams, response: { 202: redeliverAnswer } },
      config: deliveryDocuments.redeliver,
    },
    async (request, reply) => {
      const id = parseId(request.params.id);
      await services.redeliver(auth.callerOf(request), id);
      return reply.code(202).send({ id, status: 'pending' });
    },
  );
}

function parseId(text: string): string {
  const id = text.toLowerCase();
  if (!isUuid(id)) throw new Refusal('not_found', 'delivery not found');
  return id;
}

const statusOf = {
  waiting: 'pending',
  leased: 'pending',
  done: 'delivered',
  failed: 'failed',
  dropped: 'failed',
} as const satisfies Record<EffectState, DeliveryStatus>;

const statesByStatus: Readonly<Record<DeliveryStatus, readonly EffectState[]>> = {
  pending: ['waiting', 'leased'],
  delivered: ['done'],
  failed: ['failed', 'dropped'],
};

/** An unknown word finds nothing. */
function statesOf(status: string): readonly EffectState[] {
  const known = deliveryStatuses.find((name) => name === status);
  return known === undefined ? [] : statesByStatus[known];
}

function deliveryRowOf(delivery: Delivery): DeliveryRowBody {
  const { state, last } = delivery;
  return {
    id: delivery.id,
    task_id: delivery.taskId,
    event: delivery.event,
    url: withoutQuery(delivery.url),
    status: statusOf[state],
    attempts: delivery.tried,
    last_status: last?.status ?? null,
    last_error: last?.error ?? null,
    created_at: delivery.createdAt.toISOString(),
    delivered_at: state === 'done' ? (delivery.endedAt?.toISOString() ?? null) : null,
    next_attempt_at: state === 'waiting' ? delivery.availableAt.toISOString() : null,
  };
}

function deliveryBodyOf(delivery: DeliveryRecord): DeliveryBody {
  return {
    ...deliveryRowOf(delivery),
    body: callbackBody(delivery.payload),
    log: delivery.log.map(({ durationMs, ...attempt }) => ({ ...attempt, duration_ms: durationMs })),
  };
}

function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/su, '');
}
