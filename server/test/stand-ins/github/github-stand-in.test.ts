import assert from 'node:assert/strict';
import { createConnection } from 'node:net';
import { test } from 'node:test';
import { githubScene } from './github-scene.ts';
import type { GithubScene } from './github-scene.ts';

const pulls = '/repos/ada/app/pulls';
const wish = { title: 'Add a', head: 'work', base: 'main' };

/** The `errors` of a 422. */
async function refusedWith(scene: GithubScene, body: object): Promise<unknown> {
  const reply = await scene.call(`POST ${pulls}`, { body });
  assert.equal(reply.status, 422, reply.text);
  return reply.body['errors'];
}

const custom = (message: string): object => ({ resource: 'PullRequest', code: 'custom', message });
const invalid = (field: string): object => ({ resource: 'PullRequest', field, code: 'invalid' });

test('every operation answers as GitHub describes it', async (t) => {
  const { github, call, ada } = await githubScene(t);
  const statusOf = async (request: string, body?: unknown): Promise<number> => {
    const reply = await call(request, body === undefined ? {} : { body });
    return reply.status;
  };
  const eve = github.addUser('eve');
  await github.fork(github.repository('ada/app'), eve);
  assert.equal(await statusOf('GET /user'), 200);
  const own = github.addToken(ada, { scopes: ['repo', 'user'] }).value;
  assert.equal((await call('GET /user', { token: own })).body['two_factor_authentication'], true);
  assert.equal(await statusOf('GET /user/repos?sort=updated&per_page=100&affiliation=owner'), 200);
  assert.equal(await statusOf('GET /rate_limit'), 200);
  assert.equal((await call('GET /repos/eve/app')).body['parent']?.['full_name'], 'ada/app');
  assert.equal(await statusOf('GET /repos/ada/app/branches/work'), 200);
  assert.equal(await statusOf(`POST ${pulls}`, wish), 201);
  assert.equal(await statusOf(`GET ${pulls}?state=all&sort=updated`), 200);
  assert.equal(await statusOf(`GET ${pulls}/1`), 200);
  assert.equal(await statusOf(`PATCH ${pulls}/1`, { title: 'Add b', body: 'why' }), 200);
  const files = await call(`GET ${pulls}/1/files`);
  assert.deepEqual([files.body[0]?.['filename'], files.body[0]?.['status']], ['src/a.js', 'added']);
  assert.match(String(files.body[0]?.['patch']), /^@@ -0,0 \+1 @@\n\+export const a/u);
  assert.equal(await statusOf('POST /repos/ada/app/labels', { name: 'agent', color: '00ff00' }), 201);
  const issue = '/repos/ada/app/issues/1';
  assert.equal(await statusOf(`POST ${issue}/labels`, { labels: ['Agent', 'new'] }), 200);
  const labels = await call(`GET ${issue}/labels?per_page=1`);
  assert.deepEqual([labels.body.length, labels.body[0]?.['name']], [1, 'agent']);
  assert.equal(await statusOf(`PATCH ${issue}`, { labels: ['new'] }), 200);
  assert.equal(await statusOf(`POST ${issue}/comments`, { body: 'hello' }), 201);
  assert.equal((await call(`GET ${issue}/comments`)).body[0]?.['body'], 'hello');
  const comments = [{ path: 'src/a.js', line: 1, side: 'RIGHT', body: 'hm' }];
  assert.equal(await statusOf(`POST ${pulls}/1/reviews`, { event: 'COMMENT', body: 'x', comments }), 200);
  assert.equal((await call(`GET ${pulls}/1/reviews`)).body[0]?.['state'], 'COMMENTED');
  const [pull] = github.repository('ada/app').pulls;
  assert.deepEqual([pull?.title, [...(pull?.labels ?? [])]], ['Add b', ['new']]);
  github.assertNoViolations();
});

