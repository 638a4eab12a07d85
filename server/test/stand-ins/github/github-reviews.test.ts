import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { gitByHand } from '../../support/git-repositories.ts';
import { githubScene } from './github-scene.ts';
import type { GithubScene } from './github-scene.ts';

const pull = '/repos/ada/app/pulls/1';
const text = (count: number, changed: number): string =>
  Array.from({ length: count }, (_, at) => (at + 1 === changed ? 'changed\n' : `line ${at + 1}\n`)).join('');

/** The pull request #1 of `topic`, which changes line 20 of `long.txt`, and Eve's token, who may read. */
async function reviewScene(t: TestContext): Promise<GithubScene & { readonly eve: string }> {
  const scene = await githubScene(t);
  const { github, repository } = scene;
  const from = await repository.bare.commit({ branch: 'main', files: { 'long.txt': text(40, 0) } });
  await repository.bare.commit({ branch: 'topic', from, files: { 'long.txt': text(40, 20) } });
  await github.openPull(repository, { head: 'topic', base: 'main', title: 'Change line 20' });
  return { ...scene, eve: github.addToken(github.addUser('eve')).value };
}

const comment = (line: number, side = 'RIGHT'): object => ({
  path: 'long.txt',
  line,
  side,
  body: `At ${line}`,
});

test('a review is listed with its comments, each with its line and its row in the diff', async (t) => {
  const { github, call, eve, repository } = await reviewScene(t);
  const wish = { event: 'APPROVE', comments: [comment(17), comment(20), comment(20, 'LEFT'), comment(23)] };
  const made = await call(`POST ${pull}/reviews`, { body: wish, token: eve });
  assert.deepEqual([made.status, made.body['state'], made.body['user']?.['login']], [200, 'APPROVED', 'eve']);
  assert.equal(made.body['commit_id'], await repository.bare.tip('topic'));
  const listed = await call(`GET ${pull}/reviews/${made.body['id']}/comments`);
  assert.deepEqual(
    listed.body.map((one) => [one['line'], one['side'], one['position'], one['body']]),
    [
      [17, 'RIGHT', 1, 'At 17'],
      [20, 'RIGHT', 5, 'At 20'],
      [20, 'LEFT', 4, 'At 20'],
      [23, 'RIGHT', 8, 'At 23'],
    ],
  );
  assert.equal((await call(`GET ${pull}`)).body['review_comments'], 4);
  assert.equal((await call(`GET ${pull}/reviews/1/comments`)).status, 404);
  github.assertNoViolations();
});

test('what GitHub refuses of a review leaves none', async (t) => {
  const { github, call, eve, repository } = await reviewScene(t);
  const main = await repository.bare.tip('main');
  const refusals: readonly (readonly [body: object, words: RegExp, token?: string])[] = [
    [{ event: 'COMMENT', body: 'a', comments: [comment(16)] }, /Line could not be resolved/u],
    [{ event: 'COMMENT', body: 'a', comments: [comment(20), comment(24)] }, /Line could not be resolved/u],
    [{ event: 'COMMENT', body: 'a', comments: [{ path: 'x', line: 1, body: 'a' }] }, /Path could not be/u],
    [{ event: 'COMMENT', body: 'a', commit_id: main }, /not part of the pull request/u],
    [{ event: 'COMMENT', body: 'a', commit_id: '0'.repeat(40) }, /not part of the pull request/u],
    [{ event: 'COMMENT', body: 'a'.repeat(65_537) }, /too long/u],
    [{ event: 'REQUEST_CHANGES' }, /Body can not be blank/u],
  ];
  for (const [body, words] of refusals) {
    const reply = await call(`POST ${pull}/reviews`, { body, token: eve });
    assert.deepEqual([reply.status, words.test(reply.text)], [422, true], reply.text);
  }
  for (const event of ['APPROVE', 'REQUEST_CHANGES']) {
    const own = github.addToken(repository.owner).value;
    const [first] = repository.pulls;
    assert.equal(first?.author.login, 'ada');
    const reply = await call(`POST ${pull}/reviews`, { body: { event, body: 'a' }, token: own });
    assert.match(reply.text, /your own pull request/u);
  }
  assert.deepEqual((await call(`GET ${pull}/reviews`)).body, []);
  github.assertNoViolations();
});

