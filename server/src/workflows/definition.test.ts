import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { documentedWorkflow } from '../../test/support/documented-requests.ts';
import { noJsonPaths } from '../../test/support/json-path-cases.ts';
import { parseDefinition } from './definition.ts';

const fetchStep = { name: 'f', type: 'fetch', config: { url: 'https://example.com/' } };
const taskStep = { name: 't', type: 'task', config: { repo_url: 'https://example.com/a', prompt: 'do' } };

function fieldsOf(body: unknown): Readonly<Record<string, string>> {
  const read = parseDefinition(body);
  return 'fields' in read ? read.fields : {};
}

/** What is said about the config of a step of this type, behind a `task` and a `fetch` step. */
function configFields(type: string, config: unknown): Readonly<Record<string, string>> {
  const fields = fieldsOf({
    name: 'w',
    steps: [taskStep, fetchStep, { name: 'x', type, config }],
    parameters: [{ name: 'p' }],
  });
  return Object.fromEntries(
    Object.entries(fields).map(([field, problem]) => [field.replace('steps[2].config.', ''), problem]),
  );
}

test("the document's example is taken as it is", () => {
  assert.deepEqual(parseDefinition(documentedWorkflow), { definition: documentedWorkflow });
});

test('all that a step may have is taken', () => {
  assert.deepEqual(
    configFields('fetch', {
      url: 'http://example.com/{{urlEncode .Params.p}}',
      method: 'post',
      headers: { Authorization: 'Bearer {{.Params.p}}', 'X-A': 'b' },
      body: { a: [1, true, null, { b: '{{.Steps.t.result}}' }] },
      key_name: 'k',
      outputs: { 'a-b_1': '$..a[?@.b > 1]' },
      timeout_seconds: 60,
    }),
    {},
  );
  assert.deepEqual(
    configFields('task', {
      ...taskStep.config,
      task_type: 'pr_review',
      provider_key: '',
      access_token: null,
      ai_api_key: '{{.Params.p}}',
      cli: 'codex',
      command: 'a\nb',
      ai_model: 'm',
      timeout_seconds: '600',
      max_turns: '{{.Params.p}}',
      max_budget_usd: 1.5,
      source_branch: 'a/b',
      target_branch: '{{.Params.p}}',
      pr_number: '{{.Params.p}}',
      output_mode: 'post_comments',
      workspace_task_ref: 't',
      tool_key_ref: 'k',
      tools: [{ name: 'sentry', config: { auth_token: '{{.Params.p}}', n: 1, b: true } }, { name: 'git' }],
      mcp_servers: [
        { name: 'a', transport: 'http', url: 'https://example.com', headers: { k: 'v' } },
        { name: 'b', command: 'npx', args: ['x'], env: { K: 'v' } },
        { name: 'c', transport: 'stdio', package: '@a/b' },
      ],
    }),
    {},
  );
  assert.deepEqual(
    configFields('action', {
      kind: 'create_pr',
      task_step_ref: 't',
      title: '{{.Steps.t.task_id}} {{.Steps.t.status}}',
      description: 'a\nb',
      target_branch: 'main',
      draft: '{{.Params.p}}',
      labels: ['a', '{{.Params.p}}'],
    }),
    {},
  );
});

