import { validationFailed } from './github-refusal.ts';
import type { GithubError } from './github-refusal.ts';
import type { GithubAccount, GithubPull, GithubRepository, GithubState } from './github-state.ts';

/** The end that a pull request starts from: a branch of a repository of the same network. */
export type PullHead = { readonly repository: GithubRepository; readonly branch: string };

/** How GitHub says which end it means: with the owner where the two ends lie apart. */
function nameEnds(into: GithubRepository, base: string, head: PullHead): readonly [string, string] {
  if (head.repository.id === into.id) return [base, head.branch];
  return [`${into.owner.login}:${base}`, `${head.repository.owner.login}:${head.branch}`];
}

/** The repository and branch that `head` means: `branch`, `owner:branch`. Undefined: there is no such thing. */
export function readHead(state: GithubState, into: GithubRepository, head: string): PullHead | undefined {
  const colon = head.indexOf(':');
  if (colon === -1) return { repository: into, branch: head };
  const owner = head.slice(0, colon).toLowerCase();
  const branch = head.slice(colon + 1);
  const network = into.parentId ?? into.id;
  const repository = [into, ...state.repositories.values()].find(
    (one) => one.owner.login.toLowerCase() === owner && (one.parentId ?? one.id) === network,
  );
  return repository === undefined ? undefined : { repository, branch };
}

/** Where both ends of a pull request stand. */
export type PullCommits = { readonly baseSha: string; readonly headSha: string };

/** Finds the two commits, or throws what GitHub says: an end that is no branch, nothing between them. */
export async function checkEnds(
  into: GithubRepository,
  base: string,
  head: PullHead | undefined,
): Promise<PullCommits & PullHead> {
  const baseSha = await into.bare.tip(base);
  const headSha = head === undefined ? undefined : await head.repository.bare.tip(head.branch);
  const errors: GithubError[] = [];
  if (baseSha === undefined) errors.push({ resource: 'PullRequest', field: 'base', code: 'invalid' });
  if (headSha === undefined) errors.push({ resource: 'PullRequest', field: 'head', code: 'invalid' });
  if (baseSha === undefined || headSha === undefined || head === undefined) throw validationFailed(...errors);
  await bringCommits(into, head);
  const [baseName, headName] = nameEnds(into, base, head);
  if (!(await into.bare.areRelated(baseSha, headSha)))
    throw refuse(`The ${headName} branch has no history in common with ${baseName}`);
  if ((await into.bare.countAhead(baseSha, headSha)) === 0)
    throw refuse(`No commits between ${baseName} and ${headName}`);
  return { baseSha, headSha, ...head };
}

type Opening = PullCommits &
  PullHead & {
    readonly base: string;
    readonly title: string;
    readonly body: string | null;
    readonly draft: boolean;
    readonly author: GithubAccount;
    readonly maintainerCanModify: boolean;
  };

/** Opens a pull request. Throws where there is one between the two ends: GitHub has one open at most. */
export async function openPull(
  state: GithubState,
  into: GithubRepository,
  opening: Opening,
): Promise<GithubPull> {
  const { repository: from, branch, base } = opening;
  if (findOpenPull(into, base, opening) !== undefined)
    throw refuse(`A pull request already exists for ${from.owner.login}:${branch}.`);
  into.lastNumber += 1;
  const at = state.now();
  const pull: GithubPull = {
    id: state.nextId(),
    number: into.lastNumber,
    author: opening.author,
    draft: opening.draft,
    createdAt: at,
    title: opening.title,
    body: opening.body,
    state: 'open',
    base,
    baseSha: opening.baseSha,
    headRepositoryId: from.id,
    headOwner: from.owner,
    headBranch: branch,
    headSha: opening.headSha,
    maintainerCanModify: opening.maintainerCanModify && from.id !== into.id,
    isLocked: false,
    labels: new Set(),
    comments: [],
    reviews: [],
    updatedAt: at,
    closedAt: undefined,
    merged: undefined,
  };
  into.pulls.push(pull);
  await keepHead(into, pull, from);
  return pull;
}

/** Puts the head where git finds it in the repository itself. It stays there when the pull request ends. */
async function keepHead(into: GithubRepository, pull: GithubPull, from: GithubRepository): Promise<void> {
  await into.bare.fetch(from.bare, pull.headBranch, `refs/pull/${pull.number}/head`);
}

