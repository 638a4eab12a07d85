import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { CommandResult } from '../lib/child-process.ts';
import { gitByHand, testForge, testSignal } from '../../test/support/git-repositories.ts';
import { runScript } from '../../test/support/run-script.ts';
import { resolveBranch } from './mirrors.ts';
import { receiveBundle } from './receive-bundle.ts';
import {
  checkoutCommand,
  cleanMessage,
  commitCommand,
  readCommitExit,
  resultRef,
} from './sandbox-scripts.ts';
import type { CommitRequest } from './sandbox-scripts.ts';
import { createTree } from './workspace.ts';

/** Bundles are printed. */
const limits = { maxOutputBytes: 1e7, timeoutMs: 10_000 };
const author = { name: 'Slipway', email: 'slipway@example.com' };

async function checkedOut(t: TestContext) {
  const forge = await testForge(t);
  await forge.commit({ '.gitignore': 'ignored\n', 'run.sh': '#!/bin/sh\n' });
  const mirror = await forge.mirrors.refresh({ url: forge.url }, forge.canonical, testSignal());
  const { commit: base } = resolveBranch(mirror, undefined);
  const tree = join(forge.folder, 'tree');
  const { git } = forge;
  await createTree({
    git,
    mirror,
    tree,
    branch: 'work',
    commit: base,
    originUrl: forge.url,
    signal: testSignal(),
  });
  assert.equal((await runScript(checkoutCommand(tree), limits)).code, 0);
  const commit = (rest: Partial<CommitRequest> = {}, message = 'Do it\n'): Promise<CommandResult> =>
    runScript(commitCommand({ tree, base, author, ...rest }), { input: message, ...limits });
  let received = 0;
  /** Commits, and gives what the server receives. */
  const collect = async (rest: Partial<CommitRequest> = {}, message = 'Do it\n') => {
    const result = await commit(rest, message);
    assert.equal(result.code, 0, result.stderr);
    const bundle = join(forge.folder, `bundle${(received += 1)}`);
    writeFileSync(bundle, result.stdout);
    const folder = join(forge.folder, `clean${received}`);
    const made = await receiveBundle({
      git,
      mirror,
      bundle,
      folder,
      ref: resultRef,
      base,
      signal: testSignal(),
    });
    const show = (...args: string[]): Promise<string> => gitByHand(folder, ...args);
    const changed = (await show('diff', '--name-status', base, made.commit)).split('\n').sort();
    return { commit: made.commit, folder, show, changed };
  };
  return { forge, mirror, tree, base, commit, collect };
}

test('what is left uncommitted becomes one commit by the given people, with the given message', async (t) => {
  const { tree, base, collect } = await checkedOut(t);
  appendFileSync(join(tree, 'README.md'), 'more\n');
  writeFileSync(join(tree, 'new file.txt'), 'new');
  writeFileSync(join(tree, 'ignored'), 'not me');
  rmSync(join(tree, 'src/add.js'));
  chmodSync(join(tree, 'run.sh'), 0o755);
  symlinkSync('/etc/passwd', join(tree, 'link'));
  const committer = { name: 'Bot <x>\n', email: 'bot@example.com' };
  const message = 'Fix the bug\n\n#1 is fixed\n\nSlipway-Task: t1\n';
  const { commit, show, changed } = await collect({ committer }, message);
  assert.deepEqual(changed, ['A\tlink', 'A\tnew file.txt', 'D\tsrc/add.js', 'M\tREADME.md', 'M\trun.sh']);
  const shown = await show('show', '--no-patch', '--format=%P|%an|%ae|%cn|%ce|%B', commit);
  assert.equal(shown, `${base}|Slipway|slipway@example.com|Bot x|bot@example.com|${message.trim()}`);
  assert.equal(await gitByHand(tree, 'status', '--porcelain'), '');
  assert.equal(await gitByHand(tree, 'rev-parse', 'refs/heads/work'), commit);
});

