import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { makeForges, startForges } from '../../support/forges.ts';
import { testKeyRing } from './key-services.ts';
import { smallestTask, strangerToken, testApi, type Method, type TestRequest } from './test-api.ts';

const path = '/api/v1/keys';
const token = 'ghp_4f1c9a7be23d4d55a6';
const hubKey = { name: 'my-github-key', provider: 'github', token };

const privateKey = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });

/** The API before a GitHub and a GitLab. */
async function before(t: TestContext) {
  const { github, gitlab } = await startForges(t);
  const forges = makeForges({ github: { apiUrl: github.apiUrl }, gitlab: { apiUrl: gitlab.apiUrl } });
  const api = await testApi(t, { forges, policy: { repositories: anything } });
  const register = async (key: object): Promise<void> => {
    const answer = await api.call('POST', path, { body: key });
    assert.equal(answer.status, 201, answer.text);
  };
  return { github, gitlab, api, register };
}

const anything = { allowFile: true, allowHttp: true, allowSsh: true };

test('a key is registered and listed; its token is in no answer, and in the database not in the clear', async (t) => {
  const { call, database, log } = await testApi(t);
  assert.deepEqual((await call('GET', path)).json, { keys: [] });
  const created = await call('POST', path, { body: { ...hubKey, scope: 'org/repo' } });
  assert.equal(created.status, 201);
  assert.deepEqual(created.json, { name: 'my-github-key', provider: 'github', message: 'key registered' });
  await call('POST', path, { body: { name: 'another', provider: 'gitlab', token, scope: '' } });
  const listed = await call('GET', path);
  const [another, mine] = listed.json.keys;
  assert.deepEqual(listed.json.keys, [
    { name: 'another', provider: 'gitlab', scope: '', created_at: another.created_at },
    { name: 'my-github-key', provider: 'github', scope: 'org/repo', created_at: mine.created_at },
  ]);
  const rows = await database.kysely.selectFrom('secrets').selectAll().execute();
  assert.equal(rows.length, 2);
  for (const row of rows) {
    assert.ok(!row.ciphertext.includes(token.slice(0, 8)));
    const { key_id: keyId, nonce, ciphertext } = row;
    assert.equal(testKeyRing.open(row.id, { keyId, nonce, ciphertext }).reveal(), token);
  }
  assert.ok(![created.text, listed.text, ...log].some((text) => text.includes(token)));
});

test('what is no key is 400 by its fields, and no message repeats the token', async (t) => {
  const { call } = await testApi(t);
  const nameRule = 'must have 1 to 100 letters, digits, "-" and "_", and not be catalog';
  const tokenRule = 'must be a token: ASCII without blanks';
  const cases: readonly (readonly [object, Readonly<Record<string, string>>])[] = [
    [{ name: '' }, { name: 'field is required' }],
    [{ name: null }, { name: 'field is required' }],
    [{ name: 'a b' }, { name: nameRule }],
    [{ name: 'catalog' }, { name: nameRule }],
    [{ name: 'a'.repeat(101) }, { name: nameRule }],
    [{ name: 7 }, { name: 'must be a string' }],
    [{ provider: '' }, { provider: 'field is required' }],
    [{ provider: 'GitHub' }, { provider: 'unknown provider: GitHub' }],
    [{ provider: 'bitbucket' }, { provider: 'unknown provider: bitbucket' }],
    [{ token: '' }, { token: 'field is required' }],
    [{ token: `${token}\n` }, { token: tokenRule }],
    [{ token: `${token} x` }, { token: tokenRule }],
    [{ token: `${token}é` }, { token: tokenRule }],
    [{ token: token.repeat(300) }, { token: 'exceeds maximum length' }],
    [{ scope: 'org/repo/more' }, { scope: 'must be an owner or owner/repo' }],
    [
      { provider: 'sentry', scope: 'org/project/more' },
      { scope: 'must be an organization or organization/project, by their slugs' },
    ],
    [{ provider: 'sentry', token: `${token} x` }, { token: tokenRule }],
    [{ scope: 'https://github.com/org' }, { scope: 'must be an owner or owner/repo' }],
    [
      { name: '', scope: '..' },
      { name: 'field is required', scope: 'must be an owner or owner/repo' },
    ],
  ];
  for (const [wrong, fields] of cases) {
    const answer = await call('POST', path, { body: { ...hubKey, ...wrong } });
    assert.equal(answer.status, 400, answer.text);
    assert.deepEqual(answer.json.fields, fields);
    assert.ok(!answer.text.includes(token), answer.text);
  }
  const both = await call('POST', path, { headers: { 'idempotency-key': '' }, body: hubKey });
  assert.deepEqual(Object.keys(both.json.fields), ['Idempotency-Key']);
  assert.deepEqual((await call('GET', path)).json, { keys: [] });
});

