import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { createRepository, startGitServer } from '../../src/demo/git-server.ts';
import type { GitServer, GitServerOptions } from '../../src/demo/git-server.ts';
import { createGit } from '../../src/git/git.ts';
import type { Git, GitOptions } from '../../src/git/git.ts';
import { createMirrors } from '../../src/git/mirrors.ts';
import type { Mirrors } from '../../src/git/mirrors.ts';
import { runCommand } from '../../src/lib/child-process.ts';

/** A limit for everything in one test. */
export const testSignal = (): AbortSignal => AbortSignal.timeout(60_000);

/** For git by hand: nothing of this machine's user, and Ada as the author. */
export const adasEnvironment = {
  PATH: '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin',
  HOME: '/nonexistent',
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  // No housekeeping in the background, which would outlive its test.
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'gc.auto',
  GIT_CONFIG_VALUE_0: '0',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.com',
};

/** A folder that goes with the test. */
export async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-git-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs git as a person at a terminal would, and gives what it printed, trimmed. */
export async function gitByHand(cwd: string, ...args: string[]): Promise<string> {
  const command = {
    file: 'git',
    args,
    env: adasEnvironment,
    cwd,
    maxOutputBytes: 50_000_000,
    timeoutMs: 60_000,
  };
  const result = await runCommand({ ...command, signal: testSignal() });
  assert.equal(result.code, 0, `git ${args.join(' ')}: ${result.stderr}`);
  return result.stdout.toString('utf8').trim();
}

export type TestForge = {
  readonly folder: string;
  readonly root: string;
  readonly server: GitServer;
  readonly git: Git;
  readonly mirrors: Mirrors;
  /** The folder of `name` on the forge. */
  readonly bare: string;
  readonly url: string;
  readonly canonical: string;
  /** Commits files (undefined: deleted) on `branch` as somebody else would, pushes, and gives the commit. */
  readonly commit: (files: Readonly<Record<string, string | undefined>>, branch?: string) => Promise<string>;
};

/** A forge on loopback with one repository, `project`, which has one commit on `main`; and the server's side. */
export async function testForge(
  t: TestContext,
  options: {
    readonly server?: Partial<GitServerOptions>;
    readonly git?: Partial<GitOptions>;
    readonly empty?: boolean;
  } = {},
): Promise<TestForge> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-git-'));
  const root = join(folder, 'forge');
  await mkdir(root);
  const bare = await createRepository(root, 'project.git');
  const server = await startGitServer({ root, ...options.server });
  t.after(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });
  const git = createGit({
    socketFolder: join(folder, 's'),
    allowFileRepositories: true,
    allowHttp: true,
    timeoutMs: 30_000,
    ...options.git,
  });
  const mirrors = createMirrors({ git, folder: join(folder, 'mirrors'), maxBytes: 100_000_000 });
  const person = join(folder, 'person');
  await gitByHand(folder, 'clone', '--quiet', bare, person);
  const commit: TestForge['commit'] = async (files, branch = 'main') => {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(person, path)), { recursive: true });
      if (text === undefined) await rm(join(person, path));
      else await writeFile(join(person, path), text);
    }
    await gitByHand(person, 'add', '-A');
    await gitByHand(person, 'commit', '--quiet', '-m', 'change');
    await gitByHand(person, 'push', '--quiet', '--force', 'origin', `HEAD:refs/heads/${branch}`);
    return gitByHand(person, 'rev-parse', 'HEAD');
  };
  if (options.empty !== true)
    await commit({ 'README.md': '# Project\n', 'src/add.js': 'export const add = (a, b) => a - b;\n' });
  const url = `${server.url}/project.git`;
  return { folder, root, server, git, mirrors, bare, url, canonical: url.slice(0, -'.git'.length), commit };
}
