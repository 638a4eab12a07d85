import assert from 'node:assert/strict';
import { existsSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Secret } from '../lib/secret.ts';
import { gitByHand, testForge, testSignal } from '../../test/support/git-repositories.ts';
import type { TestForge } from '../../test/support/git-repositories.ts';
import { createMirrors, resolveBranch, type Mirrors } from './mirrors.ts';
import { createTree } from './workspace.ts';

const id = '0190a1b2-0000-7000-8000-000000000001';

/** Opens a pull request, or pushes to it: as a forge does, under a ref that belongs to no branch. */
async function propose(forge: TestForge, number: number, from: string, text: string): Promise<string> {
  const fork = join(forge.folder, 'fork');
  if (!existsSync(fork)) await gitByHand(forge.folder, 'clone', '--quiet', forge.bare, fork);
  await gitByHand(fork, 'fetch', '--quiet', 'origin');
  await gitByHand(fork, 'checkout', '--quiet', '--detach', from);
  writeFileSync(join(fork, 'proposal.txt'), text);
  await gitByHand(fork, 'add', '-A');
  await gitByHand(fork, 'commit', '--quiet', '-m', text);
  await gitByHand(fork, 'push', '--quiet', '--force', 'origin', `HEAD:refs/pull/${number}/head`);
  return gitByHand(fork, 'rev-parse', 'HEAD');
}

/** A forge, and what a task does with it: a refresh of the branch, then the head of the pull request. */
async function reviewing(t: TestContext, options: Parameters<typeof testForge>[1] = {}) {
  const forge = await testForge(t, options);
  const credential = options.server?.credentials;
  const remote = {
    url: forge.url,
    ...(credential && {
      credential: {
        kind: 'password' as const,
        username: 'slipway',
        password: new Secret(credential.password),
      },
    }),
  };
  const look = async (number: number, by = id, mirrors: Mirrors = forge.mirrors) => {
    const mirror = await mirrors.refresh(remote, forge.canonical, testSignal(), { branch: 'main' });
    const wanted = { number, ref: `refs/pull/${number}/head`, id: by };
    const head = await mirrors.fetchPullRequest(remote, mirror, wanted, testSignal());
    return { mirror, head, base: resolveBranch(mirror, 'main') };
  };
  return { forge, remote, look };
}

test('the head of a pull request is fetched with the credential of the task, beside the branch, in one conversation', async (t) => {
  const { forge, look } = await reviewing(t, { server: { credentials: { password: 'tok' } } });
  const proposed = await propose(forge, 7, 'origin/main', 'one');
  const { mirror, head } = await look(7);
  assert.equal(head, proposed);
  assert.deepEqual([...mirror.branches.keys()], ['main'], 'it is no branch');
  const before = forge.server.requests.length;
  assert.equal((await look(7)).head, proposed);
  const asked = forge.server.requests.slice(before);
  // What is here already is not sent again. git asks once without its credential.
  assert.deepEqual(
    asked.filter(({ carriedCredential }) => carriedCredential).map(({ method }) => method),
    ['POST', 'GET', 'POST'],
  );
});

test('a pull request that was force-pushed is given as it is now', async (t) => {
  const { forge, look } = await reviewing(t);
  const first = await propose(forge, 7, 'origin/main', 'one');
  assert.equal((await look(7)).head, first);
  const second = await propose(forge, 7, 'origin/main', 'another');
  assert.notEqual(second, first);
  assert.equal((await look(7)).head, second);
});

test('a pull request that is not there is told by its number, and not tried again', async (t) => {
  const { forge, look } = await reviewing(t);
  await assert.rejects(look(12), {
    code: 'pull_request_not_found',
    retryable: false,
    message: /no pull request 12/u,
  });
  await propose(forge, 12, 'origin/main', 'one');
  const { mirror, head } = await look(12);
  await gitByHand(forge.bare, 'update-ref', '-d', 'refs/pull/12/head');
  await assert.rejects(look(12), { code: 'pull_request_not_found' });
  assert.equal(await gitByHand(mirror.folder, 'rev-parse', `refs/slipway/keep/${id}.head`), head);
});

test('a remote that cannot be reached any more is told as such', async (t) => {
  let broken = false;
  const { forge, look } = await reviewing(t, {
    server: {
      // The question whether the branch has moved is answered; the fetch of the pull request is not.
      faults: ({ method }) => (broken && method === 'GET' ? { kind: 'answer', status: 503 } : undefined),
    },
  });
  await propose(forge, 7, 'origin/main', 'one');
  await look(7);
  broken = true;
  await assert.rejects(look(7), { code: 'unreachable', retryable: true });
});

