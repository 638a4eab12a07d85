import type { IncomingHttpHeaders } from 'node:http';

/** A request as it came in, and how it went. Times are milliseconds of the epoch. */
export type LoggedRequest = {
  /** From 1, in the order of arrival. */
  readonly id: number;
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** All of them, credentials too: a test looks here for the key that arrived. */
  readonly headers: IncomingHttpHeaders;
  /** The body as JSON; undefined where it is none. */
  readonly body: unknown;
  /** The marker that chose the scenario, as it stands in the prompt; undefined without one. */
  readonly marker: string | undefined;
  /** The scenario that answered; undefined for what is no model request, and where the credential is missing. */
  readonly scenario: string | undefined;
  /** How many tools had answered since the marker. */
  readonly step: number;
  /** All of the message that the marker stands in. */
  readonly prompt: string | undefined;
  readonly startedAt: number;
  readonly firstByteAt: number | undefined;
  /** The status that was sent; undefined before the first byte. */
  readonly status: number | undefined;
  /** `finished`: answered to its end. `client`, `server`: who broke the connection before. Undefined: open. */
  readonly closed: 'finished' | 'client' | 'server' | undefined;
  readonly closedAt: number | undefined;
};

export type RequestLog = {
  readonly all: () => readonly LoggedRequest[];
  /** Adds a request that has just come in, and gives its id. */
  readonly add: (request: Pick<LoggedRequest, 'method' | 'path' | 'headers'>) => number;
  readonly change: (id: number, change: Partial<LoggedRequest>) => void;
  readonly waitFor: (
    predicate: (request: LoggedRequest) => boolean,
    signal: AbortSignal,
  ) => Promise<LoggedRequest>;
};

/** Of more requests, the oldest are forgotten: each keeps its body. */
const keptRequests = 5_000;

/** The requests of one server, each an object that is replaced, never changed. */
export function createRequestLog(): RequestLog {
  const kept = new Map<number, LoggedRequest>();
  const watchers = new Set<(request: LoggedRequest) => void>();
  let last = 0;
  const put = (request: LoggedRequest): void => {
    kept.set(request.id, request);
    for (const watch of watchers) watch(request);
  };
  return {
    all: () => [...kept.values()],
    add(request) {
      last += 1;
      kept.delete(last - keptRequests);
      put({ ...unanswered, ...request, id: last, startedAt: Date.now() });
      return last;
    },
    change(id, change) {
      const request = kept.get(id);
      if (request !== undefined) put({ ...request, ...change });
    },
    waitFor: (predicate, signal) =>
      new Promise((resolve, reject) => {
        const found = [...kept.values()].find(predicate);
        if (found !== undefined) {
          resolve(found);
          return;
        }
        const end = (): void => {
          watchers.delete(watch);
          signal.removeEventListener('abort', giveUp);
        };
        const giveUp = (): void => {
          end();
          reject(signal.reason);
        };
        const watch = (request: LoggedRequest): void => {
          if (!predicate(request)) return;
          end();
          resolve(request);
        };
        if (signal.aborted) {
          giveUp();
          return;
        }
        watchers.add(watch);
        signal.addEventListener('abort', giveUp, { once: true });
      }),
  };
}

const unanswered = {
  body: undefined,
  marker: undefined,
  scenario: undefined,
  step: 0,
  prompt: undefined,
  firstByteAt: undefined,
  status: undefined,
  closed: undefined,
  closedAt: undefined,
};
