import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { nextBranch } from '../domain/branch-name.ts';
import { pullRequestFailed, type Failure } from '../domain/failure.ts';
import type { FaultPoint } from '../domain/fault-points.ts';
import { parseRepositoryUrl, type RepositoryUrlPolicy } from '../domain/repository-url.ts';
import { effectBackoff } from '../domain/retry.ts';
import { GitError } from '../git/git-error.ts';
import type { Git, Remote } from '../git/git.ts';
import { findOrRefresh, type Mirrors } from '../git/mirrors.ts';
import { pushBranch, type PushOutcome } from '../git/push.ts';
import { keptRepository, receiveBundle, releaseClean } from '../git/receive-bundle.ts';
import { resultRef } from '../git/sandbox-scripts.ts';
import { createRedactor, type Redactor } from '../secrets/redact.ts';
import { backoffMs } from '../lib/backoff.ts';
import type { Faults } from '../lib/faults.ts';
import type { Ids } from '../lib/ids.ts';
import { remoteWith, secretsIn, type FindCredential } from '../services/find-credential.ts';
import type { BlobFolder } from '../store/blob-folder.ts';
import type { Database } from '../store/database.ts';
import { postponeEffect, type EffectOf } from '../store/effects.ts';
import { withPatience } from '../store/patience.ts';
import { settlePush, type PushSettlement } from '../store/settle-push.ts';
import type { Wakeups } from '../store/wakeups.ts';
import { credentialOr } from './credential-or.ts';
import type { EffectHandler } from './outbox.ts';

export type PushDeps = {
  readonly database: Database;
  readonly wakeups: Wakeups;
  readonly blobs: BlobFolder;
  readonly git: Git;
  readonly mirrors: Mirrors;
  readonly findCredential: FindCredential;
  readonly repositories: RepositoryUrlPolicy;
  readonly scratch: string;
  readonly ids: Ids;
  readonly faults: Faults<FaultPoint>;
};

/**
 * Pushes one commit to one branch, expecting what was pushed last or that the branch is not there. The
 * forge compares, so a push that happened before a crash is recognised and not repeated, and a branch that
 * is not ours is never touched.
 */
export function createPushHandler(deps: PushDeps): EffectHandler<'push'> {
  return async (effect, signal) => {
    const credential = await credentialOr(deps.findCredential, effect, signal);
    if ('failure' in credential) {
      await giveUp(deps, effect, { ...credential.failure, signal });
      return;
    }
    const remote = remoteWith(effect.repositoryUrl, credential);
    // A remote's own words may repeat the token that it did not like.
    const redactor = createRedactor(secretsIn(credential));
    let outcome: PushOutcome;
    try {
      outcome = await push(deps, effect, { remote, signal });
    } catch (error) {
      if (!(error instanceof GitError) || signal.aborted) throw error;
      const { retryable } = error;
      await giveUp(deps, effect, {
        code: 'push_failed',
        retryable,
        message: redactor.text(error.message),
        signal,
      });
      return;
    }
    deps.faults.reach('deliver.pushed');
    await settle(deps, effect, settlementOf(deps, effect, redacted(outcome, redactor)), signal);
    deps.faults.reach('deliver.settled');
  };
}

/** For now, where it may pass; else for good. */
async function giveUp(
  deps: PushDeps,
  effect: EffectOf<'push'>,
  why: Pick<Failure, 'code' | 'retryable' | 'message'> & { readonly signal: AbortSignal },
): Promise<void> {
  const { code, retryable, message, signal } = why;
  if (!retryable) {
    await settle(deps, effect, failed(effect, code, `push failed: ${message}`), signal);
    return;
  }
  const wait = backoffMs(effectBackoff, effect.attempts, Math.random());
  await withPatience(signal, () => postponeEffect(deps.database, effect, wait, message));
}

function redacted(outcome: PushOutcome, redactor: Redactor): PushOutcome {
  return outcome.kind === 'rejected' ? { ...outcome, message: redactor.text(outcome.message) } : outcome;
}

type Pushing = { readonly remote: Remote; readonly signal: AbortSignal };

async function push(
  deps: PushDeps,
  effect: EffectOf<'push'>,
  { remote, signal }: Pushing,
): Promise<PushOutcome> {
  const kept = keptRepository(deps.scratch, effect.runId ?? effect.effectId);
  if (!existsSync(kept)) await receive(deps, effect, { remote, kept, signal });
  deps.faults.reach('deliver.ready');
  try {
    return await pushBranch({
      git: deps.git,
      folder: kept,
      remote,
      commit: effect.payload.commit,
      branch: effect.payload.branch,
      expected: effect.payload.expected ?? undefined,
      signal,
    });
  } finally {
    // The next try, if there is one, begins with the bundle: nothing of this one can be in its way.
    await releaseClean(kept);
  }
}

type Receiving = Pushing & { readonly kept: string };

/** The commit comes from its bundle, through a clean repository that nobody but the server has written to. */
async function receive(
  deps: PushDeps,
  effect: EffectOf<'push'>,
  { remote, kept, signal }: Receiving,
): Promise<void> {
  if (effect.bundleBlobId === null || effect.baseCommit === null) throw new Error('a push without a bundle');
  const { url } = remote;
  const { canonical } = parseRepositoryUrl(url, deps.repositories);
  const mirror = await findOrRefresh(deps.mirrors, { url, canonical, remote: async () => remote, signal });
  const aside = join(deps.scratch, `push-${effect.effectId}-${effect.generation}.git`);
  await receiveBundle({
    git: deps.git,
    mirror,
    bundle: deps.blobs.path(effect.bundleBlobId),
    folder: aside,
    ref: resultRef,
    base: effect.baseCommit,
    // Its size was for the operator to limit when it was collected.
    maxBytes: Number.MAX_SAFE_INTEGER,
    signal,
  });
  await rename(aside, kept);
}

function settlementOf(deps: PushDeps, effect: EffectOf<'push'>, outcome: PushOutcome): PushSettlement {
  const { branch } = effect.payload;
  switch (outcome.kind) {
    case 'pushed':
    case 'already_there':
      return { kind: 'pushed' };
    case 'taken': {
      const next = nextBranch(effect.payload.firstBranch, branch);
      return next === undefined
        ? failed(
            effect,
            'push_rejected',
            `push failed: ${branch} and all its numbered names are taken; delete old branches`,
          )
        : { kind: 'taken', next, newEffectId: deps.ids.ordered() };
    }
    case 'moved':
      if (outcome.to === undefined) return { kind: 'gone', newEffectId: deps.ids.ordered() };
      return failed(
        effect,
        'branch_moved',
        `push failed: somebody else moved the branch ${branch}; its commits are not overwritten`,
      );
    case 'rejected':
      return failed(
        effect,
        'push_rejected',
        `push failed: the repository rejected ${branch}: ${outcome.message}`,
      );
    default:
      return outcome satisfies never;
  }
}

/** Who asked for a pull request is told of it in its words. */
function failed(
  { payload }: EffectOf<'push'>,
  code: Failure['code'],
  reason: string,
): PushSettlement & { readonly kind: 'failed' } {
  const message = payload.pullRequest === undefined ? reason : `${pullRequestFailed}: ${reason}`;
  return { kind: 'failed', failure: { code, phase: 'deliver', retryable: false, message } };
}

async function settle(
  deps: PushDeps,
  effect: EffectOf<'push'>,
  settlement: PushSettlement,
  signal: AbortSignal,
): Promise<void> {
  await withPatience(signal, () => settlePush(deps.database, effect, settlement));
  // The next name, the pull request, a callback.
  deps.wakeups.wake('effect', effect.taskId);
}
