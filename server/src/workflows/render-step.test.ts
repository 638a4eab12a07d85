import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject, StepOutputs, WorkflowPlan, WorkflowStepKind } from '../domain/workflow.ts';
import { renderStep } from './render-step.ts';
import { StepFailure } from './step-failure.ts';
import type { StepOrder } from './step-order.ts';

type Given = {
  readonly params?: Readonly<Record<string, string>>;
  readonly outputs?: StepOutputs;
};

/** The order of a step with this config, behind a step `before` with these outputs. */
function render(
  type: WorkflowStepKind,
  config: JsonObject,
  { params = {}, outputs = {} }: Given = {},
): StepOrder {
  const plan: WorkflowPlan = {
    definition: {
      name: 'w',
      description: '',
      steps: [
        { name: 'before', type: 'task', config: {} },
        { name: 'step', type, config },
      ],
      parameters: [
        { name: 'a', required: true },
        { name: 'b', required: false },
      ],
    },
    params: { a: 'A', ...params },
  };
  const steps = new Map([['before', outputs]]);
  return renderStep(plan, 1, { steps, repoApi: () => 'https://api.example.com' });
}

function problemOf(type: WorkflowStepKind, config: JsonObject, given: Given = {}): string {
  try {
    render(type, config, given);
  } catch (error) {
    if (error instanceof StepFailure) return error.message;
    throw error;
  }
  return assert.fail('nothing was refused');
}

test('a fetch is filled in, and what has become empty is left out', () => {
  const order = render(
    'fetch',
    {
      url: 'https://{{.Params.a}}.example.com/{{.Steps.before.id}}?q={{urlEncode .Params.b}}',
      method: 'post',
      headers: { Authorization: 'Bearer {{.Params.a}}', 'X-None': '{{.Params.b}}' },
      body: { text: '{{.Steps.before.text}}', list: [1, '{{.Params.a}}'], none: null },
      key_name: '{{.Params.b}}',
      outputs: { x: '$.x' },
      timeout_seconds: '{{.Steps.before.seconds}}',
    },
    { outputs: { id: 7, text: 'say "x"\n{{.Params.a}}', seconds: 2 } },
  );
  assert.deepEqual(order, {
    kind: 'fetch',
    url: 'https://a.example.com/7?q=',
    method: 'POST',
    headers: { Authorization: 'Bearer A' },
    body: String.raw`{"text":"say \"x\"\n{{.Params.a}}","list":[1,"A"],"none":null}`,
    timeoutMs: 2_000,
    outputs: { x: '$.x' },
  });
  assert.deepEqual(render('fetch', { url: 'https://example.com', body: '{{.Params.a}}!' }), {
    kind: 'fetch',
    url: 'https://example.com/',
    method: 'GET',
    headers: {},
    body: 'A!',
    timeoutMs: 30_000,
    outputs: {},
  });
});

test('a task gets what its step says, its secrets as such', () => {
  const order = render(
    'task',
    {
      repo_url: ' https://example.com/{{.Params.a}} ',
      prompt: 'Do:\n{{.Steps.before.result}}\n',
      task_type: 'plan',
      provider_key: 'k',
      access_token: '{{.Params.a}}',
      ai_api_key: '{{.Params.b}}',
      cli: '{{.Params.b}}',
      command: 'a\nb',
      ai_model: 'm',
      timeout_seconds: 600,
      max_turns: 0,
      max_budget_usd: '1.5',
      source_branch: 'dev',
      target_branch: '{{.Params.b}}',
      pr_number: '{{.Steps.before.number}}',
      output_mode: 'api_only',
      workspace_task_ref: 'before',
      tool_key_ref: 'k2',
      tools: [{ name: 'sentry', config: { auth_token: '{{.Params.a}}', url: '{{.Params.b}}', on: true } }],
      mcp_servers: [
        { name: 'one', transport: 'http', url: 'https://{{.Params.a}}', headers: { K: '{{.Params.a}}' } },
        { name: 'two', command: 'npx', args: ['{{.Params.a}}'], env: { E: '{{.Params.b}}' } },
      ],
    },
    { outputs: { result: 'the plan', number: 12 } },
  );
  assert.ok(order.kind === 'task');
  const { accessToken, ...rest } = order;
  assert.equal(accessToken?.reveal(), 'A');
  assert.deepEqual(rest, {
    kind: 'task',
    repositoryUrl: 'https://example.com/A',
    prompt: 'Do:\nthe plan\n',
    taskKind: 'plan',
    providerKey: 'k',
    command: 'a\nb',
    model: 'm',
    timeoutSeconds: 600,
    maxBudgetUsd: 1.5,
    sourceBranch: 'dev',
    pullRequestNumber: 12,
    workspaceStep: 'before',
    toolKey: 'k2',
    tools: [{ name: 'sentry', config: { auth_token: 'A', on: true } }],
    mcpServers: [
      { name: 'one', server: { transport: 'http', url: 'https://A', headers: { K: 'A' } } },
      { name: 'two', server: { transport: 'stdio', command: 'npx', args: ['A'], env: {} } },
    ],
  });
});

