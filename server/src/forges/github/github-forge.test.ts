import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { makeGithubTrial } from '../../../test/stand-ins/github/github-trial.ts';
import { Secret } from '../../lib/secret.ts';
import { faultContract } from '../forge-faults.contract.ts';
import { pullRequestContract } from '../forge-pull-requests.contract.ts';
import { accountContract, patience, refusalOf, repositoryContract, wishFor } from '../forge.contract.ts';
import { createGithubForge } from './github-forge.ts';

suite('GitHub passes the contract of forges, in the form of github.com', () => {
  repositoryContract((t) => makeGithubTrial(t));
  accountContract((t) => makeGithubTrial(t));
  pullRequestContract((t) => makeGithubTrial(t));
  faultContract((t) => makeGithubTrial(t));
});

// Its API has a path of its own; the faults are the same.
suite('GitHub passes the contract of forges, in the form of an Enterprise server', () => {
  repositoryContract((t) => makeGithubTrial(t, 'enterprise'));
  pullRequestContract((t) => makeGithubTrial(t, 'enterprise'));
});

test('the host of the repositories follows from the address of the API', () => {
  const hostOf = (apiUrl: string): string | undefined => createGithubForge({ apiUrl, version: '1' }).host;
  assert.equal(hostOf('https://api.github.com'), 'github.com');
  assert.equal(hostOf('https://api.acme.ghe.com'), 'acme.ghe.com');
  assert.equal(hostOf('https://ghe.example.com/api/v3'), 'ghe.example.com');
  assert.equal(hostOf('https://ghe.example.com:8443/api/v3'), 'ghe.example.com:8443');
  assert.equal(hostOf('https://api.github.com.evil.example'), 'api.github.com.evil.example');
});

test('where a repository has no drafts, the pull request is opened ready', async (t) => {
  const { forge, github, makeRepository } = await makeGithubTrial(t);
  const repository = await makeRepository('app');
  github.repository('ada/app').allowsDrafts = false;
  const made = await forge.ensurePullRequest(wishFor(repository, { draft: true }), patience());
  assert.equal(made.how, 'opened');
  assert.deepEqual(
    (await repository.pullRequests()).map(({ draft }) => draft),
    [false],
  );
});

test('a repository that is renamed between looking and opening is tried again later, and has one', async (t) => {
  const { forge, github, makeRepository } = await makeGithubTrial(t);
  const repository = await makeRepository('app');
  const act = async (): Promise<void> => void (await repository.rename('application'));
  github.faults.plan({ method: 'POST', path: /\/pulls$/u }, { kind: 'before', act });
  await refusalOf(forge.ensurePullRequest(wishFor(repository), patience()), 'unavailable');
  const made = await forge.ensurePullRequest(wishFor(repository), patience());
  assert.equal(made.how, 'opened');
  assert.match(made.url, /ada\/application/u);
  assert.equal((await repository.pullRequests()).length, 1);
});

test('a base that vanishes between looking and opening is told as that', async (t) => {
  const { forge, github, makeRepository } = await makeGithubTrial(t);
  const repository = await makeRepository('app');
  const act = (): Promise<void> => repository.deleteBranch('main');
  github.faults.plan({ method: 'POST', path: /\/pulls$/u }, { kind: 'before', act });
  await refusalOf(forge.ensurePullRequest(wishFor(repository), patience()), 'base_not_found');
});

test('a pull request that a person gave another base is still the one of its branch', async (t) => {
  const { forge, github, makeRepository } = await makeGithubTrial(t);
  const repository = await makeRepository('app');
  await repository.commit('next');
  const first = await forge.ensurePullRequest(wishFor(repository), patience());
  const [pull] = github.repository('ada/app').pulls;
  assert.ok(pull !== undefined);
  pull.base = 'next';
  const again = await forge.ensurePullRequest(wishFor(repository, { known: first.number }), patience());
  assert.deepEqual([again.number, again.base, again.how], [first.number, 'next', 'found']);
  const named = wishFor(repository, { known: first.number, base: 'main' });
  assert.equal((await forge.ensurePullRequest(named, patience())).how, 'opened', 'unless the base was named');
});

test("a list that GitHub has not filtered leads to nobody else's pull request", async (t) => {
  const { forge, github, makeRepository, ownerToken } = await makeGithubTrial(t);
  const repository = await makeRepository('app');
  const theirs = await repository.openFromFork('work');
  const headers = { authorization: `Bearer ${ownerToken.reveal()}`, 'user-agent': 'a person' };
  const all = await fetch(`${github.url}/repos/ada/app/pulls`, { headers });
  const body: unknown = await all.json();
  assert.ok(Array.isArray(body) && body.length === 1);
  github.faults.plan({ method: 'GET', path: /\/pulls$/u }, { kind: 'answer', status: 200, body });
  const made = await forge.ensurePullRequest(
    wishFor(repository, { overwrite: ['title', 'body'] }),
    patience(),
  );
  assert.equal(made.how, 'opened');
  assert.notEqual(made.number, theirs);
});

test('a title and a text that are too long are cut to what GitHub takes', async (t) => {
  const { forge, makeRepository } = await makeGithubTrial(t);
  const repository = await makeRepository('app');
  const wish = wishFor(repository, {
    title: '𝒜'.repeat(300),
    body: '𝒜'.repeat(70_000),
    overwrite: ['title', 'body'],
  });
  await forge.ensurePullRequest(wish, patience());
  const [pull] = await repository.pullRequests();
  assert.equal(pull?.title, `${'𝒜'.repeat(255)}…`);
  assert.equal(pull.body, `${'𝒜'.repeat(65_535)}…`);
  assert.equal((await forge.ensurePullRequest(wish, patience())).how, 'found');
});

