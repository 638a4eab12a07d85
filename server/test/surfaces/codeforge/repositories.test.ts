import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { makeForges, startForges } from '../../support/forges.ts';
import { strangerToken, testApi } from './test-api.ts';

const path = '/api/v1/repositories';

/** The API before a GitHub and a GitLab, each with a user and a token of theirs. */
async function before(t: TestContext) {
  const { github, gitlab } = await startForges(t);
  const forges = makeForges({ github: { apiUrl: github.apiUrl }, gitlab: { apiUrl: gitlab.apiUrl } });
  const api = await testApi(t, { forges });
  const hubToken = github.addToken(github.addUser('octocat'), { scopes: ['repo'] }).value;
  const labToken = gitlab.addToken(gitlab.addUser('tanuki'), { scopes: ['api'] }).value;
  const list = (query: string, token?: string) =>
    api.call(
      'GET',
      `${path}?${query}`,
      token === undefined ? {} : { headers: { 'x-provider-token': token } },
    );
  const register = async (key: object): Promise<void> => {
    const answer = await api.call('POST', '/api/v1/keys', { body: key });
    assert.equal(answer.status, 201, answer.text);
  };
  return { github, gitlab, api, hubToken, labToken, list, register };
}

type Listed = readonly { readonly full_name: string }[];
const namesOf = (repositories: Listed): readonly string[] => repositories.map(({ full_name: name }) => name);

test('the repositories of a token are listed: of a stored key, and of one that the request brings', async (t) => {
  const { github, hubToken, list, register } = await before(t);
  await github.addRepository('octocat/my-repo', { isPrivate: true });
  await github.addRepository('octocat/empty', { isEmpty: true });
  await register({ name: 'hub', provider: 'github', token: hubToken });
  const stored = await list('provider_key=hub');
  assert.equal(stored.status, 200, stored.text);
  const { repositories, ...rest } = stored.json;
  assert.deepEqual(rest, { count: 2, provider: 'github', page: 1, per_page: 30 });
  const mine = repositories.find(({ name }: { name: string }) => name === 'my-repo');
  assert.deepEqual(mine, {
    name: 'my-repo',
    full_name: 'octocat/my-repo',
    clone_url: github.gitUrl('octocat/my-repo'),
    default_branch: 'main',
    private: true,
    description: mine.description,
    updated_at: mine.updated_at,
  });
  assert.ok(!Number.isNaN(Date.parse(mine.updated_at)));
  assert.deepEqual((await list('provider=github', hubToken)).json, stored.json);
  // A stored key goes before a token of the request.
  assert.deepEqual((await list('provider_key=hub&provider=gitlab', 'glpat-not-asked')).json, stored.json);
});

test('the projects of a GitLab are listed with their groups', async (t) => {
  const { gitlab, labToken, list } = await before(t);
  await gitlab.addProject('group/sub/project', { members: { tanuki: 'developer' } });
  const { status, json, text } = await list('provider=gitlab', labToken);
  assert.equal(status, 200, text);
  assert.deepEqual(namesOf(json.repositories), ['group/sub/project']);
  assert.equal(json.provider, 'gitlab');
});

test('pages follow each other, and numbers outside of their range are moved into it', async (t) => {
  const { github, hubToken, list } = await before(t);
  for (let number = 0; number < 7; number += 1) {
    await github.addRepository(`octocat/repo-${number}`, { isEmpty: true });
  }
  const names: string[] = [];
  for (const page of [1, 2, 3]) {
    const { json } = await list(`provider=github&page=${page}&per_page=3`, hubToken);
    assert.equal(json.count, json.repositories.length);
    assert.deepEqual([json.page, json.per_page], [page, 3]);
    names.push(...namesOf(json.repositories));
  }
  assert.equal(new Set(names).size, 7);
  assert.equal(names.length, 7);
  const beyond = await list('provider=github&page=9', hubToken);
  assert.deepEqual([beyond.status, beyond.json.repositories], [200, []]);
  for (const [query, page, perPage] of [
    ['page=0&per_page=0', 1, 1],
    ['page=-5&per_page=1000', 1, 100],
    ['page=&per_page=', 1, 30],
  ]) {
    const { json } = await list(`provider=github&${query}`, hubToken);
    assert.deepEqual([json.page, json.per_page], [page, perPage]);
  }
});

