import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { httpOptionDefaults } from '../../../../src/http/http-deps.ts';
import { until } from '../../../support/processes.ts';
import type { Frame } from '../open-stream.ts';
import { testApi } from '../test-api.ts';
import { assertError, eventsOf, type Enter, type Json } from './stage.ts';
import { itemTitle } from './tracker.ts';
import { enterWorkflows, runsPath, taskWorkflow, workflowsPath } from './workflow-stage.ts';

const nobodys = '4cf7b9d3-94a6-4b8a-9a43-c8dc4d6b3f10';

export function workflowRunsChapter(enter: Enter): void {
  let both: Promise<{ readonly run: Json; readonly frames: readonly Frame[] }> | undefined;
  /** A run of a fetch and of a task, with its stream as it was followed from the start; shared. */
  const followed = (): NonNullable<typeof both> => (both ??= follow(enter, 'I-1', 'looking'));
  let broken: typeof both;
  /** The same with an item that is not there. */
  const failed = (): NonNullable<typeof both> => (broken ??= follow(enter, 'gone', 'looking-in-vain'));

  describe('Workflow Runs', () => {
    test('runs are listed', async () => {
      const { call } = await enter();
      const { run } = await followed();
      const { status, json } = await call('GET', runsPath);
      assert.equal(status, 200);
      const { id, workflow_name, status: at } = json.runs.find((one: Json) => one.id === run.id);
      assert.deepEqual([id, workflow_name, at], [run.id, 'looking', 'completed']);
    });

    test('runs of one workflow are listed', async () => {
      const { call } = await enter();
      const { run } = await followed();
      await failed();
      const ids = async (name: string) => {
        const { runs } = (await call('GET', `${runsPath}?workflow=${name}`)).json;
        return runs.map(({ id }: Json) => id);
      };
      assert.deepEqual(await ids('looking'), [run.id]);
      assert.deepEqual(await ids('sentry-fixer'), []);
    });

    test('a run is shown with its parameters and steps', async () => {
      const { call } = await enter();
      const { run } = await followed();
      const [look, work] = run.steps;
      assert.deepEqual(run.params, { item_id: 'I-1' });
      assert.deepEqual(
        [look.step_name, look.step_type, look.status, look.result],
        ['look', 'fetch', 'completed', { title: itemTitle }],
      );
      assert.deepEqual([work.step_name, work.step_type, work.status], ['work', 'task', 'completed']);
      assert.equal((await call('GET', `/api/v1/tasks/${work.task_id}`)).status, 200);
      const ofSteps = [look.started_at, look.finished_at, work.started_at, work.finished_at];
      const times = [run.created_at, run.started_at, ...ofSteps, run.finished_at];
      assert.deepEqual(
        times,
        times.toSorted((one, other) => (one < other ? -1 : 1)),
      );
      assertError(await call('GET', `${runsPath}/${nobodys}`), 404, /not found/u);
    });

    test('the stream of a run has connected, done, and timeout after 30 minutes', async (t) => {
      const { run, frames } = await followed();
      assert.deepEqual([frames[0]?.event, frames.at(-1)?.event], ['connected', 'done']);
      assert.equal(frames.at(-1)?.data.status, 'completed');
      const { call } = await enter();
      assert.equal((await call('GET', `${runsPath}/${nobodys}/stream`)).status, 404);
      assert.equal(run.status, 'completed');
      assert.equal(httpOptionDefaults.workflowStreamMaxMs, 30 * 60_000);
      const api = await testApi(t, { http: { workflowStreamMaxMs: 20 } });
      const body = taskWorkflow('waiting', 'https://git.example.com/ada/engine.git', 'true');
      await api.call('POST', workflowsPath, { body });
      const { run_id } = (await api.call('POST', `${workflowsPath}/waiting/run`)).json;
      const { text } = await api.call('GET', `${runsPath}/${run_id}/stream`);
      assert.match(text, /\n\nevent: timeout\ndata: \{"message":"stream closed after \d+ minutes"\}\n\n$/u);
    });

    const eventNamed = (frames: readonly Frame[], name: string): readonly Json[] =>
      eventsOf(frames).filter(({ event }) => event === name);

    test('workflow_started has workflow and run_id', async () => {
      const { run, frames } = await followed();
      const [{ type, data }, ...more] = eventNamed(frames, 'workflow_started') as [Json];
      assert.deepEqual([type, data, more], ['system', { workflow: 'looking', run_id: run.id }, []]);
    });

    test('step_started has step and type', async () => {
      const { frames } = await followed();
      assert.deepEqual(
        eventNamed(frames, 'step_started').map(({ data }) => data),
        [
          { step: 'look', type: 'fetch' },
          { step: 'work', type: 'task' },
        ],
      );
    });

    test('step_completed has step', async () => {
      const { frames } = await followed();
      const completed = eventNamed(frames, 'step_completed').map(({ data }) => data);
      assert.deepEqual(completed, [{ step: 'look' }, { step: 'work' }]);
    });

    test('step_failed has step and error', async () => {
      const { run, frames } = await failed();
      const [{ data }] = eventNamed(frames, 'step_failed') as [Json];
      assert.deepEqual(Object.keys(data), ['step', 'error']);
      assert.match(data.error, /404/u);
      assert.deepEqual([run.status, run.steps[1].status], ['failed', 'skipped']);
    });

    test('a run is cancelled with its task', async () => {
      const { call, rest: restOfTask, repositoryUrl } = await enter();
      const { create, start, show, rest } = await enterWorkflows(enter);
      await create(taskWorkflow('long', repositoryUrl, 'sleep 60'));
      const id = await start('long');
      const taskId = await until('the task to be running', async () => {
        const { task_id } = (await show(id)).steps[0];
        const task = task_id && (await call('GET', `/api/v1/tasks/${task_id}`)).json;
        return task?.status === 'running' && String(task_id);
      });
      const { status, json } = await call('POST', `${runsPath}/${id}/cancel`);
      assert.deepEqual(
        [status, json],
        [200, { status: 'canceling', message: 'workflow run cancellation requested' }],
      );
      const run = await rest(id);
      assert.deepEqual([run.status, run.steps[0].status], ['canceled', 'canceled']);
      assert.equal((await restOfTask(taskId)).error, 'canceled by user');
      assert.equal((await call('POST', `${runsPath}/${id}/cancel`)).status, 409);
    });

    test('all runs of a workflow are cancelled, and workflow is required', async () => {
      const { call, repositoryUrl } = await enter();
      const { create, start, rest } = await enterWorkflows(enter);
      await create(taskWorkflow('lengthy', repositoryUrl, 'sleep 60'));
      const ids = [await start('lengthy'), await start('lengthy')];
      const { status, json } = await call('POST', `${runsPath}/cancel-all?workflow=lengthy`);
      assert.deepEqual([status, json], [200, { canceled: 2, message: '2 workflow runs canceled' }]);
      for (const id of ids) assert.equal((await rest(id)).status, 'canceled');
      assertError(await call('POST', `${runsPath}/cancel-all`), 400, 'workflow: field is required');
    });
  });
}

async function follow(enter: Enter, itemId: string, name: string) {
  const { tracker, repositoryUrl } = await enter();
  const { create, start, frames, show } = await enterWorkflows(enter);
  const url = `${tracker.url}/items/{{.Params.item_id}}`;
  const { steps } = taskWorkflow(name, repositoryUrl, 'true') as { readonly steps: readonly object[] };
  await create({
    name,
    steps: [{ name: 'look', type: 'fetch', config: { url, outputs: { title: '$.title' } } }, ...steps],
    parameters: [{ name: 'item_id', required: true }],
  });
  const id = await start(name, { item_id: itemId });
  const seen = await frames(id);
  return { run: await show(id), frames: seen };
}
