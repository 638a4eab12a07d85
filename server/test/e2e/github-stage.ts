import { git } from '../../src/demo/example-repository.ts';
import { startGithub } from '../stand-ins/github/github.ts';
import type { Github } from '../stand-ins/github/github.ts';
import type { GithubPull, GithubRepository } from '../stand-ins/github/github-state.ts';
import type { ForgeStage, SeenPullRequest } from './forge-stage.ts';

const path = 'acme/engine';

/** GitHub's stand-in as an Enterprise server, with a private repository of an organisation. */
export async function openGithubStage(folder: string): Promise<ForgeStage> {
  const github = await startGithub({ folder });
  github.addUser('acme', 'Organization');
  const user = github.addUser('ada');
  const repository = await github.addRepository(path, { isPrivate: true, collaborators: { ada: 'admin' } });
  const token = github.addToken(user);
  const expired = github.addToken(user);
  github.expireToken(expired);
  const seen = (pull: GithubPull): SeenPullRequest => ({
    number: pull.number,
    url: `${github.url}/${path}/pull/${pull.number}`,
    title: pull.title,
    body: pull.body ?? '',
    isOpen: pull.state === 'open',
    isDraft: pull.draft,
    branch: pull.headBranch,
    base: pull.base,
    labels: [...pull.labels],
  });
  const pullOf = ({ number }: SeenPullRequest): GithubPull => {
    const found = repository.pulls.find((pull) => pull.number === number);
    if (found === undefined) throw new Error(`there is no pull request ${number}`);
    return found;
  };
  return {
    name: 'github',
    settings: { SLIPWAY_GITHUB_API_URL: github.apiUrl },
    repositoryUrl: github.gitUrl(path),
    token: token.value,
    branches: async () => [...(await repository.bare.branches()).keys()],
    read: (branch, file) => git(repository.bare.folder, 'show', `${branch}:${file}`),
    commit: async (branch, files) => void (await repository.bare.commit({ branch, files })),
    deleteBranch: (branch) => repository.bare.deleteBranch(branch),
    rewrite: (branch, files) => rewrite(repository, branch, files),
    async openPullRequest({ branch, files, title, isFromFork = false }) {
      const from = isFromFork ? await forkOf(github, repository) : repository;
      const headCommit = await rewrite(from, branch, files);
      const head = `${from.owner.login}:${branch}`;
      const { number } = await github.openPull(repository, { head, base: 'main', title });
      return { number, headCommit };
    },
    addIssue: (issue) => github.addIssue(repository, { author: github.addUser('linus'), ...issue }).number,
    posted(number) {
      const reviews = repository.pulls.find((pull) => pull.number === number)?.reviews ?? [];
      return {
        texts: reviews.map(({ body }) => body),
        verdicts: reviews.map(({ state }) => state),
        comments: reviews.flatMap(({ comments }) => comments),
      };
    },
    pullRequests: () => repository.pulls.map(seen),
    close: async (pull) => github.closePull(repository, pullOf(pull)),
    merge: (pull) => github.mergePull(repository, pullOf(pull)),
    protect: (branch) => github.protectBranch(repository, branch),
    archive: () => void (repository.isArchived = true),
    rename: () => github.move(repository, 'acme/motor'),
    readOnlyToken: github.addToken(user, {
      kind: 'fine_grained',
      permissions: { metadata: 'read', contents: 'read', pull_requests: 'read' },
    }).value,
    expiredToken: expired.value,
    dropReplies() {
      github.faults.plan({ method: 'POST', path: /\/pulls$/u }, { kind: 'drop_reply' });
      github.faults.plan({ method: 'POST', path: /\/issues\/\d+\/labels$/u }, { kind: 'drop_reply' });
      github.faults.plan({ method: 'POST', path: /\/reviews$/u }, { kind: 'drop_reply' });
    },
    goAway: (times) => github.faults.plan({ path: /^\/(?:repos|user)/u, times }, { kind: 'bad_gateway' }),
    limitRate: (seconds) =>
      github.faults.plan({ path: /^\/(?:repos|user)/u }, { kind: 'secondary_rate_limit', seconds }),
    assertNoViolations: () => github.assertNoViolations(),
    stop: () => github.close(),
  };
}

/** Moves a branch to `main` and puts one commit there. */
async function rewrite(
  { bare }: GithubRepository,
  branch: string,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const main = await bare.tip('main');
  if (main === undefined) throw new Error('there is no main');
  await bare.createBranch(branch, main);
  return bare.commit({ branch, files });
}

async function forkOf(github: Github, repository: GithubRepository): Promise<GithubRepository> {
  const there = github.repositories().find(({ parentId }) => parentId === repository.id);
  if (there !== undefined) return there;
  const somebody = github.addUser('grace');
  repository.collaborators.set(somebody.login, 'read');
  return github.fork(repository, somebody);
}
