import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { parseTaskReference } from '../../task-reference.ts';
import { answerStream, createFrameMemory } from './answer-stream.ts';
import type { CodeforgeDeps } from './codeforge-deps.ts';
import { eventBody } from './event-projection.ts';
import { doneData, statusOf } from './projection.ts';
import { taskParams } from './schemas.ts';
import { taskDocuments } from './task-documents.ts';

/** The task's events until it rests. An unknown task is a 404 before the stream opens. */
export function addStreamRoute(api: FastifyInstance, deps: CodeforgeDeps): void {
  const frameOf = createFrameMemory(eventBody);
  const options = { schema: { params: taskParams }, config: taskDocuments.stream, exposeHeadRoute: false };
  api.withTypeProvider<TypeBoxTypeProvider>().get('/tasks/:id/stream', options, async (request, reply) => {
    const caller = deps.auth.callerOf(request);
    const task = await deps.services.showTask(caller, parseTaskReference(request.params.id));
    return answerStream({ request, reply }, deps, {
      about: { taskId: task.id, traceId: task.traceId },
      maxMs: deps.options.streamMaxMs,
      connected: { task_id: task.id, status: statusOf(task.state) },
      follow: (after, signal) => deps.services.followTask(caller, task, after, signal),
      frameOf: (event) => frameOf(event, task.id),
      doneOf: doneData,
    });
  });
}
