import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { httpOptionDefaults } from '../../../../src/http/http-deps.ts';
import { until } from '../../../support/processes.ts';
import { openStream, type Frame } from '../open-stream.ts';
import { testApi } from '../test-api.ts';
import { assertError, eventsOf, githubKey, namesOf, script, type Enter, type Json } from './stage.ts';

const path = '/api/v1/tasks';

export function streamChapter(enter: Enter): void {
  connectionChapter(enter);
  eventTypesChapter(enter);
}

function connectionChapter(enter: Enter): void {
  describe('Tasks: Stream Task Events (SSE)', () => {
    test('the answer is an event stream that nothing on the way buffers or keeps', async () => {
      const { call, finished } = await enter();
      const { headers } = await call('GET', `${path}/${(await finished()).id}/stream`);
      assert.match(String(headers['content-type']), /^text\/event-stream/u);
      assert.deepEqual([headers['x-accel-buffering'], headers['cache-control']], ['no', 'no-cache']);
    });

    test('a task that is not there is 404 before the stream opens', async () => {
      const { call } = await enter();
      const answer = await call('GET', `${path}/4cf7b9d3-94a6-4b8a-9a43-c8dc4d6b3f10/stream`);
      assertError(answer, 404, /not found/u);
    });

    test('who follows from the beginning, who comes late and who resumes see the same events', async () => {
      const { submit, frames } = await enter();
      const id = await submit({ config: script('for i in 1 2 3; do echo $i; sleep 0.1; done') });
      const live = await frames(id);
      const late = await frames(id);
      const data = ({ id: number, data: body }: Frame) => [number, body];
      const all = live.filter((frame) => frame.id !== undefined);
      assert.deepEqual(late.filter((frame) => frame.id !== undefined).map(data), all.map(data));
      const [first, second, third, ...rest] = all;
      assert.ok(first?.id && second?.id && third?.id && first.id < second.id && second.id < third.id);
      const resumed = await frames(id, third.id);
      assert.deepEqual(resumed.filter((frame) => frame.id !== undefined).map(data), rest.map(data));
    });

    test('first comes connected, with the task and what it is at', async () => {
      const { frames, finished } = await enter();
      const task = await finished();
      const [first] = await frames(task.id);
      assert.equal(first?.event, 'connected');
      assert.deepEqual(first?.data, { task_id: task.id, status: 'completed' });
    });

    test('then comes all that has happened, and last done', async () => {
      const { frames, finished } = await enter();
      const task = await finished();
      const seen = await frames(task.id);
      const names = namesOf(seen);
      assert.deepEqual([names[0], names.at(-1)], ['clone_started', 'task_completed']);
      const last = seen.at(-1);
      const { changes_summary } = task;
      assert.equal(last?.event, 'done');
      assert.deepEqual(last?.data, { task_id: task.id, status: 'completed', changes_summary });
    });

    test('what happens while it is followed comes as it happens', async (t) => {
      const { submit, house } = await enter();
      const id = await submit({ config: script('echo now; sleep 0.5') });
      const api = { url: house.server().url } as Parameters<typeof openStream>[1];
      const stream = await openStream(t, api, id, { token: house.token });
      const seen = await stream.until(({ data }) => data?.data?.content === 'now');
      const task = await house.client.tasks.get(id);
      assert.equal(task.status, 'running', `${seen.length} frames came before the end`);
      stream.leave();
    });

    test('connected, done and timeout are named and have no id; all others have one and no name', async () => {
      const { frames, finished } = await enter();
      for (const frame of await frames((await finished()).id)) {
        assert.equal(frame.event === undefined, frame.id !== undefined, JSON.stringify(frame));
      }
    });

    test('done comes once, behind the last instruction', async () => {
      const { run, call, rest, frames } = await enter();
      const { id } = await run();
      await call('POST', `${path}/${id}/instruct`, { body: { prompt: 'More' } });
      await rest(id);
      const seen = await frames(id);
      assert.equal(seen.filter(({ event }) => event === 'done').length, 1);
      assert.equal(namesOf(seen).filter((name) => name === 'task_completed').length, 2);
    });

    test('a stream that is followed up to a pull request is done with it, and not some time later', async () => {
      const { submit, frames, github } = await enter();
      const id = await submit({
        repo_url: github.repositoryUrl,
        provider_key: githubKey,
        publish: 'pull_request',
        config: script('echo 1 > streamed.txt'),
      });
      const seen = await frames(id);
      const endedAt = Date.now();
      assert.equal(seen.at(-1)?.data.status, 'pr_created');
      const openedAt = eventsOf(seen).find(({ event }) => event === 'pull_request_opened')?.ts;
      assert.ok(endedAt - Date.parse(openedAt) < 5_000, openedAt);
    });

    test('after ten minutes comes timeout, and the stream ends', async (t) => {
      assert.equal(httpOptionDefaults.streamMaxMs, 600_000);
      const { call, create } = await testApi(t, { http: { streamMaxMs: 50 } });
      const { text } = await call('GET', `${path}/${await create()}/stream`);
      assert.match(text, /\n\nevent: timeout\ndata: \{"message":"stream closed after \d+ minutes"\}\n\n$/u);
    });

    test('a data event has type, event, data and ts, and its line is written whole', async () => {
      const { run, frames } = await enter();
      const { id } = await run({ config: script('printf "one\\ntwo\\n"') });
      for (const event of eventsOf(await frames(id))) {
        assert.deepEqual(Object.keys(event), ['type', 'event', 'data', 'ts']);
        assert.ok(['system', 'git', 'stream', 'result'].includes(event.type), event.type);
        assert.match(event.ts, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,6}Z$/u);
      }
    });
  });
}

