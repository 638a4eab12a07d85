import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { taskStates, type TaskState } from '../../../src/domain/task-state.ts';
import { until } from '../../support/processes.ts';
import { driveTasks, type Driver } from '../codeforge/drive-task.ts';
import { codebotApi, type CodebotApi } from './codebot-api.ts';

type Stage = { readonly api: CodebotApi; readonly drive: Driver };

const failure = { code: 'agent_failed', phase: 'agent', retryable: false, message: 'exit code 3' } as const;

/** Submitted here, and moved on by hand. */
async function started({ api, drive }: Stage) {
  const id = await api.submitted();
  const run = await drive.claim();
  assert.equal(run.taskId, id);
  await drive.start(run);
  return { id, run };
}

/** Its branch is to be pushed. */
async function publishing(stage: Stage): Promise<string> {
  const { id, run } = await started(stage);
  await stage.drive.finish(run, { patch: 'diff', push: 'u/codebot/abc1234' });
  return id;
}

/** Its branch is pushed. */
async function completed(stage: Stage): Promise<string> {
  const id = await publishing(stage);
  await stage.drive.deliver();
  return id;
}

/** A state that nothing in the server enters yet, by a change that the database allows. */
async function moved({ api }: Stage, id: string, state: TaskState): Promise<void> {
  await sql`update tasks set state = ${state}, finished_at = null, deadline_at = now() + interval '1 day'
    where id = ${id}`.execute(api.database.kysely);
}

const ways: { readonly [State in TaskState]: (stage: Stage) => Promise<string> } = {
  async draft(stage) {
    const id = await stage.api.submitted();
    await stage.drive.claim();
    await stage.api.database.transaction(async (tx) => {
      await sql`alter table tasks disable trigger user`.execute(tx);
      await sql`update tasks set state = 'draft', started_at = null where id = ${id}`.execute(tx);
      await sql`alter table tasks enable trigger user`.execute(tx);
    });
    return id;
  },
  async pending(stage) {
    const { id, run } = await started(stage);
    await stage.drive.fail(run, failure);
    await moved(stage, id, 'pending');
    return id;
  },
  async cloning({ api, drive }) {
    const id = await api.submitted();
    await drive.claim();
    return id;
  },
  running: async (stage) => (await started(stage)).id,
  async paused(stage) {
    const { id } = await started(stage);
    await moved(stage, id, 'paused');
    return id;
  },
  async waiting_for_user(stage) {
    const { id, run } = await started(stage);
    await stage.drive.ask(run);
    return id;
  },
  completed,
  async reviewing(stage) {
    const id = await completed(stage);
    const body = { cli: 'script', command: 'true' };
    const answer = await stage.api.call('POST', `/api/v1/tasks/${id}/review`, { token: stage.api.key, body });
    assert.equal(answer.status, 202, answer.text);
    return id;
  },
  async awaiting_instruction(stage) {
    const id = await completed(stage);
    await instruct(stage, id);
    return id;
  },
  creating_pr: publishing,
  async pr_created(stage) {
    const id = await completed(stage);
    await publish(stage, id);
    return id;
  },
  async failed(stage) {
    const { id, run } = await started(stage);
    await stage.drive.fail(run, failure);
    return id;
  },
  async cancelled({ api }) {
    const id = await api.submitted();
    const answer = await api.call('POST', `/api/v1/tasks/${id}/cancel`, {
      token: api.key,
      body: { queued: true },
    });
    assert.equal(answer.status, 200, answer.text);
    return id;
  },
};

async function instruct({ api }: Stage, id: string): Promise<void> {
  const body = { prompt: 'And a light one' };
  const answer = await api.call('POST', `/api/v1/tasks/${id}/instruct`, { token: api.key, body });
  assert.equal(answer.status, 200, answer.text);
}

const prUrl = 'https://git.example.com/ada/engine/pull/42';

/** A person publishes it by the other surface. */
async function publish({ api, drive }: Stage, id: string): Promise<void> {
  const asked = api.call('POST', `/api/v1/tasks/${id}/create-pr`, { token: api.key });
  const isAsked = async () => (await api.status(id)).json.status === 'running';
  await until('the call to ask', isAsked);
  await drive.deliver();
  await drive.open({
    kind: 'open',
    number: 42,
    url: prUrl,
    base: 'main',
    how: 'opened',
    labelsRefused: undefined,
  });
  assert.equal((await asked).status, 200);
}

/** The state's word over the native API, and here. */
const words: { readonly [State in TaskState]: readonly [string, string] } = {
  draft: ['pending', 'pending'],
  pending: ['pending', 'pending'],
  cloning: ['cloning', 'running'],
  running: ['running', 'running'],
  paused: ['running', 'running'],
  waiting_for_user: ['running', 'running'],
  completed: ['completed', 'completed'],
  reviewing: ['reviewing', 'completed'],
  awaiting_instruction: ['awaiting_instruction', 'running'],
  creating_pr: ['creating_pr', 'running'],
  pr_created: ['pr_created', 'completed'],
  failed: ['failed', 'failed'],
  cancelled: ['failed', 'failed'],
};

