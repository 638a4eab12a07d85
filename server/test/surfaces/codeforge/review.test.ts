import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReviewResult } from '../../../src/domain/review.ts';
import type { ReviewSettlement } from '../../../src/store/settle-review.ts';
import { until } from '../../support/processes.ts';
import { driveTasks, type Driver } from './drive-task.ts';
import { noPublishing, publishingWithoutToken, somePublishing, type Publishing } from './publishing.ts';
import { smallestTask, strangerToken, testApi, type TestAnswer, type TestApi } from './test-api.ts';

const nowhere = '2dc0ed15-4068-433a-b936-923410bf3738';
const path = (id: string, rest = '') => `/api/v1/tasks/${id}${rest}`;
const key = (value: string) => ({ 'idempotency-key': value });

const review = (api: TestApi, id: string, body: object = {}, headers = {}): Promise<TestAnswer> =>
  api.call('POST', path(id, '/review'), { body, headers });

const statusOf = async (api: TestApi, id: string): Promise<string> =>
  (await api.call('GET', path(id))).json.status;

/** A task whose work is done. */
async function finished(api: TestApi, drive: Driver, body: object = {}): Promise<string> {
  const id = await api.create(body);
  const run = await drive.claim();
  await drive.start(run);
  await drive.finish(run, { patch: 'diff' });
  return id;
}

test('finished work is taken for a review at once, with a body or without', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  for (const body of [undefined, {}, { cli: '', model: null, unknown: 1 }, { cli: 'script', model: 'm' }]) {
    const id = await finished(api, drive);
    const answer = await api.call('POST', path(id, '/review'), { body });
    assert.equal(answer.status, 202, answer.text);
    assert.deepEqual(answer.json, { id, status: 'reviewing' });
    assert.equal(await statusOf(api, id), 'reviewing');
  }
  const runs = await api.database.kysely
    .selectFrom('runs')
    .select(['agent', 'model', 'queue'])
    .where('kind', '=', 'review')
    .orderBy('created_at')
    .execute();
  assert.deepEqual(
    runs.map(({ agent, model, queue }) => [agent, model, queue]),
    [
      ['script', null, 'reviews'],
      ['script', null, 'reviews'],
      ['script', null, 'reviews'],
      ['script', 'm', 'reviews'],
    ],
  );
});

test('what is wrong in the body is told before the task is looked for', async (t) => {
  const api = await testApi(t);
  const cases: readonly (readonly [object, field: string, message: string])[] = [
    [{ cli: 'emacs' }, 'cli', 'unknown CLI: emacs'],
    [{ cli: '__proto__' }, 'cli', 'unknown CLI: __proto__'],
    [{ cli: 7 }, 'cli', 'must be a string'],
    [{ cli: 'x'.repeat(101) }, 'cli', 'exceeds maximum length'],
    [{ cli: 'scr\u001bipt' }, 'cli', 'must not contain control characters'],
    [{ model: ['m'] }, 'model', 'must be a string'],
    [{ model: '--dangerous' }, 'model', 'is not a valid model name'],
    [{ model: 'x'.repeat(201) }, 'model', 'exceeds maximum length'],
    [{ model: 'm\u0000' }, 'model', 'must not contain NUL characters'],
  ];
  for (const [body, field, message] of cases) {
    const answer = await review(api, nowhere, body);
    assert.equal(answer.status, 400, answer.text);
    assert.deepEqual(answer.json, {
      error: 'Bad Request',
      message: `${field}: ${message}`,
      fields: { [field]: message },
    });
  }
  assert.equal((await review(api, nowhere, {}, key('ä'))).status, 400);
  const broken = await api.call('POST', path(nowhere, '/review'), { body: '{"cli":' });
  assert.deepEqual([broken.status, broken.json.message], [400, 'invalid JSON body']);
});

test("a task that is not there, or somebody else's, is 404", async (t) => {
  const api = await testApi(t);
  const id = await finished(api, await driveTasks(api));
  for (const odd of [nowhere, 'x', '0', '%2e%2e']) assert.equal((await review(api, odd)).status, 404, odd);
  const theirs = await api.call('POST', path(id, '/review'), { token: strangerToken });
  assert.equal(theirs.status, 404);
  assert.equal(await statusOf(api, id), 'completed');
});