test('what a step has that is wrong is named by its field', () => {
  const cases: readonly (readonly [type: string, config: object, field: string, problem: RegExp])[] = [
    ['fetch', {}, 'url', /field is required/u],
    ['fetch', { url: 'ftp://a/b' }, 'url', /must be a valid URL/u],
    ['fetch', { url: 'https://u:p@a/b' }, 'url', /user name/u],
    ['fetch', { url: 'https://a/\r\nb' }, 'url', /line breaks/u],
    ['fetch', { url: 7 }, 'url', /must be a string/u],
    ['fetch', { url: 'https://a', method: 'TRACE' }, 'method', /must be one of GET, POST/u],
    ['fetch', { url: 'https://a', retries: 3 }, 'retries', /is not known/u],
    ['fetch', { url: 'https://a', headers: { Host: 'b' } }, 'headers.Host', /cannot be set/u],
    ['fetch', { url: 'https://a', headers: { 'a b': 'c' } }, 'headers.a b', /name of a header/u],
    ['fetch', { url: 'https://a', headers: { a: 'b\nc' } }, 'headers.a', /line breaks/u],
    ['fetch', { url: 'https://a', headers: { a: 'b', A: 'c' } }, 'headers.A', /twice/u],
    ['fetch', { url: 'https://a', body: 5 }, 'body', /must be a string, an object or an array/u],
    ['fetch', { url: 'https://a', body: { a: [{ b: '{{' }] } }, 'body.a[0].b', /not closed/u],
    ['fetch', { url: 'https://a', timeout_seconds: 61 }, 'timeout_seconds', /at most 60/u],
    ['fetch', { url: 'https://a', timeout_seconds: '0' }, 'timeout_seconds', /at least 1/u],
    ['fetch', { url: 'https://a', key_name: 'a b' }, 'key_name', /letters, digits/u],
    ['fetch', { url: 'https://a', outputs: { x: '$.a[' } }, 'outputs.x', /must be a JSONPath: unclosed/u],
    ['fetch', { url: 'https://a', outputs: { 'x.y': '$' } }, 'outputs.x.y', /must have a name/u],
    ['task', { prompt: 'x' }, 'repo_url', /field is required/u],
    ['task', { ...taskStep.config, prompt: ' ' }, 'prompt', /field is required/u],
    ['task', { ...taskStep.config, repo_url: 'app' }, 'repo_url', /must be an https/u],
    ['task', { ...taskStep.config, repo_url: 'https://u:p@a/b' }, 'repo_url', /user name or token/u],
    ['task', { ...taskStep.config, task_type: 'fix' }, 'task_type', /unknown task type: fix/u],
    ['task', { ...taskStep.config, max_turns: 'many' }, 'max_turns', /must be a number/u],
    ['task', { ...taskStep.config, pr_number: 1.5 }, 'pr_number', /must be an integer/u],
    ['task', { ...taskStep.config, source_branch: 'a..b' }, 'source_branch', /valid branch name/u],
    ['task', { ...taskStep.config, workspace_task_ref: 'f' }, 'workspace_task_ref', /f is not a task step/u],
    ['task', { ...taskStep.config, workspace_task_ref: 'x' }, 'workspace_task_ref', /does not come before/u],
    ['task', { ...taskStep.config, tools: [{ config: {} }] }, 'tools[0].name', /field is required/u],
    [
      'task',
      { ...taskStep.config, tools: [{ name: 'a', config: { b: [] } }] },
      'tools[0].config.b',
      /must be a string/u,
    ],
    [
      'task',
      { ...taskStep.config, mcp_servers: [{ name: 'a' }] },
      'mcp_servers[0].package',
      /field is required/u,
    ],
    [
      'task',
      { ...taskStep.config, mcp_servers: [{ name: 'a', url: 'x', transport: 'sse' }] },
      'mcp_servers[0].transport',
      /stdio, http/u,
    ],
    ['action', { task_step_ref: 't' }, 'kind', /field is required/u],
    ['action', { kind: 'merge', task_step_ref: 't' }, 'kind', /must be create_pr/u],
    ['action', { kind: 'create_pr' }, 'task_step_ref', /field is required/u],
    ['action', { kind: 'create_pr', task_step_ref: 'none' }, 'task_step_ref', /there is no step none/u],
    ['action', { kind: 'create_pr', task_step_ref: 't', labels: ['a,b'] }, 'labels[0]', /no comma/u],
    ['action', { kind: 'create_pr', task_step_ref: 't', draft: 'maybe' }, 'draft', /true or false/u],
  ];
  for (const [type, config, field, problem] of cases) {
    assert.match(
      configFields(type, config)[field] ?? 'nothing',
      problem,
      `${type} ${JSON.stringify(config)}`,
    );
  }
});

test('a sensitive parameter goes only where nothing is stored in clear or shown', () => {
  const key = '{{.Params.key}}';
  const parse = (step: object) =>
    parseDefinition({
      name: 'w',
      steps: [{ name: 's', ...step }],
      parameters: [{ name: 'key', sensitive: true }],
    });
  const fine = [
    {
      type: 'fetch',
      config: { url: `https://example.com/?k=${key}`, headers: { k: key }, body: { k: key } },
    },
    { ...taskStep, name: 's', config: { ...taskStep.config, access_token: key, ai_api_key: key } },
  ];
  for (const step of fine) assert.ok('definition' in parse(step), JSON.stringify(parse(step)));
  for (const field of ['prompt', 'command', 'repo_url', 'cli', 'provider_key'] as const) {
    const answer = parse({ ...taskStep, name: 's', config: { ...taskStep.config, [field]: `a ${key}` } });
    assert.deepEqual(answer, {
      fields: {
        [`steps[0].config.${field}`]: '.Params.key is sensitive, and this would be stored and shown',
      },
    });
  }
});

test('templates refer to what there is by then', () => {
  const cases: readonly (readonly [text: string, problem: RegExp])[] = [
    ['{{.Params.q}}', /^\.Params\.q is no declared parameter$/u],
    ['{{.Params.__proto__}}', /no declared parameter/u],
    ['{{.Steps.x.result}}', /^step x does not come before this one$/u],
    ['{{.Steps.none.result}}', /^there is no step none$/u],
    ['{{.Steps.f.title}}', /^step f leaves no title, it has no outputs$/u],
    ['{{.Steps.t.pr_url}}', /^step t leaves no pr_url, only task_id, status, result$/u],
    ['{{.Steps.t.constructor}}', /leaves no constructor/u],
    ['a {{end}}', /no helper end \(line 1, column 3\)/u],
  ];
  for (const [text, problem] of cases) {
    assert.match(configFields('task', { ...taskStep.config, prompt: text })['prompt'] ?? '', problem, text);
  }
});

