import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../../../support/processes.ts';
import { driveTasks } from '../drive-task.ts';
import { testApi } from '../test-api.ts';
import { assertError, githubKey, script, type Enter, type Json } from './stage.ts';

const path = '/api/v1/tasks';
const noTask = '4cf7b9d3-94a6-4b8a-9a43-c8dc4d6b3f10';

export function instructChapter(enter: Enter): void {
  describe('Tasks: Follow-up Instruction (Instruct)', () => {
    const instruct = async (id: string, prompt: unknown) =>
      (await enter()).call('POST', `${path}/${id}/instruct`, { body: { prompt } });

    test('an instruction works in the tree that the one before it left', async () => {
      const { run, rest, call } = await enter();
      const { id } = await run({ config: script('echo "$SLIPWAY_PROMPT" >> kept.txt; cat kept.txt') });
      await instruct(id, 'Also add unit tests for the changes you made');
      const task = await rest(id);
      assert.equal(task.status, 'completed', task.error);
      const { text } = await call('GET', `${path}/${id}/diff`);
      assert.match(text, /\+Do nothing\n[^]*\+Also add unit tests/u);
    });

    test('the answer has the new number, and the status awaiting_instruction', async () => {
      const { run } = await enter();
      const { id } = await run();
      const { status, json } = await instruct(id, 'Also add unit tests');
      assert.equal(status, 200);
      assert.deepEqual(json, { id, status: 'awaiting_instruction', iteration: 2 });
    });

    test('prompt is required, and has at most 102,400 bytes', async () => {
      const { finished } = await enter();
      const { id } = await finished();
      for (const prompt of [undefined, null, '']) {
        assertError(await instruct(id, prompt), 400, 'prompt: field is required');
      }
      assertError(await instruct(id, 'x'.repeat(102_401)), 400, 'prompt: exceeds maximum length');
    });

    test('several instructions wait for each other, and none takes the place of another', async (t) => {
      // Without a worker, which might take the first one up before the second has come.
      const api = await testApi(t);
      const drive = await driveTasks(api);
      const id = await api.create();
      const work = async (queue: 'tasks' | 'follow_ups'): Promise<string> => {
        const run = await drive.claim(queue);
        await drive.start(run);
        await drive.finish(run);
        return run.prompt;
      };
      await work('tasks');
      for (const [prompt, iteration] of [
        ['Two', 2],
        ['Three', 3],
      ] as const) {
        const { json } = await api.call('POST', `${path}/${id}/instruct`, { body: { prompt } });
        assert.equal(json.iteration, iteration);
      }
      assert.deepEqual([await work('follow_ups'), await work('follow_ups')], ['Two', 'Three']);
      const { json } = await api.call('GET', `${path}/${id}?include=iterations`);
      assert.deepEqual(
        json.iterations.map(({ number, status }: Json) => [number, status]),
        [
          [1, 'completed'],
          [2, 'completed'],
          [3, 'completed'],
        ],
      );
    });

    test('from the answer on the task does not read completed before the instruction has ended', async () => {
      const { run, call } = await enter();
      const { id } = await run({ config: script('sleep 0.2; date +%N') });
      await instruct(id, 'Two');
      const completed = await until('the task to be completed', async () => {
        const { json } = await call('GET', `${path}/${id}?include=iterations`);
        return json.status === 'completed' && json;
      });
      assert.equal(completed.iterations[1].status, 'completed');
    });

    test('a task with a pull request takes instructions too', async () => {
      const { run, rest, github } = await enter();
      const { id, status } = await run({
        repo_url: github.repositoryUrl,
        provider_key: githubKey,
        publish: 'pull_request',
        config: script('echo x >> instructed.txt'),
      });
      assert.equal(status, 'pr_created');
      assert.equal((await instruct(id, 'More')).status, 200);
      assert.equal((await rest(id)).iteration, 2);
    });

    test('a task that is not there is 404, after the body was checked', async () => {
      assertError(await instruct(noTask, 'x'), 404, /not found/u);
      assertError(await instruct(noTask, ''), 400, 'prompt: field is required');
    });

    test('a task at work is 409, with what it is at', async () => {
      const { submit, frames, call } = await enter();
      const id = await submit({ config: script('sleep 1') });
      const answer = await instruct(id, 'x');
      assertError(answer, 409, /^task is currently (?:pending|cloning|running), cannot instruct$/u);
      assert.equal(answer.json.error, 'Conflict');
      await call('POST', `${path}/${id}/cancel`, { body: { queued: true } });
      await frames(id);
    });

    test('a failed task is 409, and wants a new one', async () => {
      const { failed } = await enter();
      const { id } = await failed();
      assertError(await instruct(id, 'x'), 409, 'task has failed, create a new task instead');
    });
  });
}
