import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storeApiKey } from '../../support/api-keys.ts';
import { driveTasks } from './drive-task.ts';
import { testKeyRing } from './key-services.ts';
import { smallestTask, testApi, type TestAnswer, type TestApi } from './test-api.ts';

/** A key of the administrator's that may do everything but write to a forge. */
async function keyWithoutPush({ database }: TestApi): Promise<string> {
  const owner = await database.kysely
    .selectFrom('users')
    .select('id')
    .where('role', '=', 'admin')
    .executeTakeFirst();
  const abilities = ['projects:*', 'runs:*', 'settings:*', 'git:commit'];
  return storeApiKey(database, { ownerId: owner?.id ?? '', abilities });
}

/** Of each run of a workflow, the oldest first: whether its steps may have an administrator's rights. */
async function begunByAdministrator({ database }: TestApi): Promise<readonly unknown[]> {
  const rows = await database.kysely
    .selectFrom('workflow_runs')
    .innerJoin('secrets', 'secrets.id', 'workflow_runs.secret_id')
    .select(['secrets.id', 'secrets.key_id as keyId', 'secrets.nonce', 'secrets.ciphertext'])
    .orderBy('workflow_runs.number')
    .execute();
  return rows.map(({ id, ...sealed }) => JSON.parse(testKeyRing.open(id, sealed).reveal()).byAdministrator);
}

function assertGated(answer: TestAnswer, what = 'it is gated'): void {
  assert.deepEqual([answer.status, answer.json.message], [403, 'missing ability: git:push'], what);
}

test('a key without git:push creates no task that posts its review, and makes others', async (t) => {
  const api = await testApi(t);
  const token = await keyWithoutPush(api);
  const create = (config: object) =>
    api.call('POST', '/api/v1/tasks', {
      token,
      body: {
        ...smallestTask,
        task_type: 'pr_review',
        config: { ...smallestTask.config, pr_number: 1, ...config },
      },
    });
  assertGated(await create({ output_mode: 'post_comments' }));
  assert.equal((await create({ output_mode: 'api_only' })).status, 201);
  assert.equal((await api.call('GET', '/api/v1/tasks')).json.total, 1);
});

test('a key without git:push instructs no task that publishes by itself, and has nothing published', async (t) => {
  const api = await testApi(t);
  const drive = await driveTasks(api);
  const token = await keyWithoutPush(api);
  const id = await api.create();
  const run = await drive.claim();
  await drive.start(run);
  await drive.finish(run, { patch: 'diff' });
  const ask = (path: string, body: object) =>
    api.call('POST', `/api/v1/tasks/${id}/${path}`, { token, body });
  assertGated(await ask('create-pr', {}));
  assertGated(await ask('post-review', {}));
  const publishes = (publish: 'manual' | 'branch' | 'pull_request', options: object = {}) =>
    api.database.kysely
      .updateTable('tasks')
      .set({ publish, options: JSON.stringify({ ...run.options, ...options }) })
      .execute();
  for (const [publish, options] of [
    ['branch', {}],
    ['pull_request', {}],
    ['manual', { outputMode: 'post_comments' }],
  ] as const) {
    await publishes(publish, options);
    assertGated(await ask('instruct', { prompt: 'and add tests' }), publish);
  }
  assert.equal((await api.call('GET', `/api/v1/tasks/${id}`)).json.status, 'completed');
  await publishes('manual');
  assert.equal((await ask('instruct', { prompt: 'and add tests' })).status, 200);
});

test('a key without git:push runs no workflow that may write to a forge, and runs others', async (t) => {
  const api = await testApi(t);
  const token = await keyWithoutPush(api);
  const url = 'https://api.example.com/';
  const work = { name: 'work', type: 'task', config: { repo_url: smallestTask.repo_url, prompt: 'x' } };
  const review = (output_mode: string) => ({ ...work, config: { ...work.config, output_mode } });
  const fetch = (config: object) => ({ name: 'ask', type: 'fetch', config: { url, ...config } });
  const publish = { name: 'open', type: 'action', config: { kind: 'create_pr', task_step_ref: 'work' } };
  const parameters = [{ name: 'word', required: false }];
  const run = async (name: string, steps: readonly object[]): Promise<TestAnswer> => {
    const body = { name, description: name, steps, parameters };
    const stored = await api.call('POST', '/api/v1/workflows', { token, body });
    assert.equal(stored.status, 201, stored.text);
    return api.call('POST', `/api/v1/workflows/${name}/run`, { token, body: {} });
  };
  assertGated(await run('publishes', [work, publish]));
  assertGated(await run('posts', [review('post_comments')]));
  assertGated(await run('may-post', [review('{{.Params.word}}')]));
  assertGated(await run('sends', [fetch({ method: 'POST', key_name: 'forge' })]));
  assertGated(await run('may-send', [fetch({ method: '{{.Params.word}}', key_name: 'forge' })]));
  const tools = { tools: [{ name: 'sentry' }], tool_key_ref: 'forge' };
  assertGated(await run('lends', [{ ...work, config: { ...work.config, ...tools } }]));
  assert.equal((await api.call('GET', '/api/v1/workflow-runs')).json.total, 0);
  for (const [name, steps] of [
    ['works', [work]],
    ['reviews', [review('api_only')]],
    ['asks', [fetch({ method: 'get', key_name: 'forge' }), { ...fetch({}), name: 'again' }]],
    ['tells', [fetch({ method: 'POST' })]],
  ] as const) {
    const begun = await run(name, steps);
    assert.ok(begun.status < 300, `${name}: ${begun.text}`);
  }
  assert.deepEqual([...new Set(await begunByAdministrator(api))], [false]);
  await api.call('POST', '/api/v1/workflows/works/run', { body: {} });
  assert.deepEqual([...new Set(await begunByAdministrator(api))], [false, true]);
});
