import { ApiError, ConnectionError } from './errors.ts';
import { createSseParser, type SseMessage } from './sse-parser.ts';
import type { StreamNews } from './stream-news.ts';
import { createStreamPosition, type EndOf, type StreamPosition } from './stream-position.ts';
import { pause, retryWaitMs } from './timing.ts';
import { connectionError, notTheApi, type Transport } from './transport.ts';

/** A connection that lasted so long was a good one, even if nothing happened meanwhile. */
const goodConnectionMs = 10_000;

/** The longest wait that a server may ask for with `retry:`. */
const retryMaxMs = 30_000;

type FollowDeps<End> = {
  readonly transport: Transport;
  /** Of the stream, below the server's address. */
  readonly path: string;
  /** Where to begin: behind this event; empty: at the beginning. */
  readonly lastEventId: string;
  readonly endOf: EndOf<End>;
  readonly signal: AbortSignal | undefined;
};

/** How one connection ended, and what the server asked for as the wait before the next. */
type Ending = {
  readonly by: 'done' | 'timeout' | 'cut';
  readonly error?: unknown;
  readonly retryMs?: number;
};

/**
 * Every event of a stream behind `lastEventId`, once and in order, until the server says that there are no more:
 * a task's, or a workflow run's. Lost connections are made again and resume. The iteration throws `ConnectionError` when
 * too many connections in a row brought nothing, `ApiError` on a refusal, and the signal's reason.
 */
export async function* followStream<Event, Status, End>(
  deps: FollowDeps<End>,
): AsyncGenerator<StreamNews<Event, Status, End>, void, undefined> {
  const { timing, base } = deps.transport;
  const position = createStreamPosition<Event, Status, End>(deps.lastEventId, deps.endOf);
  let fruitless = 0;
  for (;;) {
    const openedAt = performance.now();
    const before = position.lastEventId();
    const ending = yield* followOnce(deps, position);
    if (ending.by === 'done') return;
    const good = position.lastEventId() !== before || performance.now() - openedAt >= goodConnectionMs;
    fruitless = good ? 0 : fruitless + 1;
    if (good && ending.by === 'timeout') continue;
    const problem = ending.error ?? new ConnectionError(`${base} closed the stream`, { temporary: true });
    if (!(problem instanceof ApiError || problem instanceof ConnectionError)) throw problem;
    const wait = retryWaitMs(timing, problem, Math.max(1, fruitless), true);
    if (wait === undefined || fruitless >= timing.streamTries) throw problem;
    const waitMs = Math.max(wait, Math.min(ending.retryMs ?? 0, retryMaxMs));
    yield { kind: 'interrupted', reason: problem.message, waitMs };
    await pause(waitMs, deps.signal);
  }
}

/** One connection. Throws only the signal's reason: everything else is an ending. */
async function* followOnce<Event, Status, End>(
  deps: FollowDeps<End>,
  position: StreamPosition<Event, Status, End>,
): AsyncGenerator<StreamNews<Event, Status, End>, Ending, undefined> {
  position.connect();
  const parser = createSseParser(position.lastEventId());
  let retryMs = {};
  try {
    for await (const { message, at } of readMessages(deps, position.lastEventId(), parser.push)) {
      const asked = parser.retryMs();
      if (asked !== undefined) retryMs = { retryMs: asked };
      const taken = position.take(message);
      if (taken.kind === 'nothing') continue;
      if (taken.kind === 'timeout') return { by: 'timeout', ...retryMs };
      yield taken.kind === 'connected' ? { ...taken, at } : taken;
      if (taken.kind === 'done') return { by: 'done' };
    }
  } catch (error) {
    if (deps.signal?.aborted === true) throw deps.signal.reason;
    return { by: 'cut', error: problemOf(deps.transport.base, error), ...retryMs };
  }
  return { by: 'cut', ...retryMs };
}

/** The messages of one connection until the server closes it. Always leaves the connection closed. */
async function* readMessages(
  deps: Pick<FollowDeps<unknown>, 'transport' | 'path' | 'signal'>,
  lastEventId: string,
  parse: (bytes: Uint8Array) => readonly SseMessage[],
): AsyncGenerator<{ readonly message: SseMessage; readonly at: string | undefined }, void, undefined> {
  const { transport, path } = deps;
  const over = new AbortController();
  const signal = deps.signal === undefined ? over.signal : AbortSignal.any([deps.signal, over.signal]);
  const watched = createWatchdog(transport, over);
  try {
    const response = await watched(
      transport.open({
        method: 'GET',
        path,
        headers: {
          accept: 'text/event-stream',
          ...(lastEventId === '' ? {} : { 'last-event-id': lastEventId }),
        },
        repeatable: true,
        signal,
      }),
    );
    const type = response.headers.get('content-type') ?? '';
    if (!type.startsWith('text/event-stream')) throw notTheApi(transport.base, `its stream is "${type}"`);
    const at = response.headers.get('date') ?? undefined;
    const reader = response.body?.getReader();
    for (;;) {
      const part = await watched(reader?.read() ?? Promise.resolve({ done: true, value: undefined }));
      if (part.done || part.value === undefined) return;
      for (const message of parse(part.value)) yield { message, at };
    }
  } finally {
    over.abort();
  }
}

/**
 * Ends a connection that stays silent: a peer that vanished (a sleeping laptop, a dropped NAT entry) sends
 * no FIN, so a read would wait for ever. Only reads are timed: a slow consumer is not a dead connection.
 */
function createWatchdog(
  transport: Transport,
  over: AbortController,
): <Value>(read: Promise<Value>) => Promise<Value> {
  return async (read) => {
    const timer = setTimeout(() => {
      const seconds = transport.timing.silenceMs / 1000;
      over.abort(new ConnectionError(`${transport.base} was silent for ${seconds} s`, { temporary: true }));
    }, transport.timing.silenceMs);
    try {
      return await read;
    } finally {
      clearTimeout(timer);
    }
  };
}

function problemOf(base: string, error: unknown): ApiError | ConnectionError {
  if (error instanceof ApiError || error instanceof ConnectionError) return error;
  // The parser's and the position's errors: asking again would bring the same bytes.
  if (error instanceof RangeError || error instanceof SyntaxError) return notTheApi(base, error.message);
  return connectionError(base, error);
}
