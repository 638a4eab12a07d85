import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { sql } from 'kysely';
import type { NewEvent } from '../../../src/domain/event.ts';
import { appendEvents } from '../../../src/store/append-events.ts';
import { driveTasks } from './drive-task.ts';
import { idsOf, openStream, parseFrames, type Frame } from './open-stream.ts';
import { adminToken, testApi, type TestApi } from './test-api.ts';

const isDone = (frame: Frame): boolean => frame.event === 'done';
const isLive = (frame: Frame): boolean => frame.data?.event === 'output';

test('the stream is connected, past events, live events, done; in the documented form', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const id = await api.create();
  const run = await drive.claim();
  await drive.start(run);
  const stream = await openStream(t, api, id);
  assert.equal(stream.status, 200);
  assert.equal(stream.headers.get('content-type'), 'text/event-stream');
  assert.equal(stream.headers.get('cache-control'), 'no-cache');
  assert.equal(stream.headers.get('x-accel-buffering'), 'no');
  assert.match(stream.headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/);
  const past = await stream.until((frame) => frame.data.event === 'cli_started');
  await drive.say(run, 'line one\nline two', 'three');
  await drive.finish(run, { patch: 'x' });
  const rest = await stream.until();
  const frames = [...past, ...rest];
  const commit = 'c0ffee'.padEnd(40, '0');
  const changes = {
    files_modified: 3,
    files_created: 1,
    files_deleted: 0,
    diff_stats: '+142 -38',
  };
  assert.deepEqual(
    frames.map(({ event, data: { ts: _ts, ...data } }) => (event === undefined ? data : { [event]: data })),
    [
      { connected: { task_id: id, status: 'running' } },
      { type: 'git', event: 'clone_started', data: { repo_url: 'https://git.example.com/ada/engine.git' } },
      {
        type: 'git',
        event: 'clone_completed',
        data: { work_dir: '/workspace', branch: 'slipway/work', base_branch: 'main', commit },
      },
      { type: 'system', event: 'cli_started', data: { cli: 'script', iteration: '1' } },
      {
        type: 'stream',
        event: 'output',
        data: { type: 'text', content: 'line one\nline two', cli: 'script', raw: null },
      },
      {
        type: 'stream',
        event: 'output',
        data: { type: 'text', content: 'three', cli: 'script', raw: null },
      },
      { type: 'git', event: 'commit_created', data: { commit } },
      {
        type: 'result',
        event: 'task_completed',
        data: {
          result: 'All green.',
          changes_summary: changes,
          usage: { input_tokens: 0, output_tokens: 0, duration_seconds: 120 },
          iteration: 1,
        },
      },
      { done: { task_id: id, status: 'completed', changes_summary: changes } },
    ],
  );
  for (const { event, id: eventId, data } of frames) {
    assert.equal(eventId === undefined, event !== undefined, 'data events have an id, named ones none');
    if (event === undefined) assert.match(data.ts, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/);
  }
  const ids = idsOf(frames);
  assert.deepEqual(
    ids,
    [...new Set(ids)].toSorted((a, b) => a - b),
    'ids rise',
  );
});

test('an unknown or foreign task is a JSON 404 before the stream opens', async (t) => {
  const { call } = await testApi(t);
  const answer = await call('GET', '/api/v1/tasks/77a2ffbd-11b6-4654-9325-89306d55bc89/stream');
  assert.equal(answer.status, 404);
  assert.deepEqual(answer.json, { error: 'Not Found', message: 'task not found' });
});

test('a task at rest is replayed and done at once', async (t) => {
  const api = await testApi(t);
  const id = await api.create();
  await api.call('POST', `/api/v1/tasks/${id}/cancel`, { body: { queued: true } });
  const { text } = await api.call('GET', `/api/v1/tasks/${id}/stream`);
  assert.deepEqual(
    parseFrames(text).map((frame) => [frame.event ?? frame.data.event, frame.data.status]),
    [
      ['connected', 'failed'],
      ['task_canceled', undefined],
      ['done', 'failed'],
    ],
  );
  assert.equal(parseFrames(text)[1]?.data.data, null);
});