test('work that is not finished is 409, in this window’s words', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const refused = async (id: string, message: string): Promise<void> => {
    const answer = await review(api, id);
    assert.equal(answer.status, 409, answer.text);
    assert.deepEqual(answer.json, { error: 'Conflict', message });
  };
  const id = await api.create();
  await refused(id, 'task is currently pending, cannot review');
  const run = await drive.claim();
  await refused(id, 'task is currently cloning, cannot review');
  await drive.start(run);
  await refused(id, 'task is currently running, cannot review');
  const failure = { code: 'agent_failed', phase: 'agent', retryable: false, message: 'it broke' } as const;
  await drive.fail(run, failure);
  await refused(id, 'task has failed, create a new task instead');
  const reviewed = await finished(api, drive);
  await review(api, reviewed);
  await refused(reviewed, 'task is currently reviewing, cannot review');
});

test('of many that ask at once one is taken, and under one key all of them', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const id = await finished(api, drive);
  const answers = await Promise.all(Array.from({ length: 10 }, () => review(api, id)));
  assert.equal(answers.filter(({ status }) => status === 202).length, 1);
  assert.equal(answers.filter(({ status }) => status === 409).length, 9);
  const other = await finished(api, drive);
  const same = await Promise.all(Array.from({ length: 10 }, () => review(api, other, {}, key('once'))));
  assert.deepEqual([...new Set(same.map(({ status }) => status))], [202]);
  const mismatch = await review(api, other, { model: 'm' }, key('once'));
  assert.equal(mismatch.status, 409);
  assert.match(mismatch.json.message, /Idempotency-Key/u);
});

const result: ReviewResult = {
  verdict: 'request_changes',
  score: 4,
  summary: 'Tests are missing.',
  issues: [{ severity: 'major', file: 'src/a.ts', line: 12, description: 'No test', suggestion: '' }],
  autoFixable: true,
  reviewedBy: 'claude-code:claude-sonnet-4-20250514',
  durationSeconds: 22.3,
};

test('what a review came to stands in the task, and not in lists', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const id = await finished(api, drive);
  await review(api, id);
  const run = await drive.claim('reviews');
  await drive.start(run);
  assert.ok(!('review_result' in (await api.call('GET', path(id))).json));
  await drive.review(run, result);
  assert.equal(await statusOf(api, id), 'completed');
  assert.deepEqual((await api.call('GET', path(id))).json.review_result, {
    verdict: 'request_changes',
    score: 4,
    summary: 'Tests are missing.',
    issues: result.issues,
    auto_fixable: true,
    reviewed_by: 'claude-code:claude-sonnet-4-20250514',
    duration_seconds: 22.3,
  });
  assert.ok(!('review_result' in (await api.call('GET', '/api/v1/tasks')).json.tasks[0]));
});

test('a review is told of step by step, and the stream goes on to its end', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const id = await finished(api, drive);
  await review(api, id);
  const run = await drive.claim('reviews');
  await drive.start(run);
  await drive.review(run, result);
  const frames = (await api.call('GET', path(id, '/stream'))).text.split('\n\n');
  const told = frames.map((frame) => {
    const { event, data } = JSON.parse(/^data: (.*)$/mu.exec(frame)?.[1] ?? '{}');
    return /^event: (.*)$/mu.exec(frame)?.[1] ?? [event, data];
  });
  const outline = { verdict: 'request_changes', score: 4, issues_count: 1 };
  const from = told.findIndex((one) => one[0] === 'review_requested');
  assert.ok(from > 0, JSON.stringify(told));
  assert.deepEqual(
    told.slice(from).filter((one) => one === 'done' || String(one[0]).startsWith('review_')),
    [
      ['review_requested', { cli: 'script' }],
      ['review_parsed', { ...outline, from: 'text' }],
      ['review_completed', outline],
      'done',
    ],
  );
});

/** A task that has been reviewed. */
async function reviewed(api: TestApi, drive: Driver, body: object = {}): Promise<string> {
  const id = await finished(api, drive, body);
  await review(api, id);
  const run = await drive.claim('reviews');
  await drive.start(run);
  await drive.review(run, result);
  return id;
}

const post = (api: TestApi, id: string, body?: object): Promise<TestAnswer> =>
  api.call('POST', path(id, '/post-review'), { body });

/** Does what the outbox does, once the call has asked for it. */
async function settle({ database }: TestApi, drive: Driver, settlement: ReviewSettlement) {
  const effects = database.kysely.selectFrom('effects').where('kind', '=', 'review');
  const waiting = effects.select('id').where('state', '=', 'waiting');
  await until('the call to ask', async () => (await waiting.executeTakeFirst()) !== undefined);
  return drive.post(settlement);
}

