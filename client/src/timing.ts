import { ApiError, type ConnectionError } from './errors.ts';

/** How patient a client is. Milliseconds where the name says so. */
export type Timing = {
  /** For one try of an ordinary request, its body included. */
  readonly requestMs: number;
  /** For one try of a request that waits for a pull request. */
  readonly publishMs: number;
  /** Tries of one ordinary request. */
  readonly tries: number;
  /** Connections in a row that brought nothing new before a stream gives up. */
  readonly streamTries: number;
  readonly backoffFirstMs: number;
  readonly backoffMaxMs: number;
  /** A longer `Retry-After` is not waited for: the refusal is the caller's to handle. */
  readonly retryAfterMaxMs: number;
  /** A stream without a byte for so long is dead: the server writes a comment every 15 s. */
  readonly silenceMs: number;
};

/** With these a stream outlives about a minute without a server, a request about two seconds. */
export const defaultTiming: Timing = {
  requestMs: 30_000,
  publishMs: 180_000,
  tries: 4,
  streamTries: 12,
  backoffFirstMs: 250,
  backoffMaxMs: 8_000,
  retryAfterMaxMs: 30_000,
  silenceMs: 45_000,
};

/** Doubling waits, spread over the upper half of each so that clients cut together do not return together. */
function backoffMs(timing: Timing, attempt: number): number {
  const full = Math.min(timing.backoffMaxMs, timing.backoffFirstMs * 2 ** (attempt - 1));
  return Math.round(full / 2 + (full / 2) * Math.random());
}

/**
 * How long to wait before the request is tried again, in milliseconds; undefined: it is not worth it.
 * A 429 did nothing, so it may be repeated whatever the request was; all else only where `repeatable`.
 */
export function retryWaitMs(
  timing: Timing,
  problem: ApiError | ConnectionError,
  attempt: number,
  repeatable: boolean,
): number | undefined {
  const backoff = backoffMs(timing, attempt);
  if (!(problem instanceof ApiError)) return repeatable && problem.temporary ? backoff : undefined;
  if (problem.status !== 429 && !(repeatable && [502, 503, 504].includes(problem.status))) return undefined;
  const asked = (problem.retryAfter ?? 0) * 1000;
  return asked > timing.retryAfterMaxMs ? undefined : Math.max(backoff, asked);
}

/** Waits, or rejects with the signal's reason as soon as it is aborted. */
export function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
