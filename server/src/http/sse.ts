import type { ServerResponse } from 'node:http';

/** Why a stream has to end before its work is done. */
export type StreamEnd = 'client_left' | 'client_stuck' | 'server_closing' | 'too_old';

export type EventStream = {
  /** Aborted as soon as the stream has to end, with a `StreamEnd` as its reason. */
  readonly signal: AbortSignal;
  /**
   * Sends whole frames and waits until the client has taken enough of them. So whoever writes is as slow
   * as the client, and no more than one write and the socket's buffer is ever held for one. False: it was
   * not taken (client gone or stuck, stream over); what was not sent can be read again by id.
   */
  readonly write: (frames: string) => Promise<boolean>;
  /** Ends the answer; to be called once, whatever happened. */
  readonly end: () => void;
};

export type EventStreamOptions = {
  /** Aborted when the server closes. */
  readonly closing: AbortSignal;
  readonly maxMs: number;
  readonly keepaliveMs: number;
  readonly stallMs: number;
};

/** A frame of the unnamed kind; its id is what a client resumes behind. */
export function dataFrame(id: number, data: object): string {
  return `id: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** A named frame, without an id: a client that resumes does not miss it. */
export function namedFrame(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Starts an event stream on a response that nobody else writes to. */
export function openEventStream(response: ServerResponse, options: EventStreamOptions): EventStream {
  const over = new AbortController();
  const stop = (why: StreamEnd): void => over.abort(why);
  const onClosing = (): void => stop('server_closing');
  const tooOld = setTimeout(() => stop('too_old'), options.maxMs);
  const keepalive = setInterval(() => {
    // A client that is behind has frames on their way: they keep the connection alive.
    if (response.writable && !response.writableNeedDrain) response.write(': keepalive\n\n');
  }, options.keepaliveMs);
  const settle = (): void => {
    clearTimeout(tooOld);
    clearInterval(keepalive);
    options.closing.removeEventListener('abort', onClosing);
  };
  response.once('close', () => {
    settle();
    stop('client_left');
  });
  // A broken connection is told by `close`; unheard, its error would end the process.
  response.on('error', () => undefined);
  options.closing.addEventListener('abort', onClosing, { once: true });
  if (options.closing.aborted) onClosing();
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
  });
  return {
    signal: over.signal,
    async write(frames) {
      if (!response.writable || response.closed) return false;
      return response.write(frames) || drained(response, over, options.stallMs);
    },
    end() {
      settle();
      finish(response, over.signal, options.stallMs);
    },
  };
}

/**
 * Waits for `drain`; also for the end of the stream, of which there may be no `drain`. A client that takes
 * nothing for `stallMs` is cut off.
 */
function drained(response: ServerResponse, over: AbortController, stallMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (taken: boolean): void => {
      clearTimeout(stuck);
      response.off('drain', onDrain);
      over.signal.removeEventListener('abort', onOver);
      resolve(taken);
    };
    const onDrain = (): void => settle(true);
    const onOver = (): void => settle(false);
    const stuck = setTimeout(() => {
      over.abort('client_stuck' satisfies StreamEnd);
      response.destroy();
    }, stallMs);
    response.once('drain', onDrain);
    over.signal.addEventListener('abort', onOver, { once: true });
    if (over.signal.aborted) onOver();
  });
}

/** Ends the answer; a client that does not take the rest of it keeps nothing open for longer than the limit. */
function finish(response: ServerResponse, over: AbortSignal, stallMs: number): void {
  if (response.closed) return;
  const cut = setTimeout(() => response.destroy(), stallMs);
  response.once('close', () => clearTimeout(cut));
  const { socket } = response;
  response.end(() => {
    // A connection that outlives its answer would hold up the server's own end.
    if (over.reason === 'server_closing') socket?.destroySoon();
  });
}