test('the head is kept with the base for as long as the workspace stands, and nothing of it stays behind', async (t) => {
  const { forge, remote, look } = await reviewing(t);
  const folder = join(forge.folder, 'kept');
  const mirrors = createMirrors({ git: forge.git, folder, maxBytes: 100_000_000, graceMs: 0 });
  const first = await propose(forge, 7, 'origin/main', 'one');
  const { mirror, base } = await look(7, id, mirrors);
  await mirrors.keep(mirror, id, base.commit);
  for (const [number, by] of [
    [7, 'other'],
    [8, 'third'],
  ] as const) {
    await propose(forge, number, 'origin/main', by);
    await look(number, by, mirrors);
  }
  const refs = (): Promise<string> =>
    gitByHand(mirror.folder, 'for-each-ref', '--format=%(refname)', 'refs/slipway', 'refs/pull');
  assert.deepEqual(
    (await refs()).split('\n').filter((name) => !name.startsWith('refs/slipway/keep/')),
    ['refs/slipway/remote/HEAD'],
  );
  await gitByHand(mirror.folder, 'gc', '--quiet', '--prune=now');
  assert.equal(await gitByHand(mirror.folder, 'cat-file', '-t', first), 'commit');
  utimesSync(join(mirror.folder, 'slipway-used'), 1000, 1000);
  const none = createMirrors({ git: forge.git, folder, maxBytes: 0, graceMs: 0 });
  await none.trim();
  assert.ok(existsSync(mirror.folder), 'a mirror with a kept commit stays');
  for (const by of [id, 'other', 'third', 'third']) await mirrors.unkeep(mirror, by);
  assert.equal(await refs(), 'refs/slipway/remote/HEAD');
  await none.trim();
  assert.ok(!existsSync(mirror.folder));
  await mirrors.unkeep(mirror, id);
  await assert.rejects(
    mirrors.fetchPullRequest(
      remote,
      mirror,
      { number: 7, ref: 'refs/pull/7/head', id: '../x' },
      testSignal(),
    ),
    TypeError,
  );
});

test('several are fetched at once, after a process was killed in the mirror', async (t) => {
  const { forge, look } = await reviewing(t);
  const heads = [];
  for (const number of [1, 2, 3]) heads.push(await propose(forge, number, 'origin/main', `p${number}`));
  const { mirror } = await look(1);
  for (const name of ['slipway-busy', 'packed-refs.lock', `refs/slipway/keep/${id}.head.lock`])
    writeFileSync(join(mirror.folder, name), '');
  const looks = await Promise.all([1, 2, 3].map((number) => look(number, number === 1 ? id : `w${number}`)));
  assert.deepEqual(
    looks.map(({ head }) => head),
    heads,
  );
  assert.ok(!existsSync(join(mirror.folder, 'slipway-busy')));
});

test('a pull request that makes a repository too large is refused', async (t) => {
  const { forge, remote, look } = await reviewing(t);
  await propose(forge, 7, 'origin/main', 'x');
  const { mirror } = await look(7);
  const tiny = createMirrors({ git: forge.git, folder: join(forge.folder, 'mirrors'), maxBytes: 10 });
  const wanted = { number: 7, ref: 'refs/pull/7/head', id };
  await assert.rejects(tiny.fetchPullRequest(remote, mirror, wanted, testSignal()), { code: 'too_large' });
});

test('in the tree the difference to the base is that of the pull request, also where it is behind its base', async (t) => {
  const { forge, look } = await reviewing(t);
  const proposed = await propose(forge, 7, 'origin/main', 'one');
  const ahead = await forge.commit({ 'later.txt': 'on main meanwhile' });
  const { mirror, head, base } = await look(7);
  assert.deepEqual([head, base.commit], [proposed, ahead]);
  const tree = await treeOf(forge, { mirror, head, base });
  assert.equal(await gitByHand(tree, 'symbolic-ref', 'HEAD'), 'refs/heads/pr-7');
  assert.equal(await gitByHand(tree, 'rev-parse', 'HEAD', 'origin/main'), `${head}\n${ahead}`);
  assert.equal(
    await gitByHand(tree, 'diff', '--name-status', 'origin/main...HEAD'),
    'A\tproposal.txt',
    'and not what came to the base',
  );
  await gitByHand(tree, 'fsck', '--full', '--strict');
});

test('a pull request without a history in common with its base is laid out all the same', async (t) => {
  const { forge, look } = await reviewing(t);
  await propose(forge, 7, 'origin/main', 'one');
  const fork = join(forge.folder, 'fork');
  await gitByHand(fork, 'checkout', '--quiet', '--orphan', 'unrelated');
  await gitByHand(fork, 'commit', '--quiet', '-m', 'unrelated');
  await gitByHand(fork, 'push', '--quiet', '--force', 'origin', 'HEAD:refs/pull/7/head');
  const tree = await treeOf(forge, await look(7));
  await gitByHand(tree, 'reset', '--hard', '--quiet');
  assert.ok(readdirSync(tree).includes('proposal.txt'));
  assert.equal(await gitByHand(tree, 'diff', '--name-status', 'origin/main', 'HEAD'), 'A\tproposal.txt');
});

async function treeOf(
  forge: TestForge,
  {
    mirror,
    head,
    base,
  }: Pick<Awaited<ReturnType<Awaited<ReturnType<typeof reviewing>>['look']>>, 'mirror' | 'head' | 'base'>,
): Promise<string> {
  const tree = join(forge.folder, 'tree');
  const { git } = forge;
  const originUrl = 'https://git.example.com/team/project.git';
  await createTree({
    git,
    mirror,
    tree,
    branch: 'pr-7',
    commit: head,
    base,
    originUrl,
    signal: testSignal(),
  });
  return tree;
}
