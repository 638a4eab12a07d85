import type { SseMessage } from './sse-parser.ts';
import type { StreamContent } from './stream-news.ts';
import { isRecord, parseJson } from './transport.ts';

/** What one message of the stream means to who follows it. */
type Taken<Event, Status, End> =
  | StreamContent<Event, Status, End>
  | { readonly kind: 'connected'; readonly status: Status }
  /** The server closes the stream for its age: it is meant to be opened again. */
  | { readonly kind: 'timeout' }
  /** Seen before, or of a kind that this client does not know. */
  | { readonly kind: 'nothing' };

/** Reads what a stream's last word says beside the status. */
export type EndOf<End> = (data: Readonly<Record<string, unknown>>) => End;

/**
 * Where in the stream the follower is, over any number of connections.
 *
 * An event may travel as several frames of which only the last has an id. So a place is an id and the
 * number of frames taken behind it: after a cut the server repeats the frames of the half-read event, and
 * as many as were taken are dropped. A server that ignores `Last-Event-ID` and starts over is met by
 * dropping every id that is not higher than the last one.
 */
export type StreamPosition<Event, Status, End> = {
  /** What to send as `Last-Event-ID`; empty: nothing yet. */
  readonly lastEventId: () => string;
  /** To be called at the start of each connection. */
  readonly connect: () => void;
  /** Throws `SyntaxError` when the message's data is not what the API sends. */
  readonly take: (message: SseMessage) => Taken<Event, Status, End>;
};

export function createStreamPosition<Event, Status, End>(
  lastEventId: string,
  endOf: EndOf<End>,
): StreamPosition<Event, Status, End> {
  let last = lastEventId;
  let beyond = 0;
  let toSkip = 0;
  /** The id that the connection stands at: behind `last` while a server repeats what it sent before. */
  let current = lastEventId;

  /** Whether a frame that brought no id of its own is new. */
  function takeFrame(): boolean {
    if (current !== last) return false;
    if (toSkip > 0) {
      toSkip -= 1;
      return false;
    }
    beyond += 1;
    return true;
  }

  /** Whether the event of this id is new; moves the position behind it. */
  function takeId(id: string): boolean {
    current = id;
    if (isNotAfter(id, last)) return false;
    last = id;
    beyond = 0;
    toSkip = 0;
    return true;
  }

  return {
    lastEventId: () => last,
    connect() {
      toSkip = beyond;
      current = last;
    },
    take(message) {
      if (message.event !== 'message') return takeNamed(message, endOf);
      const event = readEvent(message.data) as Event;
      // An empty id is the standard's way to say "none".
      const id = message.ownId === '' ? undefined : message.ownId;
      const isNew = id === undefined ? takeFrame() : takeId(id);
      return isNew ? { kind: 'event', id, event } : { kind: 'nothing' };
    },
  };
}

function takeNamed<Event, Status, End>(message: SseMessage, endOf: EndOf<End>): Taken<Event, Status, End> {
  if (message.event === 'timeout') return { kind: 'timeout' };
  if (message.event !== 'connected' && message.event !== 'done') return { kind: 'nothing' };
  const data = parseJson(message.data);
  if (!isRecord(data) || typeof data['status'] !== 'string') {
    throw new SyntaxError(`a "${message.event}" event without a status`);
  }
  const status = data['status'] as Status;
  if (message.event === 'connected') return { kind: 'connected', status };
  return { kind: 'done', status, ...endOf(data) };
}

/** Only what every event has is checked: which events there are is the contract's. */
function readEvent(data: string): Readonly<Record<string, unknown>> {
  const event = parseJson(data);
  if (!isRecord(event) || typeof event['type'] !== 'string' || typeof event['event'] !== 'string') {
    throw new SyntaxError('an event that is not of the documented form');
  }
  return event;
}

/** Ids are integers that rise within a stream; other ids cannot be ordered: only the same one is not new. */
function isNotAfter(id: string, last: string): boolean {
  if (id === last) return true;
  return /^\d+$/u.test(id) && /^\d+$/u.test(last) && BigInt(id) <= BigInt(last);
}
