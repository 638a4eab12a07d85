import assert from 'node:assert/strict';
import { test } from 'node:test';
import { driveTasks, type Driver } from './drive-task.ts';
import { idsOf, openStream, parseFrames, type Frame } from './open-stream.ts';
import { smallestTask, strangerToken, testApi, type TestAnswer, type TestApi } from './test-api.ts';

const path = (id: string, rest = '') => `/api/v1/tasks/${id}${rest}`;
const key = (value: string) => ({ 'idempotency-key': value });

async function instruct(api: TestApi, id: string, prompt: string, headers = {}): Promise<TestAnswer> {
  return api.call('POST', path(id, '/instruct'), { body: { prompt }, headers });
}

/** A task that has completed its first iteration. */
async function completed(api: TestApi, drive: Driver, body: object = {}): Promise<string> {
  const id = await api.create(body);
  const run = await drive.claim();
  await drive.start(run);
  await drive.finish(run, { result: 'first' });
  return id;
}

test('a completed task takes an instruction, and shows it from then on', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const id = await completed(api, drive);
  const answer = await instruct(api, id, 'and add tests');
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json, { id, status: 'awaiting_instruction', iteration: 2 });
  const waiting = (await api.call('GET', path(id, '?include=iterations'))).json;
  assert.equal(waiting.status, 'awaiting_instruction');
  assert.equal(waiting.iteration, 2);
  assert.equal(waiting.current_prompt, 'and add tests');
  assert.equal(waiting.prompt, smallestTask.prompt);
  assert.ok(!('finished_at' in waiting));
  assert.deepEqual(waiting.iterations[1], {
    number: 2,
    prompt: 'and add tests',
    status: 'awaiting_instruction',
    started_at: null,
    ended_at: null,
  });
  const run = await drive.claim('follow_ups');
  assert.equal(run.prompt, 'and add tests');
  assert.equal((await api.call('GET', path(id))).json.status, 'awaiting_instruction');
  await drive.start(run);
  assert.equal((await api.call('GET', path(id))).json.status, 'running');
  await drive.finish(run, { result: 'second', patch: 'x' });
  const { json } = await api.call('GET', path(id, '?include=iterations'));
  assert.equal(json.status, 'completed');
  assert.equal(json.result, 'second');
  assert.equal(json.usage.duration_seconds, 239);
  assert.deepEqual(
    json.iterations.map(({ number, prompt, result, status, usage }: Record<string, never>) => [
      number,
      prompt,
      result,
      status,
      usage?.['duration_seconds'],
    ]),
    [
      [1, smallestTask.prompt, 'first', 'completed', 120],
      [2, 'and add tests', 'second', 'completed', 120],
    ],
  );
  assert.equal(json.iterations[1].changes.diff_stats, '+142 -38');
  assert.ok(Date.parse(json.iterations[1].started_at) >= Date.parse(json.iterations[0].ended_at));
});

test('instructions that wait are done in order, and the task is not completed before the last', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const id = await completed(api, drive);
  for (const [prompt, iteration] of [
    ['two', 2],
    ['three', 3],
  ] as const) {
    assert.equal((await instruct(api, id, prompt)).json.iteration, iteration);
  }
  for (const prompt of ['two', 'three']) {
    const run = await drive.claim('follow_ups');
    assert.equal(run.prompt, prompt);
    await drive.start(run);
    await drive.finish(run, { result: `${prompt} done` });
    const { status } = (await api.call('GET', path(id))).json;
    assert.equal(status, prompt === 'three' ? 'completed' : 'awaiting_instruction');
  }
});

test('in every other state an instruction is 409, in this window’s words', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const id = await api.create();
  const refuse = async (taskId: string, message: string): Promise<void> => {
    const answer = await instruct(api, taskId, 'more', key('refused'));
    assert.equal(answer.status, 409);
    assert.deepEqual(answer.json, { error: 'Conflict', message });
  };
  await refuse(id, 'task is currently pending, cannot instruct');
  const run = await drive.claim();
  await refuse(id, 'task is currently cloning, cannot instruct');
  await drive.start(run);
  await refuse(id, 'task is currently running, cannot instruct');
  await drive.ask(run);
  await refuse(id, 'task is currently running, cannot instruct');
  await drive.finish(run, { patch: 'x', push: 'slipway/work' }).catch(() => undefined);
  const second = await api.create({ prompt: 'another' });
  const pushed = await drive.claim();
  await drive.start(pushed);
  await drive.finish(pushed, { patch: 'x', push: 'slipway/work' });
  await refuse(second, 'task is currently creating_pr, cannot instruct');
  const cancelled = await api.create();
  await api.call('POST', path(cancelled, '/cancel'), { body: { queued: true } });
  await refuse(cancelled, 'task has failed, create a new task instead');
  const failed = await api.create();
  const broken = await drive.claim();
  await drive.start(broken);
  await drive.fail(broken, { code: 'agent_failed', phase: 'agent', retryable: false, message: 'it broke' });
  await refuse(failed, 'task has failed, create a new task instead');
  // What was refused has not used up its key.
  await drive.deliver();
  assert.equal((await instruct(api, second, 'more', key('refused'))).json.iteration, 2);
});

test('a task whose follow-up is being cancelled takes no further instruction', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const id = await completed(api, drive);
  await instruct(api, id, 'two');
  const run = await drive.claim('follow_ups');
  const cancel = await api.call('POST', path(id, '/cancel'), { body: { queued: true } });
  assert.equal(cancel.status, 200);
  const answer = await instruct(api, id, 'three');
  assert.equal(answer.status, 409);
  assert.equal(answer.json.message, 'task is being canceled, cannot instruct');
  await drive.cancel(run, 'preparing');
  const { json } = await api.call('GET', path(id, '?include=iterations'));
  assert.equal(json.error, 'canceled by user');
  assert.deepEqual(
    json.iterations.map((iteration: { status: string; result?: string }) => [
      iteration.status,
      iteration.result,
    ]),
    [
      ['completed', 'first'],
      ['failed', undefined],
    ],
  );
});