function findOpenPull(into: GithubRepository, base: string, head: PullHead): GithubPull | undefined {
  return into.pulls.find(
    (pull) =>
      pull.state === 'open' &&
      pull.base === base &&
      pull.headRepositoryId === head.repository.id &&
      pull.headBranch === head.branch,
  );
}

function refuse(message: string): Error {
  return validationFailed({ resource: 'PullRequest', code: 'custom', message });
}

/** A fork's commits come into the repository that it asks to pull, where git can compare them. */
async function bringCommits(into: GithubRepository, head: PullHead): Promise<void> {
  if (head.repository.id === into.id) return;
  await into.bare.fetch(
    head.repository.bare,
    head.branch,
    `refs/slipway/${head.repository.id}/${head.branch}`,
  );
}

/**
 * Brings the open pull requests up to what git has by now, as GitHub does after a push: new commits are theirs;
 * one whose branch or base is gone is closed; one whose commits the base has got in another way is merged.
 */
export async function settlePulls(state: GithubState, repository: GithubRepository): Promise<void> {
  // One look at git a repository, however many pull requests are open.
  const looks = new Map<GithubRepository, Promise<ReadonlyMap<string, string>>>();
  const branchesOf = (of: GithubRepository): Promise<ReadonlyMap<string, string>> => {
    const look = looks.get(of) ?? of.bare.branches();
    looks.set(of, look);
    return look;
  };
  for (const pull of repository.pulls) {
    if (pull.state === 'open') await settlePull(state, { into: repository, pull, branchesOf });
  }
}

async function settlePull(
  state: GithubState,
  at: {
    readonly into: GithubRepository;
    readonly pull: GithubPull;
    readonly branchesOf: (of: GithubRepository) => Promise<ReadonlyMap<string, string>>;
  },
): Promise<void> {
  const { into, pull, branchesOf } = at;
  const from = state.repositories.get(pull.headRepositoryId);
  const headSha = from === undefined ? undefined : (await branchesOf(from)).get(pull.headBranch);
  const baseSha = (await branchesOf(into)).get(pull.base);
  if (from === undefined || headSha === undefined || baseSha === undefined) {
    closePull(state, pull);
    return;
  }
  if (headSha === pull.headSha && baseSha === pull.baseSha) return;
  const isPushed = headSha !== pull.headSha;
  await keepHead(into, pull, from);
  pull.headSha = headSha;
  pull.updatedAt = state.now();
  if ((await into.bare.countAhead(baseSha, headSha)) > 0) pull.baseSha = baseSha;
  else if (isPushed) closePull(state, pull);
  else markMerged(state, pull, { by: pull.author, commit: headSha });
}

export function closePull(state: GithubState, pull: GithubPull): void {
  pull.state = 'closed';
  pull.closedAt = state.now();
  pull.updatedAt = pull.closedAt;
}

/** Records that the base has the pull request's commits by now. */
export function markMerged(
  state: GithubState,
  pull: GithubPull,
  merge: { readonly by: GithubAccount; readonly commit: string },
): void {
  closePull(state, pull);
  pull.merged = { at: state.now(), ...merge };
}

/** Opens a closed pull request again, or throws why not: merged, its branch gone, another one open. */
export async function reopenPull(
  state: GithubState,
  into: GithubRepository,
  pull: GithubPull,
): Promise<void> {
  const from = state.repositories.get(pull.headRepositoryId);
  const headSha = await from?.bare.tip(pull.headBranch);
  const baseSha = await into.bare.tip(pull.base);
  if (pull.merged !== undefined) throw refuseState('The pull request cannot be reopened.');
  if (from === undefined || headSha === undefined)
    throw refuseState(`The ${pull.headBranch} branch has been deleted.`);
  if (baseSha === undefined) throw refuseState(`The ${pull.base} branch has been deleted.`);
  const ends = `from ${pull.headOwner.login}:${pull.headBranch} to ${into.owner.login}:${pull.base}`;
  if (findOpenPull(into, pull.base, { repository: from, branch: pull.headBranch }) !== undefined)
    throw refuseState(`There is already an open pull request ${ends}.`);
  await keepHead(into, pull, from);
  pull.state = 'open';
  pull.closedAt = undefined;
  pull.headSha = headSha;
  pull.baseSha = baseSha;
  pull.updatedAt = state.now();
}

function refuseState(why: string): Error {
  const message = `state cannot be changed. ${why}`;
  return validationFailed({ resource: 'PullRequest', field: 'state', code: 'invalid', message });
}
