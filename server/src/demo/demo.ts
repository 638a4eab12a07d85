import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import type { Logger } from '../lib/logger.ts';
import type { DemoChoice } from '../cli/cli-deps.ts';
import { prepareAgent, type AgentSettings, type DemoAgent } from './demo-agent.ts';
import { createExampleRepository, git } from './example-repository.ts';
import { startGitServer } from './git-server.ts';

export type DemoDeps = {
  readonly logger: Logger;
  readonly print: (line: string) => void;
  readonly agents: AgentSettings;
};

const repository = 'sum.git';
const readyPatienceMs = 60_000;
const program = join(import.meta.dirname, `../main${extname(import.meta.filename)}`);

/**
 * The main job on a small example, with the commands that a user would type: a server of its own in a
 * temporary folder, a repository with a bug behind a real smart-HTTP git server, a task for the chosen agent,
 * its diff, its branch. Leaves nothing running and nothing behind; resolves with the exit code.
 *
 * @throws DemoNotReady when the agent's program or key is missing
 */
export async function demo(
  { print, agents }: DemoDeps,
  choice: DemoChoice,
  signal: AbortSignal,
): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const agent = await prepareAgent(choice, agents);
  if (agent.model !== undefined) stack.use(agent.model);
  const folder = await mkdtemp(join(tmpdir(), 'slipway-demo-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  // Sandboxes and PostgreSQL of a root server are other users, who have to pass through.
  await chmod(folder, 0o711);
  const repositories = join(folder, 'repositories');
  await mkdir(repositories);
  await createExampleRepository(repositories, repository);
  const forge = await startGitServer({ root: repositories });
  stack.defer(() => forge.close());
  const url = `${forge.url}/${repository}`;
  print(`A small repository with a bug and a failing test is served at ${url}\n`);

  const slipway = createCommand({ folder, agent, print, signal });
  await startServer(slipway, stack);
  if (agent.note !== undefined) print(agent.note);
  const ran = await slipway.run(['run', url, agent.prompt, ...agent.flags]);
  if (ran !== 0) return ran;
  const branch = await pushedBranch(join(repositories, repository));
  const shown = await slipway.run(['diff', branch.slice(-8)]);
  if (shown !== 0) return shown;
  print(`\n$ git log --oneline ${branch}`);
  print((await git(join(repositories, repository), 'log', '--oneline', branch)).trimEnd());
  if (!(await passesTest(folder, url, branch, print))) {
    print('\nThe test still fails: what the agent did is no repair.');
    return 1;
  }
  printEnd(choice, agent, print);
  return 0;
}

async function pushedBranch(bare: string): Promise<string> {
  const branches = (await git(bare, 'branch', '--list', '--format=%(refname:short)')).split('\n');
  const branch = branches.find((name) => name !== '' && name !== 'main');
  if (branch === undefined) throw new Error('the task ended well, but no branch was pushed');
  return branch;
}

function printEnd(choice: DemoChoice, { model }: DemoAgent, print: (line: string) => void): void {
  if (model !== undefined) {
    const asked = model.requests().filter(({ scenario }) => scenario === 'fix').length;
    print(`\nThe scripted model was asked ${asked} times.`);
  }
  const how = choice.agent === 'script' ? '--command "…"' : `--agent ${choice.agent}`;
  const next = [
    ['npm start', 'start a server that stays'],
    [`npx slipway run <repository> "…" ${how}`, 'give it a task of your own'],
    ['npx slipway --help', 'everything else'],
  ] as const;
  const width = Math.max(...next.map(([command]) => command.length));
  print('\nThat was a whole task: queued, cloned, run in a sandbox, committed, pushed. How to go on:');
  for (const [command, meaning] of next) print(`  ${command.padEnd(width)}  ${meaning}`);
}

/** The proof, by hand: a fresh clone of the branch passes the test that failed. */
async function passesTest(
  folder: string,
  url: string,
  branch: string,
  print: (line: string) => void,
): Promise<boolean> {
  const clone = join(folder, 'clone');
  await git(folder, 'clone', '--quiet', '--branch', branch, url, clone);
  print(`\n$ git clone --branch ${branch} ${url} && sh sum/test.sh`);
  const test = spawn('sh', [join(clone, 'test.sh')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 10_000,
  });
  const ended = once(test, 'close');
  for await (const chunk of test.stdout) print(String(chunk).trimEnd());
  const [code] = (await ended) as [number | null];
  return code === 0;
}

type SlipwayCommand = {
  /** Shows a command line and runs it to its end; resolves with its exit code. */
  readonly run: (args: readonly string[]) => Promise<number>;
  /** Shows a command line and starts it with what the agent needs; its end is the caller's. */
  readonly start: (args: readonly string[]) => ChildProcess;
};

type CommandSetting = {
  readonly folder: string;
  readonly agent: DemoAgent;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
};

/** Nothing of the user's environment comes along but what is named here; keys go to the server alone. */
function createCommand({ folder, agent, print, signal }: CommandSetting): SlipwayCommand {
  const env = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin',
    HOME: '/nonexistent',
    SLIPWAY_DATA_DIR: join(folder, 'data'),
    SLIPWAY_PORT: '0',
    SLIPWAY_ALLOW_HTTP_REPOSITORIES: 'on',
    SLIPWAY_LOG_LEVEL: 'warn',
    ...(process.stdout.isTTY ? {} : { NO_COLOR: '1' }),
  };
  const start = (
    args: readonly string[],
    stdio: 'inherit' | 'pipe',
    more: Readonly<Record<string, string>>,
  ): ChildProcess => {
    print(`$ slipway ${args.map(quoted).join(' ')}`);
    return spawn(process.execPath, [program, ...args], {
      env: { ...env, ...more },
      stdio: ['ignore', stdio, 'inherit'],
    });
  };
  return {
    start: (args) => start(args, 'pipe', agent.env),
    async run(args) {
      const child = start(args, 'inherit', {});
      const stop = (): void => void child.kill('SIGINT');
      signal.addEventListener('abort', stop, { once: true });
      try {
        const [code] = (await once(child, 'exit')) as [number | null];
        return code ?? 1;
      } finally {
        signal.removeEventListener('abort', stop);
      }
    },
  };
}

/** Starts `slipway serve` and waits until it says where it listens. */
async function startServer(slipway: SlipwayCommand, stack: AsyncDisposableStack): Promise<void> {
  const server = slipway.start(['serve']);
  const ended = once(server, 'exit');
  stack.defer(async () => {
    server.kill('SIGTERM');
    await ended;
  });
  const ready = Promise.withResolvers<void>();
  server.stdout?.on('data', (chunk: Buffer) => {
    process.stdout.write(chunk);
    if (chunk.includes('listening on')) ready.resolve();
  });
  const patience = AbortSignal.timeout(readyPatienceMs);
  patience.addEventListener('abort', () => ready.reject(new Error('the server did not start in time')));
  ended.then(
    () => ready.reject(new Error('the server ended while it was starting')),
    () => undefined,
  );
  await ready.promise;
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/u.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
