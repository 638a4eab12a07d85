import { fieldOf, objectField, textField } from '../../lib/json-fields.ts';
import { linesOfHunks } from '../diff-lines.ts';
import { needNumber, needObject, needText } from '../forge-answer.ts';
import type { ForgeCall } from '../forge-call.ts';
import type { ForgeHttp } from '../forge-http.ts';
import type { DiffFile, ForgePullRequest, PullRequestAccess, PullRequestDiff } from '../forge.ts';
import { askPages } from './github-pages.ts';
import { findRepository, repositoryPath } from './github-repositories.ts';

/** One pull request, under the present name of its repository. */
export type LocatedPull = {
  readonly http: ForgeHttp;
  /** Of the API. */
  readonly path: string;
  /** A call about it, in which `doing` stands before its name; without its path. */
  readonly calling: (operation: string, doing: string) => Omit<ForgeCall, 'path'>;
};

/** GitHub shows 3,000 files of a pull request. */
const mostFilePages = 30;
/** How often a pull request is read again that was pushed to meanwhile, the first time included. */
const mostReads = 3;

/** Follows a repository that was renamed or moved, as a write cannot. */
export async function locatePull(
  http: ForgeHttp,
  { number, ...access }: PullRequestAccess,
  signal: AbortSignal,
): Promise<LocatedPull> {
  const { fullName } = await findRepository(http, access, signal);
  const name = `the pull request #${number} of ${fullName}`;
  return {
    http,
    path: `${repositoryPath(http, { ...access, path: fullName })}/pulls/${number}`,
    calling: (operation, doing) => ({ operation, doing: `${doing} ${name}`, token: access.token, signal }),
  };
}

/** See `Forge.findPullRequest`. */
export async function findPullRequest(
  http: ForgeHttp,
  pullRequest: PullRequestAccess,
  signal: AbortSignal,
): Promise<ForgePullRequest> {
  return readPull(await locatePull(http, pullRequest, signal));
}

/** See `Forge.readDiff`. Head and files are two questions: what is pushed between them is asked for again. */
export async function readDiff(
  http: ForgeHttp,
  pullRequest: PullRequestAccess,
  signal: AbortSignal,
): Promise<PullRequestDiff> {
  const pull = await locatePull(http, pullRequest, signal);
  let { headCommit } = await readPull(pull);
  for (let read = 1; read <= mostReads; read += 1) {
    const files = await readFiles(pull);
    const now = await readPull(pull);
    if (now.headCommit === headCommit) return { headCommit, files };
    ({ headCommit } = now);
  }
  throw http.error(pull.calling('read_diff', 'read the changes of'), {
    code: 'unavailable',
    why: 'it was pushed to whenever it was read. Try again later.',
  });
}

function readPull({ http, path, calling }: LocatedPull): Promise<ForgePullRequest> {
  return http.ask({ ...calling('read_pull_request', 'find'), path }, (body) => {
    const pull = needObject(body, 'the pull request');
    const head = objectField(pull, 'head');
    const isMerged = fieldOf(pull, 'merged') === true;
    return {
      number: needNumber(pull, 'number'),
      url: needText(pull, 'html_url'),
      title: textField(pull, 'title'),
      state: isMerged ? 'merged' : needText(pull, 'state') === 'open' ? 'open' : 'closed',
      isDraft: fieldOf(pull, 'draft') === true,
      headCommit: needText(head, 'sha'),
      headBranch: needText(head, 'ref'),
      baseBranch: needText(objectField(pull, 'base'), 'ref'),
    };
  });
}

async function readFiles({ http, path, calling }: LocatedPull): Promise<ReadonlyMap<string, DiffFile>> {
  const call: ForgeCall = { ...calling('read_diff', 'read the changes of'), path: `${path}/files` };
  const files = await askPages(http, call, { mostPages: mostFilePages, readRow: readFile });
  return new Map(files.filter(([, { lines }]) => lines.size > 0));
}

function readFile(row: unknown): readonly [path: string, file: DiffFile] {
  const path = needText(row, 'filename');
  // Binary files and huge ones have no patch.
  const lines = linesOfHunks(textField(row, 'patch'));
  return [path, { previousPath: textField(row, 'previous_filename') || path, lines }];
}
