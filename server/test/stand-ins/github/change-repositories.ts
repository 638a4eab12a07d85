import type { ForgeRepositories } from '../forge-repositories.ts';
import { settlePulls } from './github-pulls.ts';
import { fullName } from './github-state.ts';
import type { GithubAccount, GithubRepository, GithubRole, GithubState } from './github-state.ts';

/** What a repository is to be, beside its path. */
export type NewRepository = {
  readonly isPrivate?: boolean;
  readonly isEmpty?: boolean;
  readonly allowsDrafts?: boolean;
  /** Roles by login. */
  readonly collaborators?: Readonly<Record<string, GithubRole>>;
};

/** Makes a repository with one commit on `main`, or an empty one. */
export async function addRepository(
  state: GithubState,
  repositories: ForgeRepositories,
  { path, wanted }: { readonly path: string; readonly wanted: NewRepository },
  parentId?: number,
): Promise<GithubRepository> {
  const [owner = '', name = ''] = path.split('/');
  const bare = await repositories.create(path, 'main');
  if (wanted.isEmpty !== true)
    await bare.commit({ branch: 'main', files: { 'README.md': `# ${name}\n` }, message: 'begin' });
  // Who makes a repository where another one was takes its path from it.
  state.moved.delete(path.toLowerCase());
  const at = state.now();
  const repository: GithubRepository = {
    id: state.nextId(),
    owner: accountOf(state, owner),
    name,
    bare,
    defaultBranch: 'main',
    isPrivate: wanted.isPrivate ?? false,
    isArchived: false,
    allowsDrafts: wanted.allowsDrafts ?? true,
    parentId,
    collaborators: new Map(Object.entries(wanted.collaborators ?? {})),
    protectedBranches: new Set(),
    renamedBranches: new Map(),
    labels: new Map(),
    pulls: [],
    issues: [],
    lastNumber: 0,
    createdAt: at,
    updatedAt: at,
  };
  state.repositories.set(repository.id, repository);
  return repository;
}

/** Makes a copy under its name for another owner. */
export async function forkRepository(
  state: GithubState,
  repositories: ForgeRepositories,
  { repository, owner }: { readonly repository: GithubRepository; readonly owner: GithubAccount },
): Promise<GithubRepository> {
  const path = `${owner.login}/${repository.name}`;
  const wanted = { isEmpty: true, isPrivate: repository.isPrivate };
  const made = await addRepository(
    state,
    repositories,
    { path, wanted },
    repository.parentId ?? repository.id,
  );
  for (const branch of (await repository.bare.branches()).keys())
    await made.bare.fetch(repository.bare, branch, `refs/heads/${branch}`);
  made.defaultBranch = repository.defaultBranch;
  await made.bare.setDefaultBranch(repository.defaultBranch);
  return made;
}

/** Renames or transfers a repository. */
export async function moveRepository(
  state: GithubState,
  repositories: ForgeRepositories,
  { repository, to }: { readonly repository: GithubRepository; readonly to: string },
): Promise<void> {
  const from = fullName(repository);
  const [owner = '', name = ''] = to.split('/');
  await repositories.move(from, to);
  state.moved.set(from.toLowerCase(), repository.id);
  state.moved.delete(to.toLowerCase());
  repository.owner = accountOf(state, owner);
  repository.name = name;
  repository.bare = repositories.open(to);
}

/** Renames a branch, in the pull requests into it too. */
export async function renameBranch(
  state: GithubState,
  repository: GithubRepository,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<void> {
  const tip = await repository.bare.tip(from);
  if (tip === undefined) throw new Error(`there is no branch ${from}`);
  await settlePulls(state, repository);
  await repository.bare.createBranch(to, tip);
  if (repository.defaultBranch === from) {
    repository.defaultBranch = to;
    await repository.bare.setDefaultBranch(to);
  }
  for (const pull of repository.pulls) if (pull.base === from) pull.base = to;
  repository.renamedBranches.set(from, to);
  await repository.bare.deleteBranch(from);
}

function accountOf(state: GithubState, login: string): GithubAccount {
  const account = state.accounts.get(login.toLowerCase());
  if (account === undefined) throw new Error(`there is no account ${login}`);
  return account;
}
