import type { ChangedFiles } from '../domain/event.ts';
import { diagnose } from './git-error.ts';
import type { Git } from './git.ts';

export type FileStatus = 'created' | 'modified' | 'deleted' | 'renamed';

export type FileChange = {
  readonly path: string;
  readonly status: FileStatus;
  /** What a renamed file was called before. */
  readonly previousPath?: string;
  readonly insertions: number;
  readonly deletions: number;
  readonly binary: boolean;
};

/** What a result changes against its base. The counts cover all files; `files` has the first 2,000. */
export type Changes = {
  /** A renamed file counts as modified. */
  readonly filesModified: number;
  readonly filesCreated: number;
  readonly filesDeleted: number;
  readonly insertions: number;
  readonly deletions: number;
  readonly files: readonly FileChange[];
  /** A patch that `git apply` takes, unless it is truncated. Bytes: files have any encoding. */
  readonly patch: Buffer;
  readonly patchTruncated: boolean;
};

export type ChangesRequest = {
  readonly git: Git;
  /** The clean repository. */
  readonly folder: string;
  readonly base: string;
  readonly commit: string;
  readonly maxPatchBytes: number;
  readonly signal: AbortSignal;
};

const maxFiles = 2000;
const namedFiles = 100;
const pathCharacters = 1_000;

/** Compares two commits; runs nothing that a repository could name (drivers, text conversions). Throws `GitError`. */
export async function describeChanges(request: ChangesRequest): Promise<Changes> {
  const { git, folder, base, commit, signal } = request;
  const options = ['-r', '--find-renames', '-l1000', '--no-ext-diff', '--no-textconv', '--no-color'];
  const call = { cwd: folder, signal };
  const [list, patch] = await Promise.all([
    git.run(['diff-tree', '--raw', '--numstat', '-z', ...options, base, commit, '--'], call),
    git.run(['diff-tree', '-p', '--binary', '--full-index', ...options, base, commit, '--'], {
      ...call,
      maxOutputBytes: request.maxPatchBytes,
    }),
  ]);
  for (const { code, truncated, stderr } of [list, patch]) {
    if (code !== 0 && !truncated) throw diagnose(stderr, 'the changes');
  }
  return { ...summarize(readChanges(list.stdout)), patch: patch.stdout, patchTruncated: patch.truncated };
}

function summarize(files: readonly FileChange[]): Omit<Changes, 'patch' | 'patchTruncated'> {
  const count = (...statuses: FileStatus[]): number =>
    files.filter(({ status }) => statuses.includes(status)).length;
  return {
    filesModified: count('modified', 'renamed'),
    filesCreated: count('created'),
    filesDeleted: count('deleted'),
    insertions: files.reduce((sum, { insertions }) => sum + insertions, 0),
    deletions: files.reduce((sum, { deletions }) => sum + deletions, 0),
    files: files.slice(0, maxFiles),
  };
}

/** What people are told of the files: the first 100 by path, paths of more than 1,000 characters cut. */
export function changedFilesOf(changes: Omit<Changes, 'patch' | 'patchTruncated'>): ChangedFiles {
  const { filesModified, filesCreated, filesDeleted } = changes;
  const files = changes.files
    .toSorted((one, other) => (one.path < other.path ? -1 : 1))
    .slice(0, namedFiles)
    .map(({ path, status }) => ({ path: shortPath(path), status }));
  return { files, more: filesModified + filesCreated + filesDeleted - files.length };
}

function shortPath(path: string): string {
  return path.length <= pathCharacters ? path : `${path.slice(0, pathCharacters).toWellFormed()}…`;
}

/**
 * Reads `git diff-tree --raw --numstat -z`: all records of the first kind (`:modes ids status`, path, a
 * second path for a rename), then all of the second (counts and path, or counts, empty, both paths).
 */
export function readChanges(output: Buffer): FileChange[] {
  const fields = output.toString('utf8').split('\0');
  const files = new Map<string, FileChange>();
  for (let at = 0; at < fields.length - 1;) {
    const field = fields[at] ?? '';
    if (field.startsWith(':')) {
      const status = field.slice(field.lastIndexOf(' ') + 1);
      const isRename = /^[RC]/u.test(status);
      const path = fields[at + (isRename ? 2 : 1)] ?? '';
      const before = isRename ? { previousPath: fields[at + 1] ?? '' } : {};
      files.set(path, {
        path,
        status: statusOf(status),
        ...before,
        insertions: 0,
        deletions: 0,
        binary: false,
      });
      at += isRename ? 3 : 2;
    } else {
      const [insertions = '', deletions = '', name = ''] = splitCounts(field);
      const path = name === '' ? (fields[at + 2] ?? '') : name;
      const file = files.get(path);
      // `-` stands for what has no lines.
      const counts = { insertions: Number(insertions) || 0, deletions: Number(deletions) || 0 };
      if (file !== undefined) files.set(path, { ...file, ...counts, binary: insertions === '-' });
      at += name === '' ? 3 : 1;
    }
  }
  return [...files.values()];
}

function splitCounts(field: string): string[] {
  const first = field.indexOf('\t');
  const second = field.indexOf('\t', first + 1);
  return [field.slice(0, first), field.slice(first + 1, second), field.slice(second + 1)];
}

function statusOf(letter: string): FileStatus {
  if (letter.startsWith('A') || letter.startsWith('C')) return 'created';
  if (letter.startsWith('D')) return 'deleted';
  return letter.startsWith('R') ? 'renamed' : 'modified';
}
