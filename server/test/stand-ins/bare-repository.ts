import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runCommand } from '../../src/lib/child-process.ts';
import { adasEnvironment } from '../support/git-repositories.ts';

/** What one commit has over another. `aheadBy`: how many commits. */
export type Comparison = { readonly aheadBy: number; readonly files: readonly FileChange[] };

/** A path that differs between the merge base and the head, as `git diff` sees it. */
export type FileChange = {
  readonly path: string;
  /** The same where the file was not renamed. */
  readonly previousPath: string;
  readonly status: 'added' | 'removed' | 'modified' | 'renamed';
  readonly additions: number;
  readonly deletions: number;
  /** The blob's id in the head; in the base where the file was removed. */
  readonly blob: string;
  /** The hunks, without the lines that name the file; undefined where there are none: a binary one, a bare renaming. */
  readonly patch: string | undefined;
};

/** One bare repository on disk, worked on as the forge's own backend does: without a working tree. */
export type BareRepository = {
  readonly folder: string;
  /** The commit at the tip of `branch`; undefined where there is no such branch. */
  readonly tip: (branch: string) => Promise<string | undefined>;
  /** All branches with their commits, by name. */
  readonly branches: () => Promise<ReadonlyMap<string, string>>;
  /** Commits files (undefined: deleted) on `branch`, which is made from `from` (or empty) where it is new. */
  readonly commit: (change: Change) => Promise<string>;
  readonly createBranch: (branch: string, from: string) => Promise<void>;
  readonly deleteBranch: (branch: string) => Promise<void>;
  readonly setDefaultBranch: (branch: string) => Promise<void>;
  /** How many commits `head` (a commit) has that `base` (a commit) has not. */
  readonly countAhead: (base: string, head: string) => Promise<number>;
  /** The same, with what they change. */
  readonly compare: (base: string, head: string) => Promise<Comparison>;
  /** Whether two commits have a common ancestor. */
  readonly areRelated: (a: string, b: string) => Promise<boolean>;
  /** Whether two commits merge without a conflict. */
  readonly canMerge: (a: string, b: string) => Promise<boolean>;
  /** Makes a merge commit of `head` on `branch` and gives it; undefined where they conflict. */
  readonly merge: (branch: string, head: string, message: string) => Promise<string | undefined>;
  /** Takes the commits of another repository's branch in, under `ref`, as a forge does for a fork's pull. */
  readonly fetch: (from: BareRepository, branch: string, ref: string) => Promise<void>;
  /** Refuses pushes to these branches with this text, in which `REF` stands for the full ref. */
  readonly protect: (branches: readonly string[], refusal: string) => Promise<void>;
};

/** A commit to make. `from`: the commit that a new branch begins at; undefined: none. */
export type Change = {
  readonly branch: string;
  readonly files: Readonly<Record<string, string | undefined>>;
  readonly message?: string;
  readonly from?: string;
};

/** Runs in the repository's folder before refs move, and says no for the refs that `protected-refs` lists. */
const hook = `#!/bin/sh
status=0
while read -r _ _ ref; do
  if grep -qxF "$ref" protected-refs 2>/dev/null; then
    sed "s|REF|$ref|" refusal >&2
    status=1
  fi
done
exit $status
`;

/** Makes an empty bare repository in `folder`, which must not exist, with this default branch. */
export async function createBareRepository(folder: string, defaultBranch: string): Promise<BareRepository> {
  await mkdir(dirname(folder), { recursive: true });
  const plain = ['--quiet', '--bare', '--template=', `--initial-branch=${defaultBranch}`];
  await git('/', 'init', ...plain, folder);
  await mkdir(join(folder, 'hooks'), { recursive: true });
  await writeFile(join(folder, 'hooks', 'pre-receive'), hook, { mode: 0o755 });
  return openBareRepository(folder);
}

/** The repository that lies in `folder`. */
export function openBareRepository(folder: string): BareRepository {
  return {
    folder,
    tip: (branch) => tip(folder, branch),
    branches: () => branches(folder),
    commit: (change) => commit(folder, change),
    createBranch: (branch, from) => update(folder, branch, from),
    deleteBranch: async (branch) => void (await git(folder, 'update-ref', '-d', `refs/heads/${branch}`)),
    setDefaultBranch: async (branch) =>
      void (await git(folder, 'symbolic-ref', 'HEAD', `refs/heads/${branch}`)),
    countAhead: (base, head) => countAhead(folder, base, head),
    compare: async (base, head) => ({
      aheadBy: await countAhead(folder, base, head),
      files: await listChanges(folder, base, head),
    }),
    areRelated: async (a, b) => (await run(folder, ['merge-base', a, b])).code === 0,
    canMerge: async (a, b) => (await run(folder, ['merge-tree', '--write-tree', a, b])).code === 0,
    merge: (branch, head, message) => merge(folder, { branch, head, message }),
    fetch: async (from, branch, ref) =>
      void (await git(folder, 'fetch', '--quiet', from.folder, `+refs/heads/${branch}:${ref}`)),
    protect: async (protectedBranches, refusal) => {
      const refs = protectedBranches.map((branch) => `refs/heads/${branch}\n`);
      await writeFile(join(folder, 'protected-refs'), refs.join(''));
      await writeFile(join(folder, 'refusal'), `${refusal}\n`);
    },
  };
}

