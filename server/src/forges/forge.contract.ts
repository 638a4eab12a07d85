import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Secret } from '../lib/secret.ts';
import {
  ForgeError,
  type Forge,
  type ForgeErrorCode,
  type PullRequestRequest,
  type RepositoryAccess,
} from './forge.ts';

/** The requests that a trial lets go wrong. */
export type TrialStep =
  | 'verify_token'
  | 'list_repositories'
  | 'find_repository'
  | 'find_pull_request'
  | 'create_pull_request'
  | 'update_pull_request'
  | 'add_labels'
  /** One pull request by its number. */
  | 'read_pull_request'
  /** Any part of what it changes. */
  | 'read_diff'
  /** Whether a review is there already. */
  | 'find_review'
  /** Whatever posts a review, or a part of it. */
  | 'post_review';

/** What goes wrong with one request, or with `times`. Answers are in the forge's own form. */
export type TrialFault =
  /** The connection breaks before anything was done, or after all was. */
  | { readonly kind: 'drop' | 'drop_reply' }
  /** All is done, and the answer is no whole JSON. */
  | { readonly kind: 'malformed' }
  /** A page for people, of a proxy in front. */
  | { readonly kind: 'bad_gateway' }
  | { readonly kind: 'delay'; readonly ms: number }
  /** Nothing is done. `words` stand where the forge puts its message. */
  | { readonly kind: 'answer'; readonly status: number; readonly words?: string }
  /** `429`, with the seconds to wait as this forge says them. */
  | { readonly kind: 'rate_limit'; readonly seconds: number }
  /** The token that comes with the request has ended just before. */
  | { readonly kind: 'expire_token' };

export type TrialPullRequest = {
  readonly number: number;
  readonly title: string;
  readonly body: string;
  readonly branch: string;
  readonly base: string;
  readonly state: 'open' | 'closed' | 'merged';
  readonly draft: boolean;
  readonly labels: readonly string[];
};

/** What was posted about a pull request: by whom and in which pieces is the forge's own. */
export type TrialReview = {
  /** As they were sent, with what nobody sees of them; comments on lines are not among them. */
  readonly texts: readonly string[];
  readonly comments: readonly { readonly path: string; readonly line: number; readonly body: string }[];
};

/** Files by their paths, with their new contents; undefined: deleted. */
export type TrialFiles = Readonly<Record<string, string | undefined>>;

/** A repository of the trial: `main` with a commit, and `work` with one more. */
export type TrialRepository = {
  /** With the token of its owner. */
  readonly access: RepositoryAccess;
  readonly pullRequests: () => Promise<readonly TrialPullRequest[]>;
  /** Opens a pull request as a person does. */
  readonly open: (pull: {
    readonly branch: string;
    readonly base: string;
    readonly title: string;
  }) => Promise<number>;
  readonly close: (number: number) => Promise<void>;
  readonly merge: (number: number) => Promise<void>;
  /** A commit on this branch, made from `main` where it is not there. */
  readonly commit: (branch: string) => Promise<void>;
  readonly deleteBranch: (branch: string) => Promise<void>;
  /** Gives the new path. */
  readonly rename: (name: string) => Promise<string>;
  readonly archive: () => Promise<void>;
  readonly remove: () => Promise<void>;
  /** Somebody forks it, and asks to merge the branch of this name from there. */
  readonly openFromFork: (branch: string) => Promise<number>;
  /** Commits files on this branch, made from `main` where it is not there; the commit's id. */
  readonly write: (branch: string, files: TrialFiles) => Promise<string>;
  /** A forced push: `main` with one commit of these files is the branch from now on. */
  readonly rewrite: (branch: string, files: TrialFiles) => Promise<string>;
  /** The commit that git finds under a ref, over HTTP with the token of `access`; undefined: there is no such ref. */
  readonly gitFinds: (ref: string) => Promise<string | undefined>;
  /** What was posted about the pull request, `chatter` apart. */
  readonly posted: (number: number) => Promise<TrialReview>;
  /** Somebody says so many other things about the pull request, in the form in which the forge keeps reviews. */
  readonly chatter: (number: number, count: number) => Promise<void>;
};

