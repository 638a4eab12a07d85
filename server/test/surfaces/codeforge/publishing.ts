import type { Forge, ForgeOf } from '../../../src/forges/forge.ts';
import { Secret } from '../../../src/lib/secret.ts';
import type { FindCredential } from '../../../src/services/find-credential.ts';

/** Where work is published, for tests in which nobody asks a forge: what waits is settled by the test. */
export type Publishing = {
  readonly forgeOf: ForgeOf;
  readonly findCredential: FindCredential;
  /** How long a call waits. */
  readonly waitMs: number;
};

function notAsked(): Promise<never> {
  return Promise.reject(new Error('nobody is to ask the forge'));
}

function forgeThatIsNotAsked(pullRequests: boolean): Forge {
  return {
    name: pullRequests ? 'github' : 'git',
    host: pullRequests ? 'git.example.com' : undefined,
    gitUsername: 'x-access-token',
    abilities: { pullRequests, accounts: pullRequests },
    verifyToken: notAsked,
    listRepositories: notAsked,
    findRepository: notAsked,
    ensurePullRequest: notAsked,
    addLabels: notAsked,
    pullRequestRef: (number) => `refs/pull/${number}/head`,
    findPullRequest: notAsked,
    readDiff: notAsked,
    postReview: notAsked,
  };
}

const noCredential: FindCredential = async () => ({ git: undefined, token: undefined });

/** Every repository lies on a host without pull requests. */
export const noPublishing: Publishing = {
  forgeOf: () => forgeThatIsNotAsked(false),
  findCredential: noCredential,
  waitMs: 0,
};

/** Every repository lies on a forge, and every task has a token for it. */
export const somePublishing: Publishing = {
  forgeOf: () => forgeThatIsNotAsked(true),
  findCredential: async () => ({ git: undefined, token: new Secret('a token for the forge') }),
  waitMs: 20_000,
};

/** The same without a token. */
export const publishingWithoutToken: Publishing = { ...somePublishing, findCredential: noCredential };
