import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiKeyAbilities } from '../../../src/domain/ability.ts';
import type { TaskOptions } from '../../../src/domain/options.ts';
import { storeApiKey } from '../../support/api-keys.ts';
import { strangerToken } from '../codeforge/test-api.ts';
import { codebotApi, smallestSubmission, type CodebotApi } from './codebot-api.ts';

const whole = {
  ...smallestSubmission,
  ticket_id: 'FEAT-123',
  ticket_summary: 'Add dark mode!',
  test_command: 'npm test\n',
  base_branch: 'develop',
};

type Stored = { readonly source: string; readonly publish: string; readonly options: TaskOptions };

async function stored({ database }: CodebotApi, id: string): Promise<Stored> {
  return database.kysely
    .selectFrom('tasks')
    .select(['source', 'publish', 'options'])
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
}

async function countTasks({ database }: CodebotApi): Promise<number> {
  const rows = await database.kysely.selectFrom('tasks').select('id').execute();
  return rows.length;
}

test('a submission is a task of its caller, with all that the window decides', async (t) => {
  const api = await codebotApi(t);
  const answer = await api.submit({ ...whole, unknown: 1 });
  assert.equal(answer.status, 202);
  assert.deepEqual(answer.json, {
    task_id: answer.json.task_id,
    status: 'pending',
    message: 'Task queued successfully',
  });
  const { source, publish, options } = await stored(api, answer.json.task_id);
  assert.deepEqual([source, publish], ['codebot', 'pull_request']);
  assert.match(options.branch ?? '', /^u\/codebot\/[0-9a-f]{7}\/add-dark-mode$/u);
  assert.deepEqual(
    { ...options, branch: undefined },
    {
      agent: 'script',
      command: 'true',
      timeoutSeconds: 1_800,
      sourceBranch: 'develop',
      targetBranch: 'develop',
      pullRequestTitle: 'Add dark mode!',
      ticket: { id: 'FEAT-123', summary: 'Add dark mode!' },
      testCommand: 'npm test\n',
      mustChange: true,
      branch: undefined,
    },
  );
});

test('what is null, empty or blank is absent', async (t) => {
  const api = await codebotApi(t, { policy: { timeoutSecondsMax: 600 } });
  const empty = { ticket_id: null, ticket_summary: '', test_command: ' \n', base_branch: ' ' };
  const { options } = await stored(api, await api.submitted(empty));
  assert.match(options.branch ?? '', /^u\/codebot\/[0-9a-f]{7}$/u);
  assert.deepEqual(
    { ...options, branch: undefined },
    {
      agent: 'script',
      command: 'true',
      timeoutSeconds: 600,
      pullRequestTitle: 'Add dark mode',
      mustChange: true,
      branch: undefined,
    },
  );
});

const long = 'x'.repeat(102_401);
const wrong: readonly (readonly [object | string, string | RegExp])[] = [
  ['{', 'Request body must be JSON'],
  ['[]', 'Request body must be JSON'],
  ['"x"', 'Request body must be JSON'],
  ['', 'repository_url is required'],
  [{}, 'repository_url is required'],
  [{ repository_url: 'https://git.example.com/a/b' }, 'description is required'],
  [{ description: 'x' }, 'repository_url is required'],
  [{ repository_url: null, description: 'x' }, 'repository_url is required'],
  [{ repository_url: '', description: 'x' }, 'repository_url is required'],
  [{ ...whole, description: ' \n ' }, 'description is required'],
  [{ ...whole, repository_url: 'nonsense' }, /^repository_url: /u],
  [{ ...whole, repository_url: 'file:///etc' }, /^repository_url: /u],
  [{ ...whole, repository_url: 'https://me:secret@git.example.com/a/b' }, /^repository_url: (?!.*secret)/u],
  [{ ...whole, repository_url: `https://git.example.com/${'x'.repeat(2_048)}` }, /^repository_url /u],
  [{ ...whole, description: long }, 'description exceeds maximum length'],
  [{ ...whole, description: 'a\u0000' }, 'description must not contain NUL characters'],
  [{ ...whole, description: '\ud800' }, 'description must be valid Unicode'],
  [{ ...whole, ticket_id: 'a\nb' }, 'ticket_id must not contain control characters'],
  [{ ...whole, ticket_id: 'x'.repeat(201) }, 'ticket_id exceeds maximum length'],
  [{ ...whole, ticket_summary: 'a\tb' }, 'ticket_summary must not contain control characters'],
  [{ ...whole, ticket_summary: 'x'.repeat(1_001) }, 'ticket_summary exceeds maximum length'],
  [{ ...whole, test_command: 'x\u0000' }, 'test_command must not contain NUL characters'],
  [{ ...whole, test_command: 'x'.repeat(32_769) }, 'test_command exceeds maximum length'],
  [{ ...whole, base_branch: '-rf' }, 'base_branch: is not a valid branch name'],
  [{ ...whole, base_branch: 'a\u0007' }, 'base_branch must not contain control characters'],
  ...Object.keys(whole).flatMap((field) =>
    [1, true, [], {}].map((value) => [{ ...whole, [field]: value }, `${field} must be a string`] as const),
  ),
];