test('a name is taken once; a request that is marked as repeated is done already where it is the same', async (t) => {
  const { call } = await testApi(t);
  const again: TestRequest = { headers: { 'idempotency-key': 'one' } };
  assert.equal((await call('POST', path, { body: hubKey })).status, 201);
  const taken = await call('POST', path, { body: hubKey });
  assert.equal(taken.status, 409);
  assert.deepEqual(taken.json, { error: 'Conflict', message: 'a key named my-github-key exists already' });
  assert.equal((await call('POST', path, { ...again, body: hubKey })).status, 201);
  for (const other of [{ token: 'ghp_another' }, { scope: 'org' }, { provider: 'gitlab' }]) {
    assert.equal((await call('POST', path, { ...again, body: { ...hubKey, ...other } })).status, 409);
  }
  assert.equal((await call('GET', path)).json.keys.length, 1);
});

test('of many requests for one name at once, one makes the key, and one secret stays', async (t) => {
  const { call, database } = await testApi(t);
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      call('POST', path, { body: { ...hubKey, token: `ghp_${index}` } }),
    ),
  );
  const statuses = answers.map(({ status }) => status).sort((one, other) => one - other);
  assert.deepEqual(statuses, [201, ...Array.from({ length: 7 }, () => 409)]);
  assert.equal((await database.kysely.selectFrom('secrets').select('id').execute()).length, 1);
});

test('a valid token is verified with its owner and scopes, at GitHub and at GitLab', async (t) => {
  const { github, gitlab, api, register } = await before(t);
  const hub = github.addToken(github.addUser('octocat'), { scopes: ['repo', 'read:org'] });
  const lab = gitlab.addToken(gitlab.addUser('tanuki'), { scopes: ['api'] });
  await register({ ...hubKey, token: hub.value });
  await register({ name: 'lab', provider: 'gitlab', token: lab.value });
  const atHub = await api.call('GET', `${path}/my-github-key/verify`);
  assert.equal(atHub.status, 200, atHub.text);
  assert.partialDeepStrictEqual(atHub.json, {
    name: 'my-github-key',
    provider: 'github',
    valid: true,
    username: 'octocat',
    scopes: 'repo, read:org',
    error: '',
  });
  const atLab = await api.call('GET', `${path}/lab/verify`);
  assert.deepEqual(atLab.json, {
    name: 'lab',
    provider: 'gitlab',
    valid: true,
    username: 'tanuki',
    email: 'tanuki@example.com',
    scopes: 'api',
    error: '',
  });
});

