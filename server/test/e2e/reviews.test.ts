import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Task } from '@slipway/client';
import { git } from '../../src/demo/example-repository.ts';
import { until } from '../support/processes.ts';
import { openHouse, smallLimits, type House } from './scenario-house.ts';

/** Reviews by the script agent on one real server: the work is a file of that name, the review what it prints. */
const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());
const opened = openHouse({
  settings: {
    ...smallLimits,
    SLIPWAY_REVIEW_AGENT: 'script',
    SLIPWAY_REVIEW_COMMAND: 'sh review.sh',
    SLIPWAY_REVIEW_TIMEOUT_SECONDS: '4',
    SLIPWAY_TASKS_PER_MINUTE: '0',
  },
}).then((house) => stack.use(house));

const limit = (): { readonly signal: AbortSignal } => ({ signal: AbortSignal.timeout(60_000) });

type Config = NonNullable<Parameters<House['client']['tasks']['create']>[0]['config']>;
type Submission = Parameters<House['client']['tasks']['create']>[0];

async function run(house: House, more: Partial<Submission> & { readonly config: Config }): Promise<Task> {
  const { id } = await house.client.tasks.create({
    repo_url: `${house.forge.url}/sum.git`,
    prompt: 'Look at the sum',
    ...more,
    config: { cli: 'script', ...more.config },
  });
  return house.client.tasks.wait(id, limit());
}

/** Finished work whose reviewer is the script that it holds. */
async function workReviewedBy(house: House, reviewer: string): Promise<Task> {
  const script = reviewer.replaceAll("'", String.raw`'\''`);
  const task = await run(house, {
    config: { command: `printf '%s' '${script}' > review.sh; echo work > work.txt` },
  });
  assert.equal(task.status, 'completed', task.error ?? '');
  return task;
}

async function review(house: House, task: Task): Promise<Task> {
  await house.client.tasks.review(task.id);
  return house.client.tasks.wait(task.id, limit());
}

/** The log of a task in the surface's words. */
async function eventsOf(house: House, task: Pick<Task, 'id'>): Promise<readonly string[]> {
  const seen: string[] = [];
  for await (const message of house.client.tasks.stream(task.id, limit())) {
    if (message.kind === 'event') seen.push(message.event.event);
    if (message.kind === 'done') seen.push('done');
  }
  return seen;
}

const json = (more: object = {}): string =>
  `echo '${JSON.stringify({ verdict: 'approve', score: 8, summary: 'Fine', issues: [], auto_fixable: false, ...more })}'`;