const numbered = { config: { ...smallestTask.config, pr_number: 42 } };
const url = 'https://git.example.com/ada/engine/pull/42#r1';

test('a review is posted as documented, to the pull request that is named or the own one', async (t) => {
  const api = await testApi(t, { publishing: somePublishing });
  const drive = await driveTasks(api);
  for (const [body, number] of [
    [undefined, 42],
    [{}, 42],
    [{ pr_number: 0 }, 42],
    [{ pr_number: null }, 42],
    [{ pr_number: 43, unknown: 1 }, 43],
  ] as const) {
    const id = await reviewed(api, drive, numbered);
    const [answer, asked] = await Promise.all([
      post(api, id, body),
      settle(api, drive, { kind: 'posted', url, comments: 3 }),
    ]);
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(answer.json, { review_url: url, comments_posted: 3, pr_number: number });
    assert.deepEqual([asked.number, asked.review], [number, result]);
    const { text } = await api.call('GET', path(id, '/stream'));
    const told = `"review_posted","data":{"review_url":"${url}","comments_posted":3,"pr_number":${number}}`;
    assert.ok(text.includes(told), text);
  }
});

test('what has been posted is not posted again', async (t) => {
  const api = await testApi(t, { publishing: somePublishing });
  const drive = await driveTasks(api);
  const id = await reviewed(api, drive, numbered);
  const [first] = await Promise.all([
    post(api, id),
    settle(api, drive, { kind: 'posted', url, comments: 3 }),
  ]);
  assert.deepEqual((await post(api, id)).json, first.json);
});

test('what cannot be posted is 400 before anything is begun', async (t) => {
  const cases: readonly (readonly [Publishing, body: object, isReviewed: boolean, message: RegExp])[] = [
    [somePublishing, numbered, false, /no review result/u],
    [somePublishing, {}, true, /no PR number/u],
    [publishingWithoutToken, numbered, true, /token/u],
    [noPublishing, numbered, true, /neither the configured GitHub nor GitLab/u],
  ];
  for (const [publishing, body, isReviewed, message] of cases) {
    const api = await testApi(t, { publishing });
    const id = await (isReviewed ? reviewed : finished)(api, await driveTasks(api), body);
    const answer = await post(api, id);
    assert.equal(answer.status, 400, answer.text);
    assert.match(answer.json.message, message);
    assert.deepEqual(await api.database.kysely.selectFrom('effects').select('id').execute(), []);
  }
});

test('what the forge refuses for good is a 500 in its words, and the work stays finished', async (t) => {
  const api = await testApi(t, { publishing: somePublishing });
  const drive = await driveTasks(api);
  const id = await reviewed(api, drive, numbered);
  const [answer] = await Promise.all([
    post(api, id),
    settle(api, drive, { kind: 'failed', reason: 'the conversation is locked' }),
  ]);
  assert.deepEqual([answer.status, answer.json.message], [500, 'the conversation is locked']);
  assert.equal(await statusOf(api, id), 'completed');
});

test('a call that waited long enough is told so, and what it began goes on', async (t) => {
  const api = await testApi(t, { publishing: { ...somePublishing, waitMs: 0 } });
  const drive = await driveTasks(api);
  const id = await reviewed(api, drive, numbered);
  const answer = await post(api, id);
  assert.equal(answer.status, 503);
  assert.ok(Number(answer.headers['retry-after']) > 0);
  await drive.post({ kind: 'posted', url, comments: 3 });
  assert.equal((await post(api, id)).status, 200);
});

test('a pull request that there cannot be is 400 before the task is looked for', async (t) => {
  const api = await testApi(t);
  const cases = [
    [-1, 'must be at least 1'],
    [2_147_483_648, 'must be at most 2147483647'],
    [1e300, 'must be at most 2147483647'],
    [4.2, 'must be an integer'],
    ['42', 'must be an integer'],
  ] as const;
  for (const [number, message] of cases) {
    const answer = await post(api, nowhere, { pr_number: number });
    assert.equal(answer.status, 400);
    assert.deepEqual(answer.json.fields, { pr_number: message });
  }
  for (const odd of [nowhere, 'x']) assert.equal((await post(api, odd)).status, 404);
  const id = await finished(api, await driveTasks(api));
  const theirs = await api.call('POST', path(id, '/post-review'), { token: strangerToken });
  assert.equal(theirs.status, 404);
});
