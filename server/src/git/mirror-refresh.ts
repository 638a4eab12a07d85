import { existsSync } from 'node:fs';
import { open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isBranchName } from '../domain/branch-name.ts';
import type { CommandResult } from '../lib/child-process.ts';
import { diagnose, GitError } from './git-error.ts';
import type { Git, Remote } from './git.ts';
import { layOutRepository } from './layout.ts';
import { busyFile, repairMirror } from './mirror-repair.ts';

/** What the server knows of a repository elsewhere; the folder is a bare repository. */
export type Mirror = {
  readonly folder: string;
  /** The branch that the remote's HEAD names; undefined when there is no such branch. */
  readonly defaultBranch: string | undefined;
  /** Commits by the branch's name. */
  readonly branches: ReadonlyMap<string, string>;
  /** Objects (commits or tag objects) by the tag's name. */
  readonly tags: ReadonlyMap<string, string>;
};

/** Its modification time is when the mirror was used last. */
export const usedFile = 'slipway-used';

const traceFile = 'slipway-trace';
const maxTraceBytes = 1024 * 1024;
const sizeCheckMs = 1000;
const damagedPack = /packfile .* cannot be accessed|too short to be a packfile|does not match index/u;
const remoteHead = 'refs/slipway/remote/HEAD';
const noHead = 'refs/slipway/none';

/**
 * `HEA*` asks for HEAD without failing where there is none. Packs are kept as they come: a mirror has no
 * loose objects, which is what `copyPacks` relies on.
 */
const refspecs = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*', '+HEA*:refs/slipway/remote/HEA*'];

export type Refresh = {
  readonly git: Git;
  readonly folder: string;
  readonly remote: Remote;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
};

/**
 * Makes the mirror what the remote is now, with one network process, and reads it. Call it under the
 * mirror's lock. A mirror that does not exist is built aside and renamed; one that turns out damaged is
 * replaced once a new one has been fetched.
 */
export async function refreshMirror(refresh: Refresh): Promise<Mirror> {
  const { git, folder, signal } = refresh;
  if (!existsSync(folder)) {
    await buildAside(refresh);
  } else {
    if (existsSync(join(folder, busyFile))) await repairMirror(folder);
    try {
      await fetchInto(folder, refresh);
    } catch (error) {
      if (!(error instanceof GitError) || error.code !== 'corrupt') throw error;
      await buildAside(refresh);
    }
  }
  await writeFile(join(folder, usedFile), '');
  return readMirror(git, folder, signal);
}

/**
 * Reads a mirror as it is, without network. Throws `GitError` where an object that a ref names cannot be read:
 * asking for its type makes git open its pack.
 */
export async function readMirror(git: Git, folder: string, signal: AbortSignal): Promise<Mirror> {
  const format = '--format=%(objectname) %(refname) %(objecttype)';
  const args = ['--git-dir', folder, 'for-each-ref', format, 'refs/heads/', 'refs/tags/', remoteHead];
  const { stdout } = await git.check(args, { cwd: '/', signal, target: 'the mirror' });
  const refs = new Map<string, string>();
  for (const line of stdout.toString('utf8').split('\n')) {
    const [id, name] = line.split(' ');
    if (id !== undefined && name !== undefined) refs.set(name, id);
  }
  const branches = below(refs, 'refs/heads/');
  const named = await readHead(folder);
  const defaultBranch =
    named !== undefined && branches.has(named) ? named : guess(branches, refs.get(remoteHead));
  return { folder, defaultBranch, branches, tags: below(refs, 'refs/tags/') };
}

function below(refs: ReadonlyMap<string, string>, prefix: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, id] of refs) if (name.startsWith(prefix)) found.set(name.slice(prefix.length), id);
  return found;
}

/** For a remote whose HEAD names no branch (it is detached): a branch at its commit, `main` and `master` first. */
function guess(branches: ReadonlyMap<string, string>, head: string | undefined): string | undefined {
  const there = [...branches].filter(([, commit]) => commit === head).map(([name]) => name);
  return ['main', 'master'].find((name) => there.includes(name)) ?? there[0];
}

