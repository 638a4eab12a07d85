import { generateKeyPairSync } from 'node:crypto';
import type { ForgeRepositories } from '../forge-repositories.ts';
import { addRepository, forkRepository, moveRepository, renameBranch } from './change-repositories.ts';
import type { NewRepository } from './change-repositories.ts';
import {
  checkEnds,
  closePull,
  markMerged,
  openPull,
  readHead,
  reopenPull,
  settlePulls,
} from './github-pulls.ts';
import { findRepository, fullName } from './github-state.ts';
import type {
  GithubAccount,
  GithubApp,
  GithubInstallation,
  GithubIssue,
  GithubPermissions,
  GithubPull,
  GithubRepository,
  GithubReview,
  GithubState,
  GithubToken,
} from './github-state.ts';

/** What happens at a GitHub without our requests: people come, repositories move, pull requests end. */
export type GithubWorld = {
  readonly repositories: () => readonly GithubRepository[];
  /** The repository of this present path. */
  readonly repository: (path: string) => GithubRepository;
  readonly addUser: (login: string, type?: 'User' | 'Organization') => GithubAccount;
  /** A classic token with the scope `repo`, unless said. */
  readonly addToken: (account: GithubAccount, token?: NewToken) => GithubToken;
  /** From now on it is as if it had never been. */
  readonly expireToken: (token: GithubToken) => void;
  /** Makes a repository with one commit on `main`, unless it is to be empty. */
  readonly addRepository: (path: string, repository?: NewRepository) => Promise<GithubRepository>;
  /** Makes a copy, under the same name, that knows where it came from. */
  readonly fork: (repository: GithubRepository, owner: GithubAccount) => Promise<GithubRepository>;
  /** Renames or transfers: the old path leads on to the new one. */
  readonly move: (repository: GithubRepository, to: string) => Promise<void>;
  readonly remove: (repository: GithubRepository) => Promise<void>;
  /** Takes pushes to this branch no more. */
  readonly protectBranch: (repository: GithubRepository, branch: string) => Promise<void>;
  /** Renames a branch: what was open for it stays so, and it stays the default one if it was. */
  readonly renameBranch: (repository: GithubRepository, from: string, to: string) => Promise<void>;
  /** Opens a pull request as the owner of its head's repository does in a browser. `head`: `branch` or `owner:branch`. */
  readonly openPull: (
    repository: GithubRepository,
    pull: { readonly head: string; readonly base: string; readonly title: string },
  ) => Promise<GithubPull>;
  /** Merges for real, by a merge commit in the base. */
  readonly mergePull: (repository: GithubRepository, pull: GithubPull) => Promise<void>;
  readonly closePull: (repository: GithubRepository, pull: GithubPull) => void;
  readonly reopenPull: (repository: GithubRepository, pull: GithubPull) => Promise<void>;
  /** Somebody reviews in a browser, without comments on lines. `COMMENTED` unless said. */
  readonly addReview: (pull: GithubPull, review: NewReview) => void;
  /** Somebody reports something. */
  readonly addIssue: (repository: GithubRepository, issue: NewIssue) => GithubIssue;
  readonly addApp: (owner: GithubAccount, slug: string, permissions?: GithubPermissions) => GithubApp;
  /** For all repositories of the account, unless some are named. */
  readonly install: (
    app: GithubApp,
    account: GithubAccount,
    repositories?: readonly GithubRepository[],
  ) => GithubInstallation;
  readonly suspend: (installation: GithubInstallation) => void;
};

type NewIssue = Pick<GithubIssue, 'author' | 'title'> & Partial<Pick<GithubIssue, 'body'>>;
type NewReview = Pick<GithubReview, 'author' | 'body'> & Partial<Pick<GithubReview, 'state'>>;

export type NewToken = {
  readonly kind?: 'classic' | 'fine_grained';
  /** Of a classic one. */
  readonly scopes?: readonly string[];
  /** Of a fine-grained one. */
  readonly permissions?: GithubPermissions;
  /** Of a fine-grained one; all of its account's unless said. */
  readonly repositories?: readonly GithubRepository[];
  /** Milliseconds of the epoch. */
  readonly expiresAt?: number;
};

/** What an app is given that opens pull requests. */
const usualPermissions: GithubPermissions = {
  metadata: 'read',
  contents: 'write',
  pull_requests: 'write',
  issues: 'write',
};

const protectedRefusal = `error: GH006: Protected branch update failed for REF.
error: Changes must be made through a pull request.`;