function eventTypesChapter(enter: Enter): void {
  /** The only event of this name. */
  const eventOf = async (id: string, name: string): Promise<Json> => {
    const { frames } = await enter();
    const found = eventsOf(await frames(id)).filter(({ event }) => event === name);
    assert.equal(found.length, 1, `${name}: ${found.length}`);
    return found[0];
  };

  describe('Tasks: Event Types', () => {
    test('cli_started names the agent, and the iteration as a text', async () => {
      const { finished } = await enter();
      const { type, data } = await eventOf((await finished()).id, 'cli_started');
      assert.deepEqual([type, data], ['system', { cli: 'script', iteration: '1' }]);
    });

    test('task_timeout has the seconds, and task_failed follows it', async () => {
      const { run, frames } = await enter();
      const { id } = await run({ config: script('sleep 20', { timeout_seconds: 1 }) });
      const { type, data } = await eventOf(id, 'task_timeout');
      assert.deepEqual([type, data], ['system', { timeout_seconds: 1 }]);
      const names = namesOf(await frames(id));
      assert.ok(names.indexOf('task_timeout') < names.indexOf('task_failed'), names.join());
    });

    test('task_canceled has no data', async () => {
      const { submit, call, rest } = await enter();
      const id = await submit({ config: script('sleep 60') });
      await call('POST', `${path}/${id}/cancel`, { body: { queued: true } });
      await rest(id);
      const { type, data } = await eventOf(id, 'task_canceled');
      assert.deepEqual([type, data], ['system', null]);
    });

    test('task_failed has the error of the task', async () => {
      const { failed } = await enter();
      const task = await failed();
      const { type, data } = await eventOf(task.id, 'task_failed');
      assert.deepEqual([type, data], ['system', { error: task.error }]);
    });

    test('clone_started names the repository', async () => {
      const { finished, repositoryUrl } = await enter();
      const { type, data } = await eventOf((await finished()).id, 'clone_started');
      assert.deepEqual([type, data], ['git', { repo_url: repositoryUrl }]);
    });

    test('clone_completed names the folder where the work is done', async () => {
      const { finished } = await enter();
      const { type, data } = await eventOf((await finished()).id, 'clone_completed');
      assert.equal(type, 'git');
      assert.ok(data.work_dir.startsWith('/'), data.work_dir);
    });

    test('what the agent says is an output with its type, content, agent and raw line', async () => {
      const { run, frames } = await enter();
      const { id } = await run({ prompt: 'Say it', config: {} });
      const outputs = eventsOf(await frames(id)).filter(({ event }) => event === 'output');
      assert.ok(outputs.every(({ type }) => type === 'stream'));
      const said = outputs.find(({ data }) => data.type === 'text');
      assert.deepEqual(Object.keys(said.data), ['type', 'content', 'cli', 'raw']);
      assert.deepEqual([said.data.content, said.data.cli], ['working', 'claude-code']);
      assert.equal(said.data.raw.type, 'assistant');
    });

    test('the end of an agent is an output of the type result', async () => {
      const { run, frames } = await enter();
      const { id } = await run({ prompt: 'Say it', config: {} });
      const types = eventsOf(await frames(id)).map(({ data }) => data?.type);
      assert.ok(types.includes('system') && types.includes('result'), types.join());
    });

    test('a line that cannot be understood is an output of the type system', async () => {
      const { run, frames } = await enter();
      const { id, status } = await run({ prompt: 'BARE', config: {} });
      const plain = eventsOf(await frames(id)).find(({ data }) => data?.content === 'just text');
      assert.deepEqual([plain?.type, plain?.data.type, status], ['stream', 'system', 'completed']);
    });

    test('task_completed has result, changes, usage and the number of the iteration', async () => {
      const { finished } = await enter();
      const task = await finished();
      const { type, data } = await eventOf(task.id, 'task_completed');
      assert.equal(type, 'result');
      const { result, changes_summary: changes, usage, iteration } = data;
      assert.deepEqual([changes, iteration], [task.changes_summary, 1]);
      assert.equal(result, task.result ?? '');
      assert.deepEqual(Object.keys(usage).slice(0, 3), ['input_tokens', 'output_tokens', 'duration_seconds']);
    });
  });

  describe('Tasks: Keepalive', () => {
    test('a comment comes every 15 s', async (t) => {
      assert.equal(httpOptionDefaults.streamKeepaliveMs, 15_000);
      const { call, create } = await testApi(t, { http: { streamKeepaliveMs: 20, streamMaxMs: 200 } });
      const { text } = await call('GET', `${path}/${await create()}/stream`);
      assert.match(text, /\n\n: keepalive\n\n/u);
    });
  });

  describe('Tasks: JavaScript Client Example', () => {
    test('the documented reader understands the stream, line by line', async () => {
      const { call, finished } = await enter();
      const { text } = await call('GET', `${path}/${(await finished()).id}/stream`);
      const handled: [string, Json][] = [];
      let currentEvent = '';
      for (const line of text.split('\n')) {
        if (line.startsWith('event: ')) currentEvent = line.slice(7);
        else if (line.startsWith('data: ')) handled.push([currentEvent, JSON.parse(line.slice(6))]);
      }
      assert.deepEqual([handled[0]?.[0], handled.at(-1)?.[0]], ['connected', 'done']);
      assert.ok(handled.length > 4);
    });

    test('who polls the task sees the end too', async () => {
      const { submit, call } = await enter();
      const id = await submit();
      await until('the task to be completed', async () => {
        return (await call('GET', `${path}/${id}`)).json.status === 'completed';
      });
    });
  });
}
