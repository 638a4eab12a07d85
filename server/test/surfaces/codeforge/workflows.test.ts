import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testKeyRing } from './key-services.ts';
import { strangerToken, testApi, type TestRequest } from './test-api.ts';

const path = '/api/v1/workflows';
const token = 'ghp_4f1c9a7be23d4d55a6';

const definition = {
  name: 'triage',
  description: 'Mends what a tracker tells',
  steps: [
    {
      name: 'fetch_item',
      type: 'fetch',
      config: {
        url: 'https://tracker.example.com/items/{{.Params.item_id}}',
        headers: { 'x-api-key': token, authorization: 'Bearer {{.Params.key}}' },
        outputs: { title: '$.title' },
      },
    },
    {
      name: 'mend',
      type: 'task',
      config: {
        repo_url: '{{.Params.repo_url}}',
        prompt: 'Mend: {{.Steps.fetch_item.title}}',
        access_token: token,
      },
    },
    { name: 'open_pr', type: 'action', config: { kind: 'create_pr', task_step_ref: 'mend' } },
  ],
  parameters: [
    { name: 'item_id', required: true },
    { name: 'repo_url', required: true, description: 'Where to mend it' },
    { name: 'key', required: false, sensitive: true },
  ],
};
const builtIns = [
  'sentry-fixer',
  'github-issue-fixer',
  'gitlab-issue-fixer',
  'code-review',
  'knowledge-update',
];

const step = (more: object) => ({
  ...definition.steps[0],
  config: { url: 'https://tracker.example.com/', outputs: { title: '$.title' } },
  ...more,
});

test('a workflow is kept, listed and shown; its secrets are in no answer, and nowhere in the clear', async (t) => {
  const { call, database, log } = await testApi(t);
  const created = await call('POST', path, { body: definition });
  assert.deepEqual([created.status, created.json], [201, { name: 'triage', message: 'workflow created' }]);
  const list = await call('GET', path);
  const row = list.json.workflows.at(-1);
  assert.deepEqual(row, {
    name: 'triage',
    description: definition.description,
    builtin: false,
    steps: [
      { name: 'fetch_item', type: 'fetch' },
      { name: 'mend', type: 'task' },
      { name: 'open_pr', type: 'action' },
    ],
    parameters: [
      { name: 'item_id', required: true },
      { name: 'repo_url', required: true },
      { name: 'key', required: false },
    ],
    created_at: row.created_at,
  });
  const shown = await call('GET', `${path}/triage`);
  const [fetch, mend, open] = shown.json.steps;
  assert.deepEqual(fetch.config.headers, { 'x-api-key': '***', authorization: 'Bearer {{.Params.key}}' });
  assert.equal(mend.config.access_token, '***');
  assert.equal(mend.config.prompt, definition.steps[1]?.config.prompt);
  assert.deepEqual(open, definition.steps[2]);
  assert.deepEqual(shown.json.parameters, definition.parameters);
  assert.equal(shown.json.created_at, row.created_at);
  const stored = await database.kysely.selectFrom('workflows').selectAll().executeTakeFirstOrThrow();
  for (const text of [created.text, list.text, shown.text, JSON.stringify(stored), ...log]) {
    assert.ok(!text.includes(token), text);
  }
  const secrets = await database.kysely.selectFrom('secrets').selectAll().execute();
  const [{ id, key_id: keyId, nonce, ciphertext }] = secrets as [(typeof secrets)[number]];
  assert.ok(testKeyRing.open(id, { keyId, nonce, ciphertext }).reveal().includes(token));
});

