import assert from 'node:assert/strict';
import { createSign } from 'node:crypto';
import { test } from 'node:test';
import { githubScene } from './github-scene.ts';
import type { GithubApp } from './github-state.ts';

const pulls = '/repos/ada/app/pulls';
const wish = { title: 'Add a', head: 'work', base: 'main' };

test('a token that is wrong, absent or expired is told apart from nothing else', async (t) => {
  const { github, call, token } = await githubScene(t);
  assert.deepEqual((await call('GET /user', { token: 'ghp_wrong' })).body, {
    message: 'Bad credentials',
    documentation_url: 'https://docs.github.com/rest',
    status: '401',
  });
  assert.equal((await call('GET /user', { token: undefined })).body['message'], 'Requires authentication');
  assert.equal((await call('GET /repos/ada/app', { token: undefined })).status, 200, 'it is public');
  github.expireToken(token);
  assert.equal((await call('GET /repos/ada/app')).status, 401);
});

test('scopes and the end of a token are in the headers of a classic one', async (t) => {
  const { github, ada, call } = await githubScene(t);
  const expiresAt = Date.UTC(2099, 0, 2, 3, 4, 5);
  const classic = github.addToken(ada, { scopes: ['repo', 'workflow'], expiresAt }).value;
  const { headers } = await call('GET /user', { token: classic });
  assert.equal(headers.get('x-oauth-scopes'), 'repo, workflow');
  assert.equal(headers.get('x-accepted-oauth-scopes'), '');
  const repository = await call('GET /repos/ada/app', { token: classic });
  assert.equal(repository.headers.get('x-accepted-oauth-scopes'), 'repo');
  assert.equal(headers.get('github-authentication-token-expiration'), '2099-01-02 03:04:05 UTC');
  const fine = await call('GET /user', { token: github.addToken(ada, { kind: 'fine_grained' }).value });
  assert.equal(fine.headers.get('x-oauth-scopes'), null);
});

test('a token does what its scopes or permissions and its owner may do', async (t) => {
  const { github, ada, repository, call } = await githubScene(t);
  const publicOnly = github.addToken(ada, { scopes: ['public_repo'] }).value;
  const none = github.addToken(ada, { scopes: [] }).value;
  const reader = github.addToken(ada, {
    kind: 'fine_grained',
    permissions: { contents: 'read', pull_requests: 'read' },
  }).value;
  assert.equal((await call(`POST ${pulls}`, { token: none, body: wish })).status, 404);
  const refused = await call(`POST ${pulls}`, { token: reader, body: wish });
  assert.equal(refused.status, 403);
  assert.equal(refused.body['message'], 'Resource not accessible by personal access token');
  assert.equal(refused.headers.get('x-accepted-github-permissions'), 'pull_requests=write');
  assert.equal((await call(`POST ${pulls}`, { token: publicOnly, body: wish })).status, 201);
  repository.isPrivate = true;
  assert.equal((await call('GET /repos/ada/app', { token: publicOnly })).status, 404);
  assert.equal((await call('GET /repos/ada/app', { token: reader })).status, 200);
  const eve = github.addToken(github.addUser('eve')).value;
  assert.equal((await call('GET /repos/ada/app', { token: eve })).status, 404);
  repository.collaborators.set('eve', 'read');
  assert.deepEqual((await call('GET /repos/ada/app', { token: eve })).body['permissions'], {
    admin: false,
    maintain: false,
    push: false,
    triage: false,
    pull: true,
  });
  const label = await call('POST /repos/ada/app/issues/1/labels', { token: eve, body: { labels: ['x'] } });
  assert.deepEqual([label.status, label.body['message']], [403, 'Must have admin rights to Repository.']);
  repository.isArchived = true;
  const archived = await call(`PATCH ${pulls}/1`, { body: { title: 'x' } });
  assert.deepEqual(
    [archived.status, archived.body['message']],
    [403, 'Repository was archived so is read-only.'],
  );
  github.assertNoViolations();
});

