import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { RunFailure } from '../../../src/domain/failure.ts';
import type { PullRequestSettlement } from '../../../src/store/settle-pull-request.ts';
import { until } from '../../support/processes.ts';
import { driveTasks, type Driver } from './drive-task.ts';
import { noPublishing, publishingWithoutToken, somePublishing, type Publishing } from './publishing.ts';
import { strangerToken, testApi, type TestAnswer, type TestApi, type TestRequest } from './test-api.ts';

const opened = {
  kind: 'open',
  number: 42,
  url: 'https://git.example.com/ada/engine/pull/42',
  base: 'main',
  how: 'opened',
  labelsRefused: undefined,
} as const satisfies PullRequestSettlement;

type Stage = { readonly api: TestApi; readonly drive: Driver; readonly id: string };

/** A task whose work is done. */
async function finished(
  t: Parameters<typeof testApi>[0],
  publishing: Publishing = somePublishing,
): Promise<Stage> {
  const api = await testApi(t, { publishing });
  const drive = await driveTasks(api);
  const id = await api.create();
  const run = await drive.claim();
  await drive.start(run);
  await drive.finish(run, { patch: 'diff', result: 'All green.' });
  return { api, drive, id };
}

function createPr({ api, id }: Stage, request: TestRequest = {}): Promise<TestAnswer> {
  return api.call('POST', `/api/v1/tasks/${id}/create-pr`, request);
}

/** Does what the outbox does, once the call has asked for it. */
async function publish(
  { api, drive, id }: Stage,
  settlement: PullRequestSettlement = opened,
): ReturnType<Driver['open']> {
  await until('the call to ask', async () => (await statusOf(api, id)) === 'creating_pr');
  await drive.deliver();
  return drive.open(settlement);
}

async function statusOf(api: TestApi, id: string): Promise<string> {
  return (await api.call('GET', `/api/v1/tasks/${id}`)).json.status;
}

test('the call waits for the pull request, and the task shows it from then on', async (t) => {
  const stage = await finished(t);
  const body = { title: 'Fix auth tests', description: 'Why', target_branch: 'main', labels: ['bot'] };
  const [answer, asked] = await Promise.all([createPr(stage, { body }), publish(stage)]);
  const { json: task } = await stage.api.call('GET', `/api/v1/tasks/${stage.id}`);
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json, { pr_url: opened.url, pr_number: 42, branch: task.branch });
  assert.deepEqual([task.status, task.pr_number, task.pr_url], ['pr_created', 42, opened.url]);
  assert.match(task.branch, /^codeforge\/fix-the-failing-test-[0-9a-f]{8}$/u);
  const { title, body: text, base, labels, overwrite } = asked;
  assert.deepEqual(
    [title, text, base, labels, overwrite],
    ['Fix auth tests', 'Why', 'main', ['bot'], ['title', 'body']],
  );
  const list = await stage.api.call('GET', '/api/v1/tasks?status=pr_created');
  assert.equal(list.json.tasks[0].pr_url, opened.url);
});