test('the built-in workflows come first, are shown, and cannot be made or deleted', async (t) => {
  const { call } = await testApi(t);
  await call('POST', path, { body: { ...definition, name: 'a-first' } });
  const { json } = await call('GET', path);
  const names = json.workflows.map(({ name }: { name: string }) => name);
  assert.deepEqual(names, [...builtIns, 'a-first']);
  assert.deepEqual(
    json.workflows.map(({ builtin }: { builtin: boolean }) => builtin),
    [true, true, true, true, true, false],
  );
  for (const name of builtIns) {
    const shown = await call('GET', `${path}/${name}`);
    assert.deepEqual([shown.status, shown.json.builtin, shown.json.created_at], [200, true, undefined]);
    assert.ok(shown.json.steps.length > 1);
    const deleted = await call('DELETE', `${path}/${name}`);
    assert.deepEqual([deleted.status, deleted.json.message], [409, 'a built-in workflow cannot be deleted']);
    const taken = await call('POST', path, { body: { ...definition, name } });
    assert.deepEqual([taken.status, taken.json.message], [409, `the workflow ${name} is built in`]);
  }
});

test('a name is taken once; a request that is marked as repeated is done already where it is the same', async (t) => {
  const { call, database } = await testApi(t);
  const again: TestRequest = { headers: { 'idempotency-key': 'one' } };
  assert.equal((await call('POST', path, { body: definition })).status, 201);
  const taken = await call('POST', path, { body: definition });
  assert.deepEqual([taken.status, taken.json.message], [409, 'a workflow named triage exists already']);
  assert.equal((await call('POST', path, { ...again, body: definition })).status, 201);
  const other = { ...definition, description: 'Another' };
  assert.equal((await call('POST', path, { ...again, body: other })).status, 409);
  assert.equal((await database.kysely.selectFrom('secrets').select('id').execute()).length, 1);
  const odd = await call('POST', path, { headers: { 'idempotency-key': '' }, body: definition });
  assert.deepEqual(Object.keys(odd.json.fields), ['Idempotency-Key']);
});

test('of many requests for one name at once, one makes the workflow', async (t) => {
  const { call, database } = await testApi(t);
  const answers = await Promise.all(
    Array.from({ length: 6 }, (_, index) =>
      call('POST', path, { body: { ...definition, description: `${index}` } }),
    ),
  );
  const statuses = answers.map(({ status }) => status).toSorted((one, other) => one - other);
  assert.deepEqual(statuses, [201, ...Array.from({ length: 5 }, () => 409)]);
  assert.equal((await database.kysely.selectFrom('secrets').select('id').execute()).length, 1);
});

test('a workflow is deleted once, with its secret', async (t) => {
  const { call, database } = await testApi(t);
  await call('POST', path, { body: definition });
  const { status, json } = await call('DELETE', `${path}/triage`);
  assert.deepEqual([status, json], [200, { message: 'workflow deleted' }]);
  for (const [method, where] of [
    ['DELETE', `${path}/triage`],
    ['GET', `${path}/triage`],
    ['GET', `${path}/%00`],
    ['DELETE', `${path}/..%2f..`],
    ['POST', `${path}/triage/run`],
    ['POST', `${path}/constructor/run`],
  ] as const) {
    const answer = await call(method, where);
    assert.deepEqual([answer.status, answer.json.message], [404, 'workflow not found'], where);
  }
  assert.deepEqual(await database.kysely.selectFrom('secrets').select('id').execute(), []);
});

test('a workflow is its own owner only, and another may use its name', async (t) => {
  const { call } = await testApi(t);
  const stranger = { token: strangerToken };
  await call('POST', path, { body: definition });
  assert.equal((await call('GET', `${path}/triage`, stranger)).status, 404);
  assert.equal((await call('DELETE', `${path}/triage`, stranger)).status, 404);
  assert.equal((await call('POST', `${path}/triage/run`, stranger)).status, 404);
  assert.equal((await call('GET', path, stranger)).json.workflows.length, builtIns.length);
  assert.equal((await call('POST', path, { ...stranger, body: definition })).status, 201);
  assert.equal((await call('DELETE', `${path}/triage`)).status, 200);
  assert.equal((await call('GET', `${path}/triage`, stranger)).status, 200);
});