test('an issue is read by who may read it, and shares its numbers with pull requests', async (t) => {
  const { github, call, ada } = await githubScene(t);
  const repository = github.repository('ada/app');
  const author = github.addUser('linus');
  const reported = { author, title: 'It is slow', body: 'Since Monday.' };
  assert.equal(github.addIssue(repository, reported).number, 1);
  const reply = await call('GET /repos/ada/app/issues/1');
  assert.deepEqual(
    [reply.status, reply.body['title'], reply.body['body'], reply.body['pull_request']],
    [200, 'It is slow', 'Since Monday.', undefined],
  );
  assert.equal((await call(`POST ${pulls}`, { body: wish })).body['number'], 2);
  assert.ok('pull_request' in (await call('GET /repos/ada/app/issues/2')).body);
  assert.equal((await call('GET /repos/ada/app/issues/3')).status, 404);
  repository.isPrivate = true;
  assert.equal((await call('GET /repos/ada/app/issues/1', { token: undefined })).status, 404);
  const permissions = { metadata: 'read', contents: 'read' } as const;
  const narrow = github.addToken(ada, { kind: 'fine_grained', permissions }).value;
  assert.equal((await call('GET /repos/ada/app/issues/1', { token: narrow })).status, 403);
  github.assertNoViolations();
});

test('what GitHub does not describe is refused, and remembered as a violation', async (t) => {
  const { github, call } = await githubScene(t);
  const refused = async (request: string, options: object, status: number): Promise<void> => {
    const before = github.violations.length;
    const reply = await call(request, options);
    assert.equal(reply.status, status, reply.text);
    assert.ok(github.violations.length > before, `${request} is no violation`);
  };
  await refused(`POST ${pulls}`, { body: { ...wish, labels: ['a'] } }, 422);
  await refused(`POST ${pulls}`, { body: { title: 'x', head: 'work' } }, 422);
  await refused(`POST ${pulls}`, { body: { ...wish, draft: 'yes' } }, 422);
  await refused(`POST ${pulls}`, { body: '{"title":' }, 400);
  await refused(`GET ${pulls}?heads=ada:work`, {}, 400);
  await refused(`GET ${pulls}?state=merged`, {}, 400);
  await refused('GET /user/repos?per_page=200', {}, 400);
  await refused('GET /repos/ada/app/pulls/one', {}, 400);
  await refused('GET /repos/ada/app/merge_requests', {}, 404);
  await refused('DELETE /repos/ada/app', {}, 404);
  await refused('GET /user', { headers: { authorization: 'Basic YTpi' } }, 401);
  await refused('GET /user', { headers: { accept: 'text/html' } }, 415);
  assert.throws(() => github.assertNoViolations(), /"labels" is not a permitted key/u);
  assert.deepEqual(github.repository('ada/app').pulls, []);
});

test('a pull request that git has no ground for is refused in the words of GitHub', async (t) => {
  const scene = await githubScene(t);
  const { github, repository } = scene;
  assert.deepEqual(await refusedWith(scene, { ...wish, base: 'gone' }), [invalid('base')]);
  assert.deepEqual(await refusedWith(scene, { ...wish, head: 'gone' }), [invalid('head')]);
  assert.deepEqual(await refusedWith(scene, { ...wish, head: 'nobody:work' }), [invalid('head')]);
  assert.deepEqual(await refusedWith(scene, { ...wish, head: 'main' }), [
    custom('No commits between main and main'),
  ]);
  await repository.bare.commit({ branch: 'alien', files: { b: 'b' } });
  assert.deepEqual(await refusedWith(scene, { ...wish, head: 'alien' }), [
    custom('The alien branch has no history in common with main'),
  ]);
  assert.equal((await scene.call(`POST ${pulls}`, { body: wish })).status, 201);
  assert.deepEqual(await refusedWith(scene, wish), [custom('A pull request already exists for ada:work.')]);
  repository.allowsDrafts = false;
  await repository.bare.createBranch('more', (await repository.bare.tip('work')) ?? '');
  const draft = await scene.call(`POST ${pulls}`, { body: { ...wish, head: 'more', draft: true } });
  assert.equal(draft.status, 422);
  assert.equal(draft.body['message'], 'Draft pull requests are not supported in this repository.');
  github.assertNoViolations();
});