test('resumed behind any event, the stream has neither gap nor repeat', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const id = await api.create();
  const run = await drive.claim();
  await drive.start(run);
  // More than one batch of the follower.
  for (let batch = 0; batch < 13; batch += 1) {
    await drive.say(run, ...Array.from({ length: 100 }, (_, line) => `${batch}.${line}`));
  }
  await drive.finish(run, { patch: 'x' });
  const read = async (after: number | string | undefined): Promise<readonly Frame[]> => {
    const headers: Record<string, string> = after === undefined ? {} : { 'last-event-id': String(after) };
    return parseFrames((await api.call('GET', `/api/v1/tasks/${id}/stream`, { headers })).text);
  };
  const whole = await read(undefined);
  const ids = idsOf(whole);
  assert.equal(ids.length, 1_305);
  assert.equal(new Set(ids).size, ids.length);
  const cuts = ids.filter((_, index) => index < 20 || index > ids.length - 20 || index % 97 === 0);
  for (const after of cuts) {
    const resumed = await read(after);
    assert.equal(resumed[0]?.event, 'connected');
    assert.deepEqual(
      resumed.slice(1),
      whole.slice(1).filter((frame) => (frame.id ?? Infinity) > after),
    );
    assert.equal(resumed.at(-1)?.event, 'done');
  }
  for (const odd of ['0', '', 'abc', '-1', '1.5', '99999999999999999999']) {
    assert.deepEqual(idsOf(await read(odd)), ids, `"${odd}" is no id of ours`);
  }
  assert.deepEqual(idsOf(await read(ids.at(-1))), []);
});

test('clients that come, go and resume while events flow all see each event once', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const id = await api.create();
  const run = await drive.claim();
  await drive.start(run);
  const follow = async (client: number): Promise<readonly number[]> => {
    const seen: number[] = [];
    for (;;) {
      const stream = await openStream(t, api, id, { after: seen.at(-1) ?? 0 });
      let taken = 0;
      // Each client leaves after a different number of events, some in the middle of what was sent to them.
      const frames = await stream.until((frame) => isDone(frame) || (taken += 1) > 3 + client * 7);
      stream.leave();
      seen.push(...idsOf(frames));
      if (frames.some(isDone)) return seen;
    }
  };
  const clients = Promise.all(Array.from({ length: 8 }, (_, client) => follow(client)));
  for (let batch = 0; batch < 60; batch += 1) await drive.say(run, `${batch} a`, `${batch} b`, `${batch} c`);
  await drive.finish(run, { patch: 'x' });
  const rows = await api.database.kysely
    .selectFrom('events')
    .select('id')
    .where('type', '<>', 'task_created')
    .orderBy('id')
    .execute();
  for (const seen of await clients)
    assert.deepEqual(
      seen,
      rows.map((row) => row.id),
    );
});

test('events of another process arrive by the poll when the wake-up is lost', async (t) => {
  const api = await testApi(t);
  const id = await api.create();
  const stream = await openStream(t, api, id);
  await stream.next();
  await append(api, id, [{ type: 'agent_output', data: { type: 'text', content: 'late', agent: 'script' } }]);
  assert.equal((await stream.next())?.data.data.content, 'late');
  stream.leave();
});

