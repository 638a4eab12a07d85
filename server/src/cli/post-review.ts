import type { Command } from 'commander';
import { wholeNumber, withConnection, type Cli } from './command.ts';
import type { ConnectionFlags } from './find-server.ts';
import { forgeRefusal } from './pull-request.ts';
import { countText } from './review-text.ts';
import { resolveTaskId } from './task-id.ts';
import { printableLine } from './untrusted-text.ts';

type PostReviewFlags = ConnectionFlags & { readonly pr?: number; readonly json?: boolean };

/** `slipway post-review`: a review to where people discuss the work. */
export function addPostReview(program: Command, cli: Cli): void {
  const command = program
    .command('post-review')
    .summary("post a task's review to a pull request")
    .description(
      'Posts the review of a task to a pull request (on GitLab a merge request), what it found on the lines that ' +
        'it is about; waits for it and prints its address. Posted again, it is there once.',
    )
    .argument('<id>', "the task's id, or its first 8 characters")
    .option(
      '--pr <number>',
      'the pull request (default: the one that the task is about, or has opened)',
      wholeNumber(1, 999_999_999),
    )
    .option('--json', 'print one JSON object: {"review_url", "comments_posted", "pr_number"}');
  withConnection(command).action(async (id: string, flags: PostReviewFlags) => {
    await postReview(cli, id, flags);
    cli.end('ok');
  });
}

async function postReview(cli: Cli, given: string, flags: PostReviewFlags): Promise<void> {
  const { out, signal } = cli;
  const client = await cli.connect(flags);
  const taskId = await resolveTaskId(client, given, signal);
  out.status('waiting for the review to be posted…');
  const posted = await client.tasks
    .postReview(taskId, { pr_number: flags.pr }, { signal })
    .catch(forgeRefusal);
  out.status(undefined);
  if (flags.json === true) return out.json(posted);
  const comments = countText(posted.comments_posted, 'comment');
  await out.line(`review: ${out.paint('bold', printableLine(posted.review_url))}`);
  await out.line(`${comments} on lines of pull request ${posted.pr_number}`);
}