test('a token that is expired or was never one is 422, and so is one that may not tell whose it is', async (t) => {
  const { github, gitlab, api, register } = await before(t);
  const expired = github.addToken(github.addUser('octocat'), { expiresAt: Date.now() - 1_000 });
  const narrow = gitlab.addToken(gitlab.addUser('tanuki'), { scopes: ['read_repository'] });
  await register({ ...hubKey, token: expired.value });
  await register({ name: 'unknown', provider: 'gitlab', token: 'glpat-unknown-to-it' });
  await register({ name: 'narrow', provider: 'gitlab', token: narrow.value });
  for (const [name, provider] of [
    ['my-github-key', 'github'],
    ['unknown', 'gitlab'],
  ]) {
    const answer = await api.call('GET', `${path}/${name}/verify`);
    assert.equal(answer.status, 422, answer.text);
    assert.deepEqual(answer.json, { name, provider, valid: false, error: 'token expired or invalid' });
  }
  const answer = await api.call('GET', `${path}/narrow/verify`);
  assert.equal(answer.status, 422, answer.text);
  assert.match(answer.json.error, /scope/u);
  assert.ok(!answer.text.includes(narrow.value));
});

test('a provider that gives no verdict is 502, and says when to come back where it told', async (t) => {
  const { github, gitlab, api, register } = await before(t);
  const hub = github.addToken(github.addUser('octocat'));
  const lab = gitlab.addToken(gitlab.addUser('tanuki'));
  await register({ ...hubKey, token: hub.value });
  await register({ name: 'lab', provider: 'gitlab', token: lab.value });
  gitlab.faults.plan({ times: 10 }, { kind: 'bad_gateway' });
  const down = await api.call('GET', `${path}/lab/verify`);
  assert.equal(down.status, 502, down.text);
  assert.equal(down.json.error, 'Bad Gateway');
  assert.ok(!down.text.includes(lab.value));
  github.faults.plan({}, { kind: 'rate_limit', seconds: 90 });
  const limited = await api.call('GET', `${path}/my-github-key/verify`);
  assert.equal(limited.status, 502, limited.text);
  const wait = Number(limited.headers['retry-after']);
  assert.ok(wait > 0 && wait <= 91, String(wait));
});

test('a private key is kept where its form is right, and verified by that', async (t) => {
  const { call } = await testApi(t);
  const deploy = { name: 'deploy', provider: 'ssh', token: privateKey, scope: 'git.example.com/team' };
  assert.equal((await call('POST', path, { body: deploy })).status, 201);
  const verified = await call('GET', `${path}/deploy/verify`);
  assert.equal(verified.status, 200);
  assert.deepEqual(verified.json, {
    name: 'deploy',
    provider: 'ssh',
    valid: true,
    username: '',
    email: '',
    scopes: '',
    error: '',
  });
  const cut = privateKey.slice(0, 60);
  for (const wrong of [{ token }, { token: cut }, { scope: 'Git.Example.com' }]) {
    const answer = await call('POST', path, { body: { ...deploy, name: 'other', ...wrong } });
    assert.equal(answer.status, 400, JSON.stringify(wrong));
    assert.deepEqual(Object.keys(answer.json.fields), Object.keys(wrong));
    assert.ok(!answer.text.includes(cut.slice(30)));
  }
});

test('a deleted key is gone with its token, and its name is free', async (t) => {
  const { call, database } = await testApi(t);
  await call('POST', path, { body: hubKey });
  const gone = await call('DELETE', `${path}/my-github-key`);
  assert.equal(gone.status, 200);
  assert.deepEqual(gone.json, { message: 'key deleted' });
  assert.deepEqual(await database.kysely.selectFrom('secrets').selectAll().execute(), []);
  const names = ['my-github-key', 'never-there', 'a b', '%00', 'catalog', 'x'.repeat(200)];
  for (const name of names) {
    const requests: readonly (readonly [Method, string])[] = [
      ['DELETE', `${path}/${name}`],
      ['GET', `${path}/${name}/verify`],
    ];
    for (const [method, route] of requests) {
      const missing = await call(method, route);
      assert.deepEqual([missing.status, missing.json.message], [404, 'key not found'], route);
    }
  }
  assert.equal((await call('POST', path, { body: hubKey })).status, 201);
});

