import { ConnectionError, type Client, type Task } from '@slipway/client';
import type { Cli } from './command.ts';
import type { ExitName } from './exit-codes.ts';
import { follow, type FollowOptions } from './follow.ts';
import { reviewLines } from './review-text.ts';
import { changesText, durationText, outcomeOf, shellWord, shortId, testsText, tookMs } from './task-text.ts';
import { printableLine } from './untrusted-text.ts';

/**
 * Follows a task to its end, says where the work is, and gives the exit that the task stands for. An
 * interrupt, or a server that stays away, ends the watching, not the task, and says so.
 */
export async function seeThrough(
  cli: Cli,
  client: Client,
  id: string,
  options: FollowOptions,
): Promise<ExitName> {
  try {
    await follow(cli, client, id, options);
    const task = await client.tasks.get(id, { signal: cli.signal });
    await (options.json ? cli.out.json({ type: 'task', task }) : printOutcome(cli, task));
    return outcomeOf(task);
  } catch (error) {
    return leave(cli, id, error);
  }
}

/** The command stops watching before the task has ended: says so, and how to go on. Rethrows what failed. */
export function leave(cli: Cli, id: string, error: unknown): ExitName {
  const short = shortId(id);
  return leaveGoing(cli, error, {
    what: 'the task',
    follow: `slipway logs -f ${short}`,
    end: `slipway cancel ${short}`,
  });
}

/** The same of anything that goes on by itself: what it is, and the commands that follow and end it. */
export function leaveGoing(
  cli: Cli,
  error: unknown,
  { what, follow, end }: { readonly what: string; readonly follow: string; readonly end: string },
): ExitName {
  if (!cli.signal.aborted && !(error instanceof ConnectionError)) throw error;
  cli.out.note(`${what} goes on\n  follow it: ${follow}\n  end it:    ${end}`);
  if (cli.signal.aborted) return 'interrupted';
  throw error;
}

async function printOutcome({ out }: Cli, task: Task): Promise<void> {
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
  // Of a task that writes code it is of earlier work.
  if (task.task_type !== 'code' && task.review_result !== undefined) {
    for (const line of reviewLines(task.review_result, out.paint)) await out.line(line);
    return;
  }
  const changes = changesText(task.changes_summary);
  await out.line(`${out.paint('green', 'completed')}${time}: ${changes}`);
  if (changes === 'no changes') return;
  const tests = testsText(task.tests);
  if (tests !== undefined)
    await out.line(`tests:  ${task.tests?.passed === true ? tests : out.paint('red', tests)}`);
  if (task.publish !== 'manual' && task.branch !== undefined && task.branch !== '') {
    await out.line(`branch: ${out.paint('bold', printableLine(task.branch))}`);
    if (task.pr_url !== undefined)
      await out.line(`pull request: ${out.paint('bold', printableLine(task.pr_url))}`);
    await out.line(`get it: git fetch ${shellWord(task.repo_url)} ${shellWord(task.branch)}`);
  }
  await out.line(`see it: slipway diff ${short}`);
}
