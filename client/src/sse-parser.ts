/** One event of a `text/event-stream`, as the HTML standard defines it. */
export type SseMessage = {
  /** `message` where the stream named none. */
  readonly event: string;
  readonly data: string;
  /** The last id that the stream gave, in this event or an earlier one; empty before the first. */
  readonly lastEventId: string;
  /** The id that came with this event itself; undefined where it brought none. */
  readonly ownId: string | undefined;
};

export type SseParser = {
  /**
   * The events that these bytes complete. Where the stream is cut into calls changes nothing. Throws
   * `RangeError` when one event grows beyond `maxCharacters`.
   */
  readonly push: (bytes: Uint8Array) => readonly SseMessage[];
  /** What the server last asked for as the wait before a reconnect; undefined: nothing. */
  readonly retryMs: () => number | undefined;
};

/**
 * A parser for one connection. `lastEventId`: what an earlier connection of the same stream ended with.
 * What the end of the stream leaves incomplete is no event, so there is nothing to flush.
 */
export function createSseParser(lastEventId = '', maxCharacters = 16 * 1024 * 1024): SseParser {
  // In streaming mode the decoder holds back a character cut in two, and drops one byte order mark at the start.
  const decoder = new TextDecoder();
  let afterCr = false;
  let pending = '';
  let event = '';
  let data: string[] = [];
  let size = 0;
  let id = lastEventId;
  let ownId: string | undefined;
  let retryMs: number | undefined;

  function takeField(field: string, value: string): void {
    if (field === 'event') event = value;
    else if (field === 'data') data.push(value);
    else if (field === 'id' && !value.includes('\0')) id = ownId = value;
    else if (field === 'retry' && /^[0-9]+$/u.test(value)) retryMs = Number(value);
  }

  function takeLine(line: string): SseMessage | undefined {
    if (line === '') {
      const complete =
        data.length === 0
          ? undefined
          : { event: event === '' ? 'message' : event, data: data.join('\n'), lastEventId: id, ownId };
      event = '';
      ownId = undefined;
      data = [];
      size = 0;
      return complete;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return undefined;
    size += line.length;
    const value = colon === -1 ? '' : line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1));
    takeField(colon === -1 ? line : line.slice(0, colon), value);
    return undefined;
  }

  function push(bytes: Uint8Array): readonly SseMessage[] {
    let text = decoder.decode(bytes, { stream: true });
    if (text === '') return [];
    // A CR ends its line at once (waiting for a LF would hold the event back); a LF right behind it is its second half.
    if (afterCr && text.startsWith('\n')) text = text.slice(1);
    afterCr = text.endsWith('\r');
    const lines = text.split(/\r\n|\n|\r/u);
    const rest = lines.pop() ?? '';
    const messages: SseMessage[] = [];
    for (const line of lines) {
      const message = takeLine(pending + line);
      pending = '';
      if (message !== undefined) messages.push(message);
    }
    pending += rest;
    if (size + pending.length > maxCharacters) {
      throw new RangeError(`an event of the stream is longer than ${maxCharacters} characters`);
    }
    return messages;
  }

  return { push, retryMs: () => retryMs };
}
