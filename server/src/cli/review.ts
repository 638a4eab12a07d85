import type { Client, ReviewInput, TaskEvent } from '@slipway/client';
import type { Command } from 'commander';
import { withConnection, type Cli } from './command.ts';
import type { ExitName } from './exit-codes.ts';
import type { ConnectionFlags } from './find-server.ts';
import { follow, type FollowOptions } from './follow.ts';
import { reviewLines } from './review-text.ts';
import { leave } from './see-through.ts';
import { resolveTaskId } from './task-id.ts';
import { shortId } from './task-text.ts';

type ReviewFlags = ConnectionFlags & {
  readonly agent?: string;
  readonly model?: string;
  readonly follow: boolean;
  readonly json?: boolean;
};

/** How a review ends, and the exit that it stands for. */
const endings: Readonly<Record<string, ExitName>> = {
  review_completed: 'ok',
  review_failed: 'taskFailed',
  review_timeout: 'taskFailed',
  review_canceled: 'taskCancelled',
};

/** `slipway review`: an agent's opinion of finished work. */
export function addReview(program: Command, cli: Cli): void {
  const command = program
    .command('review')
    .summary("have a task's work reviewed, and print the review")
    .description(
      'Has an agent review what a completed task changed, follows it, and prints what it found; the work stays ' +
        'as it is. Interrupting (Ctrl-C) stops following; the review goes on.',
    )
    .argument('<id>', "the task's id, or its first 8 characters")
    .option('--agent <name>', "the agent that reviews (default: the server's for reviews)")
    .option('--model <name>', "the agent's model (default: the agent's own)")
    .option('--no-follow', 'do not follow: return when the review is taken')
    .option('--json', 'print one JSON object a line: the answer, the events, the task');
  withConnection(command).action(async (id: string, flags: ReviewFlags) => {
    cli.end(await review(cli, id, flags));
  });
}

async function review(cli: Cli, given: string, flags: ReviewFlags): Promise<ExitName> {
  const { out, signal } = cli;
  const json = flags.json === true;
  const client = await cli.connect(flags);
  const taskId = await resolveTaskId(client, given, signal);
  const before = await client.tasks.get(taskId, { signal });
  const input: ReviewInput = { cli: flags.agent, model: flags.model };
  const { id, status } = await client.tasks.review(taskId, input, { signal });
  if (json) await out.json({ type: 'reviewing', id, status });
  if (!flags.follow) {
    if (!json) await out.line(`task ${id}\nfollow it with: slipway logs -f ${shortId(id)}`);
    return 'ok';
  }
  // Reviews of before were over when the task had come to rest.
  const rested = Date.parse(before.finished_at ?? '') || 0;
  const startsAt = ({ event, ts }: TaskEvent): boolean =>
    event === 'review_requested' && Date.parse(ts) >= rested;
  return seeReview(cli, client, id, { json, startsAt, endsAt: ({ event }) => Object.hasOwn(endings, event) });
}

/** Follows the review to its end, not the instructions that wait behind it. */
async function seeReview(cli: Cli, client: Client, id: string, options: FollowOptions): Promise<ExitName> {
  const { out, signal } = cli;
  try {
    const end = await follow(cli, client, id, options);
    const task = await client.tasks.get(id, { signal });
    const exit = endings[end?.event ?? ''] ?? 'taskFailed';
    if (options.json) await out.json({ type: 'task', task });
    else if (exit === 'ok' && task.review_result !== undefined) {
      for (const line of ['', ...reviewLines(task.review_result, out.paint)]) await out.line(line);
    }
    return exit;
  } catch (error) {
    return leave(cli, id, error);
  }
}
