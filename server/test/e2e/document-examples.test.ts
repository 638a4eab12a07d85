import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documentedTool, documentedWorkflow } from '../support/documented-requests.ts';
import { openHouse, smallLimits } from './scenario-house.ts';

/** What a step of the story is answered with. */
type Answered = { readonly status: number; readonly json: Record<string, unknown> };

const task = {
  repo_url: 'https://github.com/user/repo.git',
  prompt: 'Fix the failing tests in the auth module',
  task_type: 'code',
  provider_key: 'my-github-key',
  access_token: 'ghp_xxx',
  callback_url: 'https://your-app.com/webhook',
  config: {
    timeout_seconds: 600,
    cli: 'claude-code',
    ai_model: 'claude-sonnet-4-20250514',
    ai_api_key: 'sk-ant-...',
    max_turns: 20,
    source_branch: 'develop',
    target_branch: 'main',
    max_budget_usd: 5,
    workspace_task_id: 'previous-task-uuid',
    mcp_servers: [
      { name: 'context7', command: 'npx', args: ['@anthropic-ai/context7'], env: { KEY: 'value' } },
    ],
    tools: [{ name: 'sentry', config: { auth_token: 'xxx' } }],
  },
};

const key = { name: 'my-github-key', provider: 'github', token: 'ghp_xxx', scope: 'org/repo' };
const sentryKey = { name: 'my-sentry', provider: 'sentry', token: 'sntrys_xxx' };

const stdioServer = {
  name: 'context7',
  transport: 'stdio',
  package: '@anthropic-ai/context7',
  command: 'npx',
  args: ['--transport', 'stdio'],
  env: { API_KEY: 'xxx' },
};
const httpServer = {
  name: 'context7',
  transport: 'http',
  url: 'https://mcp.context7.com/mcp',
  headers: { CONTEXT7_API_KEY: 'xxx' },
};

const issueRun = {
  params: {
    repo_url: 'https://github.com/user/repo.git',
    issue_number: '42',
    provider_key: 'my-github-key',
  },
};

/**
 * The requests of the document as they stand there, one after the other against a fresh server. It has no worker, so
 * that none of them leads outside.
 */
test("the document's own requests, in its order, are taken by a fresh server", async () => {
  await using house = await openHouse({
    settings: {
      ...smallLimits,
      SLIPWAY_WORKERS: '0',
      SLIPWAY_REVIEW_WORKERS: '0',
    },
  });
  const call = async (method: string, path: string, body?: object): Promise<Answered> => {
    const answer = await fetch(new URL(path, house.server().url), {
      method,
      headers: { authorization: `Bearer ${house.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
  };
  const expect = async (status: number, method: string, path: string, body?: object) => {
    const answer = await call(method, path, body);
    assert.equal(answer.status, status, `${method} ${path}: ${JSON.stringify(answer.json)}`);
    return answer.json;
  };

  const { id } = await expect(201, 'POST', '/api/v1/tasks', task);
  const shown = await expect(200, 'GET', `/api/v1/tasks/${String(id)}`);
  assert.doesNotMatch(JSON.stringify(shown), /xxx|sk-ant|"value"/u, 'no secret comes back');
  await expect(200, 'GET', '/api/v1/tasks?status=completed&limit=10&offset=0');
  await expect(201, 'POST', '/api/v1/keys', key);
  await expect(201, 'POST', '/api/v1/keys', sentryKey);
  await expect(200, 'GET', '/api/v1/keys');

  await expect(201, 'POST', '/api/v1/mcp/servers', stdioServer);
  // The document registers the same server over its other transport: under a name that is free again.
  await expect(409, 'POST', '/api/v1/mcp/servers', httpServer);
  await expect(200, 'DELETE', '/api/v1/mcp/servers/context7');
  await expect(201, 'POST', '/api/v1/mcp/servers', httpServer);
  const { servers } = await expect(200, 'GET', '/api/v1/mcp/servers');
  const [listed] = servers as Record<string, unknown>[];
  assert.deepEqual(
    { ...listed, created_at: undefined },
    { ...httpServer, headers: { CONTEXT7_API_KEY: '***' }, created_at: undefined },
  );
  await expect(200, 'DELETE', '/api/v1/mcp/servers/context7');

  const { tools } = await expect(200, 'GET', '/api/v1/tools/catalog');
  const names = (tools as { name: string }[]).map(({ name }) => name);
  assert.deepEqual(names.toSorted(), ['git', 'github', 'jira', 'playwright', 'sentry']);
  await expect(200, 'GET', '/api/v1/tools');
  await expect(200, 'GET', '/api/v1/tools/sentry');
  await expect(201, 'POST', '/api/v1/tools', documentedTool);
  await expect(200, 'DELETE', '/api/v1/tools/my-tool');

  assert.deepEqual(await expect(200, 'GET', '/api/v1/workspaces'), {
    workspaces: [],
    total_size_mb: 0,
    total_count: 0,
  });

  await expect(201, 'POST', '/api/v1/workflows', documentedWorkflow);
  await expect(200, 'GET', '/api/v1/workflows');
  const kept = await expect(200, 'GET', '/api/v1/workflows/my-workflow');
  assert.deepEqual(kept['steps'], documentedWorkflow.steps);
  await expect(200, 'DELETE', '/api/v1/workflows/my-workflow');
  const run = await expect(201, 'POST', '/api/v1/workflows/github-issue-fixer/run', issueRun);
  assert.equal(run['workflow_name'], 'github-issue-fixer');
  assert.equal(run['status'], 'pending');
  await expect(200, 'GET', '/api/v1/workflow-runs');
  await expect(200, 'GET', '/api/v1/workflow-runs?workflow=sentry-fixer');
  const runPath = `/api/v1/workflow-runs/${String(run['run_id'])}`;
  await expect(200, 'GET', runPath);
  assert.deepEqual(await expect(200, 'POST', `${runPath}/cancel`), {
    status: 'canceling',
    message: 'workflow run cancellation requested',
  });
  assert.equal((await expect(200, 'GET', runPath))['status'], 'canceled', 'nothing of it had begun');
  await expect(201, 'POST', '/api/v1/workflows/github-issue-fixer/run', issueRun);
  await expect(201, 'POST', '/api/v1/workflows/github-issue-fixer/run', issueRun);
  const all = '/api/v1/workflow-runs/cancel-all?workflow=github-issue-fixer';
  assert.deepEqual(await expect(200, 'POST', all), { canceled: 2, message: '2 workflow runs canceled' });
});
