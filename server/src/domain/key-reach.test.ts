import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyReach, type ApiProvider, type KeyReach } from './key-reach.ts';

const apis = {
  github: 'https://api.github.com',
  gitlab: 'https://gitlab.example/api/v4',
  sentry: 'http://sentry.internal:9000/api/0',
} as const;

function reach(provider: ApiProvider, scope: string, address: string): KeyReach {
  return keyReach({ name: 'mine', provider, scope }, new URL(address), apis[provider]);
}

function assertCovered(provider: ApiProvider, scope: string, addresses: readonly string[]): void {
  for (const address of addresses) {
    const found = reach(provider, scope, address);
    assert.equal(found.kind === 'covered' && found.url.href, new URL(address).href);
  }
}

function assertRefused(provider: ApiProvider, scope: string, addresses: readonly string[]): void {
  for (const address of addresses) assert.equal(reach(provider, scope, address).kind, 'refused', address);
}

test("a key goes to its provider's own origin, to the letter", () => {
  assertCovered('github', '', ['https://api.github.com/user', 'https://API.github.com:443/x?y=z']);
  assertCovered('sentry', '', ['http://sentry.internal:9000/anything']);
  assertRefused('github', '', [
    'http://api.github.com/user',
    'https://api.github.com:8443/user',
    'https://github.com/user',
    'https://api.github.com.evil.example/user',
    'https://evil.example/api.github.com',
    'https://api.github.com./user',
  ]);
  assertRefused('sentry', '', ['https://sentry.internal:9000/', 'http://sentry.internal/api/0/']);
  const refused = reach('github', '', 'https://evil.example/x?token=1');
  assert.deepEqual(refused, {
    kind: 'refused',
    problem: 'mine is a github key for https://api.github.com, and is not sent to https://evil.example',
  });
});

test("a GitHub key with a scope goes below its repositories' addresses only", () => {
  assertCovered('github', 'acme', [
    'https://api.github.com/repos/acme/app',
    'https://api.github.com/repos/ACME/x/issues/1',
  ]);
  assertCovered('github', 'acme/app', [
    'https://api.github.com/repos/acme/app',
    'https://api.github.com/repos/Acme/App/issues/1?page=2',
    'https://api.github.com/repos/acme/app/contents/src%2Fa.js',
  ]);
  assertRefused('github', 'acme/app', [
    'https://api.github.com/repos/acme/other',
    'https://api.github.com/repos/acme/app2/issues',
    'https://api.github.com/repos/acme/app.git',
    'https://api.github.com/repos/acme%2Fapp/issues',
    'https://api.github.com/repos//acme/app',
    'https://api.github.com/repos/acme/app/../other',
    'https://api.github.com/repos/acme/app/%2e%2e/other',
    'https://api.github.com/repos/acme/app/..%2fother',
    'https://api.github.com/repos/acme/app/..%5Cother',
    'https://api.github.com/repos/acme/app/%ff',
    'https://api.github.com/user/repos',
    'https://api.github.com/orgs/acme',
    'https://api.github.com/search/issues?q=repo:acme/app',
    'https://api.github.com/repositories/1',
  ]);
  assertRefused('github', 'acme', [
    'https://api.github.com/repos/acmex/app',
    'https://api.github.com/repos/acme',
  ]);
});

test("a GitLab key with a scope goes below its projects' encoded paths only", () => {
  const api = 'https://gitlab.example/api/v4';
  assertCovered('gitlab', 'acme/tools', [
    `${api}/projects/acme%2Ftools%2Fapp/issues/1`,
    `${api}/projects/acme%2ftools%2fapp`,
    `${api}/projects/acme%2Ftools%2Fapp/repository/files/a%2Fb.js/raw?ref=main`,
  ]);
  assertRefused('gitlab', 'acme/tools', [
    `${api}/projects/acme%2Fother`,
    `${api}/projects/acme%2Ftoolsmith%2Fapp`,
    `${api}/projects/17/issues/1`,
    `${api}/projects/acme/tools/app`,
    `${api}/projects/acme%2Ftools%2F..%2Fother`,
    `${api}/groups/acme%2Ftools`,
    'https://gitlab.example/acme/tools/app',
    'https://gitlab.example/api/v3/projects/acme%2Ftools%2Fapp',
  ]);
});

test('a Sentry key with a scope asks for issues in its own organization', () => {
  const api = 'http://sentry.internal:9000/api/0';
  assertCovered('sentry', 'acme', [
    `${api}/organizations/acme/issues/7/`,
    `${api}/organizations/acme/releases/?query=x`,
    `${api}/projects/acme/web/keys/`,
  ]);
  const byNumber = reach('sentry', 'acme', `${api}/issues/7/events/latest/?full=1`);
  assert.equal(
    byNumber.kind === 'covered' && byNumber.url.href,
    `${api}/organizations/acme/issues/7/events/latest/?full=1`,
  );
  assertRefused('sentry', 'acme', [
    `${api}/organizations/other/issues/7/`,
    `${api}/organizations/`,
    `${api}/projects/other/web/`,
    `${api}/issues/`,
    `${api}/users/acme/`,
  ]);
});

test("a Sentry key for one project reaches that project, and issues once they are known to be the project's", () => {
  const api = 'http://sentry.internal:9000/api/0';
  assertCovered('sentry', 'acme/web', [`${api}/projects/acme/web/events/`]);
  for (const address of [`${api}/issues/WEB-7/`, `${api}/organizations/acme/issues/WEB-7/`]) {
    const found = reach('sentry', 'acme/web', address);
    assert.ok(found.kind === 'by_issue', address);
    assert.deepEqual(found.issue, { org: 'acme', project: 'web', issue: 'WEB-7' });
    assert.equal(found.url.href, `${api}/organizations/acme/issues/WEB-7/`);
  }
  assertRefused('sentry', 'acme/web', [
    `${api}/projects/acme/shop/`,
    `${api}/organizations/acme/`,
    `${api}/organizations/acme/issues/`,
    `${api}/organizations/acme/issues/?project=1`,
    `${api}/organizations/other/issues/7/`,
  ]);
});
