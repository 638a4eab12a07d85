export type Backoff = {
  readonly firstMs: number;
  readonly factor: number;
  readonly maxMs: number;
};

/**
 * How long to wait before try number `attempt` + 1, in milliseconds. `random` in [0, 1) spreads the waits
 * over the upper half of the interval, so that what failed together does not come back together.
 */
export function backoffMs(backoff: Backoff, attempt: number, random: number): number {
  const full = Math.min(backoff.maxMs, backoff.firstMs * backoff.factor ** Math.max(0, attempt - 1));
  return Math.round(full / 2 + (full / 2) * random);
}
