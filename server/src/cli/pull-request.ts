import { ApiError, type CreatedPullRequest, type PullRequestInput } from '@slipway/client';
import type { Command } from 'commander';
import { CommandError } from './command-error.ts';
import { repeated, withConnection, type Cli } from './command.ts';
import type { ConnectionFlags } from './find-server.ts';
import { readPrompt } from './prompt.ts';
import { resolveTaskId } from './task-id.ts';
import { printableLine } from './untrusted-text.ts';

type PullRequestFlags = ConnectionFlags & {
  readonly title?: string;
  readonly description?: string;
  readonly target?: string;
  readonly draft?: boolean;
  readonly label?: readonly string[];
  readonly json?: boolean;
};

const examples = `
Examples:
  slipway pr 77a2ffbd
  slipway pr 77a2ffbd --title "Fix the tests" --target main --draft --label bot --label tests
  git log -1 --format=%B | slipway pr 77a2ffbd --description -`;

/** `slipway pr`: finished work as a pull request. */
export function addPullRequest(program: Command, cli: Cli): void {
  const command = program
    .command('pr')
    .summary("publish a task's work as a pull request")
    .description(
      'Pushes the work of a completed task and opens a pull request (on GitLab a merge request), or brings\n' +
        'it up to date after a follow-up; waits for it and prints its address.',
    )
    .argument('<id>', "the task's id, or its first 8 characters")
    .option('--title <text>', 'the title (default: the beginning of the prompt)')
    .option('--description <text>', 'the text, in Markdown; - reads it from stdin')
    .option('--target <branch>', "the branch to merge into (default: the task's, or the repository's)")
    .option('--draft', 'open it as a draft')
    .option('--label <name>', 'a label; may be given several times', repeated)
    .option('--json', 'print one JSON object: {"pr_url", "pr_number", "branch"}');
  withConnection(command)
    .addHelpText('after', examples)
    .action(async (id: string, flags: PullRequestFlags) => {
      await createPullRequest(cli, id, flags);
      cli.end('ok');
    });
}

async function createPullRequest(cli: Cli, given: string, flags: PullRequestFlags): Promise<void> {
  const { out, signal } = cli;
  const input = await inputOf(cli, flags);
  const client = await cli.connect(flags);
  const taskId = await resolveTaskId(client, given, signal);
  out.status('waiting for the pull request…');
  const opened = await client.tasks.createPullRequest(taskId, input, { signal }).catch(forgeRefusal);
  out.status(undefined);
  await (flags.json === true ? out.json(opened) : print(cli, opened));
}

async function inputOf(cli: Cli, flags: PullRequestFlags): Promise<PullRequestInput> {
  const description =
    flags.description === undefined
      ? undefined
      : await readPrompt(cli, flags.description, 'the description is empty');
  return {
    title: flags.title,
    description,
    target_branch: flags.target,
    draft: flags.draft,
    labels: flags.label,
  };
}

/** That the forge refused is how this ended, and no trouble with the server: that says nothing of itself. */
export function forgeRefusal(error: unknown): never {
  if (error instanceof ApiError && error.status === 500 && error.message !== 'internal error') {
    throw new CommandError('taskFailed', printableLine(error.message));
  }
  throw error;
}

async function print({ out }: Cli, { pr_url, pr_number, branch }: CreatedPullRequest): Promise<void> {
  await out.line(`pull request ${pr_number}: ${out.paint('bold', printableLine(pr_url))}`);
  await out.line(`branch: ${printableLine(branch)}`);
}
