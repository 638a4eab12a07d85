import { pullRequestFailed, type Failure } from '../domain/failure.ts';
import type { FaultPoint } from '../domain/fault-points.ts';
import { parseRepositoryUrl, type RepositoryUrlPolicy } from '../domain/repository-url.ts';
import { effectBackoff } from '../domain/retry.ts';
import {
  ForgeError,
  type EnsuredPullRequest,
  type Forge,
  type ForgeOf,
  type RepositoryAccess,
} from '../forges/forge.ts';
import { backoffMs } from '../lib/backoff.ts';
import type { Faults } from '../lib/faults.ts';
import type { Logger } from '../lib/logger.ts';
import type { FindCredential } from '../services/find-credential.ts';
import type { Database } from '../store/database.ts';
import { postponeEffect, type EffectOf } from '../store/effects.ts';
import { withPatience } from '../store/patience.ts';
import { settlePullRequest, type PullRequestSettlement } from '../store/settle-pull-request.ts';
import type { Wakeups } from '../store/wakeups.ts';
import { credentialOr } from './credential-or.ts';
import type { EffectHandler } from './outbox.ts';

export type PullRequestDeps = {
  readonly database: Database;
  readonly wakeups: Wakeups;
  readonly forgeOf: ForgeOf;
  readonly findCredential: FindCredential;
  readonly repositories: RepositoryUrlPolicy;
  readonly logger: Logger;
  readonly faults: Faults<FaultPoint>;
};

type PullRequestEffect = EffectOf<'pull_request'>;

/**
 * Opens the pull request of a branch, or finds the one that is open, and gives it its labels. All of it looks
 * first, so whoever does it again after a crash, or after an answer that was lost, finds what is there.
 */
export function createPullRequestHandler(deps: PullRequestDeps): EffectHandler<'pull_request'> {
  return async (effect, signal) => {
    const settlement = await deliver(deps, effect, signal);
    if (settlement === undefined) return;
    await withPatience(signal, () => settlePullRequest(deps.database, effect, settlement));
    deps.faults.reach('pull_request.settled');
    deps.wakeups.wake('effect', effect.taskId);
  };
}

/** Undefined: it is tried again later. */
async function deliver(
  deps: PullRequestDeps,
  effect: PullRequestEffect,
  signal: AbortSignal,
): Promise<PullRequestSettlement | undefined> {
  const credential = await credentialOr(deps.findCredential, effect, signal);
  if ('failure' in credential) {
    const { retryable, message } = credential.failure;
    return retryable
      ? postpone(deps, effect, { reason: message, signal })
      : failed('credential_missing', message);
  }
  const { path } = parseRepositoryUrl(effect.repositoryUrl, deps.repositories);
  const repository = { url: effect.repositoryUrl, path, token: credential.token };
  const forge = deps.forgeOf(effect.repositoryUrl);
  try {
    const opened = await open(forge, effect, { repository, signal });
    deps.faults.reach('pull_request.opened');
    const labelsRefused = await label(deps, forge, { effect, repository, opened, signal });
    deps.faults.reach('pull_request.labelled');
    return { kind: 'open', ...opened, labelsRefused };
  } catch (error) {
    if (!(error instanceof ForgeError) || signal.aborted) throw error;
    if (!error.retryable) return failed('pull_request_failed', error.message);
    return postpone(deps, effect, {
      reason: error.message,
      signal,
      ...(error.retryAfterMs === undefined ? {} : { atLeastMs: error.retryAfterMs }),
    });
  }
}

/** Tried again later: after a growing wait, or when the forge wants to be asked again. */
async function postpone(
  deps: PullRequestDeps,
  effect: PullRequestEffect,
  {
    reason,
    atLeastMs = 0,
    signal,
  }: { readonly reason: string; readonly atLeastMs?: number; readonly signal: AbortSignal },
): Promise<undefined> {
  const wait = Math.max(atLeastMs, backoffMs(effectBackoff, effect.attempts, Math.random()));
  deps.logger.warn(
    { taskId: effect.taskId, reason, inMs: Math.round(wait) },
    'a pull request could not be opened; it is tried again',
  );
  await withPatience(signal, () => postponeEffect(deps.database, effect, wait, reason));
}

type Opening = { readonly repository: RepositoryAccess; readonly signal: AbortSignal };

async function open(
  forge: Forge,
  { payload }: PullRequestEffect,
  { repository, signal }: Opening,
): Promise<EnsuredPullRequest> {
  const { branch, base, title, body, overwrite, draft, known } = payload;
  return forge.ensurePullRequest(
    {
      ...repository,
      branch,
      base: base ?? undefined,
      title,
      body,
      overwrite,
      draft,
      known: known ?? undefined,
    },
    signal,
  );
}

/**
 * A pull request without its labels is better than none: what the forge refuses is told, and the task goes on.
 */
async function label(
  deps: PullRequestDeps,
  forge: Forge,
  {
    effect,
    repository,
    opened,
    signal,
  }: Opening & { readonly effect: PullRequestEffect; readonly opened: EnsuredPullRequest },
): Promise<string | undefined> {
  const { labels } = effect.payload;
  if (labels.length === 0) return undefined;
  try {
    await forge.addLabels({ ...repository, number: opened.number }, labels, signal);
    return undefined;
  } catch (error) {
    if (!(error instanceof ForgeError) || error.retryable || signal.aborted) throw error;
    deps.logger.info({ taskId: effect.taskId, reason: error.message }, 'labels were refused');
    return error.message;
  }
}

function failed(code: Failure['code'], reason: string): PullRequestSettlement {
  const message = `${pullRequestFailed}: ${reason}`;
  return { kind: 'failed', failure: { code, phase: 'deliver', retryable: false, message } };
}
