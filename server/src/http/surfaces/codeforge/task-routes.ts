import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { Refusal } from '../../../domain/errors.ts';
import { nativeFields } from '../../../services/native-fields.ts';
import { TaskStateRefusal } from '../../../services/task-state-refusal.ts';
import { parseTaskReference } from '../../task-reference.ts';
import type { CodeforgeDeps } from './codeforge-deps.ts';
import { parseListQuery } from './list-query.ts';
import { dropNulls, idempotencyKeyOf } from '../../request-parts.ts';
import { statusOf, taskBodyOf, taskRowBody } from './projection.ts';
import {
  cancelAnswer,
  cancelTaskBody,
  createdTask,
  listTasksQuery,
  showTaskQuery,
  taskBody,
  taskParams,
} from './schemas.ts';
import { parseSubmission } from './submission.ts';
import { createTaskBody } from './submission-schema.ts';
import { taskDocuments } from './task-documents.ts';

/** Creating, listing, showing and cancelling tasks, and their diff. */
export function addTaskRoutes(api: FastifyInstance, deps: CodeforgeDeps): void {
  addCreateRoute(api, deps);
  addReadRoutes(api, deps);
  addCancelRoute(api, deps);
}

function addCreateRoute(api: FastifyInstance, { services, auth, placeOf }: CodeforgeDeps): void {
  api.withTypeProvider<TypeBoxTypeProvider>().post(
    '/tasks',
    {
      schema: { body: createTaskBody, response: { 201: createdTask } },
      config: taskDocuments.create,
      preValidation: dropNulls,
    },
    async (request, reply) => {
      const caller = auth.callerOf(request);
      const submission = parseSubmission(request.body, {
        idempotencyKey: idempotencyKeyOf(request),
        rateLimitKey: caller.rateLimitKey,
      });
      const trace = placeOf(request);
      const task = await services.createTask(
        caller,
        trace === undefined ? submission : { ...submission, trace },
        nativeFields,
      );
      reply.header('location', `/api/v1/tasks/${task.id}`);
      return reply.code(201).send({
        id: task.id,
        status: statusOf('pending'),
        created_at: task.createdAt.toISOString(),
      });
    },
  );
}

function addReadRoutes(api: FastifyInstance, { services, auth }: CodeforgeDeps): void {
  const typed = api.withTypeProvider<TypeBoxTypeProvider>();
  typed.get(
    '/tasks',
    { schema: { querystring: listTasksQuery }, config: taskDocuments.list },
    async (request) => {
      const page = await services.listTasks(auth.callerOf(request), parseListQuery(request.query));
      return { tasks: page.rows.map(taskRowBody), total: page.total };
    },
  );
  typed.get(
    '/tasks/:id',
    {
      schema: { params: taskParams, querystring: showTaskQuery, response: { 200: taskBody } },
      config: taskDocuments.show,
    },
    async (request) => {
      const task = await services.showTask(auth.callerOf(request), parseTaskReference(request.params.id));
      const include = request.query.include?.split(',') ?? [];
      return taskBodyOf(task, await services.readWork(task.id, include.includes('iterations')));
    },
  );
  typed.get(
    '/tasks/:id/diff',
    { schema: { params: taskParams }, config: taskDocuments.diff },
    async (request, reply) => {
      const patch = await services.readDiff(auth.callerOf(request), parseTaskReference(request.params.id));
      return reply.type('text/plain; charset=utf-8').send(patch);
    },
  );
}

function addCancelRoute(api: FastifyInstance, { services, auth }: CodeforgeDeps): void {
  api.withTypeProvider<TypeBoxTypeProvider>().post(
    '/tasks/:id/cancel',
    {
      schema: { params: taskParams, body: cancelTaskBody, response: { 200: cancelAnswer } },
      config: taskDocuments.cancel,
      preValidation: dropNulls,
    },
    async (request) => {
      const reference = parseTaskReference(request.params.id);
      const queued = request.body.queued ?? false;
      const { id } = await services.cancelTask(auth.callerOf(request), reference, queued).catch(inOurWords);
      return { id, status: 'canceling', message: 'task cancellation requested' };
    },
  );
}

function inOurWords(error: unknown): never {
  if (!(error instanceof TaskStateRefusal)) throw error;
  throw new Refusal('conflict', `task is not running (status: ${statusOf(error.state)})`, { cause: error });
}
