import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readConfig } from '../../../../src/config.ts';
import { secretToken } from '../../../e2e/scenario-house.ts';
import { smallestTask, testApi } from '../test-api.ts';
import { givenServers } from './given-servers.ts';
import { assertError, eventsOf, githubKey, noFiles, script, type Enter, type Json } from './stage.ts';

const path = '/api/v1/tasks';

export function createTaskChapter(enter: Enter): void {
  describe('Tasks: Create Task', () => {
    /** That a body beside the smallest one is refused for one field. */
    const refused = async (body: object, field: string, problem: string): Promise<void> => {
      const { call, repositoryUrl } = await enter();
      const smallest = { repo_url: repositoryUrl, prompt: 'x', config: script('true') };
      const answer = await call('POST', path, { body: { ...smallest, ...body } });
      assertError(answer, 400, `${field}: ${problem}`);
      assert.deepEqual([answer.json.error, answer.json.fields], ['Bad Request', { [field]: problem }]);
    };

    test('the documented request is taken, as far as it is supported', async (t) => {
      const { call } = await testApi(t);
      const config = {
        timeout_seconds: 600,
        cli: 'script',
        command: 'true',
        source_branch: 'develop',
        target_branch: 'main',
        mcp_servers: [
          { name: 'context7', command: 'npx', args: ['@anthropic-ai/context7'], env: { KEY: 'value' } },
        ],
        tools: [{ name: 'sentry', config: { auth_token: 'xxx' } }],
      };
      const { status, json } = await call('POST', path, {
        body: {
          repo_url: 'https://github.com/user/repo.git',
          prompt: 'Fix the failing tests in the auth module',
          task_type: 'code',
          provider_key: 'my-github-key',
          access_token: 'ghp_xxx',
          callback_url: 'https://your-app.com/webhook',
          config,
        },
      });
      assert.equal(status, 201, JSON.stringify(json));
    });

    test('the answer has an id, the status pending, and a time with milliseconds', async () => {
      const { call, repositoryUrl } = await enter();
      const body = { repo_url: repositoryUrl, prompt: 'x', config: script('true') };
      const { status, json } = await call('POST', path, { body });
      assert.equal(status, 201);
      assert.deepEqual(Object.keys(json), ['id', 'status', 'created_at']);
      assert.match(json.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u);
      assert.equal(json.status, 'pending');
      assert.match(json.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/u);
    });

    test('repo_url is required', async () => {
      for (const url of [undefined, null, '']) {
        await refused({ repo_url: url }, 'repo_url', 'field is required');
      }
    });

    test('repo_url must be an address', async () => {
      await refused({ repo_url: 'engine' }, 'repo_url', 'must be a valid URL');
    });

    test('prompt is required', async () => {
      for (const prompt of [undefined, null, '', ' \n']) {
        await refused({ prompt }, 'prompt', 'field is required');
      }
    });

    test('prompt has at most 102,400 bytes', async () => {
      const { submit } = await enter();
      await submit({ prompt: 'é'.repeat(51_200) });
      await refused({ prompt: `${'é'.repeat(51_200)}x` }, 'prompt', 'exceeds maximum length');
    });

    test('task_type is code where none is given', async () => {
      const { submit, rest } = await enter();
      assert.equal((await rest(await submit())).task_type, 'code');
    });

    test('an unknown task_type is refused in the documented words', async () => {
      await refused({ task_type: 'deploy' }, 'task_type', 'unknown task type: deploy');
    });

    test('provider_key names the stored key that git is done with', async () => {
      const { run, github } = await enter();
      const repository = { repo_url: github.repositoryUrl };
      assert.equal((await run({ ...repository, provider_key: githubKey })).status, 'completed');
      const without = await run(repository);
      assert.equal(without.status, 'failed');
      assert.match(without.error, /^clone failed: /u);
    });

    test('access_token opens the repository, and stands in no answer and no event', async () => {
      const { run, frames, call, house } = await enter();
      const url = `${house.privateForge.url}/sum.git`;
      const command = 'env; cat .git/config';
      const task = await run({ repo_url: url, access_token: secretToken, config: script(command) });
      assert.equal(task.status, 'completed', task.error);
      const events = await frames(task.id);
      const list = await call('GET', `${path}?limit=200`);
      for (const text of [JSON.stringify(task), JSON.stringify(events), list.text]) {
        assert.ok(!text.includes(secretToken));
      }
    });

    test('access_token goes before provider_key', async () => {
      const { run, github } = await enter();
      const task = await run({
        repo_url: github.repositoryUrl,
        provider_key: githubKey,
        access_token: github.expiredToken,
      });
      assert.match(task.error ?? '', /^clone failed: /u);
    });

    test('callback_url must be an address; the section about callbacks has what is sent there', async () => {
      await refused({ callback_url: 'nowhere' }, 'callback_url', 'must be a valid URL');
    });

    test('config.timeout_seconds is 300 where none is given, and at most 1,800', async () => {
      const { run } = await enter();
      assert.equal((await run()).config.timeout_seconds, 300);
      const longer = await run({ config: script('true', { timeout_seconds: 4_000 }) });
      assert.equal(longer.config.timeout_seconds, 1_800);
    });

    test('a task that takes longer than its time has failed, with the seconds in its error', async () => {
      const { run } = await enter();
      const task = await run({ config: script('sleep 20', { timeout_seconds: 1 }) });
      assert.deepEqual([task.status, task.error], ['failed', 'task timed out after 1s']);
    });

    test('config.cli is claude-code where none is given', async () => {
      const { run } = await enter();
      assert.equal((await run({ config: {} })).config.cli, 'claude-code');
    });

    test('config.cli may be codex; another one is refused in the documented words', async () => {
      const { submit, call } = await enter();
      const id = await submit({ config: { cli: 'codex' } });
      assert.equal((await call('GET', `${path}/${id}`)).json.config.cli, 'codex');
      await refused({ config: { cli: 'aider' } }, 'cli', 'unknown CLI: aider');
    });

    test('config.ai_model is given to the agent', async () => {
      const { run } = await enter();
      const task = await run({ config: { ai_model: 'claude-sonnet-4-20250514' } });
      assert.equal(task.config.ai_model, 'claude-sonnet-4-20250514');
      assert.match(task.result, /--model claude-sonnet-4-20250514/u);
    });

    test('config.ai_api_key is in no answer and no event', async () => {
      const { run, frames } = await enter();
      const key = 'sk-ant-1a7d4f2b9c';
      const task = await run({ prompt: 'SPY', config: { ai_api_key: key } });
      const text = JSON.stringify([task, await frames(task.id)]);
      assert.ok(!text.includes(key) && !text.includes('fx-nag-1n7q4s2o9p'));
    });

    test('config.max_turns is given to the agent', async () => {
      const { run } = await enter();
      const task = await run({ config: { max_turns: 20 } });
      assert.equal(task.config.max_turns, 20);
      assert.match(task.result, /--max-turns 20/u);
    });

    test('config.source_branch is what is checked out', async () => {
      const { run, github } = await enter();
      await github.commit('develop', { 'of-develop.txt': 'x\n' });
      const task = await run({
        repo_url: github.repositoryUrl,
        provider_key: githubKey,
        config: script('cat of-develop.txt', { source_branch: 'develop' }),
      });
      assert.deepEqual([task.status, task.config.source_branch], ['completed', 'develop'], task.error);
    });

    test('without config.source_branch the target branch is checked out, else the default one', async () => {
      const { run, github } = await enter();
      await github.commit('release', { 'of-release.txt': 'x\n' });
      const repository = { repo_url: github.repositoryUrl, provider_key: githubKey };
      const config = script('cat of-release.txt', { target_branch: 'release' });
      assert.equal((await run({ ...repository, config })).status, 'completed');
      assert.equal((await run({ ...repository, config: script('cat of-release.txt') })).status, 'failed');
    });

    test('config.target_branch is what a pull request is opened against', async () => {
      const { run, github, call } = await enter();
      await github.commit('base', { 'base.txt': 'x\n' });
      const { id } = await run({
        repo_url: github.repositoryUrl,
        provider_key: githubKey,
        config: script('echo 1 > target.txt', { target_branch: 'base' }),
      });
      const { json } = await call('POST', `${path}/${id}/create-pr`);
      assert.equal(github.pullRequests().find(({ number }) => number === json.pr_number)?.base, 'base');
    });

    test('config.max_budget_usd is given to the agent', async () => {
      const { run } = await enter();
      const task = await run({ config: { max_budget_usd: 5 } });
      assert.equal(task.config.max_budget_usd, 5);
      assert.match(task.result, /--max-budget-usd 5/u);
    });

    test('config.workspace_task_id works in the tree of the other task', async () => {
      const { run, finished } = await enter();
      const other = await finished();
      const task = await run({ config: script('cat written.txt', { workspace_task_id: other.id }) });
      assert.deepEqual([task.status, task.result], ['completed', '1'], task.error);
      assert.equal(task.config.workspace_task_id, other.id);
    });

    test('config.workspace_task_id of another repository is refused', async () => {
      const { call, finished, github } = await enter();
      const { id: other } = await finished();
      const config = script('true', { workspace_task_id: other });
      const body = { repo_url: github.repositoryUrl, prompt: 'x', config };
      const { status, json } = await call('POST', path, { body });
      assert.equal(status, 400);
      assert.ok(json.fields.workspace_task_id, JSON.stringify(json));
    });

    test('config.workspace_task_id of a task that is not there leads to a fresh workspace', async () => {
      const { run } = await enter();
      for (const id of ['4cf7b9d3-94a6-4b8a-9a43-c8dc4d6b3f10', 'previous-task-uuid']) {
        const task = await run({ config: script('ls', { workspace_task_id: id }) });
        assert.equal(task.status, 'completed', task.error);
        assert.equal('workspace_task_id' in task.config, false);
      }
    });

    test('config.mcp_servers gives the agent servers for this task', async () => {
      const server = { name: 'context7', command: 'npx', args: ['@anthropic-ai/context7'] };
      const env = { KEY: 'mcp-value-41aa' };
      const config = { mcp_servers: [{ ...server, env }] };
      const { context7 } = await givenServers(await enter(), { config });
      assert.deepEqual(context7, { type: 'stdio', command: 'npx', args: server.args, env });
    });

    test('config.tools gives the agent tools for this task', async () => {
      const { call } = await enter();
      const tools = [{ name: 'sentry', config: { auth_token: 'tool-value-90c2' } }];
      const { sentry } = await givenServers(await enter(), { config: { tools } });
      assert.deepEqual(sentry, {
        type: 'http',
        url: 'https://mcp.sentry.dev/mcp',
        headers: { Authorization: 'Bearer tool-value-90c2' },
      });
      const { json, text } = await call('GET', `${path}?limit=1`);
      const shown = await call('GET', `${path}/${json.tasks[0].id}`);
      assert.deepEqual(shown.json.config.tools, [{ name: 'sentry', config: { auth_token: '***' } }]);
      assert.ok(![text, shown.text].some((answer) => answer.includes('tool-value-90c2')));
    });

    test('config.output_mode is one of the two documented words', async () => {
      const { call, repositoryUrl } = await enter();
      const body = { repo_url: repositoryUrl, prompt: 'x', config: script('true', { output_mode: 'mail' }) };
      const answer = await call('POST', path, { body });
      assert.equal(answer.status, 400);
      assert.ok(answer.json.fields.output_mode, answer.text);
    });

    test('wrong fields are told all at once', async () => {
      const { call } = await enter();
      const body = {
        repo_url: 'engine',
        config: { cli: 'script', command: 'true' },
        task_type: 'x',
        prompt: '',
      };
      const { status, json } = await call('POST', path, { body });
      assert.equal(status, 400);
      assert.deepEqual(Object.keys(json.fields).toSorted(), ['prompt', 'repo_url', 'task_type']);
    });

    test('a body that is no JSON object is refused; null and unknown fields are nothing', async () => {
      const { call, submit } = await enter();
      for (const body of ['{', '[]', '"x"', 'prompt=x']) {
        assertError(await call('POST', path, { body }), 400, 'invalid JSON body');
      }
      await submit({ provider_key: null, callback_url: '', session_id: 'unknown' });
    });

    test('creating does not contact the repository: one that is not there fails in the clone', async () => {
      const { run, house } = await enter();
      const task: Json = await run({ repo_url: `${house.forge.url}/missing.git` });
      assert.equal(task.status, 'failed');
      assert.match(task.error, /^clone failed: /u);
    });

    test('more tasks than the limit of a token are 429, and told when to try again', async (t) => {
      const { call } = await testApi(t, { policy: { tasksPerMinute: 2 } });
      const answers = [];
      for (let count = 0; count < 3; count += 1) {
        answers.push(await call('POST', path, { body: smallestTask }));
      }
      const [, second, third] = answers;
      assert.deepEqual([second?.status, third?.status], [201, 429]);
      assert.equal(third?.json.error, 'rate_limit_exceeded');
      const seconds = Number(third?.headers['retry-after']);
      assert.ok(seconds >= 1 && seconds <= 60, String(seconds));
    });

    test('the limit is 10 a minute for each token, and is set by the documented name too', () => {
      const read = readConfig({ CODEFORGE_RATE_LIMIT__SESSIONS_PER_MINUTE: '7' }, noFiles);
      assert.equal(read.tasks.perMinute, 7);
      assert.equal(readConfig({}, noFiles).tasks.perMinute, 10);
    });

    test('a prompt is kept word for word, and its events name the repository', async () => {
      const { run, frames, repositoryUrl } = await enter();
      const prompt = 'Line one\n\t"two" $HOME `x` é 🚀';
      const task = await run({ prompt });
      assert.equal(task.prompt, prompt);
      const started = eventsOf(await frames(task.id)).find(({ event }) => event === 'clone_started');
      assert.deepEqual(started?.data, { repo_url: repositoryUrl });
    });
  });
}
