import { fieldOf, listField, objectField, textField } from '../../lib/json-fields.ts';
import { needList, needNumber, needObject, needText } from '../forge-answer.ts';
import type { ForgeAnswer, ForgeCall, ForgeRefusal } from '../forge-call.ts';
import type { ForgeHttp } from '../forge-http.ts';
import { actOrFind } from '../find-lost.ts';
import type { EnsuredPullRequest, ForgeRepository, PullRequestRequest } from '../forge.ts';
import { textsToWrite } from '../overwrite.ts';
import { archivedRefusal } from './github-http.ts';
import { findRepository, repositoryPath } from './github-repositories.ts';

/** An open pull request whose branch lies in the repository itself. */
type OpenPull = {
  readonly number: number;
  readonly url: string;
  readonly base: string;
  readonly title: string;
  readonly body: string;
};

/** What every step of one wish needs: the repository under its present name, and the base that is meant. */
type Asked = {
  readonly http: ForgeHttp;
  readonly wish: PullRequestRequest;
  readonly signal: AbortSignal;
  readonly repository: ForgeRepository;
  readonly base: string;
};

/** In code points; what is longer is refused with 422. */
const longest = { title: 256, body: 65_536 };

/** See `Forge.ensurePullRequest`. GitHub itself keeps one open pull request for a branch and a base. */
export async function ensurePullRequest(
  http: ForgeHttp,
  wish: PullRequestRequest,
  signal: AbortSignal,
): Promise<EnsuredPullRequest> {
  const repository = await findRepository(http, wish, signal);
  const base = wish.base ?? repository.defaultBranch;
  const title = cutText(wish.title, longest.title);
  const body = cutText(wish.body, longest.body);
  const asked: Asked = { http, wish: { ...wish, title, body }, signal, repository, base: base ?? '' };
  if (base === undefined) {
    throw http.error(calling(asked, 'create_pull_request'), {
      code: 'base_not_found',
      why: 'the repository is empty.',
    });
  }
  const open = await findOpen(asked);
  if (open !== undefined) {
    await overwrite(asked, open);
    return found(open);
  }
  if (repository.isArchived) throw http.error(calling(asked, 'create_pull_request'), archivedRefusal);
  return actOrFind(
    () => create(asked, wish.draft),
    async () => {
      const late = await findOpen(asked);
      return late === undefined ? undefined : found(late);
    },
  );
}

function found({ number, url, base }: OpenPull): EnsuredPullRequest {
  return { number, url, base, how: 'found' };
}

/** A call about the wish, without its path. */
function calling({ wish, signal, repository }: Asked, operation: string): Omit<ForgeCall, 'path'> {
  const doing = `open the pull request of ${wish.branch} in ${repository.fullName}`;
  return { operation, doing, token: wish.token, signal };
}

function pullsPath({ http, wish, repository }: Asked): string {
  return `${repositoryPath(http, { ...wish, path: repository.fullName })}/pulls`;
}

/**
 * The open pull request of the branch into the base. Where the caller named no base, one that was opened before
 * and has another base by now counts too: somebody has changed that on purpose.
 */
async function findOpen(asked: Asked): Promise<OpenPull | undefined> {
  const { http, wish, repository, base } = asked;
  const [owner = ''] = repository.fullName.split('/');
  const call: ForgeCall = {
    ...calling(asked, 'find_pull_request'),
    path: pullsPath(asked),
    // One branch has as many open pull requests as there are bases; nobody has a hundred.
    query: { state: 'open', head: `${owner}:${wish.branch}`, per_page: 100 },
  };
  const open = await http.ask(call, (body) =>
    needList(body)
      .filter((pull) => isFrom(pull, repository, wish.branch))
      .map(readPull),
  );
  const known = wish.base === undefined ? open.find(({ number }) => number === wish.known) : undefined;
  return open.find((pull) => pull.base === base) ?? known;
}

/** GitHub leaves a filter that it cannot read aside, and one owner may have a fork beside the repository. */
function isFrom(pull: unknown, repository: ForgeRepository, branch: string): boolean {
  const head = objectField(pull, 'head');
  const from = textField(objectField(head, 'repo'), 'full_name').toLowerCase();
  return textField(head, 'ref') === branch && from === repository.fullName.toLowerCase();
}

function readPull(body: unknown): OpenPull {
  const pull = needObject(body, 'the pull request');
  return {
    number: needNumber(pull, 'number'),
    url: needText(pull, 'html_url'),
    base: needText(objectField(pull, 'base'), 'ref'),
    title: textField(pull, 'title'),
    body: textField(pull, 'body'),
  };
}

async function overwrite(asked: Asked, open: OpenPull): Promise<void> {
  const { http, wish } = asked;
  const changes = textsToWrite(wish, open);
  if (Object.keys(changes).length === 0) return;
  const call: ForgeCall = {
    ...calling(asked, 'update_pull_request'),
    doing: `change the pull request #${open.number} of ${asked.repository.fullName}`,
    method: 'PATCH',
    path: `${pullsPath(asked)}/${open.number}`,
    body: changes,
  };
  await http.ask(call, () => undefined);
}

async function create(asked: Asked, draft: boolean): Promise<EnsuredPullRequest> {
  const { http, wish, base } = asked;
  const call: ForgeCall = {
    ...calling(asked, 'create_pull_request'),
    method: 'POST',
    path: pullsPath(asked),
    body: { title: wish.title, head: wish.branch, base, body: wish.body, draft },
  };
  const answer = await http.send(call);
  if (answer.status === 201) return { ...found(http.read(call, answer, readPull)), how: 'opened' };
  // Private repositories of the free plan have no drafts.
  if (answer.status === 422 && draft && /draft/iu.test(reasonsOf(answer))) return create(asked, false);
  throw http.refusal(call, answer, answer.status === 422 ? explainRefusal(answer, asked) : undefined);
}

function reasonsOf({ body }: ForgeAnswer): string {
  return [
    textField(body, 'message'),
    ...listField(body, 'errors').map((error) => textField(error, 'message')),
  ].join('\n');
}

/** What a 422 is about; GitHub says it by fields for branches, and by messages for all else. */
function explainRefusal(answer: ForgeAnswer, { wish, base }: Asked): ForgeRefusal | undefined {
  const fields = new Set(listField(answer.body, 'errors').map((error) => fieldOf(error, 'field')));
  const reasons = reasonsOf(answer);
  if (/already exists/iu.test(reasons)) {
    // Somebody was faster, or a lost call of ours; where it cannot be seen yet, it can be a little later.
    return { code: 'unavailable', why: 'it says that there is one already. Look again in a moment.' };
  }
  if (fields.has('base') || fields.has('base_sha')) {
    return { code: 'base_not_found', why: `there is no branch ${base} to merge into. Name another base.` };
  }
  if (fields.has('head') || fields.has('head_sha')) {
    return { code: 'branch_not_found', why: `the branch ${wish.branch} is not there. Push it again.` };
  }
  if (/no commits between/iu.test(reasons)) {
    return { code: 'no_changes', why: `${wish.branch} has nothing that ${base} has not.` };
  }
  return undefined;
}

function cutText(text: string, longest: number): string {
  if (text.length <= longest) return text;
  const characters = Array.from(text);
  return characters.length <= longest ? text : `${characters.slice(0, longest - 1).join('')}…`;
}
