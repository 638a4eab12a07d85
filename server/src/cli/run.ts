import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { addAbortSignal, Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { ConnectionError, type Task, type TaskConfig, type TaskInput } from '@slipway/client';
import { Option, type Command } from 'commander';
import { CommandError } from './command-error.ts';
import { seconds, wholeNumber, withConnection, type Cli } from './command.ts';
import type { ExitName } from './exit-codes.ts';
import type { ConnectionFlags } from './find-server.ts';
import { follow } from './follow.ts';
import { changesText, durationText, outcomeOf, shellWord, shortId, tookMs } from './task-text.ts';
import { printableLine } from './untrusted-text.ts';

type RunFlags = ConnectionFlags & {
  readonly agent?: string;
  readonly command?: string;
  readonly sourceBranch?: string;
  readonly targetBranch?: string;
  readonly timeout?: number;
  readonly repositoryTokenFile?: string;
  readonly priority?: number;
  readonly publish: 'branch' | 'manual';
  readonly detach?: boolean;
  readonly json?: boolean;
};

const examples = `
Examples:
  slipway run https://example.com/app.git "Rename Foo to Bar" --command "sed -i s/Foo/Bar/g src/*"
  slipway run https://example.com/app.git - --agent script --command ./codemod < prompt.md
  slipway run https://example.com/app.git "Update the licence year" --command ./year.sh --detach`;

/** `slipway run`: creates a task, follows it to its end, and says where the work is. */
export function addRun(program: Command, cli: Cli): void {
  const command = program
    .command('run')
    .summary('give an agent a repository and a prompt, and follow its work')
    .description(
      'Creates a task, follows it to its end, and names the branch that was pushed.\n' +
        'Interrupting (Ctrl-C) stops following; the task goes on.',
    )
    .argument('<repository>', 'address of a git repository, or a local path where the server allows those')
    .argument('[prompt]', 'what to do; - reads it from stdin (default: the command of --command)')
    .option('--agent <name>', "the agent that does it (default: script with --command, else the server's)")
    .option('--command <command>', 'what the script agent runs in the workspace')
    .option('--branch, --source-branch <name>', "branch to start from (default: the repository's own)")
    .option('--target-branch <name>', 'branch that the work is meant for')
    .option('--repository-token-file <file>', 'file with the token that git fetches and pushes with')
    .option('--timeout <time>', 'time limit of the agent, such as 90s, 10m or 1h', seconds)
    .option('--priority <number>', 'higher goes first: -100 to 100', wholeNumber(-100, 100))
    .addOption(
      new Option('--publish <mode>', 'branch: push the work when it is done; manual: a person publishes it')
        .choices(['branch', 'manual'])
        .default('branch'),
    )
    .option('-d, --detach', 'do not follow: print the id and return')
    .option('--json', 'print one JSON object a line: the task as created, its events, its end, the task');
  withConnection(command)
    .addHelpText('after', examples)
    .action(async (repository: string, prompt: string | undefined, flags: RunFlags) => {
      cli.end(await run(cli, repository, prompt, flags));
    });
}

async function run(
  cli: Cli,
  repository: string,
  prompt: string | undefined,
  flags: RunFlags,
): Promise<ExitName> {
  const { out } = cli;
  const json = flags.json === true;
  const client = await cli.connect(flags);
  const input = {
    ...inputOf(repository, await readPrompt(cli, prompt, flags), flags),
    ...(await repositoryToken(flags)),
  };
  const created = await client.tasks.create(input, { signal: cli.signal });
  if (json) await out.json({ type: 'created', ...created });
  if (flags.detach === true) {
    if (!json) await out.line(`task ${created.id}\nfollow it with: slipway logs -f ${shortId(created.id)}`);
    return 'ok';
  }
  if (!json) await out.line(`task ${created.id}`);
  try {
    await follow(cli, client, created.id, { json });
    const task = await client.tasks.get(created.id, { signal: cli.signal });
    await (json ? out.json({ type: 'task', task }) : printOutcome(cli, task, flags.publish));
    return outcomeOf(task);
  } catch (error) {
    return leave(cli, created.id, error);
  }
}

/** The command stops watching before the task has ended: says so, and how to go on. Rethrows what failed. */
function leave(cli: Cli, id: string, error: unknown): ExitName {
  if (!cli.signal.aborted && !(error instanceof ConnectionError)) throw error;
  const short = shortId(id);
  cli.out.note(
    `the task goes on\n  follow it: slipway logs -f ${short}\n  end it:    slipway cancel ${short}`,
  );
  if (cli.signal.aborted) return 'interrupted';
  throw error;
}

async function readPrompt(cli: Cli, given: string | undefined, flags: RunFlags): Promise<string> {
  const prompt = given === '-' ? await readAll(cli) : (given ?? flags.command);
  if (prompt !== undefined && prompt.trim() !== '') return prompt;
  throw new CommandError(
    'usage',
    given === '-' ? 'the prompt on stdin is empty' : 'give a prompt: slipway run <repository> "what to do"',
  );
}

async function readAll(cli: Cli): Promise<string> {
  const stdin = new Readable().wrap(cli.deps.stdin);
  try {
    return await text(addAbortSignal(cli.signal, stdin));
  } catch (error) {
    cli.signal.throwIfAborted();
    throw error;
  }
}

function inputOf(repository: string, prompt: string, flags: RunFlags): TaskInput {
  const agent = flags.agent ?? (flags.command === undefined ? undefined : 'script');
  const config: TaskConfig = {
    ...(agent === undefined ? {} : { cli: agent }),
    ...(flags.command === undefined ? {} : { command: flags.command }),
    ...(flags.sourceBranch === undefined ? {} : { source_branch: flags.sourceBranch }),
    ...(flags.targetBranch === undefined ? {} : { target_branch: flags.targetBranch }),
    ...(flags.timeout === undefined ? {} : { timeout_seconds: flags.timeout }),
    ...(flags.priority === undefined ? {} : { priority: flags.priority }),
  };
  return { repo_url: repositoryUrl(repository), prompt, publish: flags.publish, config };
}

/** From a file: what stands on a command line, every user of the host can read. */
async function repositoryToken(flags: RunFlags): Promise<{ access_token?: string }> {
  if (flags.repositoryTokenFile === undefined) return {};
  try {
    return { access_token: (await readFile(flags.repositoryTokenFile, 'utf8')).trim() };
  } catch (error) {
    throw new CommandError('usage', `the token file cannot be read: ${String(error)}`);
  }
}

/** A path becomes a file address: the server decides whether it takes those. */
function repositoryUrl(repository: string): string {
  return /^(?:\/|\.{1,2}(?:\/|$))/u.test(repository) ? pathToFileURL(repository).href : repository;
}

async function printOutcome({ out }: Cli, task: Task, publish: 'branch' | 'manual'): Promise<void> {
  const short = shortId(task.id);
  const took = tookMs(task);
  const time = took === undefined ? '' : ` in ${durationText(took)}`;
  await out.line('');
  if (task.status === 'failed') {
    const cancelled = outcomeOf(task) === 'taskCancelled';
    const word = cancelled ? out.paint('yellow', 'cancelled') : out.paint('red', 'failed');
    await out.line(`${word}${time}: ${printableLine(task.error ?? 'no reason given')}`);
    if (!cancelled) await out.line(`more:   slipway show ${short}`);
    return;
  }
  const changes = changesText(task.changes_summary);
  await out.line(`${out.paint('green', 'completed')}${time}: ${changes}`);
  if (changes === 'no changes') return;
  if (publish === 'branch' && task.branch !== undefined && task.branch !== '') {
    await out.line(`branch: ${out.paint('bold', printableLine(task.branch))}`);
    await out.line(`get it: git fetch ${shellWord(task.repo_url)} ${shellWord(task.branch)}`);
  }
  await out.line(`see it: slipway diff ${short}`);
}