/** What every forge is tried with, plain git too. */
export type RepositoryTrial = {
  readonly forge: Forge;
  readonly makeRepository: (name: string) => Promise<Pick<TrialRepository, 'access' | 'remove'>>;
  readonly expiredToken: Secret;
};

/** A forge with all abilities, and a world behind it that a test can change. */
export type ForgeTrial = Omit<RepositoryTrial, 'makeRepository'> & {
  readonly makeRepository: (name: string) => Promise<TrialRepository>;
  /** The name of the user whose token `access` and `ownerToken` have. */
  readonly owner: string;
  readonly ownerToken: Secret;
  /** Another valid one of the same user. */
  readonly otherToken: Secret;
  /** Of the same user, for reading only. */
  readonly readToken: Secret;
  /** Makes many repositories of the owner; their names. */
  readonly makeMany: (count: number) => Promise<readonly string[]>;
  readonly fault: (step: TrialStep, fault: TrialFault, times?: number) => void;
  /** What the forge's observer was told so far, by operation; 0 is no answer. */
  readonly seen: () => readonly { readonly operation: string; readonly status: number }[];
};

/** Makes a world of its own for a test, and ends it with the test, when it looks for violations too. */
export type MakeTrial<T> = (t: TestContext) => Promise<T>;

/** A signal for what ends by itself. */
export const patience = (): AbortSignal => AbortSignal.timeout(60_000);

/** What a pull request is asked for with, unless a test says otherwise. */
export function wishFor(
  { access }: Pick<TrialRepository, 'access'>,
  changes: Partial<PullRequestRequest> = {},
): PullRequestRequest {
  return {
    ...access,
    branch: 'work',
    base: undefined,
    title: 'Add the feature',
    body: 'It was asked for.\n\nAnd here it is.',
    overwrite: [],
    draft: false,
    known: undefined,
    ...changes,
  };
}

/** The error that a call ends with, which has this code, and whose message holds none of the tokens. */
export async function refusalOf(
  call: Promise<unknown>,
  code: ForgeErrorCode,
  ...tokens: readonly (Secret | undefined)[]
): Promise<ForgeError> {
  const error = await call.then(
    () => assert.fail(`it was done, and should have been ${code}`),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ForgeError, `${code} was expected: ${String(error)}`);
  assert.equal(error.code, code, error.message);
  assert.equal(error.retryable, code === 'rate_limited' || code === 'unavailable');
  // In words for people, on one line.
  assert.match(error.message, /^[\p{L}\p{N}\p{P}\p{S} ]{20,1200}$/u);
  for (const token of tokens) {
    const value = token?.reveal() ?? '';
    assert.ok(value === '' || !`${error.message}${error.stack}`.includes(value), 'the message holds a token');
  }
  return error;
}

/** The suite about repositories, which every forge passes. */
export function repositoryContract(make: MakeTrial<RepositoryTrial>): void {
  test('a repository is found with its path, its address and its default branch', async (t) => {
    const { forge, makeRepository } = await make(t);
    const { access } = await makeRepository('app');
    const found = await forge.findRepository(access, patience());
    assert.equal(found.fullName, access.path);
    assert.equal(found.name, 'app');
    assert.equal(found.defaultBranch, 'main');
    assert.equal(found.isArchived, false);
    assert.equal(found.cloneUrl.replace(/\.git$/u, ''), access.url.replace(/\.git$/u, ''));
  });

  test('a repository that is gone is not found', async (t) => {
    const { forge, makeRepository } = await make(t);
    const { access, remove } = await makeRepository('app');
    await remove();
    await refusalOf(forge.findRepository(access, patience()), 'not_found', access.token);
  });

  test('a token that has expired is told so, and not shown', async (t) => {
    const { forge, makeRepository, expiredToken } = await make(t);
    const { access } = await makeRepository('app');
    const asked = forge.findRepository({ ...access, token: expiredToken }, patience());
    await refusalOf(asked, 'unauthorized', expiredToken);
  });

  test('a call whose signal has ended ends with its reason', async (t) => {
    const { forge, makeRepository } = await make(t);
    const { access } = await makeRepository('app');
    const reason = new Error('enough');
    await assert.rejects(forge.findRepository(access, AbortSignal.abort(reason)), reason);
  });
}

