import type { Postmaster } from './postmaster.ts';
import { delay } from '../lib/abort.ts';
import type { Logger } from '../lib/logger.ts';

const firstWaitMs = 100;
const longestWaitMs = 10_000;
/** Who lived this long starts with a clean record: the next restart is immediate. */
const steadyAfterMs = 30_000;

export type SupervisionRequest = {
  readonly first: Postmaster;
  readonly restart: (signal: AbortSignal) => Promise<Postmaster>;
  readonly logger: Logger;
  readonly signal: AbortSignal;
};

/**
 * Restarts a postmaster whenever it is gone, until the signal is aborted: at once the first time, then
 * with growing waits, for as long as it takes (a full disk is emptied by people). Resolves with the
 * postmaster that is up at the end, if any; never rejects.
 */
export async function supervisePostmaster(request: SupervisionRequest): Promise<Postmaster | undefined> {
  const { restart, logger, signal } = request;
  let current: Postmaster | undefined = request.first;
  let upSince = performance.now();
  let failures = 0;
  while (!signal.aborted) {
    try {
      if (current !== undefined) {
        await current.gone(signal);
        logger.error({ pid: current.identity.pid }, 'PostgreSQL died.');
        current = undefined;
        if (performance.now() - upSince > steadyAfterMs) failures = 0;
      }
      if (failures > 0) await delay(Math.min(longestWaitMs, firstWaitMs * 2 ** (failures - 1)), signal);
      failures += 1;
      const began = performance.now();
      current = await restart(signal);
      upSince = performance.now();
      logger.warn(
        { pid: current.identity.pid, tookMs: Math.round(upSince - began) },
        'Restarted PostgreSQL.',
      );
    } catch (error) {
      if (!signal.aborted) logger.error({ error, failures }, 'PostgreSQL did not restart; trying again.');
    }
  }
  return current;
}
