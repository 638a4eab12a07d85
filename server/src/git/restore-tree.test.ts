import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { gitByHand, testForge, testSignal } from '../../test/support/git-repositories.ts';
import { runScript } from '../../test/support/run-script.ts';
import { resolveBranch } from './mirrors.ts';
import { restoreCommand } from './restore-tree.ts';
import { checkoutCommand } from './sandbox-scripts.ts';
import { createTree } from './workspace.ts';

async function checkedOut(t: TestContext) {
  const forge = await testForge(t);
  await forge.commit({ '.gitignore': 'ignored\n', 'run.sh': '#!/bin/sh\n', 'src/deep/a.txt': 'a\n' });
  const mirror = await forge.mirrors.refresh({ url: forge.url }, forge.canonical, testSignal());
  const { commit } = resolveBranch(mirror, undefined);
  const tree = join(forge.folder, 'tree');
  const { git } = forge;
  await createTree({
    git,
    mirror,
    tree,
    branch: 'work',
    commit,
    originUrl: forge.url,
    signal: testSignal(),
  });
  assert.equal((await runScript(checkoutCommand(tree))).code, 0);
  return { tree, commit, restore: async () => (await runScript(restoreCommand({ tree, commit }))).code };
}

test('what ran in a tree is undone, what git ignores stays, and files that are as they were keep their times', async (t) => {
  const { tree, restore } = await checkedOut(t);
  const at = (path: string): string => join(tree, path);
  const untouched = statSync(at('src/deep/a.txt')).mtimeMs;
  appendFileSync(at('README.md'), 'more\n');
  chmodSync(at('run.sh'), 0o777);
  rmSync(at('.gitignore'));
  mkdirSync(at('coverage/deep'), { recursive: true });
  writeFileSync(at('coverage/deep/report'), '');
  symlinkSync('/etc/passwd', at('link'));
  await gitByHand(tree, 'add', '-A');
  mkdirSync(at('nested'));
  await gitByHand(at('nested'), 'init', '--quiet');
  writeFileSync(at('ignored'), 'installed');
  assert.equal(await restore(), 0);
  assert.equal((await gitByHand(tree, 'status', '--porcelain')).trim(), '');
  assert.deepEqual(
    ['coverage', 'nested', 'link', 'ignored', '.git'].map((path) => existsSync(at(path))),
    [false, false, false, true, true],
  );
  assert.ok(!readFileSync(at('README.md'), 'utf8').includes('more'));
  assert.equal(statSync(at('src/deep/a.txt')).mtimeMs, untouched);
});

test('what the tests told git to ignore goes with the words that said so', async (t) => {
  const { tree, restore } = await checkedOut(t);
  const at = (path: string): string => join(tree, path);
  // A generated project: its own list of what git ignores, and what that hides.
  mkdirSync(at('made/packages/inner/out'), { recursive: true });
  writeFileSync(at('made/.gitignore'), 'packages/*/out\nhidden\n');
  writeFileSync(at('made/hidden'), '');
  writeFileSync(at('made/packages/inner/out/report'), '');
  // One that hides all, and itself, from whoever works there next.
  writeFileSync(at('src/.gitignore'), '*\n');
  writeFileSync(at('src/hidden'), '');
  // And one that keeps what was installed: in a folder of its own.
  mkdirSync(at('packages'));
  writeFileSync(at('packages/.gitignore'), '*\n');
  assert.equal(await restore(), 0);
  assert.deepEqual(
    ['made', 'src/.gitignore', 'src/hidden', 'packages/.gitignore', '.gitignore'].map((path) =>
      existsSync(at(path)),
    ),
    [false, false, false, true, true],
  );
});

test('a folder in the place of a file, and a link in the place of a folder, are put right, and nothing behind the link goes', async (t) => {
  const { tree, restore } = await checkedOut(t);
  const outside = join(tree, '../outside');
  mkdirSync(join(outside, 'deep'), { recursive: true });
  writeFileSync(join(outside, 'deep/precious'), 'kept');
  rmSync(join(tree, 'src'), { recursive: true });
  symlinkSync(outside, join(tree, 'src'));
  rmSync(join(tree, 'run.sh'));
  mkdirSync(join(tree, 'run.sh'));
  writeFileSync(join(tree, 'run.sh/inside'), '');
  assert.equal(await restore(), 0);
  assert.equal((await gitByHand(tree, 'status', '--porcelain')).trim(), '');
  assert.equal(readFileSync(join(tree, 'src/deep/a.txt'), 'utf8'), 'a\n');
  assert.equal(readFileSync(join(outside, 'deep/precious'), 'utf8'), 'kept');
  assert.equal(existsSync(join(outside, 'deep/a.txt')), false);
});

test('hooks, filters and settings that the tests left in the tree are not run', async (t) => {
  const { tree, restore } = await checkedOut(t);
  const proof = join(tree, '../ran');
  for (const [key, value] of [
    ['core.fsmonitor', `touch ${proof}`],
    ['filter.bad.smudge', `touch ${proof}`],
    ['core.hooksPath', join(tree, 'hooks')],
  ] as const) {
    await gitByHand(tree, 'config', key, value);
  }
  writeFileSync(join(tree, '.git/info/attributes'), '* filter=bad\n');
  appendFileSync(join(tree, 'README.md'), 'more\n');
  assert.equal(await restore(), 0);
  assert.equal(existsSync(proof), false);
});

test('a tree whose HEAD is elsewhere, or that has no repository, is left as it is, and said so', async (t) => {
  const { tree, restore } = await checkedOut(t);
  writeFileSync(join(tree, 'made by the tests'), '');
  await gitByHand(tree, 'add', '-A');
  await gitByHand(
    tree,
    '-c',
    'user.name=t',
    '-c',
    'user.email=t@t',
    'commit',
    '--quiet',
    '-m',
    'by the tests',
  );
  assert.notEqual(await restore(), 0);
  assert.ok(existsSync(join(tree, 'made by the tests')));
  rmSync(join(tree, '.git'), { recursive: true });
  assert.notEqual(await restore(), 0);
});
