import { demand, tokenRole } from './github-access.ts';
import type { GithubNeed } from './github-access.ts';
import { cutPage, replyPage, repositoryOf, textOf, tokenOf } from './github-call.ts';
import type { GithubCall, GithubHandler, GithubReply } from './github-call.ts';
import { closePull, reopenPull } from './github-pulls.ts';
import { GithubRefusal, validationFailed } from './github-refusal.ts';
import { isRoleAtLeast } from './github-state.ts';
import type {
  GithubComment,
  GithubLabel,
  GithubPull,
  GithubRepository,
  GithubState,
} from './github-state.ts';
import { renderIssueAlone } from './render-issue.ts';
import { renderComment, renderIssue, renderLabel, renderLabels } from './render-pull.ts';
import { repositoryUrl } from './render-repository.ts';
import { pullOf } from './routes-pulls.ts';

/** A pull request is an issue too: permission for either is enough. */
const toRead: GithubNeed = { resources: ['issues', 'pull_requests'], level: 'read' };
const toWrite: GithubNeed = { resources: ['issues', 'pull_requests'], level: 'write' };
const toTriage: GithubNeed = { ...toWrite, role: 'triage' };

/** `GET /repos/{owner}/{repo}/issues/{issue_number}/labels` */
export const listLabels: GithubHandler = (call) => {
  const pull = pullOf(call, toRead);
  const { items, headers } = cutPage(call, renderLabels(call, repositoryOf(call), pull));
  return { status: 200, body: items, headers };
};

/** `POST /repos/{owner}/{repo}/issues/{issue_number}/labels`: those that the repository lacks are made. */
export const addLabels: GithubHandler = (call) => {
  const pull = pullOf(call, toTriage);
  putLabels(call, pull, namesOf(call.body['labels']));
  return { status: 200, body: renderLabels(call, repositoryOf(call), pull) };
};

function namesOf(labels: unknown): readonly string[] {
  if (!Array.isArray(labels)) return [];
  return (labels as readonly unknown[]).map((label) =>
    typeof label === 'string' ? label : String((label as { readonly name?: unknown }).name),
  );
}

function putLabels(call: GithubCall, pull: GithubPull, names: readonly string[]): void {
  const repository = repositoryOf(call);
  for (const name of names) {
    if (name.trim() === '' || name.length > 50)
      throw validationFailed({ resource: 'Label', field: 'name', code: 'invalid' });
  }
  for (const name of names) {
    const label = findLabel(repository, name) ?? makeLabel(call.state, repository, { name });
    pull.labels.add(label.name);
  }
  pull.updatedAt = call.state.now();
}

/** Labels are the same in any case. */
function findLabel(repository: GithubRepository, name: string): GithubLabel | undefined {
  return [...repository.labels.values()].find((one) => one.name.toLowerCase() === name.toLowerCase());
}

function makeLabel(
  state: GithubState,
  repository: GithubRepository,
  wanted: {
    readonly name: string;
    readonly color?: string | undefined;
    readonly description?: string | undefined;
  },
): GithubLabel {
  const { name, color = 'ededed', description = null } = wanted;
  const label = { id: state.nextId(), name, color, description };
  repository.labels.set(name, label);
  return label;
}

/** `POST /repos/{owner}/{repo}/labels`: a label of the repository itself. */
export const createLabel: GithubHandler = (call) => {
  const repository = repositoryOf(call);
  demand(tokenOf(call), repository, { ...toWrite, role: 'write' });
  const name = textOf(call, 'name') ?? '';
  const color = textOf(call, 'color');
  if (findLabel(repository, name) !== undefined)
    throw validationFailed({ resource: 'Label', field: 'name', code: 'already_exists' });
  if (color !== undefined && !/^[0-9a-f]{6}$/iu.test(color))
    throw validationFailed({ resource: 'Label', field: 'color', code: 'invalid' });
  const label = makeLabel(call.state, repository, { name, color, description: textOf(call, 'description') });
  const location = `${repositoryUrl(call, repository)}/labels/${encodeURIComponent(name)}`;
  return { status: 201, body: renderLabel(call, repository, label), headers: { location } };
};

/** `GET /repos/{owner}/{repo}/issues/{issue_number}`: a pull request is found too. */
export const getIssue: GithubHandler = (call) => {
  const repository = repositoryOf(call);
  demand(call.token, repository, toRead);
  const issue = repository.issues.find(({ number }) => number === Number(call.path['issue_number']));
  if (issue !== undefined) return { status: 200, body: renderIssueAlone(call, repository, issue) };
  return { status: 200, body: renderIssue(call, repository, pullOf(call, toRead)) };
};

/** `PATCH /repos/{owner}/{repo}/issues/{issue_number}`: of a pull request, its texts, its state and its labels. */
export const updateIssue: GithubHandler = async (call): Promise<GithubReply> => {
  const repository = repositoryOf(call);
  const isOwn = pullOf(call, toRead).author.id === tokenOf(call).account.id;
  const pull = pullOf(call, isOwn ? toWrite : toTriage);
  const { body } = call;
  if (body['state'] === 'open' && pull.state === 'closed') await reopenPull(call.state, repository, pull);
  else if (body['state'] === 'closed' && pull.state === 'open') closePull(call.state, pull);
  pull.title = textOf(call, 'title') ?? pull.title;
  pull.body = textOf(call, 'body') ?? pull.body;
  if (body['labels'] !== undefined) {
    pull.labels.clear();
    putLabels(call, pull, namesOf(body['labels']));
  }
  pull.updatedAt = call.state.now();
  return { status: 200, body: renderIssue(call, repository, pull) };
};

/** `GET /repos/{owner}/{repo}/issues/{issue_number}/comments` */
export const listComments: GithubHandler = (call) => {
  const pull = pullOf(call, toRead);
  return replyPage(call, pull.comments, (comment) =>
    renderComment(call, repositoryOf(call), { pull, comment }),
  );
};

/** `POST /repos/{owner}/{repo}/issues/{issue_number}/comments` */
export const createComment: GithubHandler = (call) => {
  const pull = pullOf(call, toWrite);
  const body = textOf(call, 'body') ?? '';
  if (body.trim() === '')
    throw validationFailed({ resource: 'IssueComment', field: 'body', code: 'missing_field' });
  // From memory: the words, and that it is 403.
  if (pull.isLocked && !isRoleAtLeast(tokenRole(call.token, repositoryOf(call)), 'write'))
    throw new GithubRefusal(403, 'Unable to create comment because issue is locked.');
  const author = tokenOf(call).account;
  const comment: GithubComment = { id: call.state.nextId(), author, body, at: call.state.now() };
  pull.comments.push(comment);
  return { status: 201, body: renderComment(call, repositoryOf(call), { pull, comment }) };
};