test('done waits for the push of a task that publishes by itself', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const id = await api.create({ publish: 'branch' });
  const stream = await openStream(t, api, id);
  const run = await drive.claim();
  await drive.start(run);
  await drive.finish(run, { patch: 'x', push: 'slipway/work' });
  const before = await stream.until((frame) => frame.data.event === 'task_completed');
  assert.ok(!before.some(isDone));
  // Who comes now finds the completion in the replay, and has to wait all the same.
  const late = await openStream(t, api, id);
  assert.equal((await late.next())?.data.status, 'creating_pr');
  await late.until((frame) => frame.data.event === 'task_completed');
  await drive.deliver();
  for (const one of [stream, late]) {
    const rest = await one.until();
    assert.deepEqual(
      rest.map((frame) => frame.event ?? frame.data.event),
      ['branch_pushed', 'done'],
    );
    assert.equal(rest[0]?.data.data.branch, 'slipway/work');
    assert.equal(rest[1]?.data.status, 'completed');
    assert.equal(rest[1]?.data.changes_summary.diff_stats, '+142 -38');
  }
});

test('done never comes in the replay of an earlier iteration', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const id = await api.create();
  const run = await drive.claim();
  await drive.start(run);
  await drive.finish(run, { patch: 'x' });
  await move(api, id, 'awaiting_instruction');
  const waiting = await openStream(t, api, id);
  const replay = await waiting.until((frame) => frame.data.event === 'task_completed');
  assert.equal(replay[0]?.data.status, 'awaiting_instruction');
  await move(api, id, 'running');
  await append(api, id, [
    { type: 'agent_output', data: { type: 'text', content: 'again', agent: 'script' } },
  ]);
  const second = await waiting.next();
  assert.equal(second?.data.event, 'output', 'no done in between');
  const completed: NewEvent = {
    type: 'task_completed',
    data: { result: 'twice', changes: null, durationSeconds: 1, iteration: 2 },
  };
  await move(api, id, 'completed', [completed]);
  const rest = await waiting.until();
  assert.deepEqual(
    rest.map((frame) => frame.event ?? frame.data.data.iteration),
    [2, 'done'],
  );
  const whole = await openStream(t, api, id);
  assert.equal((await whole.until()).filter(isDone).length, 1);
});

test('kinds of events that this window does not have are left out, and resuming over them works', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const id = await api.create();
  const run = await drive.claim();
  const stream = await openStream(t, api, id);
  await api.call('POST', `/api/v1/tasks/${id}/cancel`);
  await append(api, id, [{ type: 'of_a_newer_server' as never, data: {} as never }]);
  await drive.start(run);
  const seen = await stream.until((frame) => frame.data.event === 'cli_started');
  assert.deepEqual(
    seen.map((frame) => frame.event ?? frame.data.event),
    ['connected', 'clone_started', 'clone_completed', 'cli_started'],
  );
  stream.leave();
});

test('a stream that is too old ends with timeout, and can be resumed', async (t) => {
  const api = await testApi(t, { http: { streamMaxMs: 400 } });
  const drive = await driveTasks(api);
  const id = await api.create();
  const run = await drive.claim();
  await drive.start(run);
  const frames = await (await openStream(t, api, id)).until();
  const last = frames.at(-1);
  assert.equal(last?.event, 'timeout');
  assert.match(last?.data.message, /^stream closed after \d+ minutes$/);
  await drive.say(run, 'more');
  const resumed = await openStream(t, api, id, { after: idsOf(frames).at(-1) ?? 0 });
  assert.equal((await resumed.until(isLive)).length, 2);
});

test('a quiet stream is kept alive by comments', async (t) => {
  const api = await testApi(t, { http: { streamKeepaliveMs: 50 } });
  const stream = await openStream(t, api, await api.create());
  assert.equal((await stream.next())?.event, 'connected');
  for (let count = 0; count < 3; count += 1) assert.equal((await stream.next())?.comment, 'keepalive');
  stream.leave();
});

