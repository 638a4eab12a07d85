import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { modelMaxLength } from '../../../domain/options.ts';
import type { ReviewOrder } from '../../../services/review-task.ts';
import { documented } from '../../documented.ts';
import { parseTaskReference } from '../../task-reference.ts';
import type { CodeforgeDeps } from './codeforge-deps.ts';
import { exampleTaskId, idempotencyText } from './document-texts.ts';
import { invalidFields } from './field-errors.ts';
import { statusOf } from './projection.ts';
import { dropNulls, idempotencyKeyOf, idempotencyKeyProblem } from '../../request-parts.ts';
import { reviewAnswer, reviewBody, type ReviewBody } from './review-schemas.ts';
import { taskParams } from './schemas.ts';
import { cannot } from './state-refusal.ts';
import { agentMaxBytes } from './submission.ts';
import { textProblem } from '../../text-problem.ts';

const document = documented({
  operationId: 'reviewTask',
  summary: "Have a task's work reviewed",
  description:
    "For a task in `completed` or `awaiting_instruction`; what waits goes on behind the review. An agent reads the task's own changes and leaves the workspace as it is; what it found is the task's `review_result`, and the task is `completed` again, also where the review failed.",
  tag: 'Tasks',
  needs: 'runs:control',
  requestHeaders: { 'Idempotency-Key': idempotencyText },
  requestExample: { cli: 'claude-code', model: 'claude-sonnet-4-20250514' },
  answers: {
    202: {
      description: 'It waits for a worker.',
      example: { id: exampleTaskId, status: 'reviewing' },
    },
  },
  errors: {
    400: 'A wrong field, or an agent that the server does not have.',
    404: 'There is no such task.',
    409: 'The task has no finished work now, or the idempotency key was used for another review.',
  },
});

/** The names under which this document's clients know the fields that the service checks. */
const reviewFields = { agent: 'cli', model: 'model' };

/** A review of finished work. */
export function addReviewRoute(api: FastifyInstance, { services, auth }: CodeforgeDeps): void {
  api.withTypeProvider<TypeBoxTypeProvider>().post(
    '/tasks/:id/review',
    {
      schema: { params: taskParams, body: reviewBody, response: { 202: reviewAnswer } },
      config: document,
      preValidation: dropNulls,
    },
    async (request, reply) => {
      const order = parseOrder(request.body, idempotencyKeyOf(request));
      const reference = parseTaskReference(request.params.id);
      const { id } = await services
        .reviewTask(auth.callerOf(request), reference, order, reviewFields)
        .catch(cannot('review'));
      return reply.code(202).send({ id, status: statusOf('reviewing') });
    },
  );
}

/** Empty fields count as absent: clients that were generated from the document send all of them. */
function parseOrder({ cli, model }: ReviewBody, idempotencyKey: string | undefined): ReviewOrder {
  const fields = Object.entries({
    cli: textProblem(cli, { maxBytes: agentMaxBytes, lines: false }),
    model: textProblem(model, { maxBytes: 4 * modelMaxLength, lines: false }),
    'Idempotency-Key': idempotencyKeyProblem(idempotencyKey),
  }).filter((entry): entry is [string, string] => entry[1] !== undefined);
  if (fields.length > 0) throw invalidFields(Object.fromEntries(fields));
  return {
    ...(cli ? { agent: cli } : {}),
    ...(model ? { model } : {}),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  };
}
