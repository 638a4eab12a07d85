import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { Refusal } from '../../../domain/errors.ts';
import { webhookSources, webhookStates } from '../../../domain/webhook.ts';
import { isUuid } from '../../../lib/ids.ts';
import type { WebhookDelivery } from '../../../services/list-webhooks.ts';
import type { CodeforgeDeps } from './codeforge-deps.ts';
import { parsePage } from './list-query.ts';
import { webhookDocuments } from './webhook-documents.ts';
import {
  listWebhooksQuery,
  redeliverWebhookAnswer,
  webhookBody,
  webhookParams,
  type WebhookBody,
  type WebhookRowBody,
} from './webhook-schemas.ts';

/** Webhooks that came in, for administrators, and having one dealt with again. */
export function addWebhookRoutes(api: FastifyInstance, { services, auth }: CodeforgeDeps): void {
  const typed = api.withTypeProvider<TypeBoxTypeProvider>();
  const { webhooks } = services;
  typed.get(
    '/webhooks/deliveries',
    { schema: { querystring: listWebhooksQuery }, config: webhookDocuments.list },
    async (request) => {
      const { source, status } = request.query;
      const filter = { sources: knownOf(webhookSources, source), states: knownOf(webhookStates, status) };
      const page = await webhooks.list(auth.callerOf(request), { ...filter, ...parsePage(request.query) });
      return { webhooks: page.rows.map(webhookRowOf), total: page.total };
    },
  );
  typed.get(
    '/webhooks/deliveries/:id',
    { schema: { params: webhookParams, response: { 200: webhookBody } }, config: webhookDocuments.show },
    async (request) => webhookBodyOf(await webhooks.show(auth.callerOf(request), parseId(request.params.id))),
  );
  typed.post(
    '/webhooks/deliveries/:id/redeliver',
    {
      schema: { params: webhookParams, response: { 202: redeliverWebhookAnswer } },
      config: webhookDocuments.redeliver,
    },
    async (request, reply) => {
      const id = parseId(request.params.id);
      await webhooks.redeliver(auth.callerOf(request), id);
      return reply.code(202).send({ id, status: 'waiting' });
    },
  );
}

function parseId(text: string): string {
  const id = text.toLowerCase();
  if (!isUuid(id)) throw new Refusal('not_found', 'webhook not found');
  return id;
}

/** The word where it is one of these, none where it is another; undefined: no word is given. */
function knownOf<Word extends string>(words: readonly Word[], text: string | undefined) {
  return text ? words.filter((word) => word === text) : undefined;
}

function webhookRowOf(webhook: WebhookDelivery): WebhookRowBody {
  const { news } = webhook;
  return {
    id: webhook.id,
    source: webhook.source,
    delivery_id: webhook.deliveryId,
    event: webhook.event,
    action: webhook.action,
    status: webhook.state,
    reason: webhook.reason,
    task_id: webhook.taskId,
    repo_url: news?.repositoryUrl ?? null,
    pr_number: news?.number ?? null,
    head_sha: news?.headCommit ?? null,
    received_at: webhook.createdAt.toISOString(),
    settled_at: webhook.settledAt?.toISOString() ?? null,
  };
}

function webhookBodyOf(webhook: WebhookDelivery): WebhookBody {
  const { news } = webhook;
  return {
    ...webhookRowOf(webhook),
    title: news?.title ?? null,
    source_branch: news?.sourceBranch ?? null,
    target_branch: news?.targetBranch ?? null,
    draft: news?.isDraft ?? null,
    round: webhook.round,
    attempts: webhook.attempts,
    next_attempt_at: webhook.state === 'waiting' ? webhook.availableAt.toISOString() : null,
    body_bytes: webhook.bodyBytes,
    body_sha256: webhook.bodySha256,
  };
}
