import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../../server/src/lib/child-process.ts';
import { gitEnv } from './repositories.ts';

export type HandWork = {
  readonly url: string;
  /** An empty folder to clone into; what is left there is removed, after the clock was stopped. */
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
  const begun = performance.now();
  await runShell(wholeScript, work, branch);
  const ms = performance.now() - begun;
  await clear(work);
  return ms;
}

/** Clone, then the command; resolves with what it printed. */
export async function startByHand(work: HandWork): Promise<string> {
  const printed = await runShell(startScript, work, '');
  await clear(work);
  return printed;
}

async function runShell(script: string, work: HandWork, branch: string): Promise<string> {
  const done = await runCommand({
    file: '/bin/sh',
    args: ['-c', script, 'by-hand', work.url, work.command, branch],
    env: gitEnv,
    cwd: work.folder,
    maxOutputBytes: 65_536,
    timeoutMs: patienceMs,
    signal: work.signal,
  });
  if (done.code !== 0) throw new Error(`the work by hand failed: ${done.stderr}`);
  return done.stdout.toString('utf8');
}

async function clear({ folder }: HandWork): Promise<void> {
  await rm(join(folder, 'tree'), { recursive: true, force: true });
}
