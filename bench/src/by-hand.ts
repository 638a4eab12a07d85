import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../../server/src/lib/child-process.ts';
import { gitEnv } from './repositories.ts';

export type HandWork = {
  readonly url: string;
  /**
   * Where each clone gets a folder of its own. None is removed before the run is over: for a minute after a
   * deletion ext4 looks through the deleted inodes for each file that it makes (17 s for a clone of 20,000
   * files instead of 1.5).
   */
  readonly folder: string;
  readonly command: string;
  readonly signal: AbortSignal;
};

const patienceMs = 120_000;

const wholeScript = `
set -e
git clone --quiet "$1" tree
cd tree
sh -c "$2"
git add --all
git commit --quiet --message 'Work by hand'
git push --quiet origin "HEAD:refs/heads/$3"
`;

const startScript = `
set -e
git clone --quiet "$1" tree
cd tree
exec sh -c "$2"
`;

/** Clone, command, commit, push, as a person's shell script would; resolves with milliseconds. */
export async function taskByHand(work: HandWork, branch: string): Promise<number> {
  const cwd = await mkdtemp(join(work.folder, 'clone-'));
  const begun = performance.now();
  await runShell(wholeScript, work, { cwd, branch });
  return performance.now() - begun;
}

/** Clone, then the command; resolves with what it printed. */
export async function startByHand(work: HandWork): Promise<string> {
  const cwd = await mkdtemp(join(work.folder, 'clone-'));
  return runShell(startScript, work, { cwd, branch: '' });
}

async function runShell(
  script: string,
  work: HandWork,
  { cwd, branch }: { readonly cwd: string; readonly branch: string },
): Promise<string> {
  const done = await runCommand({
    file: '/bin/sh',
    args: ['-c', script, 'by-hand', work.url, work.command, branch],
    env: gitEnv,
    cwd,
    maxOutputBytes: 65_536,
    timeoutMs: patienceMs,
    signal: work.signal,
  });
  if (done.code !== 0) throw new Error(`the work by hand failed: ${done.stderr}`);
  return done.stdout.toString('utf8');
}
