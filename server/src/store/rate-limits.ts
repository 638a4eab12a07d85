import type { Database } from './database.ts';

/**
 * The generic cell rate algorithm in one statement: `full_at` is when the bucket will have drained. A
 * request is let in while that lies within the window. It is the sliding window to within one interval,
 * and keeps one row per key instead of one per request.
 */
const spendText = `
  insert into rate_limits as kept (key, full_at)
  values ($1, now() + make_interval(secs => $2))
  on conflict (key) do update set full_at = greatest(kept.full_at, now()) + make_interval(secs => $2)
    where greatest(kept.full_at, now()) + make_interval(secs => $2) <= now() + make_interval(secs => $3) + interval '1 millisecond'
  returning full_at`;

const windowSeconds = 60;

/** Spends one of `perMinute`; returns seconds to wait (at least 1) when there is none left, else undefined. */
export async function spendRateLimit(
  database: Database,
  key: string,
  perMinute: number,
): Promise<number | undefined> {
  const interval = windowSeconds / perMinute;
  const rows = await database.statement({ name: 'spend-rate-limit', text: spendText }, [
    key,
    interval,
    windowSeconds,
  ]);
  if (rows.length === 1) return undefined;
  const waits = await database.statement<{ seconds: number }>(
    {
      name: 'read-rate-limit',
      text: `select extract(epoch from full_at - now())::float8 + $2 - $3 as seconds from rate_limits where key = $1`,
    },
    [key, interval, windowSeconds],
  );
  return Math.max(1, Math.ceil(waits[0]?.seconds ?? 1));
}