/** The suite about what a forge without abilities says, where it is asked all the same. */
export function inabilityContract(make: MakeTrial<RepositoryTrial>): void {
  test('what a forge has no ability for is unsupported', async (t) => {
    const { forge, makeRepository, expiredToken } = await make(t);
    assert.deepEqual(forge.abilities, { pullRequests: false, accounts: false });
    const { access } = await makeRepository('app');
    const calls = [
      forge.verifyToken(expiredToken, patience()),
      forge.listRepositories(expiredToken, { page: 1, perPage: 10 }, patience()),
      forge.ensurePullRequest(wishFor({ access }), patience()),
      forge.addLabels({ ...access, number: 1 }, ['a'], patience()),
      forge.findPullRequest({ ...access, number: 1 }, patience()),
      forge.readDiff({ ...access, number: 1 }, patience()),
      forge.postReview(
        {
          ...access,
          number: 1,
          marker: 'a',
          verdict: 'comment',
          diff: { headCommit: 'a', files: new Map() },
          comments: [],
          summary: () => 'a',
        },
        patience(),
      ),
    ];
    for (const call of calls) await refusalOf(call, 'unsupported');
  });
}

/** The suite about tokens and lists, for forges that have accounts. */
export function accountContract(make: MakeTrial<ForgeTrial>): void {
  test('a token says whose it is, and an expired one that it is none', async (t) => {
    const { forge, owner, ownerToken, expiredToken } = await make(t);
    assert.equal((await forge.verifyToken(ownerToken, patience())).username, owner);
    await refusalOf(forge.verifyToken(expiredToken, patience()), 'unauthorized', expiredToken);
    const wrong = new Secret('a-token-that-nobody-was-given');
    await refusalOf(forge.verifyToken(wrong, patience()), 'unauthorized', wrong);
  });

  test('what cannot be a token is refused without a request, and not shown', async (t) => {
    const { forge, seen } = await make(t);
    for (const text of ['', 'has spaces in it', 'line-1\nx-evil: yes', 'žluťoučký-kůň']) {
      const token = new Secret(text);
      await refusalOf(forge.verifyToken(token, patience()), 'unauthorized', token);
    }
    assert.deepEqual(seen(), []);
  });

  test('250 repositories come over three pages, each of them once', async (t) => {
    const { forge, makeMany, ownerToken } = await make(t);
    const names = await makeMany(250);
    const lengths: number[] = [];
    const found: string[] = [];
    for (let page = 1; page <= 4; page += 1) {
      const rows = await forge.listRepositories(ownerToken, { page, perPage: 100 }, patience());
      lengths.push(rows.length);
      found.push(...rows.map(({ name }) => name));
    }
    assert.deepEqual(lengths, [100, 100, 50, 0]);
    assert.deepEqual(found.toSorted(), [...names].sort());
  });

  test('a renamed repository is found under its present name', async (t) => {
    const { forge, makeRepository } = await make(t);
    const repository = await makeRepository('app');
    const path = await repository.rename('application');
    const found = await forge.findRepository(repository.access, patience());
    assert.equal(found.fullName, path);
  });

  test('an archived repository says so', async (t) => {
    const { forge, makeRepository } = await make(t);
    const repository = await makeRepository('app');
    await repository.archive();
    assert.equal((await forge.findRepository(repository.access, patience())).isArchived, true);
  });

  test('who may push is told, where the forge tells', async (t) => {
    const { forge, makeRepository } = await make(t);
    const { access } = await makeRepository('app');
    assert.equal((await forge.findRepository(access, patience())).canPush, true);
  });

  test('a path that leads elsewhere in the API is not found, without a request', async (t) => {
    const { forge, makeRepository, seen } = await make(t);
    const { access } = await makeRepository('app');
    for (const path of ['', 'app', '..', 'a/..', '../user', 'a/../../user', 'a/./b', 'a/b?x=1', 'a/b#c']) {
      await refusalOf(forge.findRepository({ ...access, path }, patience()), 'not_found', access.token);
    }
    assert.deepEqual(
      seen().filter(({ status }) => status !== 404),
      [],
    );
  });
}
