import type { FailureCode } from '../domain/failure.ts';
import type { FaultPoint } from '../domain/fault-points.ts';
import { parseRepositoryUrl, type RepositoryUrlPolicy } from '../domain/repository-url.ts';
import { effectBackoff } from '../domain/retry.ts';
import { ForgeError, type Forge, type ForgeOf, type RepositoryAccess } from '../forges/forge.ts';
import { backoffMs } from '../lib/backoff.ts';
import type { Faults } from '../lib/faults.ts';
import type { Logger } from '../lib/logger.ts';
import type { FindCredential } from '../services/find-credential.ts';
import type { Database } from '../store/database.ts';
import { postponeEffect, type TaskEffect } from '../store/effects.ts';
import { withPatience } from '../store/patience.ts';
import type { Wakeups } from '../store/wakeups.ts';
import { credentialOr } from './credential-or.ts';

/** What handlers of effects at a forge work with. */
export type AtForgeDeps = {
  readonly database: Database;
  readonly wakeups: Wakeups;
  readonly forgeOf: ForgeOf;
  readonly findCredential: FindCredential;
  readonly repositories: RepositoryUrlPolicy;
  readonly logger: Logger;
  readonly faults: Faults<FaultPoint>;
};

/** It can never be done, and why: there is no credential for it, or the forge does not want it. */
export type Refused = {
  readonly kind: 'refused';
  readonly code: Extract<FailureCode, 'credential_missing' | 'pull_request_failed'>;
  readonly reason: string;
};

type Doing<Done> = {
  /** What is not done when it fails, for the log: `a review could not be posted`. */
  readonly failing: string;
  readonly signal: AbortSignal;
  readonly act: (forge: Forge, repository: RepositoryAccess) => Promise<Done>;
};

/**
 * Does something at the forge of the effect's repository, with its task's credential. What may pass is tried again
 * later, after a growing wait or when the forge wants to be asked again: then undefined.
 */
export async function doAtForge<Done>(
  deps: AtForgeDeps,
  effect: TaskEffect,
  { failing, signal, act }: Doing<Done>,
): Promise<Done | Refused | undefined> {
  const later = (reason: string, atLeastMs?: number) =>
    tryLater(deps, effect, { failing, reason, atLeastMs, signal });
  const credential = await credentialOr(deps.findCredential, effect, signal);
  if ('failure' in credential) {
    const { retryable, message: reason } = credential.failure;
    return retryable ? later(reason) : { kind: 'refused', code: 'credential_missing', reason };
  }
  const { repositoryUrl: url } = effect;
  const { path } = parseRepositoryUrl(url, deps.repositories);
  try {
    return await act(deps.forgeOf(url), { url, path, token: credential.token });
  } catch (error) {
    if (!(error instanceof ForgeError) || signal.aborted) throw error;
    const { message: reason, retryable, retryAfterMs } = error;
    return retryable ? later(reason, retryAfterMs) : { kind: 'refused', code: 'pull_request_failed', reason };
  }
}

async function tryLater(
  { database, logger }: AtForgeDeps,
  effect: TaskEffect,
  why: {
    readonly failing: string;
    readonly reason: string;
    readonly atLeastMs: number | undefined;
    readonly signal: AbortSignal;
  },
): Promise<undefined> {
  const { failing, reason, atLeastMs = 0, signal } = why;
  const wait = Math.max(atLeastMs, backoffMs(effectBackoff, effect.attempts, Math.random()));
  logger.warn({ taskId: effect.taskId, reason, inMs: Math.round(wait) }, `${failing}; it is tried again`);
  await withPatience(signal, () => postponeEffect(database, effect, wait, reason));
}
