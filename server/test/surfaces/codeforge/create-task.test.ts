import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Agent, AgentRefusal, AgentTask } from '../../../src/agents/agent.ts';
import { scriptAgent } from '../../../src/agents/script/script-agent.ts';
import { adminToken, smallestTask, strangerToken, testApi, type TestApi } from './test-api.ts';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const key = (value: string) => ({ 'idempotency-key': value });
const config = (fields: object) => ({ config: { ...smallestTask.config, ...fields } });

test('a task is created as documented', async (t) => {
  const { call } = await testApi(t);
  const answer = await call('POST', '/api/v1/tasks', { body: smallestTask });
  assert.equal(answer.status, 201);
  assert.deepEqual(Object.keys(answer.json), ['id', 'status', 'created_at']);
  assert.match(answer.json.id, uuid);
  assert.equal(answer.json.status, 'pending');
  assert.match(answer.json.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.equal(answer.headers['location'], `/api/v1/tasks/${answer.json.id}`);
});

test('every field that is wrong is a 400 with its message', async (t) => {
  const { call } = await testApi(t);
  const long = (bytes: number) => 'x'.repeat(bytes);
  const cases: readonly (readonly [change: object, field: string, message: string | RegExp])[] = [
    [{ repo_url: undefined }, 'repo_url', 'field is required'],
    [{ repo_url: null }, 'repo_url', 'field is required'],
    [{ repo_url: '' }, 'repo_url', 'field is required'],
    [{ repo_url: 7 }, 'repo_url', 'must be a string'],
    [{ repo_url: ['https://git.example.com/a/b'] }, 'repo_url', 'must be a string'],
    [{ repo_url: 'nonsense' }, 'repo_url', 'must be a valid URL'],
    [{ repo_url: 'https://' }, 'repo_url', 'must be a valid URL'],
    [{ repo_url: `https://git.example.com/${long(2_100)}` }, 'repo_url', 'exceeds maximum length'],
    [{ repo_url: 'https://git.example.com/a\u0000b' }, 'repo_url', /control characters/],
    [{ repo_url: 'https://git.example.com/a b' }, 'repo_url', /spaces/],
    [{ repo_url: 'https://git.example.com/a\ud800' }, 'repo_url', /control characters/],
    [{ repo_url: '--upload-pack=x' }, 'repo_url', 'must be a valid URL'],
    [{ repo_url: 'git@git.example.com:ada/engine.git' }, 'repo_url', /SLIPWAY_SSH_KNOWN_HOSTS/],
    [{ repo_url: 'ext::sh -c id' }, 'repo_url', /./],
    [{ repo_url: 'file:///srv/engine.git' }, 'repo_url', /does not allow file/],
    [{ repo_url: 'http://git.example.com/a/b' }, 'repo_url', /does not allow http/],
    [
      { repo_url: 'https://ada:tokentokentoken@git.example.com/a/b' },
      'repo_url',
      /give the token separately/,
    ],
    [{ prompt: undefined }, 'prompt', 'field is required'],
    [{ prompt: null }, 'prompt', 'field is required'],
    [{ prompt: '' }, 'prompt', 'field is required'],
    [{ prompt: ' \n\t ' }, 'prompt', 'field is required'],
    [{ prompt: 7 }, 'prompt', 'must be a string'],
    [{ prompt: {} }, 'prompt', 'must be a string'],
    [{ prompt: long(102_401) }, 'prompt', 'exceeds maximum length'],
    [{ prompt: 'ü'.repeat(51_201) }, 'prompt', 'exceeds maximum length'],
    [{ prompt: 'a\u0000b' }, 'prompt', 'must not contain NUL characters'],
    [{ prompt: 'a\ud800b' }, 'prompt', 'must be valid Unicode'],
    [{ task_type: 'dance' }, 'task_type', 'unknown task type: dance'],
    [{ task_type: '__proto__' }, 'task_type', 'unknown task type: __proto__'],
    [{ task_type: 1 }, 'task_type', 'must be a string'],
    [{ publish: 'everywhere' }, 'publish', 'must be one of manual, branch, pull_request'],
    [{ publish: true }, 'publish', 'must be a string'],
    [{ callback_url: 7 }, 'callback_url', 'must be a string'],
    [{ callback_url: 'app.example.com/hook' }, 'callback_url', 'must be a valid URL'],
    [{ callback_url: 'ftp://app.example.com/hook' }, 'callback_url', 'must be a valid URL'],
    [{ callback_url: 'https://app.example.com/h\nook' }, 'callback_url', /control characters/],
    [{ callback_url: `https://app.example.com/${long(2_048)}` }, 'callback_url', 'exceeds maximum length'],
    [{ callback_url: 'https://ada:x@app.example.com/' }, 'callback_url', /user name or password/],
    [{ callback_url: 'http://127.0.0.1:9000/hook' }, 'callback_url', /SLIPWAY_ALLOW_PRIVATE_ADDRESSES/],
    [{ callback_url: 'http://0x7f.1/hook' }, 'callback_url', /SLIPWAY_ALLOW_PRIVATE_ADDRESSES/],
    [{ callback_url: 'https://[::ffff:a9fe:a9fe]/' }, 'callback_url', /SLIPWAY_ALLOW_PRIVATE_ADDRESSES/],
    [{ callback_url: 'http://localhost/hook' }, 'callback_url', /SLIPWAY_ALLOW_PRIVATE_ADDRESSES/],
    [{ access_token: 5 }, 'access_token', 'must be a string'],
    [{ access_token: long(4_097) }, 'access_token', 'exceeds maximum length'],
    [{ access_token: 'ghp_x\n' }, 'access_token', 'must not contain control characters'],
    [{ access_token: 'ghp_\u0000x' }, 'access_token', 'must not contain NUL characters'],
    [{ config: 'fast' }, 'config', 'must be an object'],
    [{ config: [] }, 'config', 'must be an object'],
    [config({ cli: 'emacs' }), 'cli', 'unknown CLI: emacs'],
    [config({ cli: '' }), 'cli', 'unknown CLI: claude-code'],
    [config({ cli: 'codex' }), 'cli', 'unknown CLI: codex'],
    [config({ cli: '__proto__' }), 'cli', 'unknown CLI: __proto__'],
    [config({ cli: 3 }), 'cli', 'must be a string'],
    [config({ cli: long(101) }), 'cli', 'exceeds maximum length'],
    [config({ cli: 'scr\u001bipt' }), 'cli', 'must not contain control characters'],
    [config({ command: undefined }), 'command', /field is required/],
    [config({ command: '  ' }), 'command', /field is required/],
    [config({ command: ['ls'] }), 'command', 'must be a string'],
    [config({ command: long(32_769) }), 'command', 'exceeds maximum length'],
    [config({ command: 'ls\u0000' }), 'command', 'must not contain NUL characters'],
    [config({ test_command: 7 }), 'test_command', 'must be a string'],
    [config({ test_command: long(32_769) }), 'test_command', 'exceeds maximum length'],
    [config({ test_command: 'ls\u0000' }), 'test_command', 'must not contain NUL characters'],
    [config({ timeout_seconds: 0 }), 'timeout_seconds', 'must be at least 1'],
    [config({ timeout_seconds: -5 }), 'timeout_seconds', 'must be at least 1'],
    [config({ timeout_seconds: 1.5 }), 'timeout_seconds', 'must be an integer'],
    [config({ timeout_seconds: '600' }), 'timeout_seconds', 'must be an integer'],
    [config({ priority: 101 }), 'priority', 'must be between -100 and 100'],
    [config({ priority: -101 }), 'priority', 'must be between -100 and 100'],
    [config({ priority: 'high' }), 'priority', 'must be an integer'],
    [config({ source_branch: '--force' }), 'source_branch', 'is not a valid branch name'],
    [config({ source_branch: 'a..b' }), 'source_branch', 'is not a valid branch name'],
    [config({ source_branch: 'a\u0007' }), 'source_branch', 'is not a valid branch name'],
    [config({ source_branch: long(256) }), 'source_branch', 'exceeds maximum length'],
    [config({ source_branch: 1 }), 'source_branch', 'must be a string'],
    [config({ target_branch: 'main ' }), 'target_branch', 'is not a valid branch name'],
    [config({ target_branch: 'a\u0000' }), 'target_branch', 'is not a valid branch name'],
    [config({ ai_model: 7 }), 'ai_model', 'must be a string'],
    [config({ ai_model: '--dangerous' }), 'ai_model', 'is not a valid model name'],
    [config({ ai_model: 'two words' }), 'ai_model', 'is not a valid model name'],
    [config({ ai_model: 'm\u0000' }), 'ai_model', 'is not a valid model name'],
    [config({ ai_model: long(201) }), 'ai_model', 'exceeds maximum length'],
    [config({ ai_api_key: ['sk-ant-verysecret'] }), 'ai_api_key', 'must be a string'],
    [config({ ai_api_key: 'sk-ant-verysecret\n' }), 'ai_api_key', 'must not contain control characters'],
    [config({ ai_api_key: 'sk ant' }), 'ai_api_key', 'must be a key: ASCII without blanks'],
    [config({ ai_api_key: long(4_097) }), 'ai_api_key', 'exceeds maximum length'],
    [config({ max_turns: -1 }), 'max_turns', 'must be at least 1'],
    [config({ max_turns: 1.5 }), 'max_turns', 'must be an integer'],
    [config({ max_turns: '20' }), 'max_turns', 'must be an integer'],
    [config({ max_turns: 1_000_001 }), 'max_turns', 'must be at most 1000000'],
    [config({ max_budget_usd: -0.5 }), 'max_budget_usd', 'must be greater than 0'],
    [config({ max_budget_usd: '5' }), 'max_budget_usd', 'must be a number'],
    [config({ max_budget_usd: 1e300 }), 'max_budget_usd', 'must be at most 1000000'],
    [config({ approvals: 'never' }), 'approvals', 'must be ask'],
    [config({ approvals: true }), 'approvals', 'must be a string'],
    [config({ partial_messages: 'yes' }), 'partial_messages', 'must be a boolean'],
  ];
  for (const [change, field, message] of cases) {
    const answer = await call('POST', '/api/v1/tasks', { body: { ...smallestTask, ...change } });
    const about = `${JSON.stringify(change).slice(0, 80)} → ${answer.text}`;
    assert.equal(answer.status, 400, about);
    assert.deepEqual(Object.keys(answer.json.fields), [field], about);
    if (typeof message === 'string') assert.equal(answer.json.fields[field], message, about);
    else assert.match(answer.json.fields[field], message, about);
    assert.equal(answer.json.error, 'Bad Request', about);
    assert.equal(answer.json.message, `${field}: ${answer.json.fields[field]}`, about);
    assert.doesNotMatch(answer.text, /tokentoken|verysecret|ghp_/, about);
  }
  assert.equal((await call('GET', '/api/v1/tasks')).json.total, 0);
});

test('all wrong fields are told at once', async (t) => {
  const { call } = await testApi(t);
  const types = await call('POST', '/api/v1/tasks', { body: { prompt: 1, config: { cli: 2 } } });
  assert.deepEqual(types.json, {
    error: 'Bad Request',
    message: types.json.message,
    fields: {
      repo_url: 'field is required',
      prompt: 'must be a string',
      cli: 'must be a string',
    },
  });
  const values = await call('POST', '/api/v1/tasks', { body: { repo_url: 'x', prompt: ' ', publish: 'x' } });
  assert.deepEqual(Object.keys(values.json.fields), ['repo_url', 'prompt', 'publish']);
});

test('what is unusual but right is taken', async (t) => {
  const { call } = await testApi(t);
  const bodies: readonly object[] = [
    { prompt: 'x'.repeat(102_400) },
    { prompt: 'tabs\tand\nlines\r\nand \u001b[1m colours, 日本語, 🙂' },
    { unknown: { deep: [1] }, config: { ...smallestTask.config, unknown: 1 } },
    { task_type: 'code', publish: 'branch' },
    { access_token: 'x'.repeat(4_096) },
    config({ timeout_seconds: 1, priority: -100, source_branch: 'feature/a', target_branch: 'main' }),
    config({ command: 'set -e\n\tnpm test' }),
    // Clients that were generated from the document send every field.
    { task_type: '', provider_key: '', access_token: '', callback_url: null, publish: '' },
    config({ timeout_seconds: null, ai_model: '', max_turns: 0, mcp_servers: [], tools: null, pr_number: 0 }),
    config({ ai_api_key: '', max_budget_usd: 0, approvals: '', partial_messages: false }),
    config({ ai_api_key: 'x'.repeat(4_096), max_turns: 1, max_budget_usd: 0.000_000_1 }),
    config({ ai_model: 'us.vendor.model-v1:0[1m]', max_turns: 1_000_000, max_budget_usd: 1_000_000 }),
  ];
  for (const body of bodies) {
    const answer = await call('POST', '/api/v1/tasks', { body: { ...smallestTask, ...body } });
    assert.equal(answer.status, 201, `${JSON.stringify(body).slice(0, 80)} → ${answer.text}`);
  }
});

test('a prompt is kept to the letter', async (t) => {
  const { call, create } = await testApi(t);
  const prompt = '  "quoted" \\ tabs\t\r\nlines\u0001\u2028 🙂 <b>{{.X}}</b> ';
  const { json } = await call('GET', `/api/v1/tasks/${await create({ prompt })}`);
  assert.equal(json.prompt, prompt);
});

test('a time limit beyond the maximum is cut to it, and without one the default stands', async (t) => {
  const { call, create } = await testApi(t);
  const limitOf = async (id: string) =>
    (await call('GET', `/api/v1/tasks/${id}`)).json.config.timeout_seconds;
  assert.equal(await limitOf(await create(config({ timeout_seconds: 1e300 }))), 1_800);
  assert.equal(await limitOf(await create()), 300);
});

test('no agent named means the server’s default, which has to be there', async (t) => {
  const { call } = await testApi(t);
  const { repo_url, prompt } = smallestTask;
  const answer = await call('POST', '/api/v1/tasks', { body: { repo_url, prompt } });
  assert.equal(answer.status, 400);
  assert.equal(answer.json.message, 'cli: unknown CLI: claude-code');
  const other = await testApi(t, { policy: { defaultAgent: 'script' } });
  const body = { repo_url, prompt, config: { command: 'true' } };
  const taken = await other.call('POST', '/api/v1/tasks', { body });
  assert.equal((await other.call('GET', `/api/v1/tasks/${taken.json.id}`)).json.config.cli, 'script');
});

/** An agent that can be asked for everything. */
const easygoing: Agent = { ...scriptAgent, name: 'claude-code', refuse: () => undefined };

test('what the agent is to be is kept and shown, and the key to its model is not', async (t) => {
  const { call, create, database } = await testApi(t, { agents: [easygoing] });
  const wanted = {
    ai_model: 'claude-sonnet-4-20250514',
    max_turns: 20,
    max_budget_usd: 5.25,
    approvals: 'ask',
    partial_messages: true,
  };
  const id = await create({ config: { ...wanted, ai_api_key: 'sk-ant-verysecret' } });
  const { json, text } = await call('GET', `/api/v1/tasks/${id}`);
  assert.deepEqual(json.config, { timeout_seconds: 300, cli: 'claude-code', ...wanted });
  assert.doesNotMatch(text, /verysecret|ai_key|ai_api_key/u);
  const row = await database.kysely
    .selectFrom('tasks')
    .select(['options', 'ai_key_id', 'access_token_id'])
    .executeTakeFirstOrThrow();
  assert.equal(row.options.maxBudgetMicrodollars, 5_250_000);
  assert.notEqual(row.ai_key_id, null);
  assert.equal(row.access_token_id, null);
  const bare = await create(config({ partial_messages: false, max_turns: 0 }));
  assert.deepEqual((await call('GET', `/api/v1/tasks/${bare}`)).json.config, {
    timeout_seconds: 300,
    cli: 'script',
    command: 'true',
  });
});

test('what an agent refuses is told by the document’s name of the field', async (t) => {
  const fields: readonly (readonly [AgentRefusal['field'], string])[] = [
    ['model', 'ai_model'],
    ['maxTurns', 'max_turns'],
    ['maxBudget', 'max_budget_usd'],
    ['approvals', 'approvals'],
    ['partialMessages', 'partial_messages'],
    ['mcpServers', 'mcp_servers'],
    ['agent', 'cli'],
  ];
  let field: AgentRefusal['field'] = 'model';
  const seen: AgentTask[] = [];
  const fussy: Agent = {
    ...scriptAgent,
    name: 'codex',
    refuse(task) {
      seen.push(task);
      return { field, message: 'cannot do that' };
    },
  };
  const { call } = await testApi(t, { agents: [fussy] });
  for (const [own, documented] of fields) {
    field = own;
    const body = {
      ...smallestTask,
      config: { cli: 'codex', max_turns: 3, max_budget_usd: 1, approvals: 'ask' },
    };
    const { status, json } = await call('POST', '/api/v1/tasks', { body });
    assert.equal(status, 400);
    assert.deepEqual(json.fields, { [documented]: 'cannot do that' });
  }
  assert.partialDeepStrictEqual(seen[0], {
    prompt: smallestTask.prompt,
    maxTurns: 3,
    maxBudgetMicrodollars: 1_000_000,
    approvals: 'ask',
  });
});

test('a repeated Idempotency-Key gives the same task, with another body 409', async (t) => {
  const { call } = await testApi(t, { agents: [easygoing] });
  const headers = key('deploy 42');
  const config = { cli: 'claude-code', ai_api_key: 'sk-first', max_turns: 3 };
  const body = { ...smallestTask, access_token: 'ghp_first', config };
  const first = await call('POST', '/api/v1/tasks', { body, headers });
  const again = await call('POST', '/api/v1/tasks', { body, headers });
  assert.equal(again.status, 201);
  assert.deepEqual(again.json, first.json);
  for (const other of [
    { prompt: 'something else' },
    { access_token: 'ghp_other' },
    { publish: 'branch' },
    { task_type: 'review' },
    { config: { ...config, ai_api_key: 'sk-other' } },
    { config: { ...config, ai_api_key: '' } },
    { config: { ...config, max_turns: 4 } },
    { config: { ...config, approvals: 'ask' } },
  ]) {
    const answer = await call('POST', '/api/v1/tasks', { body: { ...body, ...other }, headers });
    assert.equal(answer.status, 409);
    assert.equal(answer.json.error, 'Conflict');
    assert.match(answer.json.message, /Idempotency-Key/);
  }
  assert.equal((await call('GET', '/api/v1/tasks')).json.total, 1);
});

test('an Idempotency-Key belongs to its owner', async (t) => {
  const { call } = await testApi(t);
  const mine = await call('POST', '/api/v1/tasks', { body: smallestTask, headers: key('k') });
  const theirs = await call('POST', '/api/v1/tasks', {
    body: { ...smallestTask, prompt: 'theirs' },
    headers: key('k'),
    token: strangerToken,
  });
  assert.equal(theirs.status, 201);
  assert.notEqual(theirs.json.id, mine.json.id);
});

test('a key that is too long, empty or not printable is 400', async (t) => {
  const { call } = await testApi(t);
  for (const value of ['x'.repeat(256), '', 'a\tb', 'ä']) {
    const answer = await call('POST', '/api/v1/tasks', { body: smallestTask, headers: key(value) });
    assert.equal(answer.status, 400, value);
    assert.equal(answer.json.fields['Idempotency-Key'], 'must have 1 to 255 printable ASCII characters');
  }
  const longest = await call('POST', '/api/v1/tasks', { body: smallestTask, headers: key('x'.repeat(255)) });
  assert.equal(longest.status, 201);
});

test('twenty requests at once with one key make one task', async (t) => {
  const { call } = await testApi(t);
  const requests = Array.from({ length: 20 }, () =>
    call('POST', '/api/v1/tasks', { body: smallestTask, headers: key('at once') }),
  );
  const answers = await Promise.all(requests);
  assert.deepEqual([...new Set(answers.map((answer) => answer.status))], [201]);
  assert.equal(new Set(answers.map((answer) => answer.json.id)).size, 1);
  assert.equal((await call('GET', '/api/v1/tasks')).json.total, 1);
});

test('beyond the limit a token gets 429 with Retry-After; reading and other tokens are not counted', async (t) => {
  const { call } = await testApi(t, { policy: { tasksPerMinute: 3 } });
  const create = (token: string, headers = {}) =>
    call('POST', '/api/v1/tasks', { body: smallestTask, token, headers });
  const kept = await create(adminToken, key('kept'));
  await call('POST', '/api/v1/tasks', { body: {} });
  assert.equal((await create(adminToken)).status, 201);
  assert.equal((await create(adminToken)).status, 201);
  const refused = await create(adminToken);
  assert.equal(refused.status, 429);
  assert.equal(refused.json.error, 'rate_limit_exceeded');
  const wait = Number(refused.headers['retry-after']);
  assert.ok(wait >= 1 && wait <= 60, String(refused.headers['retry-after']));
  // A repeat of what was accepted is an answer, not a task.
  assert.equal((await create(adminToken, key('kept'))).json.id, kept.json.id);
  assert.equal((await call('GET', '/api/v1/tasks')).status, 200);
  assert.equal((await create(strangerToken)).status, 201);
});

test('a token given with a task appears in no answer, event or log line', async (t) => {
  const api: TestApi = await testApi(t);
  const token = 'ghp_not-to-be-seen-again';
  const whole = { ...smallestTask, access_token: token, ...config({ ai_api_key: token }) };
  const answers = [
    await api.call('POST', '/api/v1/tasks', { body: whole }),
    await api.call('POST', '/api/v1/tasks', { body: config({ ai_api_key: `${token}\u0007` }) }),
    await api.call('POST', '/api/v1/tasks', {
      body: { ...smallestTask, config: { cli: 'x', ai_api_key: token } },
    }),
    await api.call('POST', '/api/v1/tasks', { body: { ...smallestTask, access_token: `${token}\u0007` } }),
    await api.call('POST', '/api/v1/tasks', { body: `{"access_token":"${token}"` }),
    await api.call('POST', '/api/v1/tasks', { body: { access_token: token } }),
  ];
  const id = String(answers[0]?.json.id);
  await api.call('POST', `/api/v1/tasks/${id}/cancel`, { body: { queued: true } });
  answers.push(
    await api.call('GET', `/api/v1/tasks/${id}?include=iterations`),
    await api.call('GET', '/api/v1/tasks'),
    await api.call('GET', `/api/v1/tasks/${id}/stream`),
  );
  for (const answer of answers) assert.ok(!answer.text.includes(token), answer.text);
  assert.ok(!answers.some((answer) => /access_token_id|ai_key|ciphertext|nonce/.test(answer.text)));
  assert.ok(!api.log.join('\n').includes(token));
});