test('a default branch that was renamed is the base from then on, also of what is open', async (t) => {
  const { forge, github, makeRepository } = await makeGithubTrial(t);
  const repository = await makeRepository('app');
  const first = await forge.ensurePullRequest(wishFor(repository), patience());
  await github.renameBranch(github.repository('ada/app'), 'main', 'trunk');
  const again = await forge.ensurePullRequest(wishFor(repository), patience());
  assert.deepEqual(again, { ...first, base: 'trunk', how: 'found' });
});

test('a classic token tells its scopes, a fine-grained one has none to tell', async (t) => {
  const { forge, github, ownerToken } = await makeGithubTrial(t);
  const classic = await forge.verifyToken(ownerToken, patience());
  assert.deepEqual(classic, { username: 'ada', email: 'ada@example.com', scopes: 'repo' });
  const account = github.addUser('grace');
  const fine = new Secret(github.addToken(account, { kind: 'fine_grained' }).value);
  const owner = await forge.verifyToken(fine, patience());
  assert.deepEqual([owner.username, owner.scopes], ['grace', '']);
});

test('a classic token without a scope does not see a private repository', async (t) => {
  const { forge, github, makeRepository } = await makeGithubTrial(t);
  const repository = await makeRepository('app');
  const scopeless = github.addToken(github.repository('ada/app').owner, { scopes: ['read:user'] });
  const token = new Secret(scopeless.value);
  const asked = forge.ensurePullRequest(wishFor(repository, { token }), patience());
  const error = await refusalOf(asked, 'not_found', token);
  assert.match(error.message, /scope `repo`/u);
});

for (const status of [403, 429] as const) {
  test(`the hour's limit said by ${status} is over when GitHub says`, async (t) => {
    const { forge, github, makeRepository } = await makeGithubTrial(t);
    const { access } = await makeRepository('app');
    github.faults.plan({}, { kind: 'rate_limit', seconds: 600, status });
    const error = await refusalOf(forge.findRepository(access, patience()), 'rate_limited', access.token);
    const ms = error.retryAfterMs ?? 0;
    assert.ok(ms > 500_000 && ms <= 601_000, String(ms));
  });

  test(`a secondary limit said by ${status} is over as said, and after a minute where nothing is`, async (t) => {
    for (const [seconds, expected] of [
      [30, 30_000],
      [undefined, 60_000],
    ] as const) {
      const { forge, github, makeRepository } = await makeGithubTrial(t);
      const { access } = await makeRepository('app');
      const time = seconds === undefined ? {} : { seconds };
      github.faults.plan({}, { kind: 'secondary_rate_limit', status, ...time });
      const error = await refusalOf(forge.findRepository(access, patience()), 'rate_limited');
      assert.equal(error.retryAfterMs, expected);
    }
  });
}

test('a 403 is a limit by its headers or by its message, each by itself, and else is none', async (t) => {
  const cases = [
    ['rate_limited', 'Forbidden', { 'x-ratelimit-remaining': '0' }],
    ['rate_limited', 'Forbidden', { 'retry-after': '5' }],
    ['rate_limited', 'You have exceeded a secondary rate limit.', {}],
    ['rate_limited', 'API rate limit exceeded for user ID 7.', {}],
    ['forbidden', 'Forbidden', { 'x-ratelimit-remaining': '1' }],
  ] as const;
  const { forge, github, makeRepository } = await makeGithubTrial(t);
  const { access } = await makeRepository('app');
  const { owner } = github.repository('ada/app');
  for (const [code, message, headers] of cases) {
    const token = new Secret(github.addToken(owner).value);
    github.faults.plan({}, { kind: 'answer', status: 403, body: { message }, headers });
    await refusalOf(forge.findRepository({ ...access, token }, patience()), code, token);
  }
});

test('a repository whose description makes no sense is unavailable, and no crash', async (t) => {
  const bodies = [
    [],
    {},
    null,
    'text',
    { full_name: 7 },
    { name: 'app', full_name: 'ada/app', private: 'no' },
  ];
  for (const body of bodies) {
    const { forge, github, makeRepository } = await makeGithubTrial(t);
    const { access } = await makeRepository('app');
    github.faults.plan({ times: 3 }, { kind: 'answer', status: 200, body });
    await refusalOf(forge.findRepository(access, patience()), 'unavailable', access.token);
  }
});

test('single sign-on and a missing permission are said with their remedies', async (t) => {
  const cases = [
    [{ 'x-github-sso': 'required; url=https://github.com/orgs/acme/sso' }, /single sign-on/u],
    [{ 'x-accepted-github-permissions': 'pull_requests=write' }, /permission pull_requests=write/u],
    [{ 'x-accepted-oauth-scopes': 'repo, public_repo' }, /scopes repo, public_repo/u],
  ] as const;
  for (const [headers, words] of cases) {
    const { forge, github, makeRepository } = await makeGithubTrial(t);
    const { access } = await makeRepository('app');
    github.faults.plan({}, { kind: 'answer', status: 403, body: { message: 'Forbidden' }, headers });
    assert.match((await refusalOf(forge.findRepository(access, patience()), 'forbidden')).message, words);
  }
});