describe('a review of finished work', { concurrency: false }, () => {
  test('sees all of it and nothing else, and its result stands on the task', async () => {
    const house = await opened;
    const task = await workReviewedBy(
      house,
      `echo "$SLIPWAY_RUN_KIND $(git diff --name-only origin/main HEAD | tr '\\n' ' ')"; ${json()}`,
    );
    await house.client.tasks.instruct(task.id, 'once more');
    const followed = await house.client.tasks.wait(task.id, limit());
    const done = await review(house, task);
    assert.equal(done.status, 'completed');
    assert.deepEqual(
      { ...done.review_result, duration_seconds: 0 },
      {
        verdict: 'approve',
        score: 8,
        summary: 'Fine',
        issues: [],
        auto_fixable: false,
        reviewed_by: 'script',
        duration_seconds: 0,
      },
    );
    assert.equal(done.result, followed.result, 'the work keeps its result');
    assert.deepEqual([done.iteration, done.changes_summary], [2, followed.changes_summary]);
    const [row] = await house.query<{ result: string }>(
      'select result from runs where task_id = $1 and aside',
      [task.id],
    );
    assert.match(row?.result ?? '', /^review review\.sh work\.txt /u);
    // Two lines are read at once, or one after the other.
    const events = (await eventsOf(house, task)).filter(
      (type, at, all) => type !== 'output' || all[at - 1] !== type,
    );
    assert.deepEqual(events.slice(events.indexOf('review_requested')), [
      'review_requested',
      'review_started',
      'cli_started',
      'output',
      'review_parsed',
      'review_completed',
      'done',
    ]);
  });

  test('that changes the tree loses what it changed, and the next instruction finds the work as it was', async () => {
    const house = await opened;
    const task = await workReviewedBy(
      house,
      'echo spoilt > sum.sh; echo new > new.txt; git add -A; git -c user.name=x -c user.email=x@x commit -qm x; echo more >> work.txt; echo "I liked it."',
    );
    const done = await review(house, task);
    assert.deepEqual(
      [done.review_result?.verdict, done.review_result?.score, done.review_result?.summary],
      ['comment', 0, 'I liked it.'],
    );
    assert.ok((await eventsOf(house, task)).includes('workspace_restored'));
    const [row] = await house.query<{ data: { files: string[] } }>(
      `select data from events where stream_id = $1 and type = 'workspace_restored'`,
      [task.id],
    );
    assert.deepEqual(row?.data.files.toSorted(), ['new.txt', 'sum.sh', 'work.txt']);
    await house.client.tasks.instruct(task.id, 'again');
    const again = await house.client.tasks.wait(task.id, limit());
    assert.equal(again.status, 'completed', again.error ?? '');
    const patch = await house.client.tasks.diff(task.id);
    const files = [...patch.matchAll(/^diff --git a\/(\S+)/gmu)].map(([, file]) => file);
    assert.deepEqual(files, ['review.sh', 'work.txt']);
    assert.doesNotMatch(patch, /^\+more/mu);
  });

  test('that locks everybody out of the tree is read all the same', async () => {
    const house = await opened;
    const done = await review(house, await workReviewedBy(house, `${json({ score: 6 })}; chmod 000 .`));
    assert.deepEqual([done.status, done.review_result?.score], ['completed', 6]);
    assert.ok((await eventsOf(house, done)).includes('workspace_restored'));
  });

  test('that fails, or takes too long, leaves the work finished', async () => {
    const house = await opened;
    const failing = await review(house, await workReviewedBy(house, 'echo broken; exit 3'));
    assert.deepEqual(
      [failing.status, failing.error, failing.review_result],
      ['completed', undefined, undefined],
    );
    assert.equal((await eventsOf(house, failing)).at(-2), 'review_failed');
    const slow = await review(house, await workReviewedBy(house, 'sleep 60'));
    assert.equal(slow.status, 'completed');
    assert.equal((await eventsOf(house, slow)).at(-2), 'review_timeout');
  });

  test('that is cancelled leaves the work finished', async () => {
    const house = await opened;
    const task = await workReviewedBy(house, 'echo on it; sleep 60');
    await house.client.tasks.review(task.id);
    await until('the reviewer to work', async () => {
      const rows = await house.query(
        `select from runs where task_id = $1 and aside and state = 'running' and output_at > 0`,
        [task.id],
      );
      return rows.length === 1;
    });
    await house.client.tasks.cancel(task.id);
    const done = await house.client.tasks.wait(task.id, limit());
    assert.deepEqual([done.status, done.error], ['completed', undefined]);
    assert.equal((await eventsOf(house, task)).at(-2), 'review_canceled');
  });

  test('goes on over a kill of the server, and where the tree is gone', async () => {
    const house = await opened;
    const task = await workReviewedBy(house, `echo on it; sleep 2; ${json({ score: 3 })}`);
    const [row] = await house.query<{ id: string }>('select workspace_id as id from tasks where id = $1', [
      task.id,
    ]);
    const workspaces = join(house.data, 'workspaces');
    assert.ok(readdirSync(workspaces).includes(row?.id ?? ''));
    rmSync(join(workspaces, row?.id ?? ''), { recursive: true });
    await house.client.tasks.review(task.id);
    await until('the reviewer to work', async () => {
      const rows = await house.query(
        `select from runs where task_id = $1 and aside and state = 'running' and output_at > 0`,
        [task.id],
      );
      return rows.length === 1;
    });
    await house.restart('kill');
    const done = await house.client.tasks.wait(task.id, limit());
    assert.deepEqual([done.status, done.review_result?.score], ['completed', 3]);
    const runs = await house.query<{ state: string }>('select state from runs where task_id = $1 and aside', [
      task.id,
    ]);
    assert.deepEqual(runs, [{ state: 'succeeded' }]);
  });
});

