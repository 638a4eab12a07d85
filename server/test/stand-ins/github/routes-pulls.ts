import { demand, tokenRole } from './github-access.ts';
import type { GithubNeed } from './github-access.ts';
import { cutPage, replyPage, repositoryOf, textOf, tokenOf } from './github-call.ts';
import type { GithubCall, GithubHandler, GithubReply } from './github-call.ts';
import { checkEnds, closePull, readHead, openPull, reopenPull } from './github-pulls.ts';
import { GithubRefusal, notFound, validationFailed } from './github-refusal.ts';
import { fullName, isRoleAtLeast } from './github-state.ts';
import type { GithubPull, GithubRepository } from './github-state.ts';
import { renderFullPull, renderPull } from './render-pull.ts';
import { repositoryUrl } from './render-repository.ts';

const toRead: GithubNeed = { resources: ['pull_requests'], level: 'read' };
const toWrite: GithubNeed = { resources: ['pull_requests'], level: 'write' };

/** The pull request of the path, which the token may do this with. */
export function pullOf(call: GithubCall, need: GithubNeed = toRead): GithubPull {
  const repository = repositoryOf(call);
  demand(call.token, repository, need);
  const number = Number(call.path['pull_number'] ?? call.path['issue_number']);
  const pull = repository.pulls.find((one) => one.number === number);
  if (pull === undefined) throw notFound();
  return pull;
}

/** `GET /repos/{owner}/{repo}/pulls`. A `head` without an owner filters nothing, as at GitHub. */
export const listPulls: GithubHandler = (call) => {
  const repository = repositoryOf(call);
  demand(call.token, repository, toRead);
  const { query } = call;
  const state = query.get('state') ?? 'open';
  const head = query.get('head') ?? '';
  const base = query.get('base');
  const found = repository.pulls.filter((pull) => {
    const label = `${pull.headOwner.login}:${pull.headBranch}`;
    const isHead = !head.includes(':') || label === head;
    return (state === 'all' || pull.state === state) && isHead && (base === null || pull.base === base);
  });
  const sort = query.get('sort') ?? 'created';
  const by = sort === 'updated' ? 'updatedAt' : 'createdAt';
  const direction = query.get('direction') ?? (sort === 'created' ? 'desc' : 'asc');
  const rising = found.toSorted((a, b) => a[by] - b[by] || a.number - b.number);
  return replyPage(call, direction === 'asc' ? rising : rising.toReversed(), (pull) =>
    renderPull(call, repository, pull),
  );
};

/** `POST /repos/{owner}/{repo}/pulls` */
export const createPull: GithubHandler = async (call) => {
  const repository = repositoryOf(call);
  const token = tokenOf(call);
  const head = readHead(call.state, repository, textOf(call, 'head') ?? '');
  demand(token, repository, toWrite);
  // Who opens one has to be able to write to one of its ends.
  const both = [repository, ...(head === undefined ? [] : [head.repository])];
  if (!both.some((end) => isRoleAtLeast(tokenRole(token, end), 'write')))
    throw validationFailed({ resource: 'PullRequest', code: 'custom', message: 'must be a collaborator' });
  const title = textOf(call, 'title') ?? '';
  if (title.trim() === '')
    throw validationFailed({ resource: 'PullRequest', field: 'title', code: 'missing_field' });
  const base = textOf(call, 'base') ?? '';
  const ends = await checkEnds(repository, base, head);
  const draft = call.body['draft'] === true;
  if (draft && !repository.allowsDrafts)
    throw new GithubRefusal(422, 'Draft pull requests are not supported in this repository.');
  const pull = await openPull(call.state, repository, {
    ...ends,
    base,
    title,
    body: textOf(call, 'body') ?? null,
    draft,
    author: token.account,
    maintainerCanModify: call.body['maintainer_can_modify'] !== false,
  });
  const reply = await replyPull(call, repository, pull, 201);
  return { ...reply, headers: { location: `${repositoryUrl(call, repository)}/pulls/${pull.number}` } };
};

async function replyPull(
  call: GithubCall,
  repository: GithubRepository,
  pull: GithubPull,
  status: number,
): Promise<GithubReply> {
  const { aheadBy, files } = await repository.bare.compare(pull.baseSha, pull.headSha);
  // GitHub looks for conflicts after it has answered who opened the pull request.
  const isLooking = status === 201 || pull.state === 'closed';
  const mergeable = isLooking ? null : await repository.bare.canMerge(pull.baseSha, pull.headSha);
  return {
    status,
    body: renderFullPull(call, repository, pull, { commits: aheadBy, files, mergeable }),
  };
}

/** `GET /repos/{owner}/{repo}/pulls/{pull_number}` */
export const getPull: GithubHandler = (call) => replyPull(call, repositoryOf(call), pullOf(call), 200);

/** `PATCH /repos/{owner}/{repo}/pulls/{pull_number}`: by its author, or who may write. */
export const updatePull: GithubHandler = async (call) => {
  const repository = repositoryOf(call);
  const token = tokenOf(call);
  const isOwn = pullOf(call).author.id === token.account.id;
  const pull = pullOf(call, { ...toWrite, role: isOwn ? 'read' : 'triage' });
  const { body } = call;
  const base = textOf(call, 'base');
  if (base !== undefined && base !== pull.base) {
    if ((await repository.bare.tip(base)) === undefined)
      throw validationFailed({ resource: 'PullRequest', field: 'base', code: 'invalid' });
    if (pull.state === 'closed')
      throw validationFailed({
        resource: 'PullRequest',
        field: 'base',
        code: 'invalid',
        message: 'Cannot change the base branch of a closed pull request.',
      });
    pull.base = base;
  }
  if (body['state'] === 'open' && pull.state === 'closed') await reopenPull(call.state, repository, pull);
  else if (body['state'] === 'closed' && pull.state === 'open') closePull(call.state, pull);
  pull.title = textOf(call, 'title') ?? pull.title;
  pull.body = textOf(call, 'body') ?? pull.body;
  pull.updatedAt = call.state.now();
  return replyPull(call, repository, pull, 200);
};

/** `GET /repos/{owner}/{repo}/pulls/{pull_number}/files` */
export const listPullFiles: GithubHandler = async (call) => {
  const repository = repositoryOf(call);
  const pull = pullOf(call);
  const { files } = await repository.bare.compare(pull.baseSha, pull.headSha);
  const page = `${call.state.origin()}/${fullName(repository)}`;
  // "Responses include a maximum of 3000 files", as its documentation has it.
  const { items, headers } = cutPage(call, files.slice(0, 3_000));
  const body = items.map((file) => ({
    sha: file.blob,
    filename: file.path,
    status: file.status,
    additions: file.additions,
    deletions: file.deletions,
    changes: file.additions + file.deletions,
    blob_url: `${page}/blob/${pull.headSha}/${encodeURI(file.path)}`,
    raw_url: `${page}/raw/${pull.headSha}/${encodeURI(file.path)}`,
    contents_url: `${repositoryUrl(call, repository)}/contents/${encodeURI(file.path)}?ref=${pull.headSha}`,
    ...(file.patch === undefined ? {} : { patch: file.patch }),
    ...(file.status === 'renamed' ? { previous_filename: file.previousPath } : {}),
  }));
  return { status: 200, headers, body };
};
