import { fieldOf, objectField, objectOf, textField } from '../../lib/json-fields.ts';
import { needList, needNumber, needObject, needText } from '../forge-answer.ts';
import type { ForgeAnswer, ForgeCall, ForgeRefusal } from '../forge-call.ts';
import { actOrFind } from '../find-lost.ts';
import { textsToWrite } from '../overwrite.ts';
import type { EnsuredPullRequest, ForgeErrorCode, PullRequestRequest } from '../forge.ts';
import { archivedRefusal, noMergeRequestsRefusal, wordsOf } from './gitlab-http.ts';
import { findProject, type Gitlab, type GitlabProject } from './gitlab-projects.ts';
import { titleFor, withoutQuickActions } from './gitlab-text.ts';

/** The most that GitLab gives on one page. */
const perPage = 100;
/** A thousand open merge requests from branches of one name are more than any project has. */
const mostPages = 10;

/** An open merge request whose branch lies in the project itself. */
type OpenRequest = {
  readonly number: number;
  readonly url: string;
  readonly base: string;
  readonly title: string;
  readonly description: string;
  readonly isDraft: boolean;
};

/** What every step of one wish needs: the project by its number, and the base that is meant. */
type Asked = {
  readonly http: Gitlab['http'];
  readonly wish: PullRequestRequest;
  readonly signal: AbortSignal;
  readonly project: GitlabProject;
  readonly base: string;
};

/** See `Forge.ensurePullRequest`. GitLab itself keeps one open merge request for a branch and a base. */
export async function ensureMergeRequest(
  gitlab: Gitlab,
  wish: PullRequestRequest,
  signal: AbortSignal,
): Promise<EnsuredPullRequest> {
  const { http } = gitlab;
  const project = await findProject(gitlab, wish, signal);
  const base = wish.base ?? project.repository.defaultBranch;
  const asked: Asked = { http, wish, signal, project, base: base ?? '' };
  if (base === undefined) throw refused(asked, { code: 'base_not_found', why: 'the repository is empty.' });
  if (!project.hasMergeRequests) throw refused(asked, noMergeRequestsRefusal);
  const open = await findOpen(asked);
  if (open !== undefined) {
    await overwrite(asked, open);
    return found(open);
  }
  if (project.repository.isArchived) throw refused(asked, archivedRefusal);
  await refuseEmpty(asked);
  return actOrFind(
    () => create(asked),
    async () => {
      const late = await findOpen(asked);
      return late === undefined ? undefined : found(late);
    },
  );
}

function found({ number, url, base }: OpenRequest): EnsuredPullRequest {
  return { number, url, base, how: 'found' };
}

/** A call about the wish; `path` is below the project's. */
function calling({ wish, signal, project }: Asked, operation: string, path: string): ForgeCall {
  const doing = `open the merge request of ${wish.branch} in ${project.repository.fullName}`;
  return { operation, doing, path: `/projects/${project.id}${path}`, token: wish.token, signal };
}

function refused(asked: Asked, why: ForgeRefusal): Error {
  return asked.http.error(calling(asked, 'create_pull_request', ''), why);
}

/**
 * The open merge request of the branch into the base. Where the caller named no base, one that was opened
 * before and has another base by now counts too: somebody has changed that on purpose.
 */
async function findOpen(asked: Asked): Promise<OpenRequest | undefined> {
  const { wish, base } = asked;
  const open: OpenRequest[] = [];
  for (let page = 1; page <= mostPages; page += 1) {
    const { requests, isLast } = await listOpen(asked, page);
    open.push(...requests);
    if (isLast) break;
  }
  const known = wish.base === undefined ? open.find(({ number }) => number === wish.known) : undefined;
  return open.find((request) => request.base === base) ?? known;
}

/** A page of what is open for branches of this name, without those of forks, of which there can be many. */
function listOpen(
  asked: Asked,
  page: number,
): Promise<{ readonly requests: readonly OpenRequest[]; readonly isLast: boolean }> {
  const { http, wish, project } = asked;
  const call: ForgeCall = {
    ...calling(asked, 'find_pull_request', '/merge_requests'),
    query: { state: 'opened', source_branch: wish.branch, page, per_page: perPage },
  };
  return http.ask(call, (body) => {
    const all = needList(body);
    const ours = all.filter((request) => fieldOf(request, 'source_project_id') === project.id);
    return { requests: ours.map(readRequest), isLast: all.length < perPage };
  });
}