describe('tasks that read only', { concurrency: false }, () => {
  test('a plan is text, a review a result, and neither changes or publishes anything', async () => {
    const house = await opened;
    const plan = await run(house, {
      task_type: 'plan',
      config: { command: 'echo "# The plan"; echo x > plan.md' },
    });
    assert.deepEqual(
      [plan.status, plan.result, plan.changes_summary, plan.review_result],
      ['completed', '# The plan', undefined, undefined],
    );
    assert.deepEqual((await eventsOf(house, plan)).slice(-3), [
      'workspace_restored',
      'task_completed',
      'done',
    ]);
    const reviewed = await run(house, { task_type: 'review', config: { command: json({ score: 5 }) } });
    assert.deepEqual([reviewed.status, reviewed.review_result?.score], ['completed', 5]);
    assert.deepEqual((await eventsOf(house, reviewed)).slice(-3), [
      'task_completed',
      'review_parsed',
      'done',
    ]);
    await house.client.tasks.instruct(reviewed.id, 'and again');
    const again = await house.client.tasks.wait(reviewed.id, limit());
    assert.deepEqual([again.status, again.iteration, again.review_result?.score], ['completed', 2, 5]);
    const asked = await review(house, again);
    assert.equal(asked.status, 'completed');
  });

  test('a pull request is compared with its base, also when it is behind, and moves between two looks', async () => {
    const house = await opened;
    const tree = join(house.folder, 'topic');
    const bare = join(house.repositories, 'sum.git');
    await git(house.folder, 'clone', '--quiet', bare, tree);
    const commit = async (name: string): Promise<void> => {
      await git(tree, 'checkout', '--quiet', '-B', 'topic', 'origin/main');
      await writeFile(join(tree, `${name}.txt`), 'x\n');
      await git(tree, 'add', `${name}.txt`);
      await git(tree, 'commit', '--quiet', '--message', name);
      await git(tree, 'push', '--quiet', '--force', 'origin', 'HEAD:refs/pull/7/head');
    };
    await commit('first');
    const command = `echo "$(git rev-parse --abbrev-ref HEAD): $(git diff --name-only origin/main...HEAD)"; ${json()}`;
    const task = await run(house, { task_type: 'pr_review', config: { pr_number: 7, command } });
    assert.equal(task.status, 'completed', task.error ?? '');
    assert.match(task.result ?? '', /^pr-7: first\.txt\n/u);
    assert.equal(task.review_result?.score, 8);
    await commit('second');
    await house.client.tasks.instruct(task.id, 'look again');
    const again = await house.client.tasks.wait(task.id, limit());
    assert.match(again.result ?? '', /^pr-7: second\.txt\n/u);
  });

  test('a pull request that there is not ends the task with words that name it', async () => {
    const house = await opened;
    const task = await run(house, { task_type: 'pr_review', config: { pr_number: 404, command: json() } });
    assert.equal(task.status, 'failed');
    assert.match(task.error ?? '', /^clone failed: .*404/u);
    assert.equal(task.failure?.code, 'pull_request_not_found');
  });

  test('a review that is to be posted where there is nothing to post to is kept, and says so', async () => {
    const house = await opened;
    const task = await run(house, {
      task_type: 'pr_review',
      config: { pr_number: 7, output_mode: 'post_comments', command: json() },
    });
    assert.deepEqual([task.status, task.review_result?.score], ['completed', 8]);
    assert.deepEqual((await eventsOf(house, task)).slice(-3), [
      'review_parsed',
      'review_post_failed',
      'done',
    ]);
  });
});