test('what is wrong with a workflow is told by its place, and nothing is kept', async (t) => {
  const { call, database } = await testApi(t);
  const many = Array.from({ length: 1_000 }, (_, index) => step({ name: `s${index}` }));
  const later = '{{.Steps.mend.result}}';
  const cases: readonly (readonly [object, readonly string[]])[] = [
    [{ name: '' }, ['name']],
    [{ name: null }, ['name']],
    [{ name: 7 }, ['name']],
    [{ name: 'catalog' }, ['name']],
    [{ name: 'a b' }, ['name']],
    [{ steps: undefined }, ['steps']],
    [{ steps: [] }, ['steps']],
    [{ steps: 'none' }, ['steps']],
    [{ steps: many }, ['steps']],
    [{ steps: [null] }, ['steps[0]']],
    [{ steps: [step({}), step({})] }, ['steps[1].name']],
    [{ steps: [step({ type: 'wait' })] }, ['steps[0].type']],
    [{ steps: [step({ config: { url: later } }), definition.steps[1]] }, ['steps[0].config.url']],
    [{ steps: [step({ config: { url: '{{.Steps.nobody.x}}' } })] }, ['steps[0].config.url']],
    [{ steps: [step({ config: { url: '{{.Params.__proto__}}' } })] }, ['steps[0].config.url']],
    [{ steps: [step({ config: { url: '{{.Params.constructor}}' } })] }, ['steps[0].config.url']],
    [{ steps: [step({ config: { url: '{{' } })] }, ['steps[0].config.url']],
    [{ steps: [definition.steps[2]] }, ['steps[0].config.task_step_ref']],
    [{ parameters: [{ name: 'a' }, { name: 'a' }], steps: [step({})] }, ['parameters[1].name']],
    [{ parameters: { a: true }, steps: [step({})] }, ['parameters']],
    [{ description: 'x'.repeat(2_001) }, ['description']],
  ];
  for (const [wrong, places] of cases) {
    const answer = await call('POST', path, { body: { ...definition, ...wrong } });
    assert.equal(answer.status, 400, JSON.stringify(wrong).slice(0, 200));
    const found = Object.keys(answer.json.fields);
    for (const place of places) assert.ok(found.includes(place), `${place} is not among ${found.join()}`);
    assert.ok(answer.text.length < 20_000 && !answer.text.includes(token));
  }
  const odd: readonly string[] = [
    '{"name":"x","steps":[{"name":"__proto__","type":"fetch","config":{"__proto__":{"url":"x"}}}]}',
    `{"name":"x","steps":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
    '[]',
    '"x"',
    'nothing',
  ];
  for (const body of odd) assert.equal((await call('POST', path, { body })).status, 400, body.slice(0, 80));
  assert.deepEqual(await database.kysely.selectFrom('workflows').select('id').execute(), []);
});

test('texts that a database cannot keep, wherever they stand, are refused or kept without harm', async (t) => {
  const { call } = await testApi(t);
  const body = { 'a\u0000': 1, b: ['\u0000'], '\ud800': '\ud800' };
  for (const config of [{ body }, { body: { 'a\u0000': 1 } }, { headers: { 'a\u0000': 'x' } }]) {
    const wrong = step({ config: { url: 'https://tracker.example.com/', method: 'POST', ...config } });
    const answer = await call('POST', path, { body: { name: 'odd', steps: [wrong] } });
    assert.ok([400, 201].includes(answer.status), answer.text);
    await call('DELETE', `${path}/odd`);
  }
});

test('a body above the limit is 413, and a definition above its own is 400', async (t) => {
  const { call } = await testApi(t);
  const wide = (count: number) => ({
    name: 'wide',
    steps: Array.from({ length: count }, (_, index) =>
      step({
        name: `s${index}`,
        config: { url: 'https://tracker.example.com/', method: 'POST', body: 'x'.repeat(100_000) },
      }),
    ),
  });
  assert.equal((await call('POST', path, { body: wide(11) })).status, 413);
  assert.equal((await call('POST', path, { body: wide(6) })).status, 400);
  assert.equal((await call('POST', path, { body: wide(4) })).status, 201);
  const list = await call('GET', path);
  assert.ok(list.text.length < 20_000, 'a list has outlines only');
});
