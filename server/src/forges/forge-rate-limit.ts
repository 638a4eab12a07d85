import type { Clock } from '../lib/clock.ts';

/** Which tokens a forge wants quiet, and until when. */
export type QuietTokens = {
  /** For how many milliseconds still; undefined: it may be used. */
  readonly left: (token: string) => number | undefined;
  readonly add: (token: string, ms: number) => void;
};

const mostTokens = 1_000;

/** Remembers tokens by what `left` and `add` are told, 1,000 of them at most. */
export function createQuietTokens(clock: Clock): QuietTokens {
  const until = new Map<string, number>();
  return {
    left(token) {
      const ms = (until.get(token) ?? 0) - clock.now();
      if (ms > 0) return ms;
      until.delete(token);
      return undefined;
    },
    add(token, ms) {
      const time = Math.max(until.get(token) ?? 0, clock.now() + ms);
      until.delete(token);
      until.set(token, time);
      const [oldest] = until.keys();
      if (until.size > mostTokens && oldest !== undefined) until.delete(oldest);
    },
  };
}
