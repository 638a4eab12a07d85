import { canSee, demand, tokenRole } from './github-access.ts';
import { cutPage, replyPage, repositoryOf, tokenOf } from './github-call.ts';
import type { GithubCall, GithubHandler, GithubReply } from './github-call.ts';
import { GithubRefusal, validationFailed } from './github-refusal.ts';
import { fullName } from './github-state.ts';
import type { GithubRepository } from './github-state.ts';
import {
  nodeId,
  renderFullRepository,
  renderOwnAccount,
  renderRepository,
  repositoryUrl,
} from './render-repository.ts';

/** `GET /user`: a token's own account. An installation is none. */
export const getUser: GithubHandler = (call) => {
  const token = tokenOf(call);
  if (token.kind === 'installation') throw notForApps();
  return { status: 200, body: renderOwnAccount(call, token) };
};

/** `GET /user/repos`: what the token's owner has a role in, and the token may see. */
export const listOwnRepositories: GithubHandler = (call) => {
  const token = tokenOf(call);
  if (token.kind === 'installation') throw notForApps();
  const { query } = call;
  if (query.has('type') && (query.has('visibility') || query.has('affiliation')))
    throw validationFailed({
      resource: 'Search',
      code: 'invalid',
      message: 'If you specify visibility or affiliation, you cannot specify type.',
    });
  const visibility = query.get('visibility') ?? 'all';
  const affiliations = (query.get('affiliation') ?? 'owner,collaborator,organization_member').split(',');
  const own = [...call.state.repositories.values()].filter((repository) => {
    const isOwner = repository.owner.id === token.account.id;
    const isAffiliated = isOwner
      ? affiliations.includes('owner')
      : repository.collaborators.has(token.account.login) && affiliations.includes('collaborator');
    const isVisible = visibility === 'all' || (visibility === 'private') === repository.isPrivate;
    const isChosen = token.repositories?.has(repository.id) ?? true;
    return isAffiliated && isVisible && isChosen && canSee(token, repository);
  });
  return replyPage(call, sort(call, own), (repository) => renderRepository(call, repository));
};

function notForApps(): GithubRefusal {
  return new GithubRefusal(403, 'Resource not accessible by integration');
}

function sort(call: GithubCall, repositories: readonly GithubRepository[]): readonly GithubRepository[] {
  const by = call.query.get('sort') ?? 'full_name';
  const direction = call.query.get('direction') ?? (by === 'full_name' ? 'asc' : 'desc');
  const key = (one: GithubRepository): string | number =>
    by === 'full_name' ? fullName(one) : by === 'created' ? one.createdAt : one.updatedAt;
  const rising = repositories.toSorted((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : a.id - b.id));
  return direction === 'asc' ? rising : rising.toReversed();
}

/** `GET /repos/{owner}/{repo}` */
export const getRepository: GithubHandler = (call) => {
  const repository = repositoryOf(call);
  demand(call.token, repository, { resources: ['metadata'], level: 'read' });
  return { status: 200, body: renderFullRepository(call, repository) };
};

/** `GET /repos/{owner}/{repo}/branches/{branch}`; a former name of a branch leads to the present one. */
export const getBranch: GithubHandler = async (call) => {
  const repository = repositoryOf(call);
  demand(call.token, repository, { resources: ['contents'], level: 'read' });
  const name = call.path['branch'] ?? '';
  const sha = await repository.bare.tip(name);
  const renamed = repository.renamedBranches.get(name);
  const api = repositoryUrl(call, repository);
  if (sha === undefined && renamed !== undefined) {
    const url = `${api}/branches/${renamed}`;
    throw new GithubRefusal(301, 'Moved Permanently', { url, headers: { location: url } });
  }
  if (sha === undefined) throw new GithubRefusal(404, 'Branch not found');
  const isProtected = repository.protectedBranches.has(name);
  return { status: 200, body: renderBranch(call, repository, { name, sha, isProtected }) };
};

function renderBranch(
  call: GithubCall,
  repository: GithubRepository,
  branch: { readonly name: string; readonly sha: string; readonly isProtected: boolean },
): GithubReply['body'] {
  const api = repositoryUrl(call, repository);
  const page = `${call.state.origin()}/${fullName(repository)}`;
  const person = { name: 'Ada', email: 'ada@example.com', date: '2026-01-01T00:00:00Z' };
  const url = `${api}/commits/${branch.sha}`;
  const verification = {
    verified: false,
    reason: 'unsigned',
    signature: null,
    payload: null,
    verified_at: null,
  };
  return {
    name: branch.name,
    commit: {
      sha: branch.sha,
      node_id: nodeId('C', repository.id),
      url,
      html_url: `${page}/commit/${branch.sha}`,
      comments_url: `${url}/comments`,
      commit: {
        author: person,
        committer: person,
        message: 'change',
        tree: { sha: branch.sha, url: `${api}/git/trees/${branch.sha}` },
        url: `${api}/git/commits/${branch.sha}`,
        comment_count: 0,
        verification,
      },
      author: null,
      committer: null,
      parents: [],
    },
    _links: { self: `${api}/branches/${branch.name}`, html: `${page}/tree/${branch.name}` },
    protected: branch.isProtected,
    protection: {
      enabled: branch.isProtected,
      required_status_checks: { enforcement_level: 'off', contexts: [], checks: [] },
    },
    protection_url: `${api}/branches/${branch.name}/protection`,
  };
}

/** `GET /installation/repositories`: for an app's installation only. */
export const listInstallationRepositories: GithubHandler = (call) => {
  const token = tokenOf(call);
  if (token.installation === undefined)
    throw new GithubRefusal(
      403,
      'You must authenticate with an installation access token in order to list repositories for an installation.',
    );
  const all = [...call.state.repositories.values()].filter((one) => tokenRole(token, one) === 'write');
  const { items, headers } = cutPage(call, all);
  return {
    status: 200,
    headers,
    body: {
      total_count: all.length,
      repository_selection: token.installation.repositories === undefined ? 'all' : 'selected',
      repositories: items.map((repository) => renderRepository(call, repository)),
    },
  };
};