test('a client that takes nothing is cut off, and resumes without a gap', async (t) => {
  // Long enough that on a busy machine a client that reads is not taken for one that does not.
  const api = await testApi(t, { http: { streamStallMs: 2_000 } });
  const drive = await driveTasks(api);
  const id = await api.create();
  const run = await drive.claim();
  await drive.start(run);
  const text = 'x'.repeat(200_000);
  for (let count = 0; count < 100; count += 1) await drive.say(run, `${count} ${text}`);
  await drive.finish(run, { patch: 'x' });
  const request = get(`${api.url}/api/v1/tasks/${id}/stream`, {
    headers: { authorization: `Bearer ${adminToken}` },
  });
  t.after(() => request.destroy());
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.on('error', () => undefined);
  response.pause();
  await waitForLine(api, '"by":"client_stuck"');
  const taken: Buffer[] = [];
  const closed = new Promise((resolve) => response.once('close', resolve));
  response.on('data', (part: Buffer) => taken.push(part)).resume();
  await closed;
  const got = Buffer.concat(taken).toString();
  assert.ok(got.length < 15_000_000, `${got.length} characters were held for a client that takes none`);
  const first = idsOf(parseFrames(got.slice(0, got.lastIndexOf('\n\n') + 2)));
  const rest = await openStream(t, api, id, { after: first.at(-1) ?? 0 });
  const whole = idsOf(await (await openStream(t, api, id)).until());
  assert.deepEqual([...first, ...idsOf(await rest.until())], whole);
});

test('two hundred clients follow one task', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const id = await api.create();
  const run = await drive.claim();
  await drive.start(run);
  const streams = await Promise.all(Array.from({ length: 200 }, () => openStream(t, api, id)));
  const all = Promise.all(streams.map((stream) => stream.until()));
  for (let count = 0; count < 20; count += 1) await drive.say(run, `${count}`, 'and more');
  await drive.finish(run, { patch: 'x' });
  const [first, ...others] = await all;
  assert.equal(first?.length, 1 + 3 + 40 + 2 + 1);
  assert.equal(first?.at(-1)?.event, 'done');
  for (const other of others) assert.deepEqual(idsOf(other), idsOf(first ?? []));
});

test('a client that leaves is not followed for any longer', async (t) => {
  const api = await testApi(t);
  const stream = await openStream(t, api, await api.create());
  await stream.next();
  stream.leave();
  await waitForLine(api, '"by":"client_left"');
});

test('closing the server ends the streams at once, without done', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const id = await api.create();
  await drive.start(await drive.claim());
  const streams = await Promise.all(Array.from({ length: 20 }, () => openStream(t, api, id)));
  for (const stream of streams) await stream.until((frame) => frame.data.event === 'cli_started');
  const began = performance.now();
  await api.server.close();
  const took = performance.now() - began;
  assert.ok(took < 2_000, `it took ${took} ms`);
  for (const stream of streams) assert.deepEqual(await stream.until(), []);
});

test('when the log cannot be read the stream ends without done', async (t) => {
  const api = await testApi(t);
  const id = await api.create();
  const stream = await openStream(t, api, id);
  await stream.next();
  await api.database.kysely.schema.alterTable('events').renameTo('gone').execute();
  api.wakeups.wake('stream', id);
  assert.deepEqual(await stream.until(), []);
  assert.ok(api.log.some((line) => line.includes('an event stream broke off')));
});

async function waitForLine(api: TestApi, text: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!api.log.some((line) => line.includes(text))) {
    assert.ok(Date.now() < deadline, `nothing was logged with ${text}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Appends as a transaction of another process does: nobody here is woken. */
async function append(api: TestApi, taskId: string, events: readonly NewEvent[]): Promise<void> {
  await api.database.transaction((tx) => appendEvents(tx, taskId, null, events));
}

/** A change of state that no service of this version makes, with its events. */
async function move(
  api: TestApi,
  taskId: string,
  state: 'awaiting_instruction' | 'running' | 'completed',
  events: readonly NewEvent[] = [],
): Promise<void> {
  await api.database.transaction(async (tx) => {
    const deadline = state === 'completed' ? null : sql<Date>`now() + interval '1 hour'`;
    await tx.updateTable('tasks').set({ state, deadline_at: deadline }).where('id', '=', taskId).execute();
    await appendEvents(tx, taskId, null, events);
  });
  api.wakeups.wake('stream', taskId);
}
