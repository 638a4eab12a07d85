import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ForgeTrial, TrialRepository, TrialStep } from '../../../src/forges/forge.contract.ts';
import { createGithubForge } from '../../../src/forges/github/github-forge.ts';
import { Secret } from '../../../src/lib/secret.ts';
import { fullName } from './github-state.ts';
import type { GithubPull, GithubRepository } from './github-state.ts';
import { startGithub } from './github.ts';
import type { Github } from './github.ts';
import { gitByHand } from '../../support/git-repositories.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** GitHub's requests of each step. */
const requests: Readonly<Record<TrialStep, { readonly method: string; readonly path: RegExp }>> = {
  verify_token: { method: 'GET', path: /^\/user$/u },
  list_repositories: { method: 'GET', path: /^\/user\/repos$/u },
  find_repository: { method: 'GET', path: /^\/repos\/[^/]+\/[^/]+$/u },
  find_pull_request: { method: 'GET', path: /\/pulls$/u },
  create_pull_request: { method: 'POST', path: /\/pulls$/u },
  update_pull_request: { method: 'PATCH', path: /\/pulls\/\d+$/u },
  add_labels: { method: 'POST', path: /\/labels$/u },
  read_pull_request: { method: 'GET', path: /\/pulls\/\d+$/u },
  read_diff: { method: 'GET', path: /\/pulls\/\d+\/files$/u },
  find_review: { method: 'GET', path: /\/pulls\/\d+\/reviews$/u },
  post_review: { method: 'POST', path: /\/pulls\/\d+\/reviews$/u },
};

export type GithubTrial = ForgeTrial & { readonly github: Github };

/** The adapter before a stand-in of its own, in the form of github.com or of an Enterprise server. */
export async function makeGithubTrial(
  t: TestContext,
  form: 'github.com' | 'enterprise' = 'github.com',
): Promise<GithubTrial> {
  const github = await startGithub({ folder: join(await temporaryFolder(t), 'github') });
  t.after(() => github.close());
  t.after(() => github.assertNoViolations());
  const owner = github.addUser('ada');
  const tokenOf = (kind: Parameters<Github['addToken']>[1] = {}): Secret =>
    new Secret(github.addToken(owner, kind).value);
  const ownerToken = tokenOf();
  const seen: { operation: string; status: number }[] = [];
  const forge = createGithubForge({
    apiUrl: form === 'enterprise' ? github.apiUrl : github.url,
    version: '0.0.0-test',
    observe: ({ operation, status }) => void seen.push({ operation, status }),
  });
  return {
    github,
    forge,
    owner: owner.login,
    ownerToken,
    otherToken: tokenOf(),
    expiredToken: tokenOf({ expiresAt: Date.now() - 1_000 }),
    readToken: tokenOf({ kind: 'fine_grained', permissions: { contents: 'read', pull_requests: 'read' } }),
    makeRepository: async (name) => {
      const repository = await github.addRepository(`ada/${name}`, { isPrivate: true });
      await commitOn(repository, 'work');
      return trialRepository(github, repository, ownerToken);
    },
    makeMany: async (count) => {
      const names = Array.from({ length: count }, (_, index) => `many-${index}`);
      for (let at = 0; at < count; at += 10) {
        const some = names.slice(at, at + 10);
        await Promise.all(some.map((name) => github.addRepository(`ada/${name}`, { isEmpty: true })));
      }
      return names;
    },
    fault: (step, fault, times = 1) => {
      const words = 'words' in fault ? { body: { message: fault.words } } : {};
      github.faults.plan({ ...requests[step], times }, { ...fault, ...words });
    },
    seen: () => seen,
  };
}

async function mainOf({ bare }: GithubRepository): Promise<string> {
  const main = await bare.tip('main');
  assert.ok(main !== undefined);
  return main;
}

async function commitOn(repository: GithubRepository, branch: string): Promise<void> {
  const from = await mainOf(repository);
  const name = `file-${(await repository.bare.tip(branch)) ?? 'first'}`;
  const files = { [`${name}.txt`]: 'text\n' };
  await repository.bare.commit({ branch, from, files, message: `change ${branch}` });
}

function trialRepository(github: Github, repository: GithubRepository, token: Secret): TrialRepository {
  const pullOf = (number: number): GithubPull => {
    const pull = repository.pulls.find((one) => one.number === number);
    assert.ok(pull !== undefined, `there is no pull request #${number}`);
    return pull;
  };
  const open = (body: Readonly<Record<string, unknown>>, by: Secret): Promise<number> =>
    openPull(github, { repository, body, by });
  return {
    access: { url: github.gitUrl(fullName(repository)), path: fullName(repository), token },
    pullRequests: async () => repository.pulls.map(readPull),
    open: ({ branch, ...body }) => open({ ...body, head: branch }, token),
    close: async (number) => github.closePull(repository, pullOf(number)),
    merge: (number) => github.mergePull(repository, pullOf(number)),
    commit: (branch) => commitOn(repository, branch),
    deleteBranch: (branch) => repository.bare.deleteBranch(branch),
    rename: async (name) => {
      await github.move(repository, `ada/${name}`);
      return `ada/${name}`;
    },
    archive: async () => {
      repository.isArchived = true;
    },
    remove: () => github.remove(repository),
    openFromFork: async (branch) => {
      const somebody = github.addUser('grace');
      repository.collaborators.set('grace', 'read');
      await github.fork(repository, somebody);
      const by = new Secret(github.addToken(somebody).value);
      return open({ title: 'From a fork', base: 'main', head: `grace:${branch}` }, by);
    },
    write: async (branch, files) => repository.bare.commit({ branch, files, from: await mainOf(repository) }),
    async rewrite(branch, files) {
      await repository.bare.createBranch(branch, await mainOf(repository));
      return repository.bare.commit({ branch, files });
    },
    async gitFinds(ref) {
      const url = github.gitUrl(fullName(repository)).replace('//', `//x-access-token:${token.reveal()}@`);
      return /^\w+/u.exec(await gitByHand('/', 'ls-remote', url, ref))?.[0];
    },
    async posted(number) {
      const reviews = pullOf(number).reviews.filter(({ author }) => author.login === 'ada');
      return {
        texts: reviews.map(({ body }) => body),
        comments: reviews.flatMap(({ comments }) => comments),
      };
    },
    async chatter(number, count) {
      const author = github.addUser('linus');
      for (let said = 1; said <= count; said += 1)
        github.addReview(pullOf(number), { author, body: `${said}` });
    },
  };
}

function readPull(pull: GithubPull): Awaited<ReturnType<TrialRepository['pullRequests']>>[number] {
  return {
    number: pull.number,
    title: pull.title,
    body: pull.body ?? '',
    branch: pull.headBranch,
    base: pull.base,
    state: pull.merged === undefined ? pull.state : 'merged',
    draft: pull.draft,
    labels: [...pull.labels],
  };
}

/** As a person does, by the API and past our adapter. */
async function openPull(
  github: Github,
  asked: {
    readonly repository: GithubRepository;
    readonly body: Readonly<Record<string, unknown>>;
    readonly by: Secret;
  },
): Promise<number> {
  const response = await fetch(`${github.url}/repos/${fullName(asked.repository)}/pulls`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${asked.by.reveal()}`,
      'user-agent': 'a person',
      'content-type': 'application/json',
    },
    body: JSON.stringify(asked.body),
  });
  const answer = (await response.json()) as { readonly number?: number };
  assert.ok(response.status === 201 && answer.number !== undefined, JSON.stringify(answer));
  return answer.number;
}