async function buildAside(refresh: Refresh): Promise<void> {
  const aside = `${refresh.folder}.new`;
  if (existsSync(aside)) await repairMirror(aside);
  await rm(aside, { recursive: true, force: true });
  try {
    await layOutRepository(aside, { bare: true, head: noHead });
    await fetchInto(aside, refresh);
    const old = `${refresh.folder}.gone-${process.pid}-${Date.now()}`;
    if (existsSync(refresh.folder)) await rename(refresh.folder, old);
    await rename(aside, refresh.folder);
    await rm(old, { recursive: true, force: true });
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

async function fetchInto(folder: string, refresh: Refresh): Promise<void> {
  const trace = join(folder, traceFile);
  const busy = join(folder, busyFile);
  await writeFile(busy, '');
  await rm(trace, { force: true });
  // A fetch that was ended throws here, and leaves the mark: whoever comes next repairs the mirror.
  const result = await boundedFetch(folder, trace, refresh);
  await rm(busy, { force: true });
  const head = await headInTrace(trace);
  await rm(trace, { force: true });
  if (result.code !== 0) throw diagnose(result.stderr, refresh.remote.url);
  // A fetch gets what it misses and succeeds, but the damaged pack would go into every tree.
  if (damagedPack.test(result.stderr))
    throw new GitError('corrupt', `the mirror of ${refresh.remote.url} is damaged`);
  if ((await folderBytes(join(folder, 'objects', 'pack'))) > refresh.maxBytes) throw tooLarge(refresh);
  await writeHead(folder, head);
}

/** git cannot bound what a fetch stores: the folder is measured meanwhile. */
async function boundedFetch(folder: string, trace: string, refresh: Refresh): Promise<CommandResult> {
  const limit = new AbortController();
  const timer = setInterval(() => {
    void folderBytes(join(folder, 'objects', 'pack')).then((bytes) => {
      if (bytes > refresh.maxBytes) limit.abort(tooLarge(refresh));
    });
  }, sizeCheckMs);
  const options = [
    '--quiet',
    '--force',
    '--prune',
    '--no-tags',
    '--no-write-fetch-head',
    '--no-show-forced-updates',
  ];
  const more = ['--no-recurse-submodules', '--no-auto-maintenance'];
  try {
    return await refresh.git.talk(
      refresh.remote,
      (url) => ['fetch', ...options, ...more, '--', url, ...refspecs],
      {
        cwd: folder,
        signal: AbortSignal.any([refresh.signal, limit.signal]),
        config: ['transfer.unpackLimit=1', 'fetch.writeCommitGraph=false'],
        env: { GIT_TRACE_PACKET: trace },
      },
    );
  } finally {
    clearInterval(timer);
  }
}

function tooLarge({ remote, maxBytes }: Refresh): GitError {
  const limit = `${Math.floor(maxBytes / 1024 / 1024)} MiB`;
  return new GitError(
    'too_large',
    `${remote.url} is larger than the ${limit} that the mirrors may take. Raise that limit.`,
  );
}

/** The bytes of the files directly in a folder; 0 when it is gone. */
export async function folderBytes(folder: string): Promise<number> {
  try {
    const sizes = (await readdir(folder)).map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    );
    return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  } catch {
    return 0;
  }
}

/**
 * Which branch HEAD names is said in the protocol, but `git fetch` before 2.48 drops it, and `ls-remote`
 * would be a second conversation. So it is read from git's packet trace, where it comes first.
 */
async function headInTrace(path: string): Promise<string | undefined> {
  const handle = await open(path, 'r').catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    const buffer = Buffer.alloc(Math.min(maxTraceBytes, (await handle.stat()).size));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    const text = buffer.toString('utf8', 0, bytesRead);
    return (/fetch< (?:[0-9a-f]+|unborn) HEAD\b.* symref-target:refs\/heads\/(\S+)/u.exec(text) ??
      /fetch< [0-9a-f]+ HEAD\\0.* symref=HEAD:refs\/heads\/(\S+)/u.exec(text))?.[1];
  } finally {
    await handle.close();
  }
}

/** The default branch is kept as the mirror's own HEAD. */
async function writeHead(folder: string, branch: string | undefined): Promise<void> {
  const wanted = branch !== undefined && isBranchName(branch) ? branch : undefined;
  if ((await readHead(folder)) === wanted) return;
  const aside = join(folder, 'slipway-head');
  await writeFile(aside, `ref: ${wanted === undefined ? noHead : `refs/heads/${wanted}`}\n`);
  await rename(aside, join(folder, 'HEAD'));
}

async function readHead(folder: string): Promise<string | undefined> {
  const handle = await open(join(folder, 'HEAD'), 'r');
  try {
    return /^ref: refs\/heads\/(.+)$/mu.exec(await handle.readFile('utf8'))?.[1];
  } finally {
    await handle.close();
  }
}
