import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { Refusal } from '../../../domain/errors.ts';
import type { Gone } from '../../../services/show-task-overview.ts';
import { dropNulls, idempotencyKeyOf } from '../../request-parts.ts';
import { loggedEvents } from '../../task-log.ts';
import { taskOverviewBody, wholeTaskOverviewBody } from '../../task-overview.ts';
import { wholeTaskOverview } from '../../task-overview-schemas.ts';
import { parseTaskReference } from '../../task-reference.ts';
import { notFound } from './codebot-errors.ts';
import type { CodebotDeps } from './codebot-deps.ts';
import { parseListQuery } from './list-query.ts';
import { listQuery, submitBody, submitted, taskParams } from './schemas.ts';
import { parseSubmission, source, submissionFields } from './submission.ts';
import { taskDocuments } from './task-documents.ts';

/** Of the milestones of a task, with all of its runs, the newest are enough to see where it stands. */
const logLimit = 50;

export function addTaskRoutes(api: FastifyInstance, deps: CodebotDeps): void {
  addSubmitRoute(api, deps);
  addReadRoutes(api, deps);
}

function addSubmitRoute(api: FastifyInstance, { services, auth, options, placeOf }: CodebotDeps): void {
  api.withTypeProvider<TypeBoxTypeProvider>().post(
    '/submit',
    {
      schema: { body: submitBody, response: { 202: submitted } },
      config: taskDocuments.submit,
      preValidation: dropNulls,
    },
    async (request, reply) => {
      const submission = parseSubmission(request.body, {
        idempotencyKey: idempotencyKeyOf(request),
        queueLimit: options.codebotQueueSize,
      });
      const trace = placeOf(request);
      const { id } = await services.createTask(
        auth.callerOf(request),
        trace === undefined ? submission : { ...submission, trace },
        submissionFields,
      );
      return reply.code(202).send({ task_id: id, status: 'pending', message: 'Task queued successfully' });
    },
  );
}

function addReadRoutes(api: FastifyInstance, { services, auth, options }: CodebotDeps): void {
  const gone: Gone = { source, afterSeconds: options.codebotRetentionMs / 1_000 };
  const typed = api.withTypeProvider<TypeBoxTypeProvider>();
  typed.get('', { schema: { querystring: listQuery }, config: taskDocuments.list }, async (request) => {
    const query = { ...parseListQuery(request.query), gone };
    const tasks = await services.overviews.list(auth.callerOf(request), query);
    return { tasks: tasks.map(taskOverviewBody), count: tasks.length };
  });
  typed.get(
    '/:id/status',
    { schema: { params: taskParams, response: { 200: wholeTaskOverview } }, config: taskDocuments.status },
    async (request) => {
      const { id } = request.params;
      const viewer = auth.callerOf(request);
      const wish = { gone, logged: loggedEvents, logLimit };
      try {
        return wholeTaskOverviewBody(await services.overviews.show(viewer, parseTaskReference(id), wish));
      } catch (error) {
        if (!(error instanceof Refusal && error.code === 'not_found')) throw error;
        throw new Refusal('not_found', notFound(id), { cause: error });
      }
    },
  );
}
