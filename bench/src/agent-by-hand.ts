import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { AgentCommand, AgentReader, AgentTask } from '../../server/src/agents/agent.ts';
import type { InstalledCli } from './agent-clis.ts';
import type { AgentTimes } from './tasks.ts';
import { gitEnv } from './repositories.ts';

export type AgentHandWork = {
  readonly cli: InstalledCli;
  /** Of the repository. */
  readonly url: string;
  readonly modelUrl: string;
  readonly prompt: string;
  readonly branch: string;
  /** Where the clone and the agent's home get a folder of their own; see `HandWork` for why it is left there. */
  readonly folder: string;
  readonly signal: AbortSignal;
};

/** Work that has begun. */
export type BegunByHand = {
  /** The shell, whose child the agent is. */
  readonly pid: number;
  /** Rejects when a step failed, with what it said. */
  readonly done: Promise<AgentTimes>;
};

const startedMark = 'the agent starts';
const patienceMs = 120_000;
const keptCharacters = 4_096;

/** Says with a builtin when the agent starts: a program that tells the time would cost a millisecond. */
const script = `
set -e
url=$1 branch=$2
shift 2
git clone --quiet "$url" tree
cd tree
echo '${startedMark}'
"$@"
git add --all
git commit --quiet --message 'Work by hand'
git push --quiet origin "HEAD:refs/heads/$branch"
`;

/**
 * The agent's program is not in a sandbox here, so all that leaves this host is sent to a port where nobody
 * listens; the model is on loopback.
 */
const nowhere = 'http://127.0.0.1:9';
const noWayOut = {
  HTTP_PROXY: nowhere,
  HTTPS_PROXY: nowhere,
  ALL_PROXY: nowhere,
  http_proxy: nowhere,
  https_proxy: nowhere,
  all_proxy: nowhere,
  NO_PROXY: '127.0.0.1',
  no_proxy: '127.0.0.1',
} as const;

/**
 * Clone, agent, commit, push, as a person's shell script would, with the flags, the environment and the files
 * that the server's adapter gives to the same program. Preparing its home is not part of the time.
 */
export async function beginAgentByHand(work: AgentHandWork): Promise<BegunByHand> {
  const cwd = await mkdtemp(join(work.folder, 'agent-'));
  const [home, temporary] = [join(cwd, 'home'), join(cwd, 'temporary')];
  const task: AgentTask = { taskId: 'by-hand', runId: 'by-hand', iteration: 1, prompt: work.prompt };
  const place = { program: work.cli.program, tree: join(cwd, 'tree'), home, modelUrl: work.modelUrl };
  const command = work.cli.adapter.command(task, place);
  if (command.input !== '') throw new Error('the work by hand gives its agent no input');
  await mkdir(temporary);
  await writeHome(home, command.homeFiles ?? {});
  return run(work, { command, cwd, home, temporary, reader: work.cli.adapter.reader(task) });
}

async function writeHome(home: string, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(home);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(home, path)), { recursive: true });
    await writeFile(join(home, path), content, { mode: 0o600 });
  }
}

type Prepared = {
  readonly command: AgentCommand;
  readonly cwd: string;
  readonly home: string;
  readonly temporary: string;
  readonly reader: AgentReader;
};

function run(work: AgentHandWork, { command, cwd, home, temporary, reader }: Prepared): BegunByHand {
  const begunAt = Date.now();
  const child = spawn('/bin/sh', ['-c', script, 'by-hand', work.url, work.branch, ...command.argv], {
    cwd,
    env: {
      ...gitEnv,
      ...noWayOut,
      HOME: home,
      // Elsewhere than the home: below it, Codex does without some of its parts.
      TMPDIR: temporary,
      LANG: 'C.UTF-8',
      USER: 'agent',
      ...command.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  return { pid: child.pid ?? 0, done: follow(child, { begunAt, reader, signal: work.signal }) };
}

type Following = { readonly begunAt: number; readonly reader: AgentReader; readonly signal: AbortSignal };

async function follow(child: ChildProcess, { begunAt, reader, signal }: Following): Promise<AgentTimes> {
  let [startedAt, resultAt, errors] = [Number.NaN, Number.NaN, ''];
  child.stderr?.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString('utf8')).slice(-keptCharacters);
  });
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line === startedMark) startedAt = Date.now();
      else if (reader.read([line]).events.some(({ type }) => type === 'result')) resultAt = Date.now();
    });
  }
  const patience = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
  const end = (): void => endGroup(child);
  patience.addEventListener('abort', end, { once: true });
  if (patience.aborted) end();
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    const endedAt = Date.now();
    patience.throwIfAborted();
    if (code !== 0) throw new Error(`the agent's work by hand failed: ${errors}`);
    if (Number.isNaN(resultAt)) throw new Error(`the agent gave no result by hand: ${errors}`);
    return { begunAt, startedAt, resultAt, endedAt };
  } finally {
    patience.removeEventListener('abort', end);
  }
}

/** The shell with all that it started. */
function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // All of it is gone.
  }
}
