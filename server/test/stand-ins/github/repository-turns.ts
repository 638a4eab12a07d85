import { settlePulls } from './github-pulls.ts';
import { findMovedRepository, findRepository } from './github-state.ts';
import type { GithubRepository, GithubState } from './github-state.ts';

const lastTurns = new WeakMap<GithubRepository, Promise<unknown>>();

/** One request of a repository at a time, as each is one transaction there; it finds all that was pushed before. */
export function inTurn<T>(
  state: GithubState,
  repository: GithubRepository,
  work: () => T | Promise<T>,
): Promise<T> {
  const turn = (lastTurns.get(repository) ?? Promise.resolve()).then(async () => {
    await settlePulls(state, repository);
    return work();
  });
  lastTurns.set(
    repository,
    turn.catch(() => undefined),
  );
  return turn;
}

/** Brings what git is about to list up to date: the heads of pull requests, forks' among them. */
export async function settleForGit(state: GithubState, url: string, path: string): Promise<void> {
  const repository = findRepository(state, path) ?? findMovedRepository(state, path);
  if (repository !== undefined && url.includes('/info/refs'))
    await inTurn(state, repository, () => undefined);
}
