import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertError, githubKey, gitlabKey, script, type Enter, type Json } from './stage.ts';

const path = '/api/v1/tasks';

export function createPullRequestChapter(enter: Enter): void {
  describe('Tasks: Create Pull Request', () => {
    /** Finished work at GitHub, for a pull request. */
    const worked = async (file: string, more: object = {}): Promise<Json> => {
      const { run, github } = await enter();
      const repository = { repo_url: github.repositoryUrl, provider_key: githubKey };
      const task = await run({ ...repository, config: script(`echo 1 >> ${file}`), ...more });
      assert.equal(task.status, 'completed', task.error);
      return task;
    };
    const publish = async (id: string, body: object = {}) =>
      (await enter()).call('POST', `${path}/${id}/create-pr`, { body });

    test('title, description and target branch are what the pull request has', async () => {
      const { github } = await enter();
      const { id } = await worked('with-title.txt');
      const wish = { title: 'Fix auth tests', description: 'AI-generated fix', target_branch: 'main' };
      const { status, json } = await publish(id, wish);
      assert.equal(status, 200, JSON.stringify(json));
      const seen = github.pullRequests().find(({ number }) => number === json.pr_number);
      assert.deepEqual([seen?.title, seen?.body, seen?.base], ['Fix auth tests', 'AI-generated fix', 'main']);
    });

    test('all of them may be left out: the title is then the beginning of the prompt', async () => {
      const { github } = await enter();
      const prompt = 'Fix the failing tests in the auth module, and say what was wrong with them';
      const { id } = await worked('without-title.txt', { prompt });
      const { json } = await publish(id);
      const seen = github.pullRequests().find(({ number }) => number === json.pr_number);
      assert.ok(seen?.title.endsWith(prompt.slice(0, 60).trim()), seen?.title ?? 'none');
      assert.equal(seen?.base, 'main');
    });

    test('the answer has address, number and branch, and the task too', async () => {
      const { rest, github } = await enter();
      const { id } = await worked('answered.txt');
      const { json } = await publish(id);
      assert.deepEqual(Object.keys(json), ['pr_url', 'pr_number', 'branch']);
      const task = await rest(id);
      assert.equal(task.status, 'pr_created');
      assert.deepEqual(
        [task.pr_url, task.pr_number, task.branch],
        [json.pr_url, json.pr_number, json.branch],
      );
      assert.equal(await github.read(json.branch, 'answered.txt'), '1\n');
    });

    test('a GitLab project gets a merge request', async () => {
      const { run, gitlab } = await enter();
      const repository = { repo_url: gitlab.repositoryUrl, provider_key: gitlabKey };
      const { id } = await run({ ...repository, config: script('echo 1 > merge.txt') });
      const { status, json } = await publish(id);
      assert.equal(status, 200, JSON.stringify(json));
      assert.match(json.pr_url, /\/-\/merge_requests\/\d+$/u);
      assert.equal(await gitlab.read(json.branch, 'merge.txt'), '1\n');
    });

    test('after an instruction the same branch and pull request are brought up to date', async () => {
      const { call, rest, github } = await enter();
      const { id } = await worked('again.txt');
      const first = await publish(id);
      await call('POST', `${path}/${id}/instruct`, { body: { prompt: 'Once more' } });
      await rest(id);
      const second = await publish(id);
      assert.deepEqual(second.json, first.json);
      assert.equal(await github.read(second.json.branch, 'again.txt'), '1\n1\n');
    });

    test('a task without changes is 400, and stays completed', async () => {
      const { call } = await enter();
      const { id } = await worked('no.txt', { config: script('true') });
      const answer = await publish(id);
      assertError(answer, 400, /no changes/u);
      assert.equal((await call('GET', `${path}/${id}`)).json.status, 'completed');
    });

    test('a host without pull requests is 400, and the task stays completed', async () => {
      const { finished, call } = await enter();
      const { id } = await finished();
      assert.equal((await publish(id)).status, 400);
      assert.equal((await call('GET', `${path}/${id}`)).json.status, 'completed');
    });

    test('a task that is not there is 404', async () => {
      assertError(await publish('4cf7b9d3-94a6-4b8a-9a43-c8dc4d6b3f10'), 404, /not found/u);
    });

    test('a task that is not completed is 409', async () => {
      const { failed } = await enter();
      const { id } = await failed();
      const answer = await publish(id);
      assertError(answer, 409, /^task is currently failed/u);
    });

    test('what the forge refuses for good is 500, and the task has failed in its words', async () => {
      const { call } = await enter();
      const { id } = await worked('nowhere.txt');
      const answer = await publish(id, { target_branch: 'nowhere' });
      assertError(answer, 500, /^PR creation failed: /u);
      const { json } = await call('GET', `${path}/${id}`);
      assert.equal(json.status, 'failed');
      assert.match(json.error, /^PR creation failed: /u);
    });
  });
}
