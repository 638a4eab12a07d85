import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type {
  ForgeTrial,
  TrialFault,
  TrialFiles,
  TrialPullRequest,
  TrialRepository,
  TrialReview,
  TrialStep,
} from '../../../src/forges/forge.contract.ts';
import { createGitlabForge } from '../../../src/forges/gitlab/gitlab-forge.ts';
import { Secret } from '../../../src/lib/secret.ts';
import { gitByHand } from '../../support/git-repositories.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import type { FaultMatch } from '../fault-plan.ts';
import type { GitlabFault } from './faults.ts';
import { startGitlab } from './gitlab.ts';
import type { Gitlab, GitlabOptions } from './gitlab.ts';
import { isDraftTitle } from './state.ts';
import type { MergeRequest, Project, User } from './state.ts';

/** The stand-in beside what every forge's trial has, for what only GitLab does. */
export type GitlabTrial = ForgeTrial & { readonly gitlab: Gitlab; readonly user: User };

const steps: Readonly<Record<TrialStep, FaultMatch>> = {
  verify_token: { method: 'GET', path: /^\/user$/u },
  list_repositories: { method: 'GET', path: /^\/projects$/u },
  find_repository: { method: 'GET', path: /^\/projects\/[^/]+$/u },
  find_pull_request: { method: 'GET', path: /\/merge_requests$/u },
  create_pull_request: { method: 'POST', path: /\/merge_requests$/u },
  update_pull_request: { method: 'PUT', path: /\/merge_requests\/\d+$/u },
  add_labels: { method: 'PUT', path: /\/merge_requests\/\d+$/u },
  read_pull_request: { method: 'GET', path: /\/merge_requests\/\d+$/u },
  read_diff: { method: 'GET', path: /\/(?:versions|diffs)$/u },
  find_review: { method: 'GET', path: /\/discussions$/u },
  post_review: { method: 'POST', path: /\/(?:discussions|notes)$/u },
};

/** Starts a GitLab with one user, whose token the adapter is tried with. */
export async function makeGitlabTrial(
  t: TestContext,
  options: Partial<GitlabOptions> = {},
): Promise<GitlabTrial> {
  const gitlab = await startGitlab({ folder: join(await temporaryFolder(t), 'gitlab'), ...options });
  t.after(async () => {
    await gitlab.close();
    gitlab.assertNoViolations();
  });
  const seen: { readonly operation: string; readonly status: number }[] = [];
  const user = gitlab.addUser('ada');
  const secretOf = (token: Parameters<Gitlab['addToken']>[1] = {}): Secret =>
    new Secret(gitlab.addToken(user, token).value);
  const ownerToken = secretOf();
  return {
    gitlab,
    user,
    forge: createGitlabForge({
      apiUrl: gitlab.apiUrl,
      version: '0.0.0',
      observe: (one) => void seen.push(one),
    }),
    makeRepository: (name) => makeRepository(gitlab, name, ownerToken),
    owner: user.username,
    ownerToken,
    otherToken: secretOf(),
    expiredToken: secretOf({ expiresAt: '2020-01-01' }),
    readToken: secretOf({ scopes: ['read_api', 'read_user', 'read_repository'] }),
    async makeMany(count) {
      const names = Array.from({ length: count }, (_, index) => `many-${index}`);
      const record = { members: { ada: 'owner' }, isRecordOnly: true } as const;
      for (const name of names) await gitlab.addProject(`acme/${name}`, record);
      return names;
    },
    fault: (step, fault, times = 1) => gitlab.faults.plan({ ...steps[step], times }, inWordsOfGitlab(fault)),
    seen: () => seen,
  };
}

function inWordsOfGitlab(fault: TrialFault): GitlabFault {
  if (fault.kind !== 'answer') return fault;
  const { kind, status, words } = fault;
  return words === undefined ? { kind, status } : { kind, status, body: { message: words } };
}