test('a pull request gets its words, its flag and the labels that are left', () => {
  const config = {
    kind: 'create_pr',
    task_step_ref: 'before',
    title: 'fix: {{.Steps.before.title}}',
    description: '{{.Params.b}}',
    target_branch: 'main',
    draft: '{{.Params.a}}',
    labels: ['x', ' {{.Params.a}} ', '{{.Params.b}}'],
  };
  assert.deepEqual(render('action', config, { params: { a: 'TRUE' }, outputs: { title: 'Bug' } }), {
    kind: 'action',
    taskStep: 'before',
    title: 'fix: Bug',
    targetBranch: 'main',
    draft: true,
    labels: ['x', 'TRUE'],
  });
  assert.deepEqual(render('action', { kind: 'create_pr', task_step_ref: 'before' }), {
    kind: 'action',
    taskStep: 'before',
  });
});

test('what is filled in and cannot be taken is told by step and field, never by its value', () => {
  const task = { repo_url: 'https://example.com/a', prompt: 'x' };
  const url = 'https://example.com/';
  const cases: readonly (readonly [
    type: WorkflowStepKind,
    config: JsonObject,
    a: string,
    message: RegExp,
  ])[] = [
    ['fetch', { url: '{{.Params.a}}' }, 's3cret', /^step\.url: must be a valid URL$/u],
    ['fetch', { url: '{{.Params.a}}' }, 'file:///etc/s3cret', /^step\.url: must be a valid URL$/u],
    [
      'fetch',
      { url: 'https://x{{.Params.a}}' },
      's3cret@example.com',
      /^step\.url: must not contain a user name/u,
    ],
    ['fetch', { url: '{{.Params.b}}' }, '', /^step\.url: field is required$/u],
    [
      'fetch',
      { url: `${url}{{.Params.a}}` },
      's3cret\r\nHost: x',
      /^step\.url: must not contain line breaks/u,
    ],
    ['fetch', { url: `${url}{{.Params.a}}` }, 's3cret\n', /^step\.url: must not contain line breaks/u],
    [
      'fetch',
      { url, headers: { 'X-A': '{{.Params.a}}' } },
      's3cret\r\nX-B: c',
      /^step\.headers\.X-A: must not contain line breaks/u,
    ],
    ['fetch', { url, headers: { 'X-A': '{{.Params.a}}' } }, 's3cret☃', /^step\.headers\.X-A: /u],
    ['fetch', { url, method: '{{.Params.a}}' }, 's3cret', /^step\.method: must be one of/u],
    ['fetch', { url, timeout_seconds: '{{.Params.a}}' }, '1e9', /^step\.timeout_seconds: must be a number$/u],
    [
      'fetch',
      { url, timeout_seconds: '{{.Params.a}}' },
      '90',
      /^step\.timeout_seconds: must be at most 60$/u,
    ],
    ['fetch', { url, key_name: '{{.Params.a}}' }, '../s3cret', /^step\.key_name: must have/u],
    [
      'fetch',
      { url: '{{repoApi .Params.a}}' },
      's3cret',
      /^step\.url: the address of the repository must be/u,
    ],
    [
      'fetch',
      { url, body: { a: ['{{.Steps.before.gone}}'] } },
      'x',
      /^step\.body\.a\[0\]: there is no \.Steps\.before\.gone$/u,
    ],
    [
      'task',
      { ...task, target_branch: '{{.Params.a}}' },
      's3cret\n',
      /^step\.target_branch: must not contain line breaks/u,
    ],
    [
      'task',
      { ...task, source_branch: '{{.Params.a}}' },
      '--upload-pack=s3cret',
      /^step\.source_branch: is not a valid branch name$/u,
    ],
    ['task', { ...task, pr_number: '{{.Params.a}}' }, 's3cret', /^step\.pr_number: must be a number$/u],
    [
      'task',
      { ...task, prompt: '{{.Params.a}}{{.Params.a}}' },
      'x'.repeat(60_000),
      /^step\.prompt: exceeds maximum length$/u,
    ],
    ['task', { ...task, prompt: '{{.Params.b}} \n' }, 'x', /^step\.prompt: field is required$/u],
    [
      'task',
      { ...task, prompt: '{{.Steps.before.constructor}}' },
      'x',
      /there is no \.Steps\.before\.constructor$/u,
    ],
    [
      'action',
      { kind: 'create_pr', task_step_ref: 'before', labels: ['{{.Params.a}}'] },
      's3cret,x',
      /^step\.labels: must have/u,
    ],
  ];
  for (const [type, config, a, message] of cases) {
    const said = problemOf(type, config, { params: { a } });
    assert.match(said, message);
    assert.ok(!said.includes('s3cret'), said);
  }
});