/** Moves a repository to another folder, whose parents are made. */
export async function moveBareRepository(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await rename(from, to);
}

async function tip(folder: string, branch: string): Promise<string | undefined> {
  const { code, stdout } = await run(folder, ['rev-parse', '--verify', '--quiet', `refs/heads/${branch}`]);
  return code === 0 ? stdout.trim() : undefined;
}

async function branches(folder: string): Promise<ReadonlyMap<string, string>> {
  const format = '--format=%(refname:lstrip=2) %(objectname)';
  const lines = (await git(folder, 'for-each-ref', format, 'refs/heads')).split('\n');
  return new Map(lines.filter((line) => line !== '').map((line) => line.split(' ') as [string, string]));
}

async function commit(folder: string, change: Change): Promise<string> {
  const { branch, files, message = 'change' } = change;
  const parent = (await tip(folder, branch)) ?? change.from;
  const data = (text: string): string => `data ${Buffer.byteLength(text)}\n${text}\n`;
  const lines = [
    `commit refs/heads/${branch}\ncommitter Ada <ada@example.com> now\n${data(message)}`,
    ...(parent === undefined ? [] : [`from ${parent}\n`]),
    ...Object.entries(files).map(([path, text]) =>
      text === undefined ? `D ${path}\n` : `M 100644 inline ${path}\n${data(text)}`,
    ),
  ];
  await git(folder, { input: lines.join('') }, 'fast-import', '--quiet', '--date-format=now');
  return git(folder, 'rev-parse', `refs/heads/${branch}`);
}

async function update(folder: string, branch: string, to: string): Promise<void> {
  await git(folder, 'update-ref', `refs/heads/${branch}`, to);
}

async function countAhead(folder: string, base: string, head: string): Promise<number> {
  return Number(await git(folder, 'rev-list', '--count', `${base}..${head}`));
}

async function listChanges(folder: string, base: string, head: string): Promise<readonly FileChange[]> {
  const shape = ['--raw', '--numstat', '--no-abbrev', '--find-renames', '-z'];
  const words = (await git(folder, 'diff', ...shape, `${base}...${head}`)).split('\0').values();
  const { stdout } = await run(folder, ['diff', '--find-renames', '--no-color', `${base}...${head}`]);
  // No line of a hunk begins like that: each has a sign in front.
  const patches = stdout.split(/^diff --git /mu).slice(1);
  const files: FileChange[] = [];
  let counted = 0;
  for (const word of words) {
    if (word.startsWith(':')) {
      const patch = patches[files.length]?.split(/\n(?=@@ )(.*)/su)[1]?.replace(/\n$/u, '');
      files.push({ ...readChange(word, () => words.next().value ?? ''), patch });
      continue;
    }
    // The numbers come after all files, in the same order; a renamed file's two paths are words of their own.
    const [additions, deletions, path] = word.split('\t');
    const file = files[counted];
    if (path === undefined || file === undefined) continue;
    // A binary file has dashes for numbers.
    files[counted] = { ...file, additions: Number(additions) || 0, deletions: Number(deletions) || 0 };
    counted += 1;
  }
  return files;
}

/** `:100644 100644 <blob> <blob> M` and the path; with `R100`, two paths. */
function readChange(word: string, nextWord: () => string): Omit<FileChange, 'patch'> {
  const [, , before = '', after = '', letter = ''] = word.split(' ');
  const previousPath = nextWord();
  const path = letter.startsWith('R') ? nextWord() : previousPath;
  const statuses = { A: 'added', D: 'removed', R: 'renamed' } as const;
  const status = statuses[letter.slice(0, 1) as keyof typeof statuses] ?? 'modified';
  const blob = status === 'removed' ? before : after;
  return { path, previousPath, status, additions: 0, deletions: 0, blob };
}

async function merge(
  folder: string,
  wanted: { readonly branch: string; readonly head: string; readonly message: string },
): Promise<string | undefined> {
  const base = await tip(folder, wanted.branch);
  if (base === undefined) return undefined;
  const { code, stdout } = await run(folder, ['merge-tree', '--write-tree', base, wanted.head]);
  if (code !== 0) return undefined;
  const tree = stdout.split('\n')[0] ?? '';
  const parents = ['-p', base, '-p', wanted.head];
  const made = await git(folder, 'commit-tree', tree, ...parents, '-m', wanted.message);
  await update(folder, wanted.branch, made);
  return made;
}

type RunOptions = { readonly input?: string };

/** Runs git, which must succeed, and gives its output, trimmed. */
async function git(folder: string, first: string | RunOptions, ...rest: string[]): Promise<string> {
  const options = typeof first === 'string' ? {} : first;
  const args = typeof first === 'string' ? [first, ...rest] : rest;
  const { code, stdout, stderr } = await run(folder, args, options);
  if (code !== 0) throw new Error(`git ${args.join(' ')} in ${folder}: ${stderr.trim()}`);
  return stdout.trim();
}

async function run(
  folder: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const result = await runCommand({
    file: 'git',
    args,
    env: adasEnvironment,
    cwd: folder,
    ...(options.input === undefined ? {} : { input: options.input }),
    maxOutputBytes: 50_000_000,
    timeoutMs: 60_000,
    signal: AbortSignal.timeout(60_000),
  });
  return { code: result.code, stdout: result.stdout.toString('utf8'), stderr: result.stderr };
}