test('a body may be missing, empty, or full of empty fields', async (t) => {
  const stage = await finished(t);
  const body = { title: '', description: null, target_branch: '', unknown: 1 };
  const [answer, asked] = await Promise.all([createPr(stage, { body }), publish(stage)]);
  assert.equal(answer.status, 200);
  assert.deepEqual([asked.title, asked.base, asked.overwrite], ['Fix the failing test', null, []]);
  assert.match(asked.body, /All green\./u);
  assert.match(asked.body, /\n- `src\/auth\.ts` modified\n- and 3 more\n/u);
  assert.doesNotMatch(asked.body, /## (?:Tests|Ticket)/u);
});

test('what the task was submitted with names branch and title, and tests of the very work stand in the text', async (t) => {
  const stage = await finished(t);
  const branch = 'u/codebot/abc1234/add-dark-mode';
  const options = { branch, pullRequestTitle: 'add-dark-mode', ticket: { id: 'FEAT-123' } };
  const tests = {
    command: 'npm test',
    passed: true,
    exitCode: 0,
    reason: '',
    output: '',
    durationSeconds: 8,
  };
  const { kysely } = stage.api.database;
  const { commit } = await kysely.selectFrom('runs').select('commit').executeTakeFirstOrThrow();
  await kysely
    .updateTable('tasks')
    .set({
      options: sql`options || ${JSON.stringify(options)}::jsonb`,
      tests: JSON.stringify({ ...tests, commit }),
    })
    .execute();
  const [answer, asked] = await Promise.all([createPr(stage), publish(stage)]);
  assert.deepEqual([answer.json.branch, asked.title], [branch, 'add-dark-mode']);
  assert.match(asked.body, /^## Ticket\n\nFEAT-123\n/u);
  assert.match(
    asked.body,
    /## Tests\n\nThe tests passed at [0-9a-f]{12} after 8 s:\n\n```\nnpm test\n```\n/u,
  );
  const { json: task } = await stage.api.call('GET', `/api/v1/tasks/${stage.id}`);
  assert.deepEqual([task.branch, task.tests.passed], [branch, true]);
});

test('what the forge refuses for good is a 500 in its words, and the end of the task', async (t) => {
  const stage = await finished(t);
  const message = 'PR creation failed: the base branch is gone';
  const failure = { code: 'pull_request_failed', phase: 'deliver', retryable: false, message } as const;
  const [answer] = await Promise.all([createPr(stage), publish(stage, { kind: 'failed', failure })]);
  assert.deepEqual([answer.status, answer.json.message], [500, message]);
  const { json: task } = await stage.api.call('GET', `/api/v1/tasks/${stage.id}`);
  assert.deepEqual([task.status, task.error], ['failed', message]);
});

test('a call that takes too long is told to come back, and what it asked for goes on', async (t) => {
  const stage = await finished(t, { ...somePublishing, waitMs: 200 });
  const answer = await createPr(stage);
  assert.equal(answer.status, 503);
  assert.ok(Number(answer.headers['retry-after']) > 0);
  await publish(stage);
  assert.equal(await statusOf(stage.api, stage.id), 'pr_created');
});

test('the same key asks once, however often and in whatever state it comes again', async (t) => {
  const stage = await finished(t);
  const headers = { 'idempotency-key': 'k1' };
  const body = { title: 'Once' };
  const [first, second] = await Promise.all([
    createPr(stage, { headers, body }),
    createPr(stage, { headers, body }),
    publish(stage),
  ]);
  const third = await createPr(stage, { headers, body });
  for (const { status, json } of [first, second, third]) {
    assert.deepEqual([status, json.pr_number], [200, 42]);
  }
  const other = await createPr(stage, { headers, body: { title: 'Twice' } });
  assert.equal(other.status, 409);
});

test('only a completed task can be published', async (t) => {
  const stage = await finished(t);
  const fresh = await stage.api.create();
  const waiting = await createPr({ ...stage, id: fresh });
  assert.equal(waiting.status, 409);
  assert.match(waiting.json.message, /task is currently pending/u);
  await Promise.all([createPr(stage), publish(stage)]);
  const again = await createPr(stage);
  assert.deepEqual([again.status, /pr_created/u.test(again.json.message)], [409, true]);
});

test('what cannot be published is refused before anything changes', async (t) => {
  for (const [publishing, words] of [
    [noPublishing, /not supported/u],
    [publishingWithoutToken, /no token/u],
  ] as const) {
    const stage = await finished(t, publishing);
    const answer = await createPr(stage);
    assert.equal(answer.status, 400);
    assert.match(answer.json.message, words);
    assert.equal(await statusOf(stage.api, stage.id), 'completed');
  }
});

test('a forge that gives no token now is a 502, and nothing changes', async (t) => {
  const message = 'the forge does not answer';
  const failure = { code: 'credential_missing', phase: 'deliver', retryable: true, message } as const;
  const findCredential = () => Promise.reject(new RunFailure(failure));
  const stage = await finished(t, { ...somePublishing, findCredential });
  const answer = await createPr(stage);
  assert.deepEqual([answer.status, answer.json.message], [502, message]);
  assert.equal(await statusOf(stage.api, stage.id), 'completed');
});

test('a body that is too large is refused as such', async (t) => {
  const stage = await finished(t);
  const answer = await createPr(stage, { body: { description: 'x'.repeat(2_000_000) } });
  assert.equal(answer.status, 413);
  assert.equal(await statusOf(stage.api, stage.id), 'completed');
});

test('a task that changed nothing has nothing to publish', async (t) => {
  const api = await testApi(t, { publishing: somePublishing });
  const drive = await driveTasks(api);
  const id = await api.create();
  const run = await drive.claim();
  await drive.start(run);
  await drive.finish(run, {});
  const answer = await createPr({ api, drive, id });
  assert.equal(answer.status, 400);
  assert.match(answer.json.message, /^no changes/u);
});

test('wrong fields are named, before the task is looked for', async (t) => {
  const api = await testApi(t, { publishing: somePublishing });
  const wrong: readonly (readonly [object, string])[] = [
    [{ title: 'x'.repeat(256) }, 'title'],
    [{ title: 'a\nb' }, 'title'],
    [{ description: 'x'.repeat(70_000) }, 'description'],
    [{ target_branch: '-f' }, 'target_branch'],
    [{ target_branch: 'a b' }, 'target_branch'],
    [{ labels: ['a,b'] }, 'labels'],
    [{ labels: [''] }, 'labels'],
    [{ labels: Array.from({ length: 101 }, String) }, 'labels'],
    [{ draft: 'yes' }, 'draft'],
    [{ title: 7 }, 'title'],
  ];
  for (const [body, field] of wrong) {
    const answer = await api.call('POST', '/api/v1/tasks/7/create-pr', { body });
    assert.equal(answer.status, 400, JSON.stringify(body).slice(0, 100));
    assert.ok(field in answer.json.fields, `${field} in ${answer.text}`);
  }
});

test("somebody else's task is not there", async (t) => {
  const stage = await finished(t);
  for (const request of [{ token: strangerToken }, {}]) {
    const id = request.token === undefined ? '77a2ffbd-11b6-4654-9325-89306d55bc89' : stage.id;
    assert.equal((await createPr({ ...stage, id }, request)).status, 404);
  }
  assert.equal(await statusOf(stage.api, stage.id), 'completed');
});
