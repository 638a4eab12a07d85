import { runCommand } from '../../../src/lib/child-process.ts';
import { adasEnvironment, gitByHand } from '../../support/git-repositories.ts';
import { takeId } from './state.ts';
import type { MergeRequest, Project, State, Version } from './state.ts';

/** A file of a version, as git shows it. */
export type FileDiff = {
  readonly oldPath: string;
  readonly newPath: string;
  /** In octal; `0` where there is no file. */
  readonly oldMode: string;
  readonly newMode: string;
  /** Git's letter: `A`, `D`, `M`, `R`. */
  readonly status: string;
  /** From the first `@@` on; for a binary file the line that says so; empty where only the name is another. */
  readonly text: string;
};

/**
 * Works the diff out where the source branch has moved since the last time, and keeps its head under the ref
 * from which git fetches it. What is closed or merged keeps the diff that it had.
 */
export async function syncVersions(state: State, request: MergeRequest, now: number): Promise<void> {
  const { source, target, versions } = request;
  if (!request.isPrepared || (request.state !== 'opened' && versions.length > 0)) return;
  const head = await source.repository.tip(request.sourceBranch);
  const start = await target.repository.tip(request.targetBranch);
  if (head === undefined || start === undefined || head === versions.at(-1)?.head) return;
  const ref = `refs/merge-requests/${request.iid}/head`;
  await target.repository.fetch(source.repository, request.sourceBranch, ref);
  const base = await gitByHand(target.repository.folder, 'merge-base', start, head);
  const files = (await readFileDiffs(target, { base, head })).length;
  // Another request may have come to the same while git worked.
  if (head === versions.at(-1)?.head) return;
  versions.push({
    id: takeId(state),
    base,
    start,
    head,
    files,
    createdAt: new Date(now).toISOString(),
  });
}

/** The same for all that leads into a project, before git is asked for it. */
export async function syncProject(state: State, project: Project, now: number): Promise<void> {
  for (const request of project.mergeRequests) await syncVersions(state, request, now);
}

/** The files that differ between two commits of a project, renames found. */
export async function readFileDiffs(
  { repository }: Project,
  { base, head }: Pick<Version, 'base' | 'head'>,
): Promise<readonly FileDiff[]> {
  const words = (await diff(repository.folder, ['--raw', '-z', '--no-abbrev'], base, head))
    .split('\0')
    .values();
  // No line of a hunk begins like that: each has a sign in front.
  const patches = `\n${await diff(repository.folder, ['--patch'], base, head)}`
    .split('\ndiff --git ')
    .slice(1)
    .map((patch) => (patch.endsWith('\n') ? patch : `${patch}\n`));
  const files: FileDiff[] = [];
  for (const word of words) {
    if (!word.startsWith(':')) continue;
    const [oldMode = '', newMode = '', , , letter = ''] = word.slice(1).split(' ');
    const status = letter.slice(0, 1);
    const oldPath = words.next().value ?? '';
    const newPath = status === 'R' ? (words.next().value ?? '') : oldPath;
    const text = /^(?:@@|Binary files) .*/msu.exec(patches[files.length] ?? '')?.[0] ?? '';
    files.push({ oldPath, newPath, oldMode: modeOf(oldMode), newMode: modeOf(newMode), status, text });
  }
  if (files.length !== patches.length) throw new Error('git shows another number of files than it names');
  return files;
}

function modeOf(mode: string): string {
  return /^0+$/u.test(mode) ? '0' : mode;
}

/** Untrimmed: an empty line of context at the end is a blank. */
async function diff(folder: string, shape: readonly string[], base: string, head: string): Promise<string> {
  const result = await runCommand({
    file: 'git',
    args: ['diff', '--find-renames', '--no-color', ...shape, base, head],
    env: adasEnvironment,
    cwd: folder,
    maxOutputBytes: 50_000_000,
    timeoutMs: 60_000,
    signal: AbortSignal.timeout(60_000),
  });
  if (result.code !== 0) throw new Error(`git diff in ${folder}: ${result.stderr}`);
  return result.stdout.toString('utf8');
}