test('of pull requests for one branch that come at once, one is opened', async (t) => {
  const { call, repository } = await githubScene(t);
  const replies = await Promise.all([1, 2, 3, 4].map(() => call(`POST ${pulls}`, { body: wish })));
  const statuses = replies.map(({ status }) => status);
  assert.deepEqual(
    [statuses.filter((one) => one === 201).length, statuses.filter((one) => one === 422).length],
    [1, 3],
  );
  assert.equal(repository.pulls.length, 1);
});

test('a fork asks for its own branch by its owner, and outlives its deletion', async (t) => {
  const { github, repository, call } = await githubScene(t);
  const eve = github.addUser('eve');
  const token = github.addToken(eve).value;
  const fork = await github.fork(repository, eve);
  await fork.bare.commit({ branch: 'fix', files: { c: 'c' }, from: (await fork.bare.tip('main')) ?? '' });
  const opened = await call(`POST ${pulls}`, { token, body: { ...wish, head: 'eve:fix' } });
  assert.equal(opened.status, 201, opened.text);
  assert.equal(opened.body['head']?.['repo']?.['full_name'], 'eve/app');
  const found = await call(`GET ${pulls}?head=eve:fix`, { token });
  assert.deepEqual(
    found.body.map((pull) => pull['number']),
    [1],
  );
  assert.equal(
    (await call(`POST ${pulls}`, { token, body: wish })).status,
    422,
    'eve may not write to ada/app',
  );
  await github.remove(fork);
  const left = await call(`GET ${pulls}/1`);
  assert.deepEqual([left.body['state'], left.body['head']?.['repo']], ['closed', null]);
  github.assertNoViolations();
});

test('a pull request follows git: pushes, a merge by hand, a branch that goes', async (t) => {
  const { github, repository, call } = await githubScene(t);
  await call(`POST ${pulls}`, { body: wish });
  const pushed = await repository.bare.commit({ branch: 'work', files: { b: 'b' } });
  const seen = await call(`GET ${pulls}/1`);
  assert.deepEqual([seen.body['head']?.['sha'], seen.body['commits']], [pushed, 2]);
  assert.equal(seen.body['mergeable'], true);
  await repository.bare.merge('main', pushed, 'by hand');
  const merged = await call(`GET ${pulls}/1`);
  assert.deepEqual(
    [merged.body['state'], merged.body['merged'], merged.body['commits']],
    ['closed', true, 2],
  );
  await repository.bare.commit({ branch: 'work', files: { c: 'c' } });
  assert.equal((await call(`POST ${pulls}`, { body: wish })).body['number'], 2);
  await repository.bare.deleteBranch('work');
  assert.equal((await call(`GET ${pulls}/2`)).body['state'], 'closed');
  const reopened = await call(`PATCH ${pulls}/2`, { body: { state: 'open' } });
  assert.equal(reopened.status, 422);
  assert.match(reopened.text, /state cannot be changed. The work branch has been deleted/u);
  github.assertNoViolations();
});

test('people open, close, reopen and merge', async (t) => {
  const { github, repository, call } = await githubScene(t);
  const pull = await github.openPull(repository, wish);
  github.closePull(repository, pull);
  assert.deepEqual((await call(`GET ${pulls}`)).body, []);
  await github.reopenPull(repository, pull);
  assert.equal((await call(`GET ${pulls}`)).body.length, 1);
  await github.mergePull(repository, pull);
  const merged = await call(`GET ${pulls}/1`);
  assert.equal(merged.body['merge_commit_sha'], await repository.bare.tip('main'));
  assert.ok(merged.body['merged_at']);
  await assert.rejects(github.reopenPull(repository, pull), /Validation Failed/u);
});

