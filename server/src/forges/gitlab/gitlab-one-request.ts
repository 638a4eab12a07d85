import { fieldOf, objectField, textField } from '../../lib/json-fields.ts';
import { BrokenAnswer, needNumber, needObject, needText } from '../forge-answer.ts';
import type { ForgeCall, ForgeRefusal } from '../forge-call.ts';
import type { ForgePullRequest, PullRequestAccess } from '../forge.ts';
import { noMergeRequestsRefusal } from './gitlab-http.ts';
import { findProject, type Gitlab, type GitlabProject } from './gitlab-projects.ts';

/** What every call about one merge request needs. */
export type OneRequest = {
  readonly http: Gitlab['http'];
  readonly project: GitlabProject;
  /** A call about it, to what lies below it: `/versions`. `doing` is followed by its name. */
  readonly call: (operation: string, doing: string, below?: string) => ForgeCall;
  readonly refused: (doing: string, why: ForgeRefusal) => Error;
};

/** A merge request as it is read. */
export type ReadRequest = Omit<ForgePullRequest, 'headCommit'> & {
  /** Undefined: nothing of its branch was ever there. */
  readonly headCommit: string | undefined;
  /** Then only members of the project may write below it. */
  readonly isLocked: boolean;
};

/** Finds the project of a merge request, which itself may still be missing. */
export async function reachRequest(
  gitlab: Gitlab,
  { number, ...access }: PullRequestAccess,
  signal: AbortSignal,
): Promise<OneRequest> {
  const { http } = gitlab;
  const { token } = access;
  const project = await findProject(gitlab, access, signal);
  const { id, hasMergeRequests, repository } = project;
  const name = `the merge request !${number} of ${repository.fullName}`;
  const call: OneRequest['call'] = (operation, doing, below = '') => ({
    operation,
    doing: `${doing} ${name}`,
    path: `/projects/${id}/merge_requests/${number}${below}`,
    token,
    signal,
  });
  const refused: OneRequest['refused'] = (doing, why) =>
    http.error({ doing: `${doing} ${name}`, token }, why);
  if (!hasMergeRequests) throw refused('find', noMergeRequestsRefusal);
  return { http, project, call, refused };
}

/** Reads it as it is now; `not_found` where there is none of this number. */
export function readRequest({ http, call }: OneRequest): Promise<ReadRequest> {
  return http.ask(call('read_pull_request', 'find'), (body) => {
    const request = needObject(body, 'the merge request');
    const head = textField(request, 'sha') || textField(objectField(request, 'diff_refs'), 'head_sha');
    return {
      number: needNumber(request, 'iid'),
      url: needText(request, 'web_url'),
      title: textField(request, 'title'),
      state: readState(request),
      isDraft: fieldOf(request, 'draft') === true,
      headCommit: head === '' ? undefined : head,
      headBranch: needText(request, 'source_branch'),
      baseBranch: needText(request, 'target_branch'),
      isLocked: fieldOf(request, 'discussion_locked') === true,
    };
  });
}

function readState(request: unknown): ForgePullRequest['state'] {
  const state = textField(request, 'state');
  switch (state) {
    case 'opened':
    // While it is being merged.
    case 'locked':
      return 'open';
    case 'closed':
    case 'merged':
      return state;
    default:
      throw new BrokenAnswer('state');
  }
}

/** See `Forge.findPullRequest`. */
export async function findMergeRequest(
  gitlab: Gitlab,
  access: PullRequestAccess,
  signal: AbortSignal,
): Promise<ForgePullRequest> {
  const one = await reachRequest(gitlab, access, signal);
  const { isLocked: _, ...request } = await readRequest(one);
  return { ...request, headCommit: headOf(one, request) };
}

/** The commit that a merge request leads from; throws `branch_not_found` where there is none. */
export function headOf(
  { refused }: OneRequest,
  { headCommit, headBranch }: Omit<ReadRequest, 'isLocked'>,
): string {
  if (headCommit !== undefined) return headCommit;
  const why = `its branch ${headBranch} is not there. Push it again.`;
  throw refused('find the commits of', { code: 'branch_not_found', why });
}