test('who has used up the hour is refused until the next one', async (t) => {
  let now = Date.UTC(2026, 0, 1, 10, 59);
  const { github, call } = await githubScene(t, { rateLimit: 2, now: () => now });
  const first = await call('GET /user');
  assert.equal(first.headers.get('x-ratelimit-remaining'), '1');
  await call('GET /user');
  const refused = await call('GET /user');
  assert.equal(refused.status, 403);
  assert.equal(refused.headers.get('x-ratelimit-remaining'), '0');
  assert.equal(refused.headers.get('x-ratelimit-reset'), String(Date.UTC(2026, 0, 1, 11) / 1000));
  assert.match(refused.text, /API rate limit exceeded for user ID/u);
  assert.equal((await call('GET /rate_limit')).body['rate']?.['used'], 2);
  now += 60_000;
  assert.equal((await call('GET /user')).status, 200);
  github.assertNoViolations();
});

/** An app's own token, as the documents say how to make one. Times are seconds from now. */
function signAppToken(
  app: GithubApp,
  claims: {
    readonly iat?: number;
    readonly exp?: number;
    readonly alg?: string;
    readonly iss?: unknown;
  } = {},
): string {
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const { iat = -60, exp = 540, alg = 'RS256', iss = app.clientId } = claims;
  const content = `${encode({ alg, typ: 'JWT' })}.${encode({ iat: now + iat, exp: now + exp, iss })}`;
  return `${content}.${createSign('RSA-SHA256').update(content).sign(app.privateKey, 'base64url')}`;
}

test('an app finds its installation and takes tokens for it', async (t) => {
  const { github, ada, repository, call } = await githubScene(t);
  const app = github.addApp(ada, 'slipway');
  repository.isPrivate = true;
  const asApp = { token: signAppToken(app) };
  assert.equal((await call('GET /app', asApp)).body['slug'], 'slipway');
  assert.equal((await call('GET /repos/ada/app/installation', asApp)).status, 404);
  const installation = github.install(app, ada);
  const found = await call('GET /repos/ada/app/installation', asApp);
  assert.equal(found.body['id'], installation.id);
  const tokens = `POST /app/installations/${installation.id}/access_tokens`;
  const made = await call(tokens, {
    ...asApp,
    body: { repositories: ['app'], permissions: { contents: 'read' } },
  });
  assert.equal(made.status, 201, made.text);
  const token: string = made.body['token'] ?? '';
  assert.equal((await call('GET /installation/repositories', { token })).body['total_count'], 1);
  assert.equal((await call('GET /repos/ada/app', { token })).status, 200);
  const refused = await call(`POST ${pulls}`, { token, body: wish });
  assert.deepEqual(
    [refused.status, refused.body['message']],
    [403, 'Resource not accessible by integration'],
  );
  assert.equal((await call('GET /user', { token })).status, 403);
  const all = (await call(tokens, asApp)).body['token'] ?? '';
  const opened = await call(`POST ${pulls}`, { token: all, body: wish });
  assert.equal(opened.body['user']?.['login'], 'slipway[bot]');
  assert.equal((await call(tokens, { ...asApp, body: { permissions: { actions: 'write' } } })).status, 422);
  assert.equal((await call(tokens, { ...asApp, body: { repositories: ['other'] } })).status, 422);
  github.suspend(installation);
  assert.equal((await call(tokens, asApp)).status, 403);
  assert.equal((await call('GET /repos/ada/app', { token: all })).status, 403);
  github.assertNoViolations();
});

test("an app's own token that is not as GitHub wants it is refused", async (t) => {
  const { github, ada, call } = await githubScene(t);
  const app = github.addApp(ada, 'slipway');
  const other = github.addApp(ada, 'other');
  const status = async (token: string): Promise<number> => (await call('GET /app', { token })).status;
  assert.equal(await status(signAppToken(app)), 200);
  assert.equal(await status(signAppToken(app, { iss: app.id })), 200);
  assert.equal(await status(signAppToken(app, { exp: 700 })), 401);
  assert.equal(await status(signAppToken(app, { exp: -1 })), 401);
  assert.equal(await status(signAppToken(app, { iat: 300 })), 401);
  assert.equal(await status(signAppToken(app, { alg: 'HS256' })), 401);
  assert.equal(await status(signAppToken(app, { iss: 'nobody' })), 404);
  assert.equal(await status(signAppToken(app, { iss: other.clientId })), 401);
  github.assertNoViolations();
  assert.equal((await call('GET /user', { token: signAppToken(app) })).status, 401);
  assert.throws(() => github.assertNoViolations(), /with an app's own token/u);
});
