import { aborted, delay, withTimeout } from '../lib/abort.ts';
import type { Logger } from '../lib/logger.ts';
import type { Database } from '../store/database.ts';
import { takeDuty } from '../store/duties.ts';
import { deleteFullRateLimits, deleteOldIdempotencyKeys } from '../store/expiry.ts';
import { deleteOldWebhooks } from '../store/webhook-list.ts';

/** Something that has to be done every now and then, by one process. It may be left out once, and repeated. */
export type Duty = {
  /** Its name in the table of duties. What every host does for itself carries the worker's id in its name. */
  readonly name: string;
  readonly everySeconds: number;
  /** A duty that takes longer is aborted. */
  readonly limitMs: number;
  /** Does it and returns how much of what, for the log. */
  readonly perform: (signal: AbortSignal) => Promise<Readonly<Record<string, number>>>;
};

export type HousekeepingDeps = {
  readonly database: Database;
  readonly logger: Logger;
  readonly duties: readonly Duty[];
  /** Between two looks at the table of duties, and before the first: a start has other things to do. */
  readonly everyMs?: number;
  /** What a duty has after its abort before the others go on without it. */
  readonly abortPatienceMs?: number;
};

const minuteMs = 60_000;
const hourSeconds = 3_600;
const defaultAbortPatienceMs = 5_000;

/**
 * Sees to the duties that are due, one after the other, until the signal is aborted. One that fails, or that
 * does not even end when it is aborted, is logged and stops no other. Any number of processes may run this
 * over one database.
 */
export function createHousekeeping(deps: HousekeepingDeps): {
  readonly run: (signal: AbortSignal) => Promise<void>;
} {
  /** What did not end in its time: not begun again before it has. */
  const overdue = new Set<Duty>();
  return {
    async run(signal) {
      await delay(deps.everyMs ?? minuteMs, signal).catch(() => undefined);
      while (!signal.aborted) {
        for (const duty of deps.duties) {
          if (!signal.aborted && !overdue.has(duty)) await attend(deps, duty, overdue, signal);
        }
        await delay(deps.everyMs ?? minuteMs, signal).catch(() => undefined);
      }
    },
  };
}

/** Does the duty if it is due. Never rejects. */
async function attend(
  { database, logger, abortPatienceMs = defaultAbortPatienceMs }: HousekeepingDeps,
  duty: Duty,
  overdue: Set<Duty>,
  signal: AbortSignal,
): Promise<void> {
  const log = { duty: duty.name };
  try {
    if (!(await takeDuty(database, duty.name, duty.everySeconds))) return;
    const begun = performance.now();
    const limit = withTimeout(signal, duty.limitMs);
    overdue.add(duty);
    const work = duty.perform(limit).finally(() => overdue.delete(duty));
    const done = await orUndefined(work, limit, abortPatienceMs);
    if (done === undefined) {
      logger.warn(log, 'a duty did not end when it was aborted; going on without it');
      return;
    }
    const fields = { ...log, ...done, ms: Math.round(performance.now() - begun) };
    if (Object.values(done).some((count) => count > 0)) logger.info(fields, 'a duty was done');
    else logger.debug(fields, 'a duty found nothing to do');
  } catch (error) {
    if (!signal.aborted)
      logger.warn({ ...log, error: String(error) }, 'a duty failed; it is tried again next time');
  }
}

/** What the work comes to, or undefined when it does not end soon after its signal. */
async function orUndefined<Result>(
  work: Promise<Result>,
  signal: AbortSignal,
  patienceMs: number,
): Promise<Result | undefined> {
  const settled = new AbortController();
  const patience = async (): Promise<undefined> => {
    await aborted(AbortSignal.any([signal, settled.signal]));
    await delay(patienceMs, settled.signal).catch(() => undefined);
  };
  try {
    return await Promise.race([work, patience()]);
  } finally {
    settled.abort();
  }
}

const batchRows = 5_000;

/** The duties that are about the database alone: one process does them for all. */
export function databaseDuties(database: Database): readonly Duty[] {
  const limitMs = 5 * minuteMs;
  const everySeconds = hourSeconds;
  return [
    {
      name: 'idempotency-keys',
      everySeconds,
      limitMs,
      perform: (signal) => inBatches(signal, () => deleteOldIdempotencyKeys(database, batchRows)),
    },
    {
      name: 'rate-limits',
      everySeconds,
      limitMs,
      perform: (signal) => inBatches(signal, () => deleteFullRateLimits(database, batchRows)),
    },
    {
      name: 'webhooks',
      everySeconds,
      limitMs,
      perform: (signal) => inBatches(signal, () => deleteOldWebhooks(database, batchRows)),
    },
  ];
}

/** Small transactions, so that no request waits for a large one. */
async function inBatches(
  signal: AbortSignal,
  deleteBatch: () => Promise<number>,
): Promise<{ deleted: number }> {
  let deleted = 0;
  for (;;) {
    signal.throwIfAborted();
    const batch = await deleteBatch();
    deleted += batch;
    if (batch < batchRows) return { deleted };
  }
}
