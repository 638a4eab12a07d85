import type { Clock } from './clock.ts';

/** The headers in which an API tells about its limits; both numbers, `reset` in seconds since the epoch. */
export type LimitHeaders = { readonly remaining: string; readonly reset: string };

/** An API that names no time has this from GitHub's advice for its secondary limits: at least a minute. */
const unnamedMs = 60_000;
/** No window is longer; a clock that is wrong must not keep a token silent for ever. */
const longestMs = 3_600_000;

/** How many requests are left; undefined where the answer does not say. */
export function remainingOf(headers: Headers, names: LimitHeaders): number | undefined {
  const text = headers.get(names.remaining);
  return text !== null && /^\d{1,9}$/u.test(text) ? Number(text) : undefined;
}

/** The time that `Retry-After` asks for (RFC 9110: seconds or a date), in milliseconds; undefined: none. */
export function retryAfterOf(headers: Headers, clock: Clock): number | undefined {
  const text = headers.get('retry-after')?.trim() ?? '';
  const ms = /^\d{1,9}$/u.test(text) ? Number(text) * 1_000 : Date.parse(text) - clock.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/** How long an answer that says "too many requests" wants its token to be quiet: 1 s to 1 h, in milliseconds. */
export function limitedForMs(headers: Headers, names: LimitHeaders, clock: Clock): number {
  const reset = headers.get(names.reset) ?? '';
  const untilReset =
    remainingOf(headers, names) === 0 && /^\d{1,12}$/u.test(reset)
      ? Number(reset) * 1_000 - clock.now()
      : undefined;
  const ms = retryAfterOf(headers, clock) ?? untilReset ?? unnamedMs;
  return Math.min(longestMs, Math.max(1_000, Math.ceil(ms)));
}
