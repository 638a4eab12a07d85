import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../../../support/processes.ts';
import { assertError, namesOf, eventsOf, script, type Enter, type Json, type Stage } from './stage.ts';

const path = '/api/v1/tasks';
const noTask = '4cf7b9d3-94a6-4b8a-9a43-c8dc4d6b3f10';

/** Work of the stand-in for Claude Code, and what its review of it said. */
async function reviewed({ run, call, rest }: Stage, body: object = {}): Promise<Json> {
  const { id } = await run({ config: {} });
  const answer = await call('POST', `${path}/${id}/review`, { body });
  assert.equal(answer.status, 202, answer.text);
  return rest(id);
}

export function reviewChapter(enter: Enter): void {
  describe('Tasks: Code Review', () => {
    let shared: Promise<Json> | undefined;
    /** For reading only. */
    const once = async (): Promise<Json> => (shared ??= reviewed(await enter()));

    test('the answer comes at once, with the task and reviewing', async () => {
      const { run, call, rest } = await enter();
      const { id } = await run({ config: {} });
      const { status, json } = await call('POST', `${path}/${id}/review`);
      assert.equal(status, 202);
      assert.deepEqual(json, { id, status: 'reviewing' });
      await rest(id);
    });

    test('after it the task is completed, and has what the review came to', async () => {
      const task = await once();
      assert.equal(task.status, 'completed', task.error);
      const { duration_seconds: seconds, ...review } = task.review_result;
      assert.deepEqual(review, {
        verdict: 'request_changes',
        score: 6,
        summary: 'Nearly there',
        issues: [
          {
            severity: 'minor',
            file: 'asked.txt',
            line: 1,
            description: 'It says too little',
            suggestion: 'Say more',
          },
        ],
        auto_fixable: true,
        reviewed_by: 'claude-code:stand-in',
      });
      assert.ok(typeof seconds === 'number' && seconds >= 0, String(seconds));
    });

    test('cli is claude-code where none is given, and model is what it is told to call', async () => {
      const task = await reviewed(await enter(), { model: 'claude-sonnet-4-20250514' });
      assert.equal(task.review_result.reviewed_by, 'claude-code:claude-sonnet-4-20250514');
    });

    test('the stream tells its beginning, what the agent says, and what it came to', async () => {
      const { frames } = await enter();
      const { id } = await once();
      const seen = await frames(id);
      const names = namesOf(seen);
      const ofReview = names.slice(names.indexOf('review_started')).filter((name) => name !== 'output');
      assert.deepEqual(ofReview, ['review_started', 'cli_started', 'review_parsed', 'review_completed']);
      const dataOf = (name: string) => eventsOf(seen).findLast(({ event }) => event === name)?.data;
      assert.equal(dataOf('review_started'), null);
      assert.deepEqual(dataOf('review_completed'), {
        verdict: 'request_changes',
        score: 6,
        issues_count: 1,
      });
      assert.equal(seen.at(-1)?.event, 'done');
      assert.ok(
        names.indexOf('task_completed') < names.indexOf('review_started'),
        'the order of the contract',
      );
    });

    test('it leaves the work, its result and its number of iterations as they were', async () => {
      const { run, call, rest } = await enter();
      const before = await run({ config: {} });
      await call('POST', `${path}/${before.id}/review`);
      const after = await rest(before.id);
      for (const name of ['result', 'iteration', 'changes_summary']) {
        assert.deepEqual(after[name], before[name], name);
      }
    });

    test('an answer that is no JSON is a comment without a score', async () => {
      const { run, call, rest } = await enter();
      const { id } = await run({ prompt: 'BARE', config: {} });
      await call('POST', `${path}/${id}/review`);
      const { status, review_result: review } = await rest(id);
      assert.equal(status, 'completed');
      assert.deepEqual([review.verdict, review.score, review.summary], ['comment', 0, 'just text']);
      assert.deepEqual(review.issues, []);
    });

    test('a review can be canceled, and the work stays completed', async () => {
      const { run, call, rest, frames } = await enter();
      const { id } = await run({ prompt: 'SLEEP', config: {} });
      await call('POST', `${path}/${id}/review`);
      await until('the reviewer to work', async () => {
        const { json } = await call('GET', `${path}/${id}`);
        return json.status === 'reviewing';
      });
      assert.equal((await call('POST', `${path}/${id}/cancel`)).status, 200);
      assert.equal((await rest(id)).status, 'completed');
      assert.ok(namesOf(await frames(id)).includes('review_canceled'));
    });

    test('an unknown cli is 400, also where the task is not there', async () => {
      const { call } = await enter();
      const answer = await call('POST', `${path}/${noTask}/review`, { body: { cli: 'aider' } });
      assertError(answer, 400, 'cli: unknown CLI: aider');
    });

    test('a task that is not there is 404', async () => {
      const { call } = await enter();
      assertError(await call('POST', `${path}/${noTask}/review`), 404, /not found/u);
    });

    test('a task that is not completed is 409, a failed one too', async () => {
      const { call, failed, submit, rest } = await enter();
      const { id } = await failed();
      assert.equal((await call('POST', `${path}/${id}/review`)).status, 409);
      const working = await submit({ config: script('sleep 1') });
      const answer = await call('POST', `${path}/${working}/review`);
      assertError(answer, 409, /^task is currently (?:pending|cloning|running), cannot review$/u);
      await rest(working);
    });

    test('of two at once one is taken, and the other is 409', async () => {
      const { run, call, rest } = await enter();
      const { id } = await run({ config: {} });
      const answers = await Promise.all([1, 2].map(() => call('POST', `${path}/${id}/review`)));
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([202, 409]));
      await rest(id);
    });
  });
}