test('each of the thirteen states is told in its word on both surfaces, and found by it', async (t) => {
  const api = await codebotApi(t);
  const stage = { api, drive: await driveTasks(api) };
  const idOf = new Map<TaskState, string>();
  // The push that waits is left for the last: the others would find it in their way.
  const inOrder = taskStates.toSorted(
    (one, other) => Number(one === 'creating_pr') - Number(other === 'creating_pr'),
  );
  for (const state of inOrder) {
    const id = await ways[state](stage);
    idOf.set(state, id);
    const row = await api.database.kysely
      .selectFrom('tasks')
      .select('state')
      .where('id', '=', id)
      .executeTakeFirst();
    assert.equal(row?.state, state);
    const [native, word] = words[state];
    const there = await api.call('GET', `/api/v1/tasks/${id}`, { token: api.key });
    assert.equal(there.json.status, native, state);
    const { json: here } = await api.status(id);
    assert.equal(here.status, word, state);
    assert.deepEqual(
      ['result' in here, 'error' in here, here.started_at === null, here.completed_at === null],
      [
        word === 'completed',
        word === 'failed',
        word === 'pending' || state === 'cancelled',
        word === 'pending' || word === 'running',
      ],
      state,
    );
    // What the test has not ended is taken out of the next one's way.
    await sql`update runs set state = 'cancelled', ended_at = now() where task_id = ${id} and state = 'queued'`.execute(
      api.database.kysely,
    );
  }
  for (const word of ['pending', 'running', 'completed', 'failed']) {
    const { json } = await api.list(`?status=${word}`);
    const wanted = taskStates
      .filter((state) => words[state][1] === word)
      .map((state) => idOf.get(state) ?? '');
    assert.deepEqual(json.tasks.map((task: { id: string }) => task.id).toSorted(), wanted.toSorted(), word);
    assert.ok(json.tasks.every((task: { status: string }) => task.status === word));
  }
});

test('a task is followed from its submission to its pull request, and through a follow-up', async (t) => {
  const api = await codebotApi(t);
  const stage = { api, drive: await driveTasks(api) };
  const id = await api.submitted();
  const { json: waiting } = await api.status(id);
  const { submitted_at: submittedAt } = waiting;
  assert.match(submittedAt, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/u);
  assert.deepEqual(waiting, {
    task_id: id,
    id,
    status: 'pending',
    submitted_at: submittedAt,
    queuedAt: submittedAt,
    started_at: null,
    startedAt: null,
    completed_at: null,
    completedAt: null,
    repository_url: 'https://git.example.com/ada/engine.git',
    repoOwner: 'ada',
    repoName: 'engine',
    errorDetail: null,
    issueNumber: null,
    issueTitle: null,
    agent: 'script',
    priority: 'normal',
    progress: 0,
    prUrl: null,
    prNumber: null,
    branch: null,
    description: 'Add dark mode',
    summary: null,
    tests: null,
    logs: [{ timestamp: waiting.logs[0].timestamp, level: 'info', message: 'queued' }],
  });
  const run = await stage.drive.claim();
  await stage.drive.start(run);
  await stage.drive.finish(run, { patch: 'diff', push: 'u/codebot/abc1234' });
  await stage.drive.deliver();
  await publish(stage, id);
  const { json: done } = await api.status(id);
  assert.deepEqual(done.result, { pr_url: prUrl, branch_name: 'u/codebot/abc1234', work_dir: null });
  assert.deepEqual([done.prUrl, done.prNumber, done.branch], [prUrl, 42, 'u/codebot/abc1234']);
  assert.deepEqual([done.summary, done.progress, done.completedAt], ['All green.', 100, done.completed_at]);
  assert.ok(Date.parse(done.submitted_at) <= Date.parse(done.started_at));
  assert.ok(Date.parse(done.started_at) <= Date.parse(done.completed_at));
  assert.equal(done.logs.at(-1).message, `opened ${prUrl}`);
  await instruct(stage, id);
  const { json: again } = await api.status(id);
  assert.deepEqual([again.status, again.completed_at, again.result], ['running', null, undefined]);
  const followUp = await stage.drive.claim('follow_ups');
  await stage.drive.start(followUp);
  assert.equal((await api.status(id)).json.status, 'running');
});

test('who stopped a task reads that it was stopped, and a failure tells where', async (t) => {
  const api = await codebotApi(t);
  const stage = { api, drive: await driveTasks(api) };
  const { json: cancelled } = await api.status(await ways.cancelled(stage));
  assert.equal(cancelled.error, 'stopped by user');
  assert.deepEqual(cancelled.errorDetail, { code: 'cancelled', message: 'stopped by user', stage: 'queue' });
  const { json: failed } = await api.status(await ways.failed(stage));
  assert.equal(failed.error, 'exit code 3');
  assert.deepEqual(failed.errorDetail, { code: 'agent_failed', message: 'exit code 3', stage: 'agent' });
});