test('what was renamed leads on, and what was deleted is not there', async (t) => {
  const { github, repository, call } = await githubScene(t);
  await github.move(repository, 'ada/tool');
  const { id } = repository;
  const moved = await call('GET /repos/ada/app');
  assert.deepEqual(
    [moved.status, moved.headers.get('location'), moved.body['message']],
    [301, `${github.apiUrl}/repositories/${id}`, 'Moved Permanently'],
  );
  assert.equal((await call(`GET /repositories/${id}`)).body['full_name'], 'ada/tool');
  const post = await call(`POST ${pulls}`, { body: wish });
  assert.deepEqual(
    [post.status, post.headers.get('location')],
    [307, `${github.apiUrl}/repositories/${id}/pulls`],
  );
  assert.equal((await call(`POST /repositories/${id}/pulls`, { body: wish })).status, 201);
  repository.isPrivate = true;
  assert.equal((await call('GET /repos/ada/app', { token: undefined })).status, 404);
  await github.renameBranch(repository, 'main', 'trunk');
  const branch = await call('GET /repos/ada/tool/branches/main');
  assert.deepEqual(
    [branch.status, branch.headers.get('location')],
    [301, `${github.apiUrl}/repos/ada/tool/branches/trunk`],
  );
  assert.equal((await call('GET /repos/ada/tool')).body['default_branch'], 'trunk');
  assert.equal((await call('GET /repos/ada/tool/pulls/1')).body['base']?.['ref'], 'trunk');
  await github.remove(repository);
  assert.equal((await call('GET /repos/ada/app')).status, 404);
  assert.equal((await call(`GET /repositories/${id}`)).status, 404);
  github.assertNoViolations();
});

test('lists come in pages that lead to each other, by the number of the repository', async (t) => {
  const { github, call } = await githubScene(t);
  for (const name of ['b', 'c', 'd', 'e']) await github.addRepository(`ada/${name}`);
  const first = await call('GET /user/repos?per_page=2');
  assert.equal(
    first.headers.get('link'),
    `<${github.apiUrl}/user/repos?per_page=2&page=2>; rel="next", <${github.apiUrl}/user/repos?per_page=2&page=3>; rel="last"`,
  );
  const last = await call('GET /user/repos?per_page=2&page=3');
  assert.deepEqual(
    last.body.map((one) => one['name']),
    ['e'],
  );
  assert.doesNotMatch(last.headers.get('link') ?? '', /rel="next"/u);
  await call(`POST ${pulls}`, { body: wish });
  await call('POST /repos/ada/app/issues/1/labels', { body: { labels: ['a', 'b'] } });
  const labels = await call('GET /repos/ada/app/issues/1/labels?per_page=1');
  assert.match(
    labels.headers.get('link') ?? '',
    /\/repositories\/\d+\/issues\/1\/labels\?per_page=1&page=2/u,
  );
});

test('what has not changed is 304, and is not counted', async (t) => {
  const { github, repository, call, token } = await githubScene(t);
  const first = await call('GET /repos/ada/app');
  const headers = { 'if-none-match': first.headers.get('etag') ?? '' };
  const { used } = token.usage;
  const again = await call('GET /repos/ada/app', { headers });
  assert.deepEqual([again.status, again.text, token.usage.used], [304, '', used]);
  repository.isArchived = true;
  assert.equal((await call('GET /repos/ada/app', { headers })).status, 200);
  github.assertNoViolations();
});

test('both forms of the address lead to the same, and each names itself', async (t) => {
  const { github, call } = await githubScene(t);
  const enterprise = await call('GET /repos/ada/app');
  assert.equal(enterprise.body['url'], `${github.url}/api/v3/repos/ada/app`);
  const plain = await call('GET /repos/ada/app', { api: github.url });
  assert.equal(plain.body['url'], `${github.url}/repos/ada/app`);
  assert.equal(plain.body['clone_url'], github.gitUrl('ada/app'));
});

test('a client without a name, and one from the wrong time, are refused', async (t) => {
  const { github, call } = await githubScene(t);
  const versions = ['2022-11-28', '1999-01-01'].map((version) =>
    call('GET /user', { headers: { 'x-github-api-version': version } }),
  );
  assert.deepEqual(
    (await Promise.all(versions)).map(({ status }) => status),
    [200, 400],
  );
  assert.match(
    await rawAnswer(github.url, 'GET /user HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'),
    / 403 /u,
  );
});

/** What comes back for bytes that no client of Node's would send. */
function rawAnswer(url: string, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let seen = '';
    const socket = createConnection({ host: '127.0.0.1', port: Number(new URL(url).port) });
    socket.on('data', (chunk: Buffer) => (seen += chunk.toString('utf8')));
    socket.once('error', reject);
    socket.once('close', () => resolve(seen));
    socket.end(bytes);
  });
}
