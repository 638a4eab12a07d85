import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { patience, refusalOf, wishFor } from '../forge.contract.ts';
import { createGithubApp, type GithubApp } from './github-app.ts';
import { createGithubForge } from './github-forge.ts';
import type { Clock } from '../../lib/clock.ts';
import { Secret } from '../../lib/secret.ts';
import { startGithub, type Github } from '../../../test/stand-ins/github/github.ts';
import { temporaryFolder } from '../../../test/support/temporary-folder.ts';

type AppTrial = {
  readonly github: Github;
  readonly app: GithubApp;
  readonly installationId: number;
  /** Lets time pass, here and at GitHub. */
  readonly pass: (ms: number) => void;
  readonly clock: Clock;
  /** How many requests of this kind GitHub has had. */
  readonly count: (path: RegExp) => number;
};

const lookUp = /\/installation$/u;
const mint = /\/access_tokens$/u;

async function makeAppTrial(
  t: TestContext,
  options: { readonly isNamed?: boolean; readonly key?: (pem: string) => string } = {},
): Promise<AppTrial> {
  let passed = 0;
  const clock: Clock = { now: () => Date.now() + passed };
  const github = await startGithub({ folder: join(await temporaryFolder(t), 'github'), now: clock.now });
  t.after(() => github.close());
  t.after(() => github.assertNoViolations());
  const organization = github.addUser('acme', 'Organization');
  const made = github.addApp(organization, 'slipway');
  const repository = await github.addRepository('acme/app', { isPrivate: true });
  const from = await repository.bare.tip('main');
  await repository.bare.commit({ branch: 'work', from: from ?? '', files: { 'a.txt': 'a\n' } });
  const { id } = github.install(made, organization);
  const app = createGithubApp({
    apiUrl: github.apiUrl,
    version: '0.0.0-test',
    clock,
    id: String(made.id),
    privateKey: new Secret((options.key ?? ((pem) => pem))(made.privateKey)),
    installationId: options.isNamed === true ? String(id) : undefined,
  });
  return {
    github,
    app,
    installationId: id,
    clock,
    pass: (ms) => {
      passed += ms;
    },
    count: (path) => github.requests.filter(({ pathname }) => path.test(pathname)).length,
  };
}

test('an app gets a token that opens pull requests, verifies and lists', async (t) => {
  const { github, app } = await makeAppTrial(t);
  const token = await app.token('acme/app', patience());
  const forge = createGithubForge({ apiUrl: github.apiUrl, version: '0.0.0-test' });
  const access = { url: github.gitUrl('acme/app'), path: 'acme/app', token };
  const made = await forge.ensurePullRequest(wishFor({ access }), patience());
  assert.equal(made.how, 'opened');
  await forge.addLabels({ ...access, number: made.number }, ['automated'], patience());
  const owner = await forge.verifyToken(token, patience());
  assert.deepEqual(owner, { username: 'acme', email: '', scopes: '' });
  const listed = await forge.listRepositories(token, { page: 1, perPage: 10 }, patience());
  assert.deepEqual(
    listed.map(({ fullName }) => fullName),
    ['acme/app'],
  );
});

test('many asks at once and later make one token, until it has less than five minutes', async (t) => {
  const { app, pass, count } = await makeAppTrial(t);
  const asks = Array.from({ length: 10 }, () => app.token('acme/app', patience()));
  const [first, ...others] = (await Promise.all(asks)).map((token) => token.reveal());
  assert.deepEqual(new Set(others), new Set([first]));
  pass(54 * 60_000);
  assert.equal((await app.token('Acme/App', patience())).reveal(), first);
  assert.deepEqual([count(lookUp), count(mint)], [1, 1]);
  pass(2 * 60_000);
  assert.notEqual((await app.token('acme/app', patience())).reveal(), first);
  assert.deepEqual([count(lookUp), count(mint)], [1, 2]);
});

test('who leaves early takes nothing from those who wait with him', async (t) => {
  const { app, github } = await makeAppTrial(t);
  github.faults.plan({ path: mint }, { kind: 'delay', ms: 300 });
  const leaving = new AbortController();
  const reason = new Error('enough');
  const early = assert.rejects(app.token('acme/app', leaving.signal), reason);
  const patient = app.token('acme/app', patience());
  leaving.abort(reason);
  await early;
  assert.ok((await patient).reveal().startsWith('ghs_'));
});

test('an installation that is named is not looked up', async (t) => {
  const { app, count } = await makeAppTrial(t, { isNamed: true });
  await app.token('acme/app', patience());
  assert.deepEqual([count(lookUp), count(mint)], [0, 1]);
});

test('a token that GitHub takes no more is not given out again', async (t) => {
  const { app, github, clock } = await makeAppTrial(t);
  const forge = createGithubForge({
    apiUrl: github.apiUrl,
    version: '0.0.0-test',
    clock,
    rejected: app.forget,
  });
  const token = await app.token('acme/app', patience());
  const access = { url: github.gitUrl('acme/app'), path: 'acme/app', token };
  github.faults.plan({ path: /\/acme\/app$/u }, { kind: 'expire_token' });
  await refusalOf(forge.findRepository(access, patience()), 'unauthorized', token);
  const next = await app.token('acme/app', patience());
  assert.notEqual(next.reveal(), token.reveal());
  assert.equal((await forge.findRepository({ ...access, token: next }, patience())).name, 'app');
});

test('an app that is not installed on the repository says so', async (t) => {
  const { app, github } = await makeAppTrial(t);
  github.addUser('grace');
  await github.addRepository('grace/other', { isPrivate: true });
  const error = await refusalOf(app.token('grace/other', patience()), 'not_found');
  assert.match(error.message, /not installed/u);
});

test('an app whose key is another one, or whose clock is wrong, is told what to check', async (t) => {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  for (const isNamed of [true, false]) {
    const { app } = await makeAppTrial(t, { isNamed, key: () => privateKey });
    const error = await refusalOf(app.token('acme/app', patience()), 'unauthorized');
    assert.match(error.message, /GITHUB_APP_PRIVATE_KEY/u);
  }
});

test('an installation that was made anew is found after the old one was refused', async (t) => {
  const { app, github, pass, count } = await makeAppTrial(t);
  await app.token('acme/app', patience());
  pass(58 * 60_000);
  github.faults.plan({ path: mint }, { kind: 'answer', status: 404 });
  await refusalOf(app.token('acme/app', patience()), 'not_found');
  await app.token('acme/app', patience());
  assert.equal(count(lookUp), 2);
});

test('a key whose line breaks are written as \\n is one too', async (t) => {
  const { app } = await makeAppTrial(t, { key: (pem) => pem.replaceAll('\n', '\\n') });
  assert.ok((await app.token('acme/app', patience())).reveal() !== '');
});

test('what is no private key is refused at once, and not shown', () => {
  for (const text of [
    '',
    'not a key',
    '-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----',
  ]) {
    const options = { apiUrl: 'http://127.0.0.1:1', version: '1', id: '7', privateKey: new Secret(text) };
    assert.throws(
      () => createGithubApp(options),
      (error: Error) => /GITHUB_APP_PRIVATE_KEY/u.test(error.message) && !error.message.includes('AAAA'),
    );
  }
});