test('a run without changes says so, and leaves no bundle', async (t) => {
  const { tree, commit } = await checkedOut(t);
  writeFileSync(join(tree, 'ignored'), '');
  writeFileSync(join(tree, 'ours.json'), '{}');
  const result = await commit({ leftOut: ['ours.json', 'not there'] });
  assert.equal(readCommitExit(result.code), 'unchanged');
  assert.equal(result.stdout.length, 0);
});

test('what the server put into the tree is not committed', async (t) => {
  const { tree, collect } = await checkedOut(t);
  mkdirSync(join(tree, '.slipway'));
  for (const name of ['.slipway/a', '.slipway/[b]*', 'mine', 'settings[1].json'])
    writeFileSync(join(tree, name), '');
  const { changed } = await collect({ leftOut: ['.slipway', 'settings[1].json'] });
  assert.deepEqual(changed, ['A\tmine']);
});

test("the agent's own commits are kept, and the rest goes on top", async (t) => {
  const { tree, base, collect } = await checkedOut(t);
  writeFileSync(join(tree, 'one'), '');
  await gitByHand(tree, 'add', '-A');
  await gitByHand(tree, 'commit', '--quiet', '-m', 'by the agent');
  const alone = await collect();
  assert.equal(await alone.show('log', '--format=%s', `${base}..${alone.commit}`), 'by the agent');
  writeFileSync(join(tree, 'two'), '');
  const both = await collect();
  assert.equal(await both.show('log', '--format=%s', `${base}..${both.commit}`), 'Do it\nby the agent');
});

test('a detached HEAD and another branch are followed', async (t) => {
  const { tree, collect } = await checkedOut(t);
  await gitByHand(tree, 'checkout', '--quiet', '-b', 'elsewhere');
  writeFileSync(join(tree, 'one'), '');
  assert.deepEqual((await collect()).changed, ['A\tone']);
  await gitByHand(tree, 'checkout', '--quiet', '--detach');
  writeFileSync(join(tree, 'two'), '');
  const { changed, commit } = await collect();
  assert.deepEqual(changed, ['A\tone', 'A\ttwo']);
  assert.equal(await gitByHand(tree, 'rev-parse', 'HEAD'), commit);
  assert.equal(await gitByHand(tree, 'status', '--porcelain'), '');
});

test('a history that lost the base is told from a repository that is gone', async (t) => {
  const { tree, commit } = await checkedOut(t);
  await gitByHand(tree, 'checkout', '--quiet', '--orphan', 'fresh');
  await gitByHand(tree, 'commit', '--quiet', '-m', 'unrelated');
  assert.equal(readCommitExit((await commit()).code), 'unrelated');
  rmSync(join(tree, '.git'), { recursive: true });
  assert.equal(readCommitExit((await commit()).code), 'broken');
  await gitByHand(tree, 'init', '--quiet');
  assert.equal(readCommitExit((await commit()).code), 'broken');
  rmSync(join(tree, '.git'), { recursive: true });
  writeFileSync(join(tree, '.git'), 'gitdir: /somewhere');
  assert.equal(readCommitExit((await commit()).code), 'broken');
  rmSync(tree, { recursive: true });
  assert.equal(readCommitExit((await commit()).code), 'broken');
});

test('what a killed git leaves behind is cleared, and a damaged index or configuration is no obstacle', async (t) => {
  const { tree, collect } = await checkedOut(t);
  for (const name of ['index.lock', 'HEAD.lock', 'config.lock', 'packed-refs.lock', 'refs/heads/work.lock']) {
    mkdirSync(join(tree, '.git/refs/heads'), { recursive: true });
    writeFileSync(join(tree, '.git', name), '');
  }
  writeFileSync(join(tree, '.git/index'), 'nonsense');
  writeFileSync(join(tree, '.git/config'), 'nonsense[');
  writeFileSync(join(tree, 'one'), '');
  assert.deepEqual((await collect()).changed, ['A\tone']);
  assert.equal(existsSync(join(tree, '.git/index.lock')), false);
});

