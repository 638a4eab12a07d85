import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { documentedWorkflow } from '../../../support/documented-requests.ts';
import { assertError, githubKey, type Enter, type Json } from './stage.ts';
import { itemTitle } from './tracker.ts';
import { enterWorkflows, taskWorkflow, workflowsPath } from './workflow-stage.ts';

const builtIns = [
  'sentry-fixer',
  'github-issue-fixer',
  'gitlab-issue-fixer',
  'code-review',
  'knowledge-update',
];

/** The document's example, for this tracker and an agent without a model. */
const mending = (trackerUrl: string) => {
  const [fetchData, fixIt, openPr] = documentedWorkflow.steps;
  const url = `${trackerUrl}/items/{{.Params.item_id}}`;
  const agent = { cli: 'script', command: 'printf %s "$SLIPWAY_PROMPT" > fixed.txt' };
  return {
    ...documentedWorkflow,
    steps: [
      { ...fetchData, config: { ...fetchData?.config, url } },
      { ...fixIt, config: { ...fixIt?.config, ...agent } },
      openPr,
    ],
  };
};

export function workflowsChapter(enter: Enter): void {
  let whole: Promise<Json> | undefined;
  /** The document's example, run to its end; shared. */
  const mended = async (): Promise<Json> => {
    const { github } = await enter();
    const { start, rest } = await enterWorkflows(enter);
    whole ??= start('my-workflow', {
      item_id: 'I-7',
      repo_url: github.repositoryUrl,
      provider_key: githubKey,
    }).then(rest);
    return whole;
  };

  describe('Workflows', () => {
    test('a workflow of fetch, task and action steps is created', async () => {
      const { tracker } = await enter();
      const { create } = await enterWorkflows(enter);
      const { status, json } = await create(mending(tracker.url));
      const { message, ...rest } = json;
      assert.deepEqual([status, rest, typeof message], [201, { name: 'my-workflow' }, 'string']);
    });

    test('a fetch step sends a request and keeps parts of the answer', async () => {
      const { tracker } = await enter();
      const { create, start, rest } = await enterWorkflows(enter);
      const config = {
        url: `${tracker.url}/items/posted`,
        method: 'POST',
        headers: { 'x-from': '{{.Params.from}}' },
        body: { note: 'by {{.Params.from}}' },
        outputs: { title: '$.title', labels: '$.labels[*].name' },
      };
      const steps = [{ name: 'tell', type: 'fetch', config }];
      await create({ name: 'telling', steps, parameters: [{ name: 'from', required: true }] });
      const run = await rest(await start('telling', { from: 'a "test"' }));
      assert.equal(run.status, 'completed', run.error);
      const result = { title: itemTitle, labels: ['a', 'b'] };
      assert.deepEqual(run.steps[0].result, result);
      const [asked] = tracker.asked('/items/posted');
      assert.deepEqual(
        [asked?.method, asked?.headers['x-from'], JSON.parse(asked?.body ?? '')],
        ['POST', 'a "test"', { note: 'by a "test"' }],
      );
    });

    test('a task step creates a task', async () => {
      const { call } = await enter();
      const run = await mended();
      const { step_name, step_type, status, task_id } = run.steps[1];
      assert.deepEqual([step_name, step_type, status], ['fix_it', 'task', 'completed']);
      const task = (await call('GET', `/api/v1/tasks/${task_id}`)).json;
      assert.deepEqual([task.workflow_run_id, task.provider_key], [run.id, githubKey]);
    });

    test('an action step opens a pull request', async () => {
      const { github, call } = await enter();
      const { steps } = await mended();
      const { pr_number, pr_url, branch } = steps[2].result;
      const pull = github.pullRequests().find(({ number }) => number === pr_number);
      assert.deepEqual([pull?.url, pull?.branch], [pr_url, branch]);
      const task = (await call('GET', `/api/v1/tasks/${steps[1].task_id}`)).json;
      assert.deepEqual([task.status, task.pr_url], ['pr_created', pr_url]);
    });

    test('templates fill in parameters and outputs of earlier steps', async () => {
      const { github, tracker } = await enter();
      const run = await mended();
      const { pr_number, branch } = run.steps[2].result;
      assert.equal(tracker.asked('/items/I-7').length, 1);
      const pull = github.pullRequests().find(({ number }) => number === pr_number);
      assert.equal(pull?.title, `fix: ${itemTitle}`);
      // What was filled in is no template itself.
      const written = await github.read(branch, 'fixed.txt');
      assert.equal(written.trim(), `Fix: ${itemTitle}\n\nSince {{.Params.item_id}}`);
    });

    test('the five built-in workflows are there', async () => {
      const { call, github } = await enter();
      const { workflows } = (await call('GET', workflowsPath)).json;
      const names = workflows.filter(({ builtin }: Json) => builtin).map(({ name }: Json) => name);
      assert.deepEqual(names, builtIns);
      const { start, rest } = await enterWorkflows(enter);
      const issue = github.addIssue({ title: 'Bug in auth', body: 'Nobody can sign in' });
      const run = await rest(
        await start('github-issue-fixer', {
          repo_url: github.repositoryUrl,
          issue_number: String(issue),
          provider_key: githubKey,
          cli: 'script',
          command: 'echo 1 > auth.txt',
        }),
      );
      assert.equal(run.status, 'completed', run.error);
      assert.deepEqual(run.steps[0].result, {
        title: 'Bug in auth',
        body: 'Nobody can sign in',
      });
      const pull = github.pullRequests().find(({ url }) => url === run.steps[2].result.pr_url);
      assert.match(pull?.body ?? '', new RegExp(`Fixes #${issue}\\b`, 'u'));
    });

    test('workflows are listed', async () => {
      const { call } = await enter();
      const { status, json } = await call('GET', workflowsPath);
      assert.deepEqual([status, Object.keys(json)], [200, ['workflows']]);
      const { created_at: _ours, ...mine } = json.workflows.find(({ name }: Json) => name === 'my-workflow');
      assert.deepEqual(
        mine.steps.map(({ type }: Json) => type),
        ['fetch', 'task', 'action'],
      );
    });

    test('a workflow is shown', async () => {
      const { call, tracker } = await enter();
      const { status, json } = await call('GET', `${workflowsPath}/my-workflow`);
      const { created_at: _ours, builtin, ...shown } = json;
      assert.deepEqual([status, builtin, shown], [200, false, mending(tracker.url)]);
      assertError(await call('GET', `${workflowsPath}/nobodys`), 404, /not found/u);
    });

    test('a workflow is deleted', async () => {
      const { call, repositoryUrl } = await enter();
      const { create } = await enterWorkflows(enter);
      await create(taskWorkflow('short-lived', repositoryUrl, 'true'));
      const { status, json } = await call('DELETE', `${workflowsPath}/short-lived`);
      assert.deepEqual([status, typeof json.message], [200, 'string']);
      assert.equal((await call('DELETE', `${workflowsPath}/short-lived`)).status, 404);
    });

    test('a built-in workflow cannot be deleted', async () => {
      const { call } = await enter();
      for (const name of builtIns) {
        assert.equal((await call('DELETE', `${workflowsPath}/${name}`)).status, 409, name);
        assert.equal((await call('GET', `${workflowsPath}/${name}`)).status, 200, name);
      }
    });

    test('a run is started, and answered with its id, workflow and status', async () => {
      const { call, repositoryUrl } = await enter();
      const { create, rest } = await enterWorkflows(enter);
      await create(taskWorkflow('small', repositoryUrl, 'true'));
      const { status, json } = await call('POST', `${workflowsPath}/small/run`, { body: { params: {} } });
      const { run_id, workflow_name, created_at, ...more } = json;
      assert.deepEqual([status, workflow_name, more], [201, 'small', { status: 'pending' }]);
      assert.ok(Date.parse(created_at) > 0);
      assert.equal((await rest(run_id)).status, 'completed');
      const missing = await call('POST', `${workflowsPath}/my-workflow/run`, { body: {} });
      assertError(missing, 400, 'missing required parameter: item_id');
    });
  });
}
