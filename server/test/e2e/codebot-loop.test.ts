import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { FaultPoint } from '../../src/domain/fault-points.ts';
import { apiKey, openCodebotStage, runLoop, type CodebotStage } from './codebot-stage.ts';
import { until } from '../support/processes.ts';
import { openHouse } from './scenario-house.ts';
import { killAtMark, openKillLane, type KillLane } from './kill-lane.ts';

/**
 * The document's own shell loop, against a server that is killed with signal 9 while it polls: it ends with
 * `completed` and one pull request, or with `failed`.
 */

/** From the agent's first run to the pull request, by way of tests that fail at first: killed at all of them. */
const points = [
  'collect.stored',
  'finish.recorded',
  // The tests.
  'start.recorded',
  'tests.restored',
  'finish.recorded',
  // The agent mends what they found.
  'start.supervised',
  'finish.recorded',
  // The tests again.
  'finish.recorded',
  'pull_request.opened',
  'pull_request.settled',
] as const satisfies FaultPoint[];

/** Each kind of failure: what is submitted, and how its end is told. */
const failures: readonly {
  readonly kind: string;
  readonly body: object;
  readonly error: RegExp;
  readonly stage?: string;
}[] = [
  {
    kind: 'a repository that is not there',
    body: { repository: 'missing', description: 'Add dark mode' },
    error: /^clone failed: /u,
  },
  {
    kind: 'a branch that is not there',
    body: { repository: 'engine', description: 'Add dark mode', base_branch: 'no-such-branch' },
    error: /no-such-branch/u,
  },
  {
    kind: 'an agent that fails',
    body: { repository: 'engine', description: 'FAIL now' },
    error: /^CLI execution failed: /u,
  },
  {
    kind: 'an agent that changes nothing',
    body: { repository: 'engine', description: 'BARE words' },
    error: /nothing to change/u,
  },
  {
    kind: 'a repository that takes no push',
    body: { repository: 'archived', description: 'Add dark mode' },
    error: /archived|push/u,
  },
  {
    kind: 'a forge that refuses the pull request',
    body: { repository: 'closed', description: 'Add dark mode' },
    error: /^PR creation failed: /u,
  },
  {
    kind: 'a task that somebody stops',
    body: { repository: 'engine', description: 'SLEEP SLEEP until stopped', ticket_id: 'STOP' },
    error: /^stopped by user$/u,
  },
];

const missing = ['curl', 'jq'].filter(
  (program) => spawnSync('/usr/bin/env', ['which', program]).status !== 0,
);

type Shown = {
  readonly status: string;
  readonly error?: string;
  readonly result?: {
    readonly pr_url: string | null;
    readonly branch_name: string;
    readonly work_dir: string;
  };
  readonly tests?: { readonly passed: boolean } | null;
};

async function show(lane: KillLane, taskId: string): Promise<Shown> {
  const headers = { 'x-api-key': apiKey };
  const response = await fetch(new URL(`/api/tasks/${taskId}/status`, lane.url()), { headers });
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()) as Shown;
}

async function openStage(stack: AsyncDisposableStack): Promise<{ lane: KillLane; stage: CodebotStage }> {
  const opened = Promise.withResolvers<CodebotStage>();
  const lane = await openKillLane(async (folder) => {
    const stage = await openCodebotStage(join(folder, 'stage'));
    stack.defer(() => stage.github.close());
    for (const name of ['engine', 'archived', 'closed']) {
      const repository = await stage.github.addRepository(`acme/${name}`, { isPrivate: true });
      if (name === 'archived') repository.isArchived = true;
    }
    opened.resolve(stage);
    return stage.settings;
  });
  stack.defer(() => lane.close());
  return { lane, stage: await opened.promise };
}

describe(
  "the document's loop over a server that is killed",
  { skip: missing.length === 0 ? false : `not installed: ${missing.join(', ')}` },
  () => {
    test('completed with one pull request, its tests mended on the way; failed for each kind of failure', async (t) => {
      await using stack = new AsyncDisposableStack();
      const { lane, stage } = await openStage(stack);
      await t.test('completed', () => completes(lane, stage));
      await t.test('failed', () => failsEachWay(lane, stage));
      stage.github.assertNoViolations();
    });
  },
);