test('a merge that was left in the middle is committed as it stands', async (t) => {
  const { tree, collect } = await checkedOut(t);
  await gitByHand(tree, 'checkout', '--quiet', '-b', 'other');
  writeFileSync(join(tree, 'README.md'), 'theirs\n');
  await gitByHand(tree, 'commit', '--quiet', '-am', 'theirs');
  await gitByHand(tree, 'checkout', '--quiet', 'work');
  writeFileSync(join(tree, 'README.md'), 'ours\n');
  await gitByHand(tree, 'commit', '--quiet', '-am', 'ours');
  await assert.rejects(gitByHand(tree, 'merge', 'other'));
  assert.deepEqual((await collect()).changed, ['M\tREADME.md']);
});

test('nested repositories are left out, with and without commits', async (t) => {
  const { tree, collect } = await checkedOut(t);
  await gitByHand(tree, 'clone', '--quiet', tree, join(tree, 'nested'));
  writeFileSync(join(tree, 'one'), '');
  assert.deepEqual((await collect()).changed, ['A\tone']);
  await gitByHand(tree, 'init', '--quiet', join(tree, 'deep/hollow one'));
  writeFileSync(join(tree, 'two'), '');
  assert.deepEqual((await collect()).changed, ['A\tone', 'A\ttwo']);
});

test('a second run in the same tree goes on from the first', async (t) => {
  const { tree, base, collect, commit } = await checkedOut(t);
  writeFileSync(join(tree, 'one'), '');
  const first = await collect();
  writeFileSync(join(tree, 'two'), '');
  const second = await collect();
  assert.equal(await second.show('rev-list', `${base}..${second.commit}`, '--count'), '2');
  assert.equal(readCommitExit((await commit({ base: second.commit })).code), 'unchanged');
  assert.notEqual(first.commit, second.commit);
});

test('messages and people that git would refuse are mended', async (t) => {
  assert.equal(cleanMessage('a\u0000b\r\nc\u001b[31m\n\n'), 'ab\nc[31m\n');
  assert.equal(cleanMessage(' \n'), 'Change files\n');
  const { tree, collect } = await checkedOut(t);
  writeFileSync(join(tree, 'one'), '');
  const { show, commit } = await collect({ author: { name: ' <>\n', email: '<>' } });
  assert.equal(await show('show', '--no-patch', '--format=%an|%ae', commit), 'Slipway|');
});

test('a snapshot commits nothing in the tree, and whoever takes it up finds nothing committed either', async (t) => {
  const { forge, mirror, tree, base, collect } = await checkedOut(t);
  writeFileSync(join(tree, 'one'), '');
  await gitByHand(tree, 'add', '-A');
  await gitByHand(tree, 'commit', '--quiet', '-m', 'by the agent');
  const head = await gitByHand(tree, 'rev-parse', 'HEAD');
  for (const open of [[], ['two']]) {
    for (const name of open) writeFileSync(join(tree, name), 'open');
    const put = await collect({ snapshot: true });
    assert.equal(await gitByHand(tree, 'rev-parse', 'HEAD'), head);
    const again = join(forge.folder, `again${open.length}`);
    await createTree({
      git: forge.git,
      mirror,
      tree: again,
      branch: 'work',
      commit: put.commit,
      base: { branch: 'main', commit: base },
      also: put.folder,
      originUrl: forge.url,
      signal: testSignal(),
    });
    assert.equal((await runScript(checkoutCommand(again, true), limits)).code, 0);
    assert.equal(await gitByHand(again, 'rev-parse', 'HEAD', 'refs/heads/work'), `${head}\n${head}`);
    const status = await gitByHand(again, 'status', '--porcelain');
    assert.equal(status, open.map((name) => `?? ${name}`).join('\n'));
    for (const name of open) assert.equal(readFileSync(join(again, name), 'utf8'), 'open');
  }
});
