import { existsSync } from 'node:fs';
import { open, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isBranchName } from '../domain/branch-name.ts';
import { GitError } from './git-error.ts';
import type { Git } from './git.ts';
import { layOutRepository } from './layout.ts';
import { checkFetched, fetchBounded, type Refresh } from './mirror-fetch.ts';
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
const remoteHead = 'refs/slipway/remote/HEAD';
const noHead = 'refs/slipway/none';

/** `HEA*` asks for HEAD without failing where there is none. */
const refspecs = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*', '+HEA*:refs/slipway/remote/HEA*'];

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
  await rm(trace, { force: true });
  const result = await fetchBounded(folder, refresh, {
    args: ['--prune'],
    refspecs,
    env: { GIT_TRACE_PACKET: trace },
  });
  const head = await headInTrace(trace);
  await rm(trace, { force: true });
  await checkFetched(folder, refresh, result);
  await writeHead(folder, head);
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
