import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Caller } from '../../../services/authenticate.ts';
import type { StoredEvent } from '../../../services/follow-task.ts';
import type { Task } from '../../../services/show-task.ts';
import { dataFrame, namedFrame, openEventStream, type EventStream } from '../../sse.ts';
import { parseTaskReference } from '../../task-reference.ts';
import type { CodeforgeDeps } from './codeforge-deps.ts';
import { eventBody } from './event-projection.ts';
import { doneData, statusOf } from './projection.ts';
import { taskParams } from './schemas.ts';
import { taskDocuments } from './task-documents.ts';

/** Frames are gathered up to about this many characters: one write for many small ones. */
const writeCharacters = 16_384;

/**
 * The task's events: `connected`, everything that happened behind `Last-Event-ID` (or from the beginning),
 * what happens, and at the end `done`, or `timeout` where the stream is too old. An unknown task is a 404
 * before the stream opens.
 */
export function addStreamRoute(api: FastifyInstance, deps: CodeforgeDeps): void {
  const frameOf = createFrameMemory();
  const options = { schema: { params: taskParams }, config: taskDocuments.stream, exposeHeadRoute: false };
  api.withTypeProvider<TypeBoxTypeProvider>().get('/tasks/:id/stream', options, async (request, reply) => {
    const caller = deps.auth.callerOf(request);
    const task = await deps.services.showTask(caller, parseTaskReference(request.params.id));
    const after = lastEventIdOf(request.headers['last-event-id']);
    const about = { requestId: request.id, taskId: task.id, traceId: task.traceId };
    const stream = open(reply, deps);
    const closed = deps.streams.opened();
    try {
      await streamTask({ ...deps, caller, task, stream, frameOf }, after);
    } catch (error) {
      // The status has been sent. The client finds the stream ended without `done`, and resumes.
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      const level = deps.isDatabaseAway(error) ? 'info' : 'error';
      deps.logger[level]({ ...about, error: text }, 'an event stream broke off');
    } finally {
      stream.end();
      closed();
      const by = stream.signal.aborted ? String(stream.signal.reason) : 'server';
      deps.logger.debug({ ...about, by }, 'an event stream ended');
    }
    return reply;
  });
}

function open(reply: FastifyReply, { options, closing }: CodeforgeDeps): EventStream {
  reply.hijack();
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value);
  }
  return openEventStream(reply.raw, {
    closing,
    maxMs: options.streamMaxMs,
    keepaliveMs: options.streamKeepaliveMs,
    stallMs: options.streamStallMs,
  });
}

type Streaming = Pick<CodeforgeDeps, 'services' | 'options' | 'streams'> & {
  readonly caller: Caller;
  readonly task: Task;
  readonly stream: EventStream;
  readonly frameOf: (event: StoredEvent) => string;
};

async function streamTask(streaming: Streaming, afterId: number): Promise<void> {
  const { services, caller, task, stream, streams, frameOf, options } = streaming;
  const openedAt = new Date();
  await stream.write(namedFrame('connected', { task_id: task.id, status: statusOf(task.state) }));
  for await (const news of services.followTask(caller, task, afterId, stream.signal)) {
    if (news.kind === 'rest') {
      await stream.write(namedFrame('done', doneData(news.task)));
      return;
    }
    if (!(await sendAll(stream, chunksOf(news.events, frameOf)))) break;
    streams.sent(news.events, openedAt);
  }
  if (stream.signal.reason === 'too_old') {
    const minutes = Math.round(options.streamMaxMs / 60_000);
    await stream.write(namedFrame('timeout', { message: `stream closed after ${minutes} minutes` }));
  }
}

async function sendAll(stream: EventStream, chunks: Iterable<string>): Promise<boolean> {
  for (const chunk of chunks) {
    if (stream.signal.aborted || !(await stream.write(chunk))) return false;
  }
  return true;
}

/** Whole frames, joined into writes. */
function* chunksOf(
  events: readonly StoredEvent[],
  frameOf: (event: StoredEvent) => string,
): Generator<string> {
  let chunk = '';
  for (const event of events) {
    chunk += frameOf(event);
    if (chunk.length < writeCharacters) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}

/**
 * The frame of an event; empty where this window has none for it. Followers of one task in this process
 * share the event objects, so a frame is made once, not once a client, and lives as long as its event.
 */
function createFrameMemory(): (event: StoredEvent) => string {
  const frames = new WeakMap<StoredEvent, string>();
  return (event) => {
    const known = frames.get(event);
    if (known !== undefined) return known;
    const body = eventBody(event);
    const frame = body === undefined ? '' : dataFrame(event.id, body);
    frames.set(event, frame);
    return frame;
  };
}

/** Where to resume: behind this id; what is no id of ours starts from the beginning. */
function lastEventIdOf(header: string | readonly string[] | undefined): number {
  return typeof header === 'string' && /^\d{1,15}$/u.test(header) ? Number(header) : 0;
}