test('a prompt that cannot be taken is 400 before the task is looked for', async (t) => {
  const { call } = await testApi(t);
  const cases: readonly (readonly [object, string])[] = [
    [{}, 'field is required'],
    [{ prompt: null }, 'field is required'],
    [{ prompt: '' }, 'field is required'],
    [{ prompt: ' \n' }, 'field is required'],
    [{ prompt: 7 }, 'must be a string'],
    [{ prompt: 'x'.repeat(102_401) }, 'exceeds maximum length'],
    [{ prompt: 'a\u0000b' }, 'must not contain NUL characters'],
    [{ prompt: 'a\ud800' }, 'must be valid Unicode'],
  ];
  for (const [body, message] of cases) {
    const answer = await call('POST', path('nowhere', '/instruct'), { body });
    assert.equal(answer.status, 400, message);
    assert.deepEqual(answer.json.fields, { prompt: message });
    assert.equal(answer.json.message, `prompt: ${message}`);
  }
  const keyed = await call('POST', path('nowhere', '/instruct'), {
    body: { prompt: 'x' },
    headers: key('ä'),
  });
  assert.deepEqual(Object.keys(keyed.json.fields), ['Idempotency-Key']);
  const broken = await call('POST', path('nowhere', '/instruct'), { body: '{"prompt"' });
  assert.equal(broken.json.message, 'invalid JSON body');
  assert.equal((await call('POST', path('nowhere', '/instruct'), { body: { prompt: 'x' } })).status, 404);
});

test('to a stranger there is nothing to instruct', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const id = await completed(api, drive);
  const answer = await api.call('POST', path(id, '/instruct'), {
    body: { prompt: 'mine now' },
    token: strangerToken,
  });
  assert.equal(answer.status, 404);
  assert.equal((await api.call('GET', path(id))).json.iteration, 1);
});

test('the longest prompt is taken and kept to the letter', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const id = await completed(api, drive);
  const prompt = `${'🙂'.repeat(25_599)} {}"`;
  assert.equal((await instruct(api, id, prompt)).status, 200);
  assert.equal((await api.call('GET', path(id))).json.current_prompt, prompt);
  assert.equal((await drive.claim('follow_ups')).prompt, prompt);
});

test('one Idempotency-Key adds one instruction; with another body or task it is 409', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const id = await completed(api, drive);
  const other = await completed(api, drive);
  const answers = await Promise.all(Array.from({ length: 8 }, () => instruct(api, id, 'two', key('once'))));
  for (const answer of answers) {
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json, { id, status: 'awaiting_instruction', iteration: 2 });
  }
  for (const [task, prompt] of [
    [id, 'another'],
    [other, 'two'],
  ] as const) {
    const answer = await instruct(api, task, prompt, key('once'));
    assert.equal(answer.status, 409);
    assert.match(answer.json.message, /Idempotency-Key/u);
  }
  // Repeated when the iteration is over, it is the same answer, and nothing happens.
  const run = await drive.claim('follow_ups');
  await drive.start(run);
  await drive.finish(run);
  assert.deepEqual((await instruct(api, id, 'two', key('once'))).json, answers[0]?.json);
  assert.equal((await api.call('GET', path(id))).json.status, 'completed');
  // A key of a creation is another one.
  const created = await api.call('POST', '/api/v1/tasks', { body: smallestTask, headers: key('once') });
  assert.equal(created.status, 201);
});

const names = (frames: readonly Frame[]): readonly string[] =>
  frames.map((frame) => frame.event ?? frame.data.event);

test('after a follow-up a client sees everything once, and `done` once, at the very end', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const id = await completed(api, drive);
  await instruct(api, id, 'two');
  const live = await openStream(t, api, id);
  const run = await drive.claim('follow_ups');
  await drive.start(run);
  await drive.say(run, 'hello');
  await drive.finish(run);
  const whole = await live.until();
  const iteration = ['clone_started', 'clone_completed', 'cli_started'];
  const end = ['no_changes', 'task_completed'];
  const events = [...iteration, ...end, 'instruction_added', ...iteration, 'output', ...end];
  assert.deepEqual(names(whole), ['connected', ...events, 'done']);
  assert.deepEqual(whole[0]?.data.status, 'awaiting_instruction');
  assert.deepEqual(whole[6]?.data.data, { iteration: 2, prompt: 'two' });
  const late = parseFrames((await api.call('GET', path(id, '/stream'))).text);
  assert.deepEqual(names(late), ['connected', ...events, 'done']);
  assert.deepEqual(idsOf(late), idsOf(whole));
  const behind = String(idsOf(late).at(-2));
  const resumed = await api.call('GET', path(id, '/stream'), { headers: { 'last-event-id': behind } });
  assert.deepEqual(names(parseFrames(resumed.text)), ['connected', 'task_completed', 'done']);
});

test('who comes while an instruction waits is not told `done` by what others saw before it', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const id = await completed(api, drive);
  // A follower of the first iteration has just seen the task at rest.
  assert.ok(names(parseFrames((await api.call('GET', path(id, '/stream'))).text)).includes('done'));
  await instruct(api, id, 'two');
  const stream = await openStream(t, api, id);
  const past = await stream.until((frame) => frame.data.event === 'instruction_added');
  assert.ok(!names(past).includes('done'));
  const run = await drive.claim('follow_ups');
  await drive.start(run);
  await drive.finish(run);
  assert.equal(names(await stream.until()).filter((name) => name === 'done').length, 1);
});