test('what is wrong is 400 in the words of the document, by its field, and nothing is stored', async (t) => {
  const api = await codebotApi(t);
  for (const [body, message] of wrong) {
    const answer = await api.call('POST', '/api/tasks/submit', { token: api.key, body });
    const about = JSON.stringify(body).slice(0, 200);
    assert.equal(answer.status, 400, about);
    assert.deepEqual(Object.keys(answer.json), ['error', 'message']);
    assert.equal(answer.json.error, 'Bad Request');
    if (typeof message === 'string') assert.equal(answer.json.message, message, about);
    else assert.match(answer.json.message, message, about);
  }
  const key = await api.submit(whole, { 'idempotency-key': 'ü' });
  assert.equal(key.json.message, 'Idempotency-Key must have 1 to 255 printable ASCII characters');
  assert.equal(await countTasks(api), 0);
});

test('a request without a key, or with a wrong one, is 401 in two fields, whatever it asks for', async (t) => {
  const api = await codebotApi(t);
  const wanted = { error: 'Unauthorized', message: 'Invalid or missing API key' };
  const path = '/api/tasks';
  const wrongHeaders = { authorization: 'Bearer wrong', 'x-api-key': api.key };
  for (const request of [{ token: null }, { token: 'wrong' }, { headers: wrongHeaders }]) {
    for (const [method, rest] of [
      ['POST', '/submit'],
      ['GET', ''],
      ['GET', '/1/status'],
      ['GET', '/nothing/here'],
    ] as const) {
      const answer = await api.call(method, `${path}${rest}`, request);
      assert.deepEqual([answer.status, answer.json], [401, wanted], rest);
      assert.equal(answer.headers['www-authenticate'], 'Bearer');
    }
  }
  const named = await api.call('GET', path, { token: null, headers: { 'x-api-key': api.key } });
  assert.equal(named.status, 200);
});

test('a key needs git:push to submit, runs:start too, and projects:read to look', async (t) => {
  const api = await codebotApi(t);
  for (const [abilities, read, submit, missing] of [
    [['projects:read'], 200, 403, 'missing ability: runs:start'],
    [['projects:read', 'runs:*'], 200, 403, 'missing ability: git:push'],
    [['runs:*', 'git:*'], 403, 202, ''],
  ] as const) {
    const token = await storeApiKey(api.database, { ownerId: api.ownerId, abilities });
    assert.equal((await api.list('', token)).status, read);
    const answer = await api.call('POST', '/api/tasks/submit', { token, body: whole });
    assert.equal(answer.status, submit);
    if (missing !== '') assert.deepEqual(answer.json, { error: 'Forbidden', message: missing });
  }
});

test('a task is seen by its owner and the administrator, by its three ids; to all others it is not there', async (t) => {
  const api = await codebotApi(t);
  const id = await api.submitted();
  const native = await api.create();
  const other = await storeApiKey(api.database, { ownerId: api.ownerId, abilities: apiKeyAbilities });
  const { number } = await api.database.kysely
    .selectFrom('tasks')
    .select('number')
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  for (const reference of [id, id.toUpperCase(), `task-${id}`, String(number)]) {
    assert.equal((await api.status(reference, other)).json.task_id, id, reference);
  }
  for (const [reference, token] of [
    [id, strangerToken],
    [native, api.key],
    ['77a2ffbd-11b6-4654-9325-89306d55bc89', api.key],
    ['nonsense', api.key],
    ['0', api.key],
    ['%3Cb%3E', api.key],
  ] as const) {
    const answer = await api.status(reference, token);
    const message = `Task ${decodeURIComponent(reference)} not found`;
    assert.deepEqual([answer.status, answer.json], [404, { error: 'Not Found', message }]);
  }
  const seen = async (token?: string) =>
    (await api.list('', token)).json.tasks.map((task: { id: string }) => task.id);
  assert.deepEqual(await seen(), [id]);
  assert.deepEqual(await seen(strangerToken), []);
  const administrator = await api.call('GET', '/api/tasks');
  assert.deepEqual(
    administrator.json.tasks.map((task: { id: string }) => task.id),
    [native, id],
  );
});

test('other paths and methods answer in the form of this surface', async (t) => {
  const api = await codebotApi(t);
  const gone = await api.call('GET', '/api/tasks/1/nothing', { token: api.key });
  assert.deepEqual([gone.status, gone.json], [404, { error: 'Not Found', message: 'not found' }]);
  const wrongMethod = await api.call('DELETE', '/api/tasks/submit', { token: api.key });
  assert.deepEqual(
    [wrongMethod.status, wrongMethod.headers['allow'], wrongMethod.json.error],
    [405, 'POST', 'Method Not Allowed'],
  );
  const large = await api.submit({ ...whole, unknown: 'x'.repeat(1_048_576) });
  assert.deepEqual(
    [large.status, large.json],
    [413, { error: 'Payload Too Large', message: 'request body is too large' }],
  );
});
