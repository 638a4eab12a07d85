import type { FastifyReply, FastifyRequest } from 'fastify';
import type { News, StoredEvent } from '../../../services/follow-until-rest.ts';
import { dataFrame, namedFrame, openEventStream, type EventStream } from '../../sse.ts';
import type { CodeforgeDeps } from './codeforge-deps.ts';

/** Frames are gathered up to about this many characters: one write for many small ones. */
const writeCharacters = 16_384;

/** What one stream tells. */
export type Story<Subject> = {
  /** Fields of its log lines. */
  readonly about: Readonly<Record<string, string>>;
  readonly maxMs: number;
  /** What it says first. */
  readonly connected: object;
  /** Everything behind an event, until nothing happens any more. */
  readonly follow: (afterId: number, signal: AbortSignal) => AsyncIterable<News<Subject>>;
  readonly frameOf: (event: StoredEvent) => string;
  /** What it says last. */
  readonly doneOf: (subject: Subject) => object;
};

/**
 * Answers with events: `connected`, everything that happened behind `Last-Event-ID` (or from the beginning), what
 * happens, and at the end `done`, or `timeout` where the stream is too old. To be called when nothing can be refused
 * any more.
 */
export async function answerStream<Subject>(
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
  deps: CodeforgeDeps,
  story: Story<Subject>,
): Promise<FastifyReply> {
  const after = lastEventIdOf(request.headers['last-event-id']);
  const about = { requestId: request.id, ...story.about };
  const stream = open(reply, deps, story.maxMs);
  const closed = deps.streams.opened();
  try {
    await tell(story, { stream, after, streams: deps.streams });
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
}

function open(reply: FastifyReply, { options, closing }: CodeforgeDeps, maxMs: number): EventStream {
  reply.hijack();
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value);
  }
  return openEventStream(reply.raw, {
    closing,
    maxMs,
    keepaliveMs: options.streamKeepaliveMs,
    stallMs: options.streamStallMs,
  });
}

async function tell<Subject>(
  { connected, follow, frameOf, doneOf, maxMs }: Story<Subject>,
  to: {
    readonly stream: EventStream;
    readonly after: number;
    readonly streams: CodeforgeDeps['streams'];
  },
): Promise<void> {
  const { stream, after, streams } = to;
  const openedAt = new Date();
  await stream.write(namedFrame('connected', connected));
  for await (const news of follow(after, stream.signal)) {
    if (news.kind === 'rest') {
      await stream.write(namedFrame('done', doneOf(news.subject)));
      return;
    }
    if (!(await sendAll(stream, chunksOf(news.events, frameOf)))) break;
    streams.sent(news.events, openedAt);
  }
  if (stream.signal.reason === 'too_old') {
    const minutes = Math.round(maxMs / 60_000);
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
 * The frame of an event, by its body in this window; empty where it has none. Followers of one stream in this
 * process share the event objects, so a frame is made once, not once a client, and lives as long as its event.
 * `streamId` is the event's own.
 */
export function createFrameMemory(
  bodyOf: (event: StoredEvent, streamId: string) => object | undefined,
): (event: StoredEvent, streamId: string) => string {
  const frames = new WeakMap<StoredEvent, string>();
  return (event, streamId) => {
    const known = frames.get(event);
    if (known !== undefined) return known;
    const body = bodyOf(event, streamId);
    const frame = body === undefined ? '' : dataFrame(event.id, body);
    frames.set(event, frame);
    return frame;
  };
}

/** Where to resume: behind this id; what is no id of ours starts from the beginning. */
function lastEventIdOf(header: string | readonly string[] | undefined): number {
  return typeof header === 'string' && /^\d{1,15}$/u.test(header) ? Number(header) : 0;
}
