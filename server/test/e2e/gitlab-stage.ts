import { git } from '../../src/demo/example-repository.ts';
import { startGitlab } from '../stand-ins/gitlab/gitlab.ts';
import type { MergeRequest } from '../stand-ins/gitlab/state.ts';
import type { ForgeStage, SeenPullRequest } from './forge-stage.ts';

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
    },
    goAway: (times) => gitlab.faults.plan({ times }, { kind: 'bad_gateway' }),
    limitRate: (seconds) => gitlab.faults.plan({}, { kind: 'rate_limit', seconds }),
    assertNoViolations: () => gitlab.assertNoViolations(),
    stop: () => gitlab.close(),
  };
}
