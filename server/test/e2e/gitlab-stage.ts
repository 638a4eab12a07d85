import { git } from '../../src/demo/example-repository.ts';
import { startGitlab } from '../stand-ins/gitlab/gitlab.ts';
import type { Gitlab } from '../stand-ins/gitlab/gitlab.ts';
import type { MergeRequest, Note, Project } from '../stand-ins/gitlab/state.ts';
import type { ForgeStage, SeenPullRequest, SeenReview } from './forge-stage.ts';

const path = 'acme/tools/engine';

/** GitLab's stand-in, with a project in a sub-group. */
export async function openGitlabStage(folder: string): Promise<ForgeStage> {
  const gitlab = await startGitlab({ folder });
  const user = gitlab.addUser('ada');
  const project = await gitlab.addProject(path, { visibility: 'private', members: { ada: 'maintainer' } });
  const token = gitlab.addToken(user);
  const expired = gitlab.addToken(user);
  expired.isRevoked = true;
  const seen = (request: MergeRequest): SeenPullRequest => ({
    number: request.iid,
    url: `${gitlab.url}/${project.path}/-/merge_requests/${request.iid}`,
    title: request.title,
    body: request.description ?? '',
    isOpen: request.state === 'opened',
    isDraft: request.title.startsWith('Draft:'),
    branch: request.sourceBranch,
    base: request.targetBranch,
    labels: request.labels,
  });
  const requestOf = ({ number }: SeenPullRequest): MergeRequest => {
    const found = project.mergeRequests.find(({ iid }) => iid === number);
    if (found === undefined) throw new Error(`there is no merge request ${number}`);
    return found;
  };
  return {
    name: 'gitlab',
    settings: { SLIPWAY_GITLAB_API_URL: gitlab.apiUrl },
    repositoryUrl: gitlab.gitUrl(path),
    token: token.value,
    branches: async () => [...(await project.repository.branches()).keys()],
    read: (branch, file) => git(project.repository.folder, 'show', `${branch}:${file}`),
    commit: async (branch, files) => void (await project.repository.commit({ branch, files })),
    deleteBranch: (branch) => project.repository.deleteBranch(branch),
    rewrite: (branch, files) => rewrite(project, branch, files),
    async openPullRequest({ branch, files, title, isFromFork = false }) {
      const source = isFromFork ? await forkOf(gitlab, project) : project;
      const headCommit = await rewrite(source, branch, files);
      const wish = { branch, base: 'main', title, source, target: project };
      return { number: gitlab.openRequest(wish).iid, headCommit };
    },
    addIssue({ title, body }) {
      const author = gitlab.addUser('linus');
      return gitlab.addIssue(project, { author, title, description: body }).iid;
    },
    posted: (number) => postedOn(project.mergeRequests.find(({ iid }) => iid === number)?.notes ?? []),
    pullRequests: () => project.mergeRequests.map(seen),
    close: async (request) => gitlab.closeRequest(requestOf(request)),
    merge: (request) => gitlab.mergeRequest(requestOf(request)),
    protect: (branch) => gitlab.protectBranch(project, branch),
    archive: () => void (project.isArchived = true),
    rename: () => gitlab.move(project, 'acme/tools/motor'),
    readOnlyToken: gitlab.addToken(user, { scopes: ['read_api', 'read_repository'] }).value,
    expiredToken: expired.value,
    dropReplies() {
      gitlab.faults.plan({ method: 'POST', path: /\/merge_requests$/u }, { kind: 'drop_reply' });
      gitlab.faults.plan({ method: 'PUT', path: /\/merge_requests\/\d+$/u }, { kind: 'drop_reply' });
      gitlab.faults.plan({ method: 'POST', path: /\/(?:notes|discussions)$/u }, { kind: 'drop_reply' });
    },
    goAway: (times) => gitlab.faults.plan({ times }, { kind: 'bad_gateway' }),
    limitRate: (seconds) => gitlab.faults.plan({}, { kind: 'rate_limit', seconds }),
    hideVersions: () =>
      gitlab.faults.plan({ method: 'GET', path: /\/versions$/u }, { kind: 'answer', status: 404 }),
    assertNoViolations: () => gitlab.assertNoViolations(),
    stop: () => gitlab.close(),
  };
}

/** Moves a branch to `main` and puts one commit there. */
async function rewrite(
  { repository }: Project,
  branch: string,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const main = await repository.tip('main');
  if (main === undefined) throw new Error('there is no main');
  await repository.createBranch(branch, main);
  return repository.commit({ branch, files });
}

async function forkOf(gitlab: Gitlab, project: Project): Promise<Project> {
  const forkPath = 'grace/engine';
  const there = gitlab.projects.find((one) => one.path === forkPath);
  if (there !== undefined) return there;
  gitlab.addUser('grace');
  return gitlab.fork(project, forkPath, { grace: 'owner' });
}

function postedOn(notes: readonly Note[]): SeenReview {
  return {
    texts: notes.filter(({ position }) => position === undefined).map(({ body }) => body),
    verdicts: [],
    comments: notes.flatMap(({ position, body }) =>
      position === undefined ? [] : [{ path: position.new_path, line: position.new_line ?? 0, body }],
    ),
  };
}
