import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { composeForges, type Forges } from './compose-forges.ts';
import type { Config } from './config.ts';
import { Secret } from './lib/secret.ts';

type ForgeSettings = Config['forges'];
const usual: ForgeSettings = {
  github: { apiUrl: 'https://api.github.com' },
  gitlab: { apiUrl: 'https://gitlab.com/api/v4' },
};

function compose(changes: Partial<ForgeSettings> = {}): Forges {
  const unasked = (): never => assert.fail('nobody asks git here');
  return composeForges(
    { forges: { ...usual, ...changes } },
    { git: { listRefs: unasked, talk: unasked }, version: '1.2.3' },
  );
}

test('a repository lies on a forge by its exact host, over https and ssh', () => {
  const { forgeOf } = compose();
  const github = [
    'https://github.com/acme/app',
    'https://github.com/acme/app.git',
    'https://GitHub.com/acme/app',
    'https://github.com:443/acme/app',
    'git@github.com:acme/app.git',
    'ssh://git@github.com/acme/app',
    'ssh://git@github.com:22/acme/app',
  ];
  for (const url of github) assert.equal(forgeOf(url).name, 'github', url);
  for (const url of ['https://gitlab.com/a/b/c', 'git@gitlab.com:a/b/c.git'])
    assert.equal(forgeOf(url).name, 'gitlab', url);
});

test('a host that only looks like a forge is a plain one', () => {
  const { forgeOf } = compose();
  const others = [
    'https://github.com.evil.example/acme/app',
    'https://notgithub.com/acme/app',
    'https://api.github.com/acme/app',
    'https://www.github.com/acme/app',
    'https://evil.example/github.com/acme/app',
    'https://github.com./acme/app',
    'https://github.com:8443/acme/app',
    'https://gіthub.com/acme/app',
    'https://github。com.evil.example/acme/app',
    'https://github.com@evil.example/acme/app',
    'https://evil.example/?github.com',
    'http://github.com/acme/app',
    'git@github.com.evil.example:acme/app',
    'git@evil.example:github.com/acme/app',
    'ssh://github.com@evil.example/acme/app',
    'file:///srv/github.com/app',
    'github.com/acme/app',
    '',
  ];
  for (const url of others) assert.equal(forgeOf(url).name, 'git', url);
});

test("a repository's API is that of the forge that it lies on", () => {
  const { repoApi } = compose({ gitlab: { apiUrl: 'http://127.0.0.1:3000/api/v4' } });
  assert.equal(repoApi('https://github.com/acme/app.git'), 'https://api.github.com');
  assert.equal(repoApi('git@github.com:acme/app.git'), 'https://api.github.com');
  assert.equal(repoApi('http://127.0.0.1:3000/a/b/c'), 'http://127.0.0.1:3000/api/v4');
  for (const url of ['https://github.com.evil.example/acme/app', 'file:///srv/app', 'app', '']) {
    assert.equal(repoApi(url), undefined, url);
  }
});

test('a forge of the operator has its own port, over ssh any', () => {
  const { forgeOf } = compose({
    github: { apiUrl: 'https://ghe.example:8443/api/v3' },
    gitlab: { apiUrl: 'http://127.0.0.1:3000/api/v4' },
  });
  assert.equal(forgeOf('https://ghe.example:8443/acme/app').name, 'github');
  assert.equal(forgeOf('https://ghe.example/acme/app').name, 'git');
  assert.equal(forgeOf('git@ghe.example:acme/app').name, 'github');
  assert.equal(forgeOf('ssh://git@ghe.example:2222/acme/app').name, 'github');
  assert.equal(forgeOf('https://github.com/acme/app').name, 'git');
  assert.equal(forgeOf('http://127.0.0.1:3000/acme/app').name, 'gitlab');
  assert.equal(forgeOf('http://127.0.0.1:3001/acme/app').name, 'git');
});

test("the server's own token is the one that was configured, for its own forge only", async () => {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const ofGithub = new Secret('ghp_of-the-operator');
  const app = { id: '7', privateKey: new Secret(privateKey) };
  const { forges, serverToken } = compose({ github: { ...usual.github, token: ofGithub, app } });
  const tokens = forges.map((forge) => serverToken(forge, 'acme/app', AbortSignal.timeout(10_000)));
  // With a token, the app is not asked.
  assert.deepEqual(await Promise.all(tokens), [ofGithub, undefined, undefined]);
  assert.deepEqual(
    forges.map(({ name }) => name),
    ['github', 'gitlab', 'git'],
  );
});

test('a private key that is none is refused when the server starts', () => {
  const app = { id: '7', privateKey: new Secret('-----BEGIN NOTHING') };
  assert.throws(() => compose({ github: { ...usual.github, app } }), /GITHUB_APP_PRIVATE_KEY/u);
});