test("keys are their owner's: a stranger has none of them, and may have the same name", async (t) => {
  const { call } = await testApi(t);
  const stranger = { token: strangerToken };
  await call('POST', path, { body: hubKey });
  assert.deepEqual((await call('GET', path, stranger)).json, { keys: [] });
  assert.equal((await call('GET', `${path}/my-github-key/verify`, stranger)).status, 404);
  assert.equal((await call('DELETE', `${path}/my-github-key`, stranger)).status, 404);
  const theirs = { ...hubKey, provider: 'gitlab', scope: 'theirs' };
  assert.equal((await call('POST', path, { ...stranger, body: theirs })).status, 201);
  assert.equal((await call('GET', path)).json.keys[0].provider, 'github');
  assert.equal((await call('GET', path, stranger)).json.keys[0].scope, 'theirs');
  assert.equal((await call('DELETE', `${path}/my-github-key`, stranger)).status, 200);
  assert.equal((await call('GET', path)).json.keys.length, 1);
  for (const [method, route] of [
    ['GET', path],
    ['POST', path],
    ['GET', `${path}/my-github-key/verify`],
    ['DELETE', `${path}/my-github-key`],
  ] as const) {
    assert.equal((await call(method, route, { token: null })).status, 401);
  }
});

test('a task names a key that fits its repository, or one that is not there yet', async (t) => {
  const { github, api, register } = await before(t);
  const { host } = new URL(github.url);
  await register(hubKey);
  await register({ ...hubKey, name: 'acme', scope: 'Acme' });
  await register({ name: 'lab', provider: 'gitlab', token });
  await register({ name: 'deploy', provider: 'ssh', token: privateKey, scope: 'git.example.com' });
  const create = (repoUrl: string, providerKey: string, more: object = {}) => {
    const body = { ...smallestTask, repo_url: repoUrl, provider_key: providerKey, ...more };
    return api.call('POST', '/api/v1/tasks', { body });
  };
  const engine = `${github.url}/acme/engine.git`;
  const taken: readonly (readonly [string, string, object?])[] = [
    [engine, 'my-github-key'],
    [engine, 'acme'],
    [engine, 'not-there-yet'],
    [engine, ''],
    ['ssh://git@git.example.com/acme/engine.git', 'deploy'],
    // The task's own token goes before the key, and the key is not looked at.
    [`${github.url}/other/engine.git`, 'acme', { access_token: 'ghp_of-the-task' }],
  ];
  for (const [url, name, more] of taken) {
    const answer = await create(url, name, more);
    assert.equal(answer.status, 201, answer.text);
    const task = await api.call('GET', `/api/v1/tasks/${answer.json.id}`);
    assert.equal(task.json.provider_key, name === '' ? undefined : name);
  }
  const refused: readonly (readonly [string, string, string])[] = [
    [engine, 'lab', `lab is a gitlab key, and the repository lies on http://${host}`],
    [
      'https://github.com.evil.example/acme/engine',
      'my-github-key',
      'my-github-key is a github key, and the repository lies on github.com.evil.example',
    ],
    [`${github.url}/other/engine.git`, 'acme', 'acme is for Acme, not for other/engine'],
    [`${github.url}/acme-evil/engine.git`, 'acme', 'acme is for Acme, not for acme-evil/engine'],
    [engine, 'deploy', "deploy is an ssh key, and the repository's address is not one for ssh"],
    [
      'git@git.evil.example:acme/engine.git',
      'deploy',
      'deploy is for git.example.com, not for git.evil.example/acme/engine',
    ],
    [engine, 'a b', 'must have 1 to 100 letters, digits, "-" and "_", and not be catalog'],
  ];
  for (const [url, name, message] of refused) {
    const answer = await create(url, name);
    assert.equal(answer.status, 400, answer.text);
    assert.deepEqual(answer.json.fields, { provider_key: message });
  }
  const overSsh = await create(`git@${host.split(':')[0]}:acme/engine.git`, 'my-github-key');
  assert.match(overSsh.json.fields.provider_key, /git over ssh needs an ssh key/u);
});
