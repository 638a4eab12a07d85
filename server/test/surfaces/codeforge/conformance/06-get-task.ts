import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { strangerToken, testApi } from '../test-api.ts';
import { assertError, githubKey, script, type Enter, type Json } from './stage.ts';

const path = '/api/v1/tasks';

export function getTaskChapter(enter: Enter): void {
  describe('Tasks: Get Task', () => {
    test('a finished task has its result, changes and times', async () => {
      const { run } = await enter();
      const task = await run({ prompt: 'Write it', config: script('echo 1 > new.txt; echo Done.') });
      assert.deepEqual([task.status, task.task_type, task.iteration], ['completed', 'code', 1]);
      assert.equal(task.result, 'Done.');
      assert.deepEqual(task.changes_summary, {
        files_modified: 0,
        files_created: 1,
        files_deleted: 0,
        diff_stats: '+1 -0',
      });
      assert.ok(task.created_at < task.started_at && task.started_at < task.finished_at);
    });

    test('changed and removed files are counted, and the lines of both', async () => {
      const { run } = await enter();
      const task = await run({ config: script('echo more >> README.md; rm test.sh; mkdir a; echo x > a/b') });
      const { diff_stats: stats, ...files } = task.changes_summary;
      assert.deepEqual(files, { files_modified: 1, files_created: 1, files_deleted: 1 });
      assert.match(stats, /^\+2 -\d+$/u);
    });

    test('config says how the agent works, with what was given and with defaults', async () => {
      const { finished } = await enter();
      const { config } = await finished();
      assert.deepEqual(config, { timeout_seconds: 300, cli: 'script', command: 'echo 1 > written.txt' });
    });

    test('usage has what the agent reports', async () => {
      const { run } = await enter();
      const { usage } = await run({ config: {} });
      assert.deepEqual([usage.input_tokens, usage.output_tokens], [100, 10]);
      assert.ok(Number.isInteger(usage.duration_seconds), String(usage.duration_seconds));
    });

    test('what is empty is left out', async () => {
      const { submit, call } = await enter();
      const { json } = await call('GET', `${path}/${await submit()}`);
      const empty = ['result', 'error', 'changes_summary', 'usage', 'review_result', 'current_prompt'];
      for (const name of [...empty, 'iterations', 'branch', 'pr_number', 'pr_url', 'finished_at']) {
        assert.ok(!(name in json), name);
      }
    });

    test('a failed task has its error', async () => {
      const { failed } = await enter();
      const task = await failed();
      assert.equal(task.status, 'failed');
      assert.match(task.error, /^CLI execution failed: /u);
    });

    test('a published task has its branch, and the number and address of its pull request', async () => {
      const { run, github } = await enter();
      const task = await run({
        repo_url: github.repositoryUrl,
        provider_key: githubKey,
        prompt: 'Fix the failing tests in the auth module',
        publish: 'pull_request',
        config: script('echo 1 > published.txt'),
      });
      assert.equal(task.status, 'pr_created', task.error);
      assert.equal(task.branch, `codeforge/fix-the-failing-tests-in-${task.id.slice(0, 8)}`);
      const seen = github.pullRequests().find(({ number }) => number === task.pr_number);
      assert.deepEqual([seen?.url, seen?.branch], [task.pr_url, task.branch]);
    });

    test('provider_key and callback_url are told', async () => {
      const { submit, call, receiver } = await enter();
      const given = { provider_key: githubKey, callback_url: `${receiver.url}/told` };
      const { github } = await enter();
      const { json } = await call(
        'GET',
        `${path}/${await submit({ ...given, repo_url: github.repositoryUrl })}`,
      );
      assert.deepEqual({ provider_key: json.provider_key, callback_url: json.callback_url }, given);
    });

    test('trace_id is a trace of its own for each task', async () => {
      const { run } = await enter();
      const [one, other] = [await run(), await run()];
      assert.match(one.trace_id, /^[0-9a-f]{32}$/u);
      assert.notEqual(one.trace_id, other.trace_id);
    });

    test('after an instruction the task has its number and current_prompt', async () => {
      const { run, call, rest } = await enter();
      const { id } = await run();
      await call('POST', `${path}/${id}/instruct`, { body: { prompt: 'Also add unit tests' } });
      const task = await rest(id);
      assert.deepEqual([task.iteration, task.current_prompt], [2, 'Also add unit tests']);
      assert.equal(task.prompt, 'Do nothing');
    });

    test('include=iterations adds a record of every instruction', async () => {
      const { run, call, rest } = await enter();
      const { id } = await run({
        prompt: 'One',
        config: script('echo "$SLIPWAY_PROMPT" > p.txt; cat p.txt'),
      });
      await call('POST', `${path}/${id}/instruct`, { body: { prompt: 'Two' } });
      await rest(id);
      const { iterations } = (await call('GET', `${path}/${id}?include=iterations`)).json;
      assert.deepEqual(
        iterations.map(({ number, prompt, status }: Json) => [number, prompt, status]),
        [
          [1, 'One', 'completed'],
          [2, 'Two', 'completed'],
        ],
      );
      for (const record of iterations) {
        assert.ok(record.result && record.changes && record.started_at < record.ended_at);
      }
    });

    test('the result of a record is cut to 2,000 characters, and a failed one has its error', async () => {
      const { run, failed, call } = await enter();
      // The stand-in for Claude Code repeats its prompt.
      const long = await run({ prompt: 'long '.repeat(600), config: {} });
      const broken = await failed();
      const [one] = (await call('GET', `${path}/${long.id}?include=iterations`)).json.iterations;
      const [other] = (await call('GET', `${path}/${broken.id}?include=iterations`)).json.iterations;
      assert.ok(long.result.length > 3_000);
      assert.equal(one.result, long.result.slice(0, 2_000));
      assert.deepEqual([other.status, other.error], ['failed', broken.error]);
    });

    test('a task that is not there, and one of somebody else, are 404', async (t) => {
      const { call, create } = await testApi(t);
      const id = await create();
      for (const unknown of ['4cf7b9d3-94a6-4b8a-9a43-c8dc4d6b3f10', 'nonsense', '%00']) {
        assertError(await call('GET', `${path}/${unknown}`), 404, /not found/u);
      }
      assertError(await call('GET', `${path}/${id}`, { token: strangerToken }), 404, /not found/u);
    });
  });
}
