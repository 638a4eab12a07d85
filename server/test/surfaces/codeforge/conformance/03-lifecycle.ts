import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../../../support/processes.ts';
import { canTaskMove, type TaskState } from '../../../../src/domain/task-state.ts';
import { githubKey, script, type Enter, type Stage } from './stage.ts';

/** The documented table: from a state to those that may follow. `failed` is the end. */
const transitions: Readonly<Partial<Record<TaskState, readonly TaskState[]>>> = {
  pending: ['cloning', 'failed'],
  cloning: ['running', 'failed'],
  running: ['completed', 'failed'],
  completed: ['awaiting_instruction', 'creating_pr', 'reviewing'],
  reviewing: ['completed', 'failed'],
  awaiting_instruction: ['running', 'reviewing', 'failed'],
  creating_pr: ['pr_created', 'failed'],
  pr_created: ['awaiting_instruction', 'completed'],
};

/** The states that reads show until `end`, each once. */
async function statesUntil({ call }: Stage, id: string, end: string): Promise<readonly string[]> {
  const seen: string[] = [];
  await until(end, async () => {
    const { status } = (await call('GET', `/api/v1/tasks/${id}`)).json;
    if (status !== seen.at(-1)) seen.push(status);
    return status === end;
  });
  return seen;
}

/** A read may miss a state that passes quickly, but the order holds. */
function assertInOrder(seen: readonly string[], order: readonly string[]): void {
  const places = seen.map((state) => order.indexOf(state));
  assert.ok(!places.includes(-1), seen.join());
  assert.deepEqual(
    places,
    places.toSorted((one, other) => one - other),
    seen.join(),
  );
}

export function lifecycleChapter(enter: Enter): void {
  describe('Tasks: Task Lifecycle (State Machine)', () => {
    test('a new task goes from pending over cloning and running to completed', async () => {
      const stage = await enter();
      const id = await stage.submit({ config: script('sleep 0.3') });
      const seen = await statesUntil(stage, id, 'completed');
      assertInOrder(seen, ['pending', 'cloning', 'running', 'completed']);
      assert.ok(seen.includes('running'), seen.join());
    });

    test('an instruction takes a completed task over awaiting_instruction and running to completed', async () => {
      const stage = await enter();
      const { id } = await stage.run({ config: script('sleep 0.3') });
      const body = { prompt: 'Once more' };
      const { json } = await stage.call('POST', `/api/v1/tasks/${id}/instruct`, { body });
      assert.equal(json.status, 'awaiting_instruction');
      const seen = await statesUntil(stage, id, 'completed');
      assertInOrder(seen, ['awaiting_instruction', 'running', 'completed']);
      assert.ok(seen.includes('running'), seen.join());
    });

    test('publishing takes a completed task over creating_pr to pr_created', async () => {
      const stage = await enter();
      const { id } = await stage.run({
        repo_url: stage.github.repositoryUrl,
        provider_key: githubKey,
        config: script('echo lifecycle > lifecycle.txt'),
      });
      const published = stage.call('POST', `/api/v1/tasks/${id}/create-pr`);
      assertInOrder(await statesUntil(stage, id, 'pr_created'), ['completed', 'creating_pr', 'pr_created']);
      assert.equal((await published).status, 200);
    });

    for (const [from, targets] of Object.entries(transitions)) {
      test(`a task may go from ${from} to ${targets.join(', ')}`, () => {
        for (const to of targets) assert.ok(canTaskMove(from as TaskState, to), to);
      });
    }

    test('a failed task takes nothing up by itself, and no instruction', async () => {
      const { failed, call } = await enter();
      const { id, status } = await failed();
      assert.equal(status, 'failed');
      const answer = await call('POST', `/api/v1/tasks/${id}/instruct`, { body: { prompt: 'Go on' } });
      assert.equal(answer.status, 409);
    });

    test('the stream of a completed and of a failed task is at its end', async () => {
      const { frames, finished, failed } = await enter();
      for (const { id, status } of [await finished(), await failed()]) {
        const last = (await frames(id)).at(-1);
        assert.deepEqual([last?.event, last?.data.status], ['done', status]);
      }
    });
  });
}
