import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { WebhookAnswer } from '../../../services/receive-webhook.ts';
import type { CodeforgeDeps } from './codeforge-deps.ts';
import { receiverDocuments } from './webhook-documents.ts';
import { webhookCreated, webhookInput, webhookTaken, type WebhookTakenBody } from './webhook-schemas.ts';

const bodyLimitBytes = 5 * 1024 * 1024;

/** Where a source says what of a delivery. */
const headers = {
  github: { proof: 'x-hub-signature-256', event: 'x-github-event', delivery: 'x-github-delivery', cause: '' },
  gitlab: {
    proof: 'x-gitlab-token',
    event: 'x-gitlab-event',
    delivery: 'idempotency-key',
    cause: 'x-gitlab-event-uuid',
  },
} as const;

/**
 * Where forges tell of pull requests. They have no credential of this server: a secret that both sides know proves
 * them, for GitHub over the bytes of the body, so that here alone bodies are left as they are.
 */
export function addWebhookReceivers(app: FastifyInstance, { services, placeOf }: CodeforgeDeps): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    '*',
    { parseAs: 'buffer', bodyLimit: bodyLimitBytes },
    async (_request: unknown, body: Buffer) => body,
  );
  for (const source of ['github', 'gitlab'] as const) {
    const { proof, event, delivery, cause } = headers[source];
    app.post(
      `/${source}`,
      {
        bodyLimit: bodyLimitBytes,
        schema: { body: webhookInput, response: { 200: webhookTaken, 201: webhookCreated } },
        config: receiverDocuments[source],
        onRequest: async (request) => services.webhooks.admit(source, headerOf(request, proof)),
      },
      async (request, reply) => {
        const answer = await services.webhooks.receive({
          source,
          proof: headerOf(request, proof),
          event: headerOf(request, event),
          deliveryId: headerOf(request, delivery),
          causeId: headerOf(request, cause),
          body: bytesOf(request.body),
          trace: placeOf(request),
        });
        if (answer.state === 'created') {
          return reply.code(201).send({ status: 'created', task_id: answer.taskId });
        }
        return takenBodyOf(answer);
      },
    );
  }
}

function headerOf(request: FastifyRequest, name: string): string {
  const value = request.headers[name];
  return typeof value === 'string' ? value : '';
}

/** A request without a body has the empty object of all others. */
function bytesOf(body: unknown): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0);
}

function takenBodyOf({ state, reason, taskId }: WebhookAnswer): WebhookTakenBody {
  return {
    status: state,
    ...(reason === null ? {} : { reason }),
    ...(taskId === null ? {} : { task_id: taskId }),
  };
}
