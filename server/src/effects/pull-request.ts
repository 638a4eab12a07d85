import { pullRequestFailed, type Failure } from '../domain/failure.ts';
import type { FaultPoint } from '../domain/fault-points.ts';
import { parseRepositoryUrl, type RepositoryUrlPolicy } from '../domain/repository-url.ts';
import {
  ForgeError,
  type EnsuredPullRequest,
  type Forge,
  type ForgeOf,
  type RepositoryAccess,
} from '../forges/forge.ts';
import type { Faults } from '../lib/faults.ts';
import type { Logger } from '../lib/logger.ts';
import type { FindCredential } from '../services/find-credential.ts';
import type { Database } from '../store/database.ts';
import type { EffectOf } from '../store/effects.ts';
import { withPatience } from '../store/patience.ts';
import { settlePullRequest, type PullRequestSettlement } from '../store/settle-pull-request.ts';
import type { Wakeups } from '../store/wakeups.ts';
import { credentialOr } from './credential-or.ts';
import type { EffectHandler } from './outbox.ts';
import { tryLater } from './try-later.ts';

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

const what = 'a pull request could not be opened';

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
      ? tryLater(deps, effect, { reason: message, what }, signal)
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
    const { message: reason, retryAfterMs: atLeastMs } = error;
    return tryLater(deps, effect, { reason, what, atLeastMs }, signal);
  }
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
