import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gitByHand, testForge, testSignal } from '../../test/support/git-repositories.ts';
import type { TestForge } from '../../test/support/git-repositories.ts';
import { resolveBranch } from './mirrors.ts';
import { createTree } from './workspace.ts';

async function treeOf(forge: TestForge, name = 'tree'): Promise<string> {
  const mirror = await forge.mirrors.refresh({ url: forge.url }, forge.canonical, testSignal());
  const base = resolveBranch(mirror, undefined);
  const tree = join(forge.folder, name);
  const originUrl = 'https://git.example.com/team/project.git';
  const { git } = forge;
  await createTree({
    git,
    mirror,
    tree,
    branch: 'slipway/work-1',
    commit: base.commit,
    base,
    originUrl,
    signal: testSignal(),
  });
  return tree;
}

test('a tree is a complete repository of its own on the work branch, with nothing checked out', async (t) => {
  const forge = await testForge(t);
  const commit = await forge.commit({ 'a.txt': 'a' });
  await gitByHand(forge.bare, 'tag', '-a', '-m', 'one', 'v1', commit);
  const tree = await treeOf(forge);
  assert.deepEqual(readdirSync(tree), ['.git']);
  assert.equal(await gitByHand(tree, 'symbolic-ref', 'HEAD'), 'refs/heads/slipway/work-1');
  assert.equal(await gitByHand(tree, 'rev-parse', 'HEAD', 'origin/main'), `${commit}\n${commit}`);
  assert.equal(
    await gitByHand(tree, 'remote', 'get-url', 'origin'),
    'https://git.example.com/team/project.git',
  );
  await gitByHand(tree, 'fsck', '--full', '--strict');
  await gitByHand(tree, 'reset', '--hard', '--quiet');
  assert.equal(await gitByHand(tree, 'status', '--porcelain'), '');
  assert.equal(await gitByHand(tree, 'describe'), 'v1');
  assert.equal(readFileSync(join(tree, 'a.txt'), 'utf8'), 'a');
});

test('a tree shares nothing with the mirror', async (t) => {
  const forge = await testForge(t);
  const tree = await treeOf(forge);
  assert.equal(existsSync(join(tree, '.git/objects/info/alternates')), false);
  const objects = join(tree, '.git/objects');
  for (const name of readdirSync(objects, { recursive: true, encoding: 'utf8' })) {
    const state = statSync(join(objects, name));
    if (state.isFile()) assert.equal(state.nlink, 1, name);
  }
  assert.ok(!readFileSync(join(tree, '.git/config'), 'utf8').includes(forge.folder));
  assert.equal(statSync(tree).mode & 0o777, 0o700);
});

test('a repository with submodules is refused', async (t) => {
  const forge = await testForge(t);
  await forge.commit({ '.gitmodules': '[submodule "x"]\n\tpath = x\n\turl = https://example.com/x\n' });
  await assert.rejects(treeOf(forge), { code: 'submodules', retryable: false, message: /submodules/u });
  await forge.commit({ '.gitmodules': undefined, 'docs/.gitmodules': 'not in the root' });
  await treeOf(forge, 'without');
  // A link to a commit elsewhere, without the file that says where it comes from.
  const index = join(forge.folder, 'person');
  await gitByHand(index, 'update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},sub`);
  await gitByHand(index, 'commit', '--quiet', '-m', 'link');
  await gitByHand(index, 'push', '--quiet', 'origin', 'HEAD:main');
  await assert.rejects(treeOf(forge, 'linked'), { code: 'submodules' });
});

test('a repository that keeps files in LFS is refused, wherever that is said', async (t) => {
  const forge = await testForge(t);
  await forge.commit({
    '.gitattributes': '*.txt text\n# *.psd filter=lfs\n',
    'a/gitattributes': '* filter=lfs\n',
  });
  await treeOf(forge, 'without');
  await forge.commit({ 'assets/deep/.gitattributes': '*.png filter=lfs diff=lfs merge=lfs -text\n' });
  await assert.rejects(treeOf(forge), { code: 'lfs', message: /LFS/u });
});

test('names that git would misread are refused', async (t) => {
  const forge = await testForge(t);
  const mirror = await forge.mirrors.refresh({ url: forge.url }, forge.canonical, testSignal());
  const { commit } = resolveBranch(mirror, undefined);
  const request = { git: forge.git, mirror, commit, signal: testSignal(), tree: join(forge.folder, 'x') };
  const originUrl = 'https://example.com/x';
  for (const branch of ['-x', 'a b', 'a..b', '', 'x"y\n']) {
    await assert.rejects(createTree({ ...request, branch, originUrl }), TypeError, branch);
  }
  await assert.rejects(createTree({ ...request, branch: 'ok', originUrl: 'https://x/"\n[core]' }), TypeError);
});