test('of a key with a scope only what lies in it is listed, in whole pages', async (t) => {
  const { github, hubToken, list, register } = await before(t);
  const acme = github.addUser('acme', 'Organization');
  assert.ok(acme);
  const collaborators = { octocat: 'write' } as const;
  for (const name of ['acme/one', 'octocat/acme', 'acme/two', 'octocat/other', 'acme/three']) {
    await github.addRepository(name, { isEmpty: true, collaborators });
  }
  await register({ name: 'owner', provider: 'github', token: hubToken, scope: 'ACME' });
  await register({ name: 'one', provider: 'github', token: hubToken, scope: 'acme/two' });
  const all = await list('provider_key=owner');
  assert.deepEqual([...namesOf(all.json.repositories)].sort(), ['acme/one', 'acme/three', 'acme/two']);
  const first = await list('provider_key=owner&per_page=2');
  const second = await list('provider_key=owner&per_page=2&page=2');
  assert.deepEqual([first.json.count, second.json.count], [2, 1]);
  const pages = [...first.json.repositories, ...second.json.repositories];
  assert.deepEqual(pages, all.json.repositories);
  assert.deepEqual(namesOf((await list('provider_key=one')).json.repositories), ['acme/two']);
});

test('a question without an owner or a token is 400 by its field', async (t) => {
  const { list, register } = await before(t);
  const token = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
  await register({ name: 'deploy', provider: 'ssh', token });
  const cases: readonly (readonly [string, string | undefined, Readonly<Record<string, string>>])[] = [
    ['', undefined, { provider_key: 'provider_key or provider is required' }],
    ['provider_key=&provider=', 'ghp_x', { provider_key: 'provider_key or provider is required' }],
    ['provider=sentry', 'ghp_x', { provider: 'must be one of github, gitlab' }],
    ['provider=GitHub', 'ghp_x', { provider: 'must be one of github, gitlab' }],
    ['provider=github', undefined, { 'X-Provider-Token': 'header is required with provider' }],
    ['provider=github', ' ', { 'X-Provider-Token': 'header is required with provider' }],
    ['provider=github', 'two words', { 'X-Provider-Token': 'must be a token: ASCII without blanks' }],
    ['provider=github&page=x', 'ghp_x', { page: 'must be an integer' }],
    ['provider=github&per_page=1.5', 'ghp_x', { per_page: 'must be an integer' }],
    ['provider_key=deploy', undefined, { provider_key: 'deploy is an ssh key, which lists no repositories' }],
  ];
  for (const [query, header, fields] of cases) {
    const answer = await list(query, header);
    assert.equal(answer.status, 400, answer.text);
    assert.deepEqual(answer.json.fields, fields, query);
  }
});

test("a key that is not there is 404, and so is somebody else's", async (t) => {
  const { api, hubToken, list, register } = await before(t);
  await register({ name: 'hub', provider: 'github', token: hubToken });
  for (const name of ['other', '%00', 'a%20b']) {
    const { json } = await list(`provider_key=${name}`);
    assert.deepEqual(json, { error: 'Not Found', message: 'key not found' });
  }
  const foreign = await api.call('GET', `${path}?provider_key=hub`, { token: strangerToken });
  assert.equal(foreign.status, 404);
  assert.equal((await api.call('GET', `${path}?provider_key=hub`, { token: null })).status, 401);
});

test('a forge that fails, and one that refuses the token, is 502 without the token', async (t) => {
  const { github, gitlab, hubToken, labToken, list, register } = await before(t);
  const expired = github.addToken(github.addUser('ada'), { expiresAt: Date.now() - 1_000 }).value;
  await register({ name: 'expired', provider: 'github', token: expired });
  const answers = [await list('provider_key=expired'), await list('provider=gitlab', 'glpat-unknown')];
  github.faults.plan({ times: 10 }, { kind: 'drop' });
  gitlab.faults.plan({ times: 10 }, { kind: 'malformed' });
  answers.push(await list('provider=github', hubToken), await list('provider=gitlab', labToken));
  for (const answer of answers) {
    assert.equal(answer.status, 502, answer.text);
    assert.equal(answer.json.error, 'Bad Gateway');
    for (const token of [expired, hubToken, labToken, 'glpat-unknown'])
      assert.ok(!answer.text.includes(token));
  }
});
