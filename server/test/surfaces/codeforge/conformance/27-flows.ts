import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { githubKey, script, type Enter } from './stage.ts';

const tasks = '/api/v1/tasks';

/** The flows from end to end; that of webhooks is in their own section. */
export function flowsChapter(enter: Enter): void {
  describe('Typical FE Flows', () => {
    test('a code task: from the token over the stream to a review, a fix and a pull request', async () => {
      const { call, frames, rest, github } = await enter();
      const ok = async (method: 'GET' | 'POST', path: string, body?: object) => {
        const answer = await call(method, path, body === undefined ? {} : { body });
        assert.ok(answer.status < 300, `${path}: ${answer.text}`);
        return answer.json;
      };
      await ok('GET', '/api/v1/auth/verify');
      const { task_types: types } = await ok('GET', '/api/v1/task-types');
      const { repositories } = await ok('GET', `/api/v1/repositories?provider_key=${githubKey}`);
      const { clone_url: url } = repositories.find((one: { name: string }) => one.name === 'engine');
      const { id } = await ok('POST', tasks, {
        repo_url: url,
        prompt: 'Say something',
        task_type: types[0].name,
        provider_key: githubKey,
      });
      assert.equal((await frames(id)).at(-1)?.data.status, 'completed');
      assert.equal((await ok('GET', `${tasks}/${id}`)).status, 'completed');
      await ok('POST', `${tasks}/${id}/review`);
      const { review_result: review } = await rest(id);
      assert.equal(review.issues.length, 1);
      await ok('POST', `${tasks}/${id}/instruct`, { prompt: review.issues[0].suggestion });
      assert.equal((await rest(id)).iteration, 2);
      const { pr_number: number } = await ok('POST', `${tasks}/${id}/create-pr`);
      assert.ok(github.pullRequests().some((pull) => pull.number === number && pull.isOpen));
      // The last three can be repeated in any order.
      await ok('POST', `${tasks}/${id}/instruct`, { prompt: 'Say more' });
      await rest(id);
      await ok('POST', `${tasks}/${id}/review`);
      await rest(id);
      const again = await ok('POST', `${tasks}/${id}/create-pr`);
      assert.equal(again.pr_number, number);
    });

    test('a review of a pull request: created, followed, read, and posted afterwards', async () => {
      const { call, submit, frames, github } = await enter();
      const wish = { branch: 'flow/review', files: { 'flow.txt': 'x\n' }, title: 'Flow' };
      const { number } = await github.openPullRequest(wish);
      const id = await submit({
        repo_url: github.repositoryUrl,
        provider_key: githubKey,
        task_type: 'pr_review',
        config: script('echo Fine.', { pr_number: number, target_branch: 'main' }),
      });
      assert.equal((await frames(id)).at(-1)?.data.status, 'completed');
      const { json: task } = await call('GET', `${tasks}/${id}`);
      assert.equal(task.review_result.summary, 'Fine.');
      const posted = await call('POST', `${tasks}/${id}/post-review`);
      assert.deepEqual([posted.status, posted.json.pr_number], [200, number]);
      assert.equal(github.posted(number).texts.length, 1);
    });

    test('the kinds of tasks are the same whenever they are asked for', async () => {
      const { call } = await enter();
      const [one, other] = [await call('GET', '/api/v1/task-types'), await call('GET', '/api/v1/task-types')];
      assert.deepEqual(one.json, other.json);
    });
  });
}
