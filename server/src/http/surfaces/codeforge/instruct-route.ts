import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { documented } from '../../documented.ts';
import { parseTaskReference } from '../../task-reference.ts';
import type { CodeforgeDeps } from './codeforge-deps.ts';
import { invalidFields } from './field-errors.ts';
import { statusOf } from './projection.ts';
import { dropNulls, idempotencyKeyOf, idempotencyKeyProblem } from '../../request-parts.ts';
import { exampleTaskId, idempotencyText } from './document-texts.ts';
import { instructAnswer, instructBody, taskParams } from './schemas.ts';
import { cannot } from './state-refusal.ts';
import { promptProblem } from './submission.ts';

/** A follow-up instruction for a task that has done the ones before. */
export function addInstructRoute(api: FastifyInstance, { services, auth }: CodeforgeDeps): void {
  api.withTypeProvider<TypeBoxTypeProvider>().post(
    '/tasks/:id/instruct',
    {
      schema: { params: taskParams, body: instructBody, response: { 200: instructAnswer } },
      config: document,
      preValidation: dropNulls,
    },
    async (request) => {
      const instruction = parseInstruction(request.body.prompt, idempotencyKeyOf(request));
      const reference = parseTaskReference(request.params.id);
      const { id, iteration } = await services
        .instructTask(auth.callerOf(request), reference, instruction)
        .catch(cannot('instruct'));
      return { id, status: statusOf('awaiting_instruction'), iteration };
    },
  );
}

const document = documented({
  operationId: 'instructTask',
  summary: 'Give a task its next instruction',
  description:
    'For a task in `completed`, `awaiting_instruction` or `pr_created`; in the same workspace and, where the agent has one, the same conversation. Several wait in order.',
  tag: 'Tasks',
  needs: 'runs:start',
  requestHeaders: { 'Idempotency-Key': idempotencyText },
  requestExample: { prompt: 'Also add unit tests' },
  answers: {
    200: {
      description: 'It will be taken up.',
      example: { id: exampleTaskId, status: 'awaiting_instruction', iteration: 2 },
    },
  },
  errors: {
    404: 'There is no such task.',
    409: 'The task cannot take an instruction now, or the idempotency key was used for another one.',
  },
});

function parseInstruction(prompt: string, idempotencyKey: string | undefined) {
  const problems = {
    prompt: promptProblem(prompt),
    'Idempotency-Key': idempotencyKeyProblem(idempotencyKey),
  };
  const found = Object.entries(problems).filter((entry): entry is [string, string] => entry[1] !== undefined);
  if (found.length > 0) throw invalidFields(Object.fromEntries(found));
  return { prompt, ...(idempotencyKey === undefined ? {} : { idempotencyKey }) };
}