test('a review that is not submitted is seen by its author, who can begin no other', async (t) => {
  const { github, call, eve } = await reviewScene(t);
  const begun = await call(`POST ${pull}/reviews`, { body: { body: 'begun' }, token: eve });
  assert.equal(begun.body['state'], 'PENDING');
  assert.deepEqual((await call(`GET ${pull}/reviews`)).body, []);
  assert.equal((await call(`GET ${pull}/reviews/${begun.body['id']}/comments`)).status, 404);
  assert.equal((await call(`GET ${pull}/reviews`, { token: eve })).body.length, 1);
  const body = { event: 'COMMENT', body: 'a' };
  assert.match((await call(`POST ${pull}/reviews`, { body, token: eve })).text, /one pending review/u);
  assert.equal((await call(`POST ${pull}/reviews`, { body })).status, 200, 'others can');
  github.assertNoViolations();
});

test('a locked conversation is for who may write', async (t) => {
  const { github, call, eve, repository } = await reviewScene(t);
  const [first] = repository.pulls;
  assert.ok(first !== undefined);
  first.isLocked = true;
  assert.equal((await call(`GET ${pull}`)).body['locked'], true);
  const body = { event: 'COMMENT', body: 'a' };
  assert.equal((await call(`POST ${pull}/reviews`, { body, token: eve })).status, 422);
  const said = await call('POST /repos/ada/app/issues/1/comments', { body: { body: 'a' }, token: eve });
  assert.equal(said.status, 403);
  assert.equal((await call(`POST ${pull}/reviews`, { body })).status, 200);
  github.assertNoViolations();
});

test('files are told with their former names, and binary ones without hunks', async (t) => {
  const { github, call, repository } = await reviewScene(t);
  const files = { 'long.txt': undefined, 'dir [1]/ü.txt': text(40, 20), 'a.bin': '\0\u0001', empty: '' };
  await repository.bare.commit({ branch: 'topic', files });
  const listed = await call(`GET ${pull}/files`);
  const rows = listed.body.map((one) => [one['filename'], one['status'], one['previous_filename']]);
  assert.deepEqual(rows, [
    ['a.bin', 'added', undefined],
    ['dir [1]/ü.txt', 'renamed', 'long.txt'],
    ['empty', 'added', undefined],
  ]);
  assert.deepEqual(
    listed.body.map((one) => [
      one['additions'],
      one['deletions'],
      /^@@ .* @@/u.exec(String(one['patch']))?.[0],
    ]),
    [
      [0, 0, undefined],
      [1, 1, '@@ -17,7 +17,7 @@'],
      [0, 0, undefined],
    ],
  );
  github.assertNoViolations();
});

test('git fetches the head of a pull request, of a fork too, as it was last pushed', async (t) => {
  const { github, repository, clone } = await reviewScene(t);
  const tree = await clone('ada/app');
  const fetched = async (number: number): Promise<string> => {
    await gitByHand(tree, 'fetch', '--quiet', 'origin', `+refs/pull/${number}/head:refs/heads/pr-${number}`);
    return gitByHand(tree, 'rev-parse', `pr-${number}`);
  };
  assert.equal(await fetched(1), await repository.bare.tip('topic'));
  await gitByHand(tree, 'checkout', '--quiet', '-b', 'mine', 'origin/main');
  await gitByHand(tree, 'commit', '--quiet', '--allow-empty', '-m', 'forced');
  await gitByHand(tree, 'push', '--quiet', '--force', 'origin', 'mine:topic');
  assert.equal(await fetched(1), await gitByHand(tree, 'rev-parse', 'mine'));
  const fork = await github.fork(repository, github.addUser('grace'));
  await fork.bare.commit({ branch: 'work', files: { b: 'b' } });
  await github.openPull(repository, { head: 'grace:work', base: 'main', title: 'From a fork' });
  assert.equal(await fetched(2), await fork.bare.tip('work'));
  const pushed = await fork.bare.commit({ branch: 'work', files: { c: 'c' } });
  assert.equal(await fetched(2), pushed);
  await github.remove(fork);
  assert.equal(await fetched(2), pushed, 'and when the fork is gone');
});