async function completes(lane: KillLane, { github, repository }: CodebotStage): Promise<void> {
  let mark = await lane.prepareArmed(points[0]);
  const looping = runLoop(lane.url(), {
    repository_url: repository('engine'),
    description: 'Add dark mode support to the application',
    ticket_id: 'FEAT-123',
    ticket_summary: 'add-dark-mode',
    test_command: 'cat asked.txt; grep -q "test command failed" asked.txt',
  });
  for (const next of points.slice(1)) {
    await killAtMark(lane, mark, 30_000).catch((error: unknown) =>
      assert.fail(`${String(error)}\n${lane.output()}`),
    );
    mark = await lane.prepareArmed(next);
  }
  await killAtMark(lane, mark, 30_000);
  await lane.prepare('instruct.stored');
  const { taskId, final, seen } = await looping;
  assert.equal(final, 'completed', `${seen}\n${lane.output()}`);
  const shown = await show(lane, taskId);
  assert.equal(shown.tests?.passed, true);
  const pulls = github.repositories().find(({ name }) => name === 'engine')?.pulls ?? [];
  assert.equal(pulls.length, 1, 'one pull request');
  const [pull] = pulls;
  assert.match(shown.result?.branch_name ?? '', /^u\/codebot\/[0-9a-f]{7}\/add-dark-mode$/u);
  assert.deepEqual([pull?.headBranch, pull?.title], [shown.result?.branch_name, 'add-dark-mode']);
  assert.ok(shown.result?.pr_url?.endsWith(`/acme/engine/pull/${pull?.number}`));
  assert.match(pull?.body ?? '', /FEAT-123[\s\S]*Add dark mode support[\s\S]*asked\.txt/u);
  const runs = await lane.query<{ run: string }>(
    `select kind || ' ' || cause as run from runs where task_id = $1 and state = 'succeeded' order by number`,
    [taskId],
  );
  assert.deepEqual(
    runs.map(({ run }) => run),
    ['code first', 'test test', 'code test_failed', 'test test'],
    'every run ended once',
  );
}

async function failsEachWay(lane: KillLane, { github, repository }: CodebotStage): Promise<void> {
  const refused = { kind: 'answer', status: 422, body: { message: 'Validation Failed' } } as const;
  github.faults.plan({ method: 'POST', path: /\/acme\/closed\/pulls$/u, times: 10 }, refused);
  const loops = failures.map(({ body }) => {
    const { repository: name, ...rest } = body as { repository: string };
    return runLoop(lane.url(), { repository_url: repository(name), ...rest });
  });
  await stopOne(lane);
  await lane.kill();
  await lane.prepare('create.stored');
  const ends = await Promise.all(loops);
  for (const [index, { taskId, final, seen }] of ends.entries()) {
    const { kind, error } = failures[index] ?? { kind: '', error: /./u };
    assert.equal(final, 'failed', `${kind}: ${seen}\n${lane.output()}`);
    assert.match((await show(lane, taskId)).error ?? '', error, kind);
  }
}

/** Through the other window, as soon as the task is there. */
async function stopOne(lane: KillLane): Promise<void> {
  const find = () =>
    lane.query<{ id: string }>(`select id from tasks where options -> 'ticket' ->> 'id' = 'STOP'`, []);
  const task = await until('the task that is to be stopped', async () => (await find())[0]);
  await lane.client().tasks.cancel(task.id, { queued: true });
}

test('a queue that is full is full after a restart, and nothing that waits in it is lost', async () => {
  await using house = await openHouse({
    settings: { SLIPWAY_WORKERS: '0', CODEBOT_MAX_QUEUE_SIZE: '2', CODEBOT_API_KEYS: apiKey },
  });
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
  const ask = (path: string, more: RequestInit = {}) =>
    fetch(new URL(path, house.server().url), { headers, ...more });
  const submit = () =>
    ask('/api/tasks/submit', {
      method: 'POST',
      body: JSON.stringify({ repository_url: `${house.forge.url}/sum.git`, description: 'Wait' }),
    });
  const answers = [await submit(), await submit(), await submit()];
  assert.deepEqual(
    answers.map(({ status }) => status),
    [202, 202, 503],
  );
  const ids = await Promise.all(
    answers.slice(0, 2).map(async (answer) => ((await answer.json()) as { task_id: string }).task_id),
  );
  await house.restart('kill');
  const health = (await (await ask('/health')).json()) as { task_queue_size: number };
  assert.equal(health.task_queue_size, 2);
  const refused = await submit();
  assert.deepEqual([refused.status, Number(refused.headers.get('retry-after')) > 0], [503, true]);
  for (const id of ids) {
    const task = (await (await ask(`/api/tasks/${id}/status`)).json()) as Shown;
    assert.equal(task.status, 'pending');
  }
});
