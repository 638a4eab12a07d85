import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { answer, folderWith, slipway, startApi } from '../../test/support/terminal-command.ts';

const workflow = {
  name: 'mine',
  description: 'Mends what\u001b[2J is broken',
  builtin: false,
  created_at: '2026-02-26T12:00:00Z',
  steps: [
    {
      name: 'fetch_data',
      type: 'fetch',
      config: { url: 'https://example.com/data', outputs: { title: '$.t' } },
    },
    { name: 'fix_it', type: 'task', config: { prompt: 'Fix:\n{{.Steps.fetch_data.title}}\u001b[2J' } },
  ],
  parameters: [
    { name: 'item_id', required: true, description: 'Which one' },
    { name: 'cli', required: false, default: 'codex' },
  ],
};

test('workflows are listed without a word behind the command, by either name of it', async (t) => {
  const rows = [{ ...workflow, name: 'code-review', builtin: true }, workflow];
  const api = await startApi(t, { 'GET /api/v1/workflows': answer(200, { workflows: rows }) });
  const ended = await slipway(['workflow'], { address: api.url });
  assert.deepEqual(ended, {
    code: 0,
    stderr: '',
    stdout: `NAME         STEPS       PARAMETERS
code-review  fetch task  item_id [cli]
mine         fetch task  item_id [cli]
`,
  });
  assert.deepEqual(await slipway(['workflows', 'ls'], { address: api.url }), ended);
  const json = await slipway(['workflow', 'list', '--json'], { address: api.url });
  assert.deepEqual(JSON.parse(json.stdout), { workflows: rows });
});

test('a workflow is shown with its parameters and steps, harmless for a terminal', async (t) => {
  const api = await startApi(t, { 'GET /api/v1/workflows/mine': answer(200, workflow) });
  const ended = await slipway(['workflow', 'show', 'mine'], { address: api.url });
  assert.equal(ended.code, 0);
  assert.equal(
    ended.stdout.replaceAll(/\d{4}-\d\d-\d\d HH:MM:SS/gu, 'TIME'),
    `workflow      mine
created       TIME

Mends what is broken

PARAMETER            DEFAULT  ABOUT
item_id    required           Which one
cli        optional  codex

1. fetch_data (fetch)
   url: https://example.com/data
   outputs: {"title":"$.t"}

2. fix_it (task)
   prompt:
     Fix:
     {{.Steps.fetch_data.title}}
`,
  );
  const json = await slipway(['workflow', 'show', 'mine', '--json'], { address: api.url });
  assert.deepEqual(JSON.parse(json.stdout), workflow);
  const missing = await slipway(['workflow', 'show', 'other'], { address: api.url });
  assert.equal(missing.code, 5);
});

test('a workflow comes from a file or from stdin as it stands there', async (t) => {
  const created = answer(201, { name: 'mine', message: 'workflow created' });
  const api = await startApi(t, { 'POST /api/v1/workflows': created });
  const text = '{"name":"mine","steps":[]}';
  const folder = await folderWith(t, { 'mine.json': text });
  const ended = await slipway(['workflow', 'add', join(folder, 'mine.json')], { address: api.url });
  assert.deepEqual(ended, {
    code: 0,
    stdout: 'workflow created; run it with: slipway workflow run mine\n',
    stderr: '',
  });
  await slipway(['workflow', 'add', '-', '--json'], { address: api.url, stdin: text });
  assert.deepEqual(api.requests, [`POST /api/v1/workflows ${text}`, `POST /api/v1/workflows ${text}`]);
});

test('what is no workflow is refused with its place, and repeats nothing of it', async (t) => {
  const fields = { 'steps[1].config.url': 'must be a valid URL' };
  const api = await startApi(t, {
    'POST /api/v1/workflows': answer(400, {
      error: 'Bad Request',
      message: 'steps[1].config.url: must be a valid URL',
      fields,
    }),
  });
  const files = { 'cut.json': '{"token": "s3cret",\n "x"', 'list.json': '["s3cret"]', 'text.json': 's3cret' };
  const folder = await folderWith(t, files);
  const add = (path: string) => slipway(['workflow', 'add', path], { address: api.url, stdin: '{}' });
  const said: readonly (readonly [path: string, message: RegExp])[] = [
    [join(folder, 'cut.json'), /cut\.json is not JSON \(line 2 column \d+\)\n$/u],
    [join(folder, 'list.json'), /list\.json is no JSON object\n$/u],
    [join(folder, 'text.json'), /text\.json is not JSON\n$/u],
    [join(folder, 'none.json'), /none\.json cannot be read \(ENOENT\)\n$/u],
    ['-', /^slipway: steps\[1\]\.config\.url: must be a valid URL\n$/u],
  ];
  for (const [path, message] of said) {
    const ended = await add(path);
    assert.equal(ended.code, 2, path);
    assert.match(ended.stderr, message);
    assert.ok(!ended.stderr.includes('s3cret'));
  }
});

test('a workflow is deleted by its name; a built-in one is refused with 6', async (t) => {
  const message = 'built-in workflows cannot be deleted';
  const api = await startApi(t, {
    'DELETE /api/v1/workflows/mine': answer(200, { message: 'workflow deleted' }),
    'DELETE /api/v1/workflows/code-review': answer(409, { error: 'Conflict', message }),
  });
  const ended = await slipway(['workflow', 'rm', 'mine'], { address: api.url });
  assert.deepEqual([ended.code, ended.stdout], [0, 'workflow deleted: mine\n']);
  const refused = await slipway(['workflow', 'rm', 'code-review'], { address: api.url });
  assert.deepEqual([refused.code, refused.stderr], [6, `slipway: ${message}\n`]);
});

test('what can be no name is told as such, before anything is sent', async (t) => {
  const api = await startApi(t, {});
  for (const [given, command] of [
    ['', ['workflow', 'show']],
    ['..', ['workflow', 'run']],
    ['.', ['workspaces', 'rm']],
  ] as const) {
    assert.deepEqual(await slipway([...command, given], { address: api.url }), {
      code: 2,
      stdout: '',
      stderr: `slipway: neither an id nor a name: "${given}"\n`,
    });
  }
});
