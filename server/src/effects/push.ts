import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { nextBranch } from '../domain/branch-name.ts';
import type { Failure } from '../domain/failure.ts';
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
import type { BlobFolder } from '../store/blob-folder.ts';
import type { Database } from '../store/database.ts';
import { postponeEffect, settlePush, type LeasedEffect, type PushSettlement } from '../store/effects.ts';
import { withPatience } from '../store/patience.ts';
import type { Wakeups } from '../store/wakeups.ts';
import type { EffectHandler } from './outbox.ts';

export type PushDeps = {
  readonly database: Database;
  readonly wakeups: Wakeups;
  readonly blobs: BlobFolder;
  readonly git: Git;
  readonly mirrors: Mirrors;
  readonly remoteOf: (task: LeasedEffect) => Promise<Remote>;
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
export function createPushHandler(deps: PushDeps): EffectHandler {
  return async (effect, signal) => {
    const remote = await withPatience(signal, () => deps.remoteOf(effect));
    // A remote's own words may repeat the token that it did not like.
    const redactor = createRedactor(remote.credential === undefined ? [] : [remote.credential.password]);
    let outcome: PushOutcome;
    try {
      outcome = await push(deps, effect, { remote, signal });
    } catch (error) {
      if (!(error instanceof GitError) || signal.aborted) throw error;
      const reason = redactor.text(error.message);
      if (error.retryable) {
        const wait = backoffMs(effectBackoff, effect.attempts, Math.random());
        await withPatience(signal, () => postponeEffect(deps.database, effect, wait, reason));
        return;
      }
      await settle(deps, effect, failed('push_failed', `push failed: ${reason}`), signal);
      return;
    }
    deps.faults.reach('deliver.pushed');
    await settle(deps, effect, settlementOf(deps, effect, redacted(outcome, redactor)), signal);
    deps.faults.reach('deliver.settled');
  };
}

function redacted(outcome: PushOutcome, redactor: Redactor): PushOutcome {
  return outcome.kind === 'rejected' ? { ...outcome, message: redactor.text(outcome.message) } : outcome;
}

type Pushing = { readonly remote: Remote; readonly signal: AbortSignal };

async function push(deps: PushDeps, effect: LeasedEffect, { remote, signal }: Pushing): Promise<PushOutcome> {
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
  effect: LeasedEffect,
  { remote, kept, signal }: Receiving,
): Promise<void> {
  if (effect.bundleBlobId === null || effect.baseCommit === null) throw new Error('a push without a bundle');
  const { canonical } = parseRepositoryUrl(remote.url, deps.repositories);
  const mirror = await findOrRefresh(deps.mirrors, remote, canonical, signal);
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

function settlementOf(deps: PushDeps, effect: LeasedEffect, outcome: PushOutcome): PushSettlement {
  const { branch } = effect.payload;
  switch (outcome.kind) {
    case 'pushed':
    case 'already_there':
      return { kind: 'pushed' };
    case 'taken': {
      const next = nextBranch(effect.payload.firstBranch, branch);
      return next === undefined
        ? failed(
            'push_rejected',
            `push failed: ${branch} and all its numbered names are taken; delete old branches`,
          )
        : { kind: 'taken', next, newEffectId: deps.ids.ordered() };
    }
    case 'moved':
      return failed(
        'branch_moved',
        `push failed: somebody else moved the branch ${branch}; merge or delete it, then retry`,
      );
    case 'rejected':
      return failed('push_rejected', `push failed: the repository rejected ${branch}: ${outcome.message}`);
    default:
      return outcome satisfies never;
  }
}

function failed(code: Failure['code'], message: string): PushSettlement {
  return { kind: 'failed', failure: { code, phase: 'deliver', retryable: false, message } };
}

async function settle(
  deps: PushDeps,
  effect: LeasedEffect,
  settlement: PushSettlement,
  signal: AbortSignal,
): Promise<void> {
  await withPatience(signal, () => settlePush(deps.database, effect, settlement));
  if (settlement.kind === 'taken') deps.wakeups.wake('effect', effect.taskId);
}
