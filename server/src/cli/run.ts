import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import type { TaskConfig, TaskInput } from '@slipway/client';
import { Option, type Command } from 'commander';
import { CommandError } from './command-error.ts';
import { dollars, seconds, wholeNumber, withConnection, type Cli } from './command.ts';
import type { ExitName } from './exit-codes.ts';
import type { ConnectionFlags } from './find-server.ts';
import { readPrompt } from './prompt.ts';
import { seeThrough } from './see-through.ts';
import { resolveTaskId } from './task-id.ts';
import { shortId } from './task-text.ts';
import { readTools, withTools } from './task-tools.ts';

type RunFlags = ConnectionFlags & {
  readonly agent?: string;
  readonly command?: string;
  readonly testCommand?: string;
  readonly model?: string;
  readonly maxTurns?: number;
  readonly maxBudget?: number;
  readonly approvals?: 'ask';
  readonly sourceBranch?: string;
  readonly targetBranch?: string;
  readonly timeout?: number;
  readonly repositoryTokenFile?: string;
  readonly priority?: number;
  readonly publish?: 'branch' | 'pull_request' | 'manual';
  readonly type?: 'code' | 'plan' | 'review' | 'pr_review';
  readonly pr?: number;
  readonly postComments?: boolean;
  readonly workspaceOf?: string;
  readonly key?: string;
  readonly tool?: readonly string[];
  readonly toolConfig?: string;
  readonly detach?: boolean;
  readonly json?: boolean;
};

const examples = `
Examples:
  slipway run https://example.com/app.git "Rename Foo to Bar" --command "sed -i s/Foo/Bar/g src/*"
  slipway run https://example.com/app.git - --agent script --command ./codemod < prompt.md
  slipway run https://example.com/app.git "Update the licence year" --command ./year.sh --detach
  slipway run https://example.com/app.git "Fix the login" --agent claude-code --max-budget 2
  slipway run https://github.com/ada/app.git --pr 42 --post-comments --key mine`;

const noPrompt = 'give a prompt: slipway run <repository> "what to do"';

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
    .argument(
      '[prompt]',
      'what to do; - reads it from stdin (default: the command of --command, or to review --pr)',
    )
    .addOption(
      new Option(
        '--type <kind>',
        'the kind of task; only code changes anything (default: pr_review with --pr, else code)',
      ).choices(['code', 'plan', 'review', 'pr_review']),
    )
    .option('--pr <number>', 'the pull request (merge request) to review', wholeNumber(1, 999_999_999))
    .option('--post-comments', 'post the review to the pull request')
    .option('--agent <name>', "the agent that does it (default: script with --command, else the server's)")
    .option('--command <command>', 'what the script agent runs in the workspace')
    .option(
      '--test-command <command>',
      'what is run when the agent is done; where it fails, the agent is told and goes on',
    )
    .option('--model <name>', "the agent's model (default: the agent's own)")
    .option('--max-turns <number>', 'how often the agent may call its model', wholeNumber(1, 1_000_000))
    .option('--max-budget <dollars>', 'what the agent may spend, such as 2.50', dollars)
    .addOption(
      new Option(
        '--approvals <mode>',
        'ask: what the agent is not free to do waits for a person (slipway approve)',
      ).choices(['ask']),
    )
    .option('--branch, --source-branch <name>', "branch to start from (default: the repository's own)")
    .option('--target-branch <name>', 'branch that the work is meant for')
    .option('--workspace-of <id>', 'work in the workspace of this task of yours, if it is still there')
    .option('--key <name>', 'the stored key that opens the repository (slipway keys)')
    .option('--repository-token-file <file>', 'file with the token that git fetches and pushes with')
    .option('--timeout <time>', 'time limit of the agent, such as 90s, 10m or 1h', seconds)
    .option('--priority <number>', 'higher goes first: -100 to 100', wholeNumber(-100, 100))
    .addOption(
      new Option(
        '--publish <mode>',
        'branch: push the work when it is done; pull_request: and propose it; manual: a person publishes it (default: branch for code)',
      ).choices(['branch', 'pull_request', 'manual']),
    )
    .option('-d, --detach', 'do not follow: print the id and return')
    .option('--json', 'print one JSON object a line: the task as created, its events, its end, the task');
  withConnection(withTools(command))
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
  const plain = inputOf(repository, await readPrompt(cli, prompt ?? defaultPrompt(flags), noPrompt), {
    ...flags,
    ...(flags.workspaceOf === undefined
      ? {}
      : { workspaceOf: await resolveTaskId(client, flags.workspaceOf, cli.signal) }),
  });
  const tools = await readTools(cli, client, flags);
  const input = {
    ...plain,
    ...(tools === undefined ? {} : { config: { ...plain.config, tools } }),
    ...(await repositoryToken(flags)),
  };
  const created = await client.tasks.create(input, { signal: cli.signal });
  if (json) await out.json({ type: 'created', ...created });
  if (flags.detach === true) {
    if (!json) await out.line(`task ${created.id}\nfollow it with: slipway logs -f ${shortId(created.id)}`);
    return 'ok';
  }
  if (!json) await out.line(`task ${created.id}`);
  return seeThrough(cli, client, created.id, { json });
}

function kindOf({ type, pr }: RunFlags): NonNullable<RunFlags['type']> {
  return type ?? (pr === undefined ? 'code' : 'pr_review');
}

function defaultPrompt(flags: RunFlags): string | undefined {
  if (kindOf(flags) === 'pr_review' && flags.pr !== undefined) return `Review pull request #${flags.pr}`;
  return flags.command;
}

function inputOf(repository: string, prompt: string, flags: RunFlags): TaskInput {
  const agent = flags.agent ?? (flags.command === undefined ? undefined : 'script');
  const config: TaskConfig = {
    ...(agent === undefined ? {} : { cli: agent }),
    ...(flags.command === undefined ? {} : { command: flags.command }),
    ...(flags.testCommand === undefined ? {} : { test_command: flags.testCommand }),
    ...(flags.sourceBranch === undefined ? {} : { source_branch: flags.sourceBranch }),
    ...(flags.targetBranch === undefined ? {} : { target_branch: flags.targetBranch }),
    ...(flags.timeout === undefined ? {} : { timeout_seconds: flags.timeout }),
    ...(flags.priority === undefined ? {} : { priority: flags.priority }),
    ...(flags.model === undefined ? {} : { ai_model: flags.model }),
    ...(flags.maxTurns === undefined ? {} : { max_turns: flags.maxTurns }),
    ...(flags.maxBudget === undefined ? {} : { max_budget_usd: flags.maxBudget }),
    ...(flags.approvals === undefined ? {} : { approvals: flags.approvals }),
    ...(flags.pr === undefined ? {} : { pr_number: flags.pr }),
    ...(flags.postComments === true ? { output_mode: 'post_comments' } : {}),
    ...(flags.workspaceOf === undefined ? {} : { workspace_task_id: flags.workspaceOf }),
  };
  const kind = kindOf(flags);
  const { publish = kind === 'code' ? 'branch' : 'manual', key } = flags;
  return {
    repo_url: repositoryUrl(repository),
    prompt,
    ...(kind === 'code' ? {} : { task_type: kind }),
    publish,
    provider_key: key,
    config,
  };
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