function readRequest(body: unknown): OpenRequest {
  const request = needObject(body, 'the merge request');
  return {
    number: needNumber(request, 'iid'),
    url: needText(request, 'web_url'),
    base: needText(request, 'target_branch'),
    title: textField(request, 'title'),
    description: textField(request, 'description'),
    isDraft: fieldOf(request, 'draft') === true,
  };
}

/** Gives what was found title and body. Whether it is a draft stays as people have it. */
async function overwrite(asked: Asked, open: OpenRequest): Promise<void> {
  const { http, wish, project } = asked;
  const texts = {
    title: titleFor(wish.title, open.isDraft),
    body: withoutQuickActions(wish.body),
    overwrite: wish.overwrite,
  };
  const { title, body } = textsToWrite(texts, { title: open.title, body: open.description });
  if (title === undefined && body === undefined) return;
  const changes = {
    ...(title === undefined ? {} : { title }),
    ...(body === undefined ? {} : { description: body }),
  };
  if (project.repository.isArchived) throw refused(asked, archivedRefusal);
  const call: ForgeCall = {
    ...calling(asked, 'update_pull_request', `/merge_requests/${open.number}`),
    doing: `change the merge request !${open.number} of ${project.repository.fullName}`,
    method: 'PUT',
    body: changes,
  };
  await http.ask(call, () => undefined);
}

/** GitLab opens merge requests between branches that are not there, and of branches without a change. */
async function refuseEmpty(asked: Asked): Promise<void> {
  const { http, wish, base } = asked;
  const from = await findTip(asked, base);
  if (from === undefined) throw refused(asked, missingBase(asked));
  const to = await findTip(asked, wish.branch);
  if (to === undefined) throw refused(asked, missingBranch(asked));
  const call: ForgeCall = {
    ...calling(asked, 'compare_branches', '/repository/commits'),
    // One commit is enough to know; a comparison would bring all changes along.
    query: { ref_name: `${from}..${to}`, per_page: 1 },
  };
  const commits = from === to ? [] : await http.ask(call, (body) => needList(body));
  if (commits.length > 0) return;
  throw refused(asked, { code: 'no_changes', why: `${wish.branch} has nothing that ${base} has not.` });
}

/** The commit of a branch; undefined where there is no such branch. */
async function findTip(asked: Asked, branch: string): Promise<string | undefined> {
  const { http } = asked;
  const path = `/repository/branches/${encodeURIComponent(branch)}`;
  const call = calling(asked, 'find_branch', path);
  const answer = await http.send(call);
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw http.refusal(call, answer);
  return http.read(call, answer, (body) => needText(objectField(body, 'commit'), 'id'));
}

async function create(asked: Asked): Promise<EnsuredPullRequest> {
  const { http, wish, base, project } = asked;
  const call: ForgeCall = {
    ...calling(asked, 'create_pull_request', '/merge_requests'),
    method: 'POST',
    body: {
      source_branch: wish.branch,
      target_branch: base,
      target_project_id: project.id,
      title: titleFor(wish.title, wish.draft),
      description: withoutQuickActions(wish.body),
    },
  };
  const answer = await http.send(call);
  if (answer.status === 201) return { ...found(http.read(call, answer, readRequest)), how: 'opened' };
  throw http.refusal(call, answer, explainRefusal(asked, answer));
}

/** What a refusal to open means; a branch that has gone in the last moment is named by its field. */
function explainRefusal(asked: Asked, { status, body }: ForgeAnswer): ForgeRefusal | undefined {
  if (status === 409 && /already exists/iu.test(wordsOf(body))) {
    // Somebody was faster, or a lost call of ours; where it cannot be seen yet, it can be a little later.
    return { code: 'unavailable', why: 'it says that there is one already. Look again in a moment.' };
  }
  const fields = objectOf(fieldOf(body, 'message')) ?? {};
  if (status !== 400) return undefined;
  if (Object.hasOwn(fields, 'target_branch')) return missingBase(asked);
  return Object.hasOwn(fields, 'source_branch') ? missingBranch(asked) : undefined;
}

function missingBase({ base }: Asked): ForgeRefusal {
  const code: ForgeErrorCode = 'base_not_found';
  return { code, why: `there is no branch ${base} to merge into. Name another base.` };
}

function missingBranch({ wish }: Asked): ForgeRefusal {
  const code: ForgeErrorCode = 'branch_not_found';
  return { code, why: `the branch ${wish.branch} is not there. Push it again.` };
}
