import type { Client } from 'pg';
import { leaseRenewMs } from '../domain/deadlines.ts';
import { delay } from '../lib/abort.ts';
import type { Logger } from '../lib/logger.ts';
import { silentTelemetry } from '../lib/telemetry.ts';
import type { Claim } from '../store/append-events.ts';
import type { Database } from '../store/database.ts';
import { renewEffects } from '../store/effects.ts';
import { renewLeases } from '../store/renew-leases.ts';

export type HeldRun = Claim & { readonly onCancel: () => void; readonly onLost: () => void };
export type HeldEffect = {
  readonly effectId: string;
  readonly generation: number;
  readonly onLost: () => void;
};

/**
 * Renews everything that this process holds, from a loop and a connection of its own: neither a full pool
 * nor a long statement can starve it. A database that is away is no loss: the leases are renewed when it
 * is back, and by generation nobody notices unless a sweeper was faster.
 */
export type LeaseKeeper = {
  /** Returns what lets go of it again. */
  readonly holdRun: (run: HeldRun) => () => void;
  readonly holdEffect: (effect: HeldEffect) => () => void;
  /** Renews at once, for who was told that somebody wants to cancel. */
  readonly renewNow: () => void;
  readonly run: (signal: AbortSignal) => Promise<void>;
};

export function createLeaseKeeper(
  database: Database,
  logger: Logger,
  { meter } = silentTelemetry,
): LeaseKeeper {
  const countRenewed = meter.counter({
    name: 'slipway_leases_renewed_total',
    help: 'Leases on runs and effects that this process has renewed.',
    labels: ['kind'],
  });
  const runs = new Map<string, HeldRun>();
  const effects = new Map<string, HeldEffect>();
  let hurry = new AbortController();

  const renew = async (client: Client): Promise<void> => {
    const heldRuns = [...runs.values()];
    const heldEffects = [...effects.values()];
    if (heldRuns.length > 0) {
      const renewed = await renewLeases(client, heldRuns);
      countRenewed({ kind: 'run' }, renewed.length);
      report(heldRuns, renewed, runs);
    }
    if (heldEffects.length > 0) {
      const kept = await renewEffects(client, heldEffects);
      countRenewed({ kind: 'effect' }, kept.size);
      for (const effect of heldEffects) {
        if (!kept.has(effect.effectId) && effects.get(effect.effectId) === effect) effect.onLost();
      }
    }
  };

  return {
    holdRun(run) {
      runs.set(run.runId, run);
      return () => {
        if (runs.get(run.runId) === run) runs.delete(run.runId);
      };
    },
    holdEffect(effect) {
      effects.set(effect.effectId, effect);
      return () => {
        if (effects.get(effect.effectId) === effect) effects.delete(effect.effectId);
      };
    },
    renewNow: () => hurry.abort(),
    async run(signal) {
      while (!signal.aborted) {
        await renewUntilBroken(database, signal, renew, async () => {
          await delay(leaseRenewMs, AbortSignal.any([signal, hurry.signal])).catch(() => undefined);
          if (hurry.signal.aborted) hurry = new AbortController();
        }).catch((error: unknown) =>
          logger.warn({ error: String(error) }, 'leases could not be renewed; trying again'),
        );
        await delay(250, signal).catch(() => undefined);
      }
    },
  };
}

function report(
  held: readonly HeldRun[],
  renewed: Awaited<ReturnType<typeof renewLeases>>,
  now: ReadonlyMap<string, HeldRun>,
): void {
  const answers = new Map(renewed.map((lease) => [lease.runId, lease]));
  for (const run of held) {
    // Let go of while the statement ran: its end is known to whoever let go.
    if (now.get(run.runId) !== run) continue;
    const answer = answers.get(run.runId);
    if (answer === undefined) run.onLost();
    else if (answer.cancelRequested) run.onCancel();
  }
}

/** A renewal takes a millisecond; a connection that is silent for so long is given up for a new one. */
const renewWithinMs = 3_000;

/** One connection's life: renews and waits in turn until the connection breaks or the signal is aborted. */
async function renewUntilBroken(
  database: Database,
  signal: AbortSignal,
  renew: (client: Client) => Promise<void>,
  wait: () => Promise<void>,
): Promise<void> {
  let broken: Error | undefined;
  const client = await database.connect((error) => (broken = error));
  try {
    while (!signal.aborted) {
      if (broken !== undefined) throw broken;
      await within(renewWithinMs, renew(client));
      await wait();
    }
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Rejects when the work takes longer; the work itself is not ended. */
async function within(milliseconds: number, work: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`the database did not answer for ${milliseconds} ms`)),
    milliseconds,
  );
  try {
    await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