test('what a workflow itself has that is wrong is named by its field', () => {
  const many = (count: number): readonly unknown[] =>
    Array.from({ length: count }, (_none, index) => ({ ...fetchStep, name: `s${index}` }));
  const cases: readonly (readonly [body: unknown, field: string, problem: RegExp])[] = [
    ['text', 'body', /must be an object/u],
    [[], 'body', /must be an object/u],
    [{ steps: [fetchStep] }, 'name', /field is required/u],
    [{ ...documentedWorkflow, name: 'a b' }, 'name', /letters, digits/u],
    [{ ...documentedWorkflow, name: 'catalog' }, 'name', /not be catalog/u],
    [{ ...documentedWorkflow, description: 'x'.repeat(2_001) }, 'description', /exceeds maximum length/u],
    [{ name: 'w' }, 'steps', /field is required/u],
    [{ name: 'w', steps: [] }, 'steps', /array of 1 to 50 steps/u],
    [{ name: 'w', steps: many(1_000) }, 'steps', /^at most 50 steps$/u],
    [{ name: 'w', steps: [fetchStep, fetchStep] }, 'steps[1].name', /twice/u],
    [{ name: 'w', steps: [{ ...fetchStep, name: 'a.b' }] }, 'steps[0].name', /letters, digits/u],
    [
      { name: 'w', steps: [{ ...fetchStep, type: 'loop' }] },
      'steps[0].type',
      /must be one of fetch, task, action/u,
    ],
    [{ name: 'w', steps: [{ name: 'a', type: 'fetch' }] }, 'steps[0].config', /field is required/u],
    [{ ...documentedWorkflow, parameters: [{ name: 'a-b' }] }, 'parameters[0].name', /letters, digits/u],
    [
      { ...documentedWorkflow, parameters: [...documentedWorkflow.parameters, { name: 'item_id' }] },
      'parameters[3].name',
      /twice/u,
    ],
    [
      { ...documentedWorkflow, parameters: [{ name: 'a', required: 'yes' }] },
      'parameters[0].required',
      /true or false/u,
    ],
    [
      {
        name: 'w',
        steps: many(1),
        parameters: Array.from({ length: 51 }, (_none, index) => ({ name: `p${index}` })),
      },
      'parameters',
      /at most 50/u,
    ],
    [{ name: 'w', steps: many(1), extra: 'x'.repeat(600_000) }, 'body', /exceeds maximum length/u],
    [
      { name: 'w', steps: [{ ...taskStep, config: { ...taskStep.config, prompt: 'x'.repeat(102_401) } }] },
      'steps[0].config.prompt',
      /exceeds/u,
    ],
  ];
  for (const [body, field, problem] of cases) {
    assert.match(
      fieldsOf(body)[field] ?? 'nothing',
      problem,
      `${field}: ${JSON.stringify(body).slice(0, 200)}`,
    );
  }
  assert.deepEqual(fieldsOf({ name: 'w', steps: many(50) }), {});
});

test('paths that the RFC does not know are refused', () => {
  for (const path of [...noJsonPaths, `$${'['.repeat(900)}`, `$${'..*'.repeat(20_000)}`]) {
    assert.match(
      configFields('fetch', { url: 'https://a', outputs: { x: path } })['outputs.x'] ?? 'nothing',
      /must be a JSONPath|required|maximum length/u,
      path,
    );
  }
});

test('what nests without end is refused before anything calls itself for each level', () => {
  let body: unknown = 1;
  for (let level = 0; level < 200_000; level += 1) body = [body];
  assert.match(
    fieldsOf({ ...documentedWorkflow, description: body })['body'] ?? '',
    /nests no deeper than 30/u,
  );
});

/** A value, or anything, in the places of an otherwise good workflow. */
function orAnything(value: unknown): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 8, arbitrary: fc.constant(value) },
    fc.jsonValue(),
    fc.constantFrom('{{', '{{.Params.x}}', '__proto__', 'constructor', '$..*', '\u0000', '\ud800'),
  );
}

const anyObject = (value: Readonly<Record<string, unknown>>): fc.Arbitrary<unknown> =>
  orAnything(value).chain((one) =>
    one === value
      ? fc.record(Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, orAnything(inner)])))
      : fc.constant(one),
  );

test('whatever a workflow is, it is taken documentedWorkflow or refused by its fields', () => {
  const body = fc.record({
    name: orAnything(documentedWorkflow.name),
    parameters: orAnything(documentedWorkflow.parameters),
    steps: fc.tuple(
      ...documentedWorkflow.steps.map((step) =>
        fc.record({
          name: orAnything(step.name),
          type: orAnything(step.type),
          config: anyObject(step.config),
        }),
      ),
    ),
  });
  fc.assert(
    fc.property(body, (given) => {
      const read = parseDefinition(given);
      if ('fields' in read) assert.ok(Object.keys(read.fields).length > 0);
      else assert.deepEqual(parseDefinition(read.definition), read, 'what was taken is taken again');
    }),
    { numRuns: 500 },
  );
});
