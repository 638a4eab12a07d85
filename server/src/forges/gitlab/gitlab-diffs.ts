import { isDeepStrictEqual } from 'node:util';
import { textField } from '../../lib/json-fields.ts';
import { linesOfHunks } from '../diff-lines.ts';
import { needList, needText } from '../forge-answer.ts';
import type { DiffFile, PullRequestAccess, PullRequestDiff } from '../forge.ts';
import { headOf, reachRequest, readRequest, type OneRequest } from './gitlab-one-request.ts';
import type { Gitlab } from './gitlab-projects.ts';

/** Each file has up to 200 KB (GitLab's limit), and an answer of ours 10 MB. */
const perPage = 30;
/** 3,000 files: the most that a GitLab can be told to show. */
const mostPages = 100;
/** How often a diff is read that changes meanwhile. */
const mostTries = 3;

/** The three commits of one version of a diff. */
type Between = NonNullable<PullRequestDiff['between']>;

/**
 * See `Forge.readDiff`. Where GitLab tells no versions, nothing can be said to be on a line. Files and version
 * are two answers; a push between them would give the lines of one commit the numbers of another.
 */
export async function readDiff(
  gitlab: Gitlab,
  access: PullRequestAccess,
  signal: AbortSignal,
): Promise<PullRequestDiff> {
  const one = await reachRequest(gitlab, access, signal);
  const headCommit = headOf(one, await readRequest(one));
  let between = await readVersion(one);
  for (let tries = 1; tries <= mostTries; tries += 1) {
    if (between === undefined) return { headCommit, files: new Map() };
    const files = await readFiles(one);
    const after = await readVersion(one);
    if (isDeepStrictEqual(after, between)) return { headCommit: between.head, files, between };
    between = after;
  }
  const why = 'somebody pushes to it right now. Look again in a moment.';
  throw one.refused('read the changes of', { code: 'unavailable', why });
}

/** The newest version; undefined: there is none yet, or GitLab does not tell. */
async function readVersion(one: OneRequest): Promise<Between | undefined> {
  const [version] = await readList(one, '/versions', { page: 1, per_page: 1 }, (entry) => ({
    base: textField(entry, 'base_commit_sha'),
    start: textField(entry, 'start_commit_sha'),
    head: textField(entry, 'head_commit_sha'),
  }));
  // Branches without a common commit have no base.
  return version !== undefined && Object.values(version).every((commit) => commit !== '')
    ? version
    : undefined;
}

async function readFiles(one: OneRequest): Promise<ReadonlyMap<string, DiffFile>> {
  const files = new Map<string, DiffFile>();
  for (let page = 1; page <= mostPages; page += 1) {
    const entries = await readList(one, '/diffs', { page, per_page: perPage }, readFile);
    for (const { path, ...file } of entries) if (file.lines.size > 0) files.set(path, file);
    if (entries.length < perPage) break;
  }
  return files;
}

function readFile(entry: unknown): DiffFile & { readonly path: string } {
  return {
    path: needText(entry, 'new_path'),
    previousPath: needText(entry, 'old_path'),
    lines: linesOfHunks(textField(entry, 'diff')),
  };
}

/** A page of a list about the diff; empty where this GitLab or this token has none. */
async function readList<T>(
  { http, call }: OneRequest,
  below: string,
  query: { readonly page: number; readonly per_page: number },
  parse: (entry: unknown) => T,
): Promise<readonly T[]> {
  const asked = { ...call('read_diff', 'read the changes of', below), query };
  const answer = await http.send(asked);
  if (answer.status === 403 || answer.status === 404) return [];
  if (answer.status !== 200) throw http.refusal(asked, answer);
  return http.read(asked, answer, (body) => needList(body).map(parse));
}
