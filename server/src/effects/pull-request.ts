import { pullRequestFailed } from '../domain/failure.ts';
import { ForgeError, type EnsuredPullRequest, type Forge, type RepositoryAccess } from '../forges/forge.ts';
import type { EffectOf } from '../store/effects.ts';
import { withPatience } from '../store/patience.ts';
import { settlePullRequest, type PullRequestSettlement } from '../store/settle-pull-request.ts';
import { doAtForge, type AtForgeDeps, type Refused } from './at-forge.ts';
import type { EffectHandler } from './outbox.ts';

type PullRequestEffect = EffectOf<'pull_request'>;

/**
 * Opens the pull request of a branch, or finds the one that is open, and gives it its labels. All of it looks
 * first, so whoever does it again after a crash, or after an answer that was lost, finds what is there.
 */
export function createPullRequestHandler(deps: AtForgeDeps): EffectHandler<'pull_request'> {
  return async (effect, signal) => {
    const done = await doAtForge(deps, effect, {
      failing: 'a pull request could not be opened',
      signal,
      act: async (forge, repository) => {
        const opened = await open(forge, effect, { repository, signal });
        deps.faults.reach('pull_request.opened');
        const labelsRefused = await label(deps, forge, { effect, repository, opened, signal });
        deps.faults.reach('pull_request.labelled');
        return { kind: 'open', ...opened, labelsRefused } satisfies PullRequestSettlement;
      },
    });
    if (done === undefined) return;
    const settlement = done.kind === 'refused' ? failed(done) : done;
    await withPatience(signal, () => settlePullRequest(deps.database, effect, settlement));
    deps.faults.reach('pull_request.settled');
    deps.wakeups.wake('effect', effect.taskId);
  };
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
  deps: Pick<AtForgeDeps, 'logger'>,
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

function failed({ code, reason }: Refused): PullRequestSettlement {
  const message = `${pullRequestFailed}: ${reason}`;
  return { kind: 'failed', failure: { code, phase: 'deliver', retryable: false, message } };
}