/** The levers of a stand-in over its state and its repositories. */
export function createGithubWorld(state: GithubState, repositories: ForgeRepositories): GithubWorld {
  return {
    repositories: () => [...state.repositories.values()],
    repository(path) {
      const found = findRepository(state, path);
      if (found === undefined) throw new Error(`there is no repository ${path}`);
      return found;
    },
    addUser: (login, type = 'User') => addUser(state, login, type),
    addToken: (account, token) => addToken(state, account, token ?? {}),
    expireToken: (token) => {
      token.expiresAt = 0;
    },
    addRepository: (path, wanted) => addRepository(state, repositories, { path, wanted: wanted ?? {} }),
    fork: (repository, owner) => forkRepository(state, repositories, { repository, owner }),
    move: (repository, to) => moveRepository(state, repositories, { repository, to }),
    async remove(repository) {
      state.repositories.delete(repository.id);
      await repositories.remove(fullName(repository));
    },
    async protectBranch(repository, branch) {
      repository.protectedBranches.add(branch);
      await repository.bare.protect([...repository.protectedBranches], protectedRefusal);
    },
    renameBranch: (repository, from, to) => renameBranch(state, repository, { from, to }),
    async openPull(repository, { head, base, title }) {
      const ends = await checkEnds(repository, base, readHead(state, repository, head));
      const rest = { body: null, draft: false, author: ends.repository.owner, maintainerCanModify: true };
      return openPull(state, repository, { ...ends, ...rest, base, title });
    },
    mergePull: (repository, pull) => mergePull(state, repository, pull),
    closePull: (_, pull) => closePull(state, pull),
    reopenPull: (repository, pull) => reopenPull(state, repository, pull),
    addReview: (pull, review) => {
      const made = { id: state.nextId(), at: state.now(), commit: pull.headSha, comments: [] };
      pull.reviews.push({ state: 'COMMENTED', ...made, ...review });
    },
    addIssue(repository, issue) {
      repository.lastNumber += 1;
      const made = { id: state.nextId(), number: repository.lastNumber, createdAt: state.now() };
      const added = { body: null, ...made, ...issue };
      repository.issues.push(added);
      return added;
    },
    addApp: (owner, slug, permissions) => addApp(state, { owner, slug, permissions }),
    install: (app, account, chosen) => install(state, { app, account, chosen }),
    suspend: (installation) => {
      installation.suspendedAt = state.now();
    },
  };
}

function addUser(state: GithubState, login: string, type: 'User' | 'Organization'): GithubAccount {
  const name = login.slice(0, 1).toUpperCase() + login.slice(1);
  const account = { id: state.nextId(), login, type, name, email: `${login}@example.com` };
  state.accounts.set(login.toLowerCase(), account);
  return account;
}

function addToken(state: GithubState, account: GithubAccount, wanted: NewToken): GithubToken {
  const kind = wanted.kind ?? 'classic';
  const prefix = kind === 'classic' ? 'ghp' : 'github_pat';
  const token: GithubToken = {
    value: `${prefix}_standin${String(state.nextId()).padStart(29, '0')}`,
    kind,
    account,
    scopes: kind === 'classic' ? (wanted.scopes ?? ['repo']) : [],
    permissions: wanted.permissions ?? usualPermissions,
    repositories:
      wanted.repositories === undefined ? undefined : new Set(wanted.repositories.map(({ id }) => id)),
    installation: undefined,
    expiresAt: wanted.expiresAt,
    usage: { hour: 0, used: 0 },
  };
  state.tokens.set(token.value, token);
  return token;
}

async function mergePull(state: GithubState, repository: GithubRepository, pull: GithubPull): Promise<void> {
  await settlePulls(state, repository);
  const message = `Merge pull request #${pull.number} from ${pull.headOwner.login}/${pull.headBranch}`;
  const commit = await repository.bare.merge(pull.base, pull.headSha, message);
  if (commit === undefined) throw new Error(`#${pull.number} cannot be merged`);
  markMerged(state, pull, { by: repository.owner, commit });
}

function addApp(
  state: GithubState,
  wanted: {
    readonly owner: GithubAccount;
    readonly slug: string;
    readonly permissions: GithubPermissions | undefined;
  },
): GithubApp {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    // As GitHub's download has it.
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  const id = state.nextId();
  const app: GithubApp = {
    id,
    clientId: `Iv23standin${id}`,
    slug: wanted.slug,
    owner: wanted.owner,
    permissions: wanted.permissions ?? usualPermissions,
    publicKey,
    privateKey,
  };
  state.apps.set(id, app);
  return app;
}

function install(
  state: GithubState,
  wanted: {
    readonly app: GithubApp;
    readonly account: GithubAccount;
    readonly chosen: readonly GithubRepository[] | undefined;
  },
): GithubInstallation {
  const { app, account, chosen } = wanted;
  const installation: GithubInstallation = {
    id: state.nextId(),
    app,
    account,
    permissions: app.permissions,
    repositories: chosen === undefined ? undefined : new Set(chosen.map(({ id }) => id)),
    suspendedAt: undefined,
  };
  state.installations.set(installation.id, installation);
  return installation;
}