async function makeRepository(gitlab: Gitlab, name: string, token: Secret): Promise<TrialRepository> {
  const project = await gitlab.addProject(`acme/tools/${name}`, { members: { ada: 'owner' } });
  const commit = (branch: string, on = project): Promise<void> => commitOn(on, branch);
  await commit('work');
  const requestOf = (number: number): MergeRequest => {
    const found = project.mergeRequests.find(({ iid }) => iid === number);
    if (found === undefined) throw new Error(`there is no merge request !${number}`);
    return found;
  };
  return {
    access: { url: gitlab.gitUrl(project.path), path: project.path, token },
    pullRequests: async () => project.mergeRequests.map(asPullRequest),
    open: async (wish) => gitlab.openRequest({ ...wish, source: project, target: project }).iid,
    close: async (number) => gitlab.closeRequest(requestOf(number)),
    merge: (number) => gitlab.mergeRequest(requestOf(number)),
    commit,
    deleteBranch: (branch) => project.repository.deleteBranch(branch),
    async rename(to) {
      await gitlab.move(project, `acme/tools/${to}`);
      return project.path;
    },
    archive: async () => void (project.isArchived = true),
    remove: () => gitlab.remove(project),
    async openFromFork(branch) {
      const source = await gitlab.fork(project, `ada/${name}`, { ada: 'owner' });
      await commit(branch, source);
      const title = 'From a fork';
      return gitlab.openRequest({ branch, base: 'main', title, source, target: project }).iid;
    },
    write: (branch, files) => writeTo(project, branch, files),
    async rewrite(branch, files) {
      await project.repository.deleteBranch(branch);
      return writeTo(project, branch, files);
    },
    gitFinds: (ref) => findByGit(gitlab, project, { ref, token }),
    posted: async (number) => postedOn(requestOf(number)),
    chatter: async (number, count) => chatter(gitlab, requestOf(number), count),
  };
}

async function commitOn(project: Project, branch: string): Promise<void> {
  await writeTo(project, branch, {
    [`${branch}-${project.mergeRequests.length}-${Math.random()}.txt`]: branch,
  });
}

async function writeTo({ repository }: Project, branch: string, files: TrialFiles): Promise<string> {
  const from = await repository.tip('main');
  return repository.commit({ branch, files, ...(from === undefined ? {} : { from }) });
}

/** Asks over HTTP, as the owner of the token. */
async function findByGit(
  gitlab: Gitlab,
  project: Project,
  { ref, token }: { readonly ref: string; readonly token: Secret },
): Promise<string | undefined> {
  const url = gitlab.gitUrl(project.path).replace('http://', `http://oauth2:${token.reveal()}@`);
  const [commit = ''] = (await gitByHand('/', 'ls-remote', url, ref)).split('\t');
  return commit === '' ? undefined : commit;
}

const chatterName = 'chatty';

function chatter(gitlab: Gitlab, { notes }: MergeRequest, count: number): void {
  const author = gitlab.addUser(chatterName);
  for (let index = 0; index < count; index += 1)
    notes.push({
      id: author.id * 10_000 + index,
      body: `And ${index}?`,
      author,
      createdAt: new Date().toISOString(),
      discussionId: `chatter-${author.id}-${index}`,
      isIndividual: true,
      position: undefined,
    });
}

function postedOn({ notes }: MergeRequest): TrialReview {
  const ours = notes.filter(({ author }) => author.username !== chatterName);
  return {
    texts: ours.filter(({ position }) => position === undefined).map(({ body }) => body),
    comments: ours.flatMap(({ position, body }) =>
      position === undefined ? [] : [{ path: position.new_path, line: position.new_line ?? 0, body }],
    ),
  };
}

function asPullRequest(request: MergeRequest): TrialPullRequest {
  return {
    number: request.iid,
    title: request.title.replace(/^Draft: /u, ''),
    body: request.description ?? '',
    branch: request.sourceBranch,
    base: request.targetBranch,
    state: request.state === 'opened' ? 'open' : request.state,
    draft: isDraftTitle(request.title),
    labels: request.labels,
  };
}
