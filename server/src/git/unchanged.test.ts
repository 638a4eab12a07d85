import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { runCommand } from '../lib/child-process.ts';
import { gitByHand, testForge, testSignal } from '../../test/support/git-repositories.ts';
import { runScript } from '../../test/support/run-script.ts';
import { resolveBranch } from './mirrors.ts';
import { checkoutCommand } from './sandbox-scripts.ts';
import { readUnchanged, unchangedCommand, type ChangedPaths } from './unchanged.ts';
import { createTree } from './workspace.ts';

const unchanged = undefined;
const changed = (...files: string[]): ChangedPaths => ({ files, more: 0 });

/** Its user's home is an agent's. */
async function look(at: { readonly tree: string; readonly commit: string }, home: string) {
  const { code, stdout } = await runScript(unchangedCommand(at), { home });
  return readUnchanged({ code, stdout: stdout.toString('utf8') });
}

/** A tree with a commit of `files` checked out, and what tells whether it still is that commit's. */
async function checkedOut(t: TestContext, files: Readonly<Record<string, string>> = {}) {
  const forge = await testForge(t);
  await forge.commit({
    '.gitignore': 'ignored\n',
    'run.sh': '#!/bin/sh\n',
    'src/deep/a.txt': 'a\n',
    ...files,
  });
  const person = join(forge.folder, 'person');
  chmodSync(join(person, 'run.sh'), 0o755);
  symlinkSync('deep/a.txt', join(person, 'src/link'));
  await forge.commit({});
  const mirror = await forge.mirrors.refresh({ url: forge.url }, forge.canonical, testSignal());
  const { commit } = resolveBranch(mirror, undefined);
  const tree = join(forge.folder, 'tree');
  const home = join(forge.folder, 'home');
  mkdirSync(home);
  const { git } = forge;
  const originUrl = forge.url;
  await createTree({ git, mirror, tree, branch: 'work', commit, originUrl, signal: testSignal() });
  assert.equal((await runScript(checkoutCommand(tree), { home })).code, 0);
  const lookHere = (against = commit): Promise<ChangedPaths | undefined> =>
    look({ tree, commit: against }, home);
  return { forge, tree, home, commit, look: lookHere };
}

test('a tree that was only read is unchanged, whatever git ignores in it', async (t) => {
  const { tree, look } = await checkedOut(t);
  assert.deepEqual(await look(), unchanged);
  await gitByHand(tree, 'status');
  readFileSync(join(tree, 'README.md'));
  writeFileSync(join(tree, 'ignored'), 'not me');
  mkdirSync(join(tree, '.cache'));
  writeFileSync(join(tree, '.cache/.gitignore'), '*\n');
  writeFileSync(join(tree, '.cache/much'), '');
  mkdirSync(join(tree, 'empty/deep'), { recursive: true });
  // Touched, but the same.
  utimesSync(join(tree, 'README.md'), 1000, 1000);
  await gitByHand(tree, 'checkout', '--quiet', '-b', 'elsewhere');
  for (const lock of ['index.lock', 'HEAD.lock']) writeFileSync(join(tree, '.git', lock), '');
  assert.deepEqual(await look(), unchanged);
  assert.deepEqual(await look(), unchanged, 'looking changes nothing');
});

test('every change of a file is told by its path', async (t) => {
  const { tree, look } = await checkedOut(t);
  appendFileSync(join(tree, 'README.md'), 'more\n');
  writeFileSync(join(tree, 'new file.txt'), '');
  writeFileSync(join(tree, 'zeile\numbruch'), '');
  rmSync(join(tree, 'src/add.js'));
  chmodSync(join(tree, 'run.sh'), 0o644);
  rmSync(join(tree, 'src/link'));
  symlinkSync('deep/b.txt', join(tree, 'src/link'));
  assert.deepEqual(
    await look(),
    changed('README.md', 'new file.txt', 'run.sh', 'src/add.js', 'src/link', 'zeile\numbruch'),
  );
});

test('a commit, a move of HEAD and what is staged alone are changes', async (t) => {
  const { tree, look } = await checkedOut(t);
  writeFileSync(join(tree, 'one'), '');
  await gitByHand(tree, 'add', '-A');
  await gitByHand(tree, 'commit', '--quiet', '-m', 'by the agent');
  assert.deepEqual(await look(), changed('one'));
  await gitByHand(tree, 'reset', '--quiet', '--hard', 'HEAD~1');
  assert.deepEqual(await look(), unchanged);
  await gitByHand(tree, 'commit', '--quiet', '--allow-empty', '-m', 'nothing');
  assert.deepEqual(await look(), changed());
  await gitByHand(tree, 'reset', '--quiet', '--hard', 'HEAD~1');
  writeFileSync(join(tree, 'staged'), '');
  await gitByHand(tree, 'add', 'staged');
  rmSync(join(tree, 'staged'));
  assert.deepEqual(await look(), changed('staged'));
});

test('a damaged repository counts as changed, and so does what is no repository', async (t) => {
  const { tree, look } = await checkedOut(t);
  writeFileSync(join(tree, '.git/index'), 'nonsense');
  assert.deepEqual(await look(), changed());
  await gitByHand(tree, 'read-tree', '--reset', 'HEAD').catch(() => rmSync(join(tree, '.git/index')));
  await gitByHand(tree, 'reset', '--quiet', '--hard');
  assert.deepEqual(await look(), unchanged);
  assert.deepEqual(await look('1'.repeat(40)), changed(), 'a commit that is not there');
  renameSync(join(tree, '.git/objects'), join(tree, '.git/gone'));
  mkdirSync(join(tree, '.git/objects'));
  assert.deepEqual(await look(), changed());
  rmSync(join(tree, '.git'), { recursive: true });
  assert.deepEqual(await look(), changed());
  rmSync(tree, { recursive: true });
  assert.deepEqual(await look(), changed());
});

test('line ends that a checkout makes, or that a commit was made with, are no change', async (t) => {
  const { tree, look } = await checkedOut(t, {
    '.gitattributes': 'windows.txt text eol=crlf\nold.txt text\nauto.txt text=auto\n$Id.txt ident\n',
    'windows.txt': 'a\nb\n',
    'auto.txt': 'a\nb\n',
    '$Id.txt': '$Id$\n',
  });
  assert.equal(readFileSync(join(tree, 'windows.txt'), 'utf8'), 'a\r\nb\r\n');
  assert.deepEqual(await look(), unchanged);
  writeFileSync(join(tree, 'windows.txt'), 'a\r\nc\r\n');
  assert.deepEqual(await look(), changed('windows.txt'));
});

test('files that a commit has against its own attributes are no change', async (t) => {
  const forge = await testForge(t);
  const person = join(forge.folder, 'person');
  writeFileSync(join(person, 'old.txt'), 'a\r\nb\r\n');
  await gitByHand(person, 'add', 'old.txt');
  writeFileSync(join(person, '.gitattributes'), '* text\n');
  await gitByHand(person, 'add', '.gitattributes');
  await gitByHand(person, 'commit', '--quiet', '-m', 'not renormalized');
  await gitByHand(person, 'push', '--quiet', 'origin', 'HEAD:main');
  const tree = join(forge.folder, 'tree');
  await gitByHand(forge.folder, 'clone', '--quiet', forge.bare, tree);
  const commit = await gitByHand(tree, 'rev-parse', 'HEAD');
  const lookThere = () => look({ tree, commit }, forge.folder);
  assert.deepEqual(await lookThere(), unchanged);
  appendFileSync(join(tree, 'old.txt'), 'c\r\n');
  assert.deepEqual(await lookThere(), changed('old.txt'));
});

/** What somebody would do who wants a change to go unseen; gives the paths that are told nevertheless. */
const attempts: Readonly<
  Record<string, (tree: string, more: { readonly home: string }) => Promise<readonly string[]>>
> = {
  'an index that says not to look': async (tree) => {
    await gitByHand(tree, 'update-index', '--assume-unchanged', 'README.md');
    await gitByHand(tree, 'update-index', '--skip-worktree', 'run.sh');
    writeFileSync(join(tree, 'README.md'), 'changed\n');
    writeFileSync(join(tree, 'run.sh'), 'changed\n');
    return ['README.md', 'run.sh'];
  },
  'an index that says not to look, later': async (tree) => {
    await gitByHand(tree, 'update-index', '--assume-unchanged', 'README.md');
    return [];
  },
  'a file of the same size and time': async (tree) => {
    const path = join(tree, 'README.md');
    const { atime, mtime } = statSync(path);
    writeFileSync(path, readFileSync(path, 'utf8').replace('Project', 'PROJECT'));
    utimesSync(path, atime, mtime);
    // As an index is that was written after it, ctime and all.
    const id = await gitByHand(tree, 'rev-parse', 'HEAD:README.md');
    await gitByHand(tree, 'add', 'README.md');
    await gitByHand(tree, 'update-index', '--cacheinfo', `100644,${id},README.md`);
    return ['README.md'];
  },
  'files that ignore themselves': async (tree) => {
    writeFileSync(join(tree, 'src/.gitignore'), '*\n');
    writeFileSync(join(tree, 'src/new.js'), '');
    return ['src/.gitignore'];
  },
  'ignore files outside the tree': async (tree, { home }) => {
    mkdirSync(join(home, '.config/git'), { recursive: true });
    mkdirSync(join(tree, '.git/info'), { recursive: true });
    writeFileSync(join(home, '.config/git/ignore'), 'one\n');
    writeFileSync(join(tree, '.git/info/exclude'), 'two\n');
    appendFileSync(join(tree, '.git/config'), '[core]\n\texcludesFile = /dev/zero\n');
    for (const name of ['one', 'two']) writeFileSync(join(tree, name), '');
    return ['one', 'two'];
  },
  'attributes and filters': async (tree, { home }) => {
    mkdirSync(join(home, '.config/git'), { recursive: true });
    writeFileSync(join(home, '.config/git/attributes'), '* filter=same\n');
    appendFileSync(
      join(tree, '.git/config'),
      `[filter "same"]\n\tclean = "touch ${home}/sprung; git cat-file blob HEAD:%f"\n[core]\n\tfsmonitor = "touch ${home}/sprung"\n`,
    );
    writeFileSync(join(tree, 'README.md'), 'changed\n');
    return ['README.md'];
  },
  'a history that was made up': async (tree) => {
    const commit = await gitByHand(tree, 'rev-parse', 'HEAD');
    writeFileSync(join(tree, 'README.md'), 'changed\n');
    await gitByHand(tree, 'add', '-A');
    const made = await gitByHand(tree, 'commit-tree', '-m', 'made up', await gitByHand(tree, 'write-tree'));
    await gitByHand(tree, 'replace', commit, made);
    return ['README.md'];
  },
  'objects that hold something else': async (tree) => {
    const was = await gitByHand(tree, 'rev-parse', 'HEAD:src');
    writeFileSync(join(tree, 'src/add.js'), 'changed\n');
    await gitByHand(tree, 'add', '-A');
    const now = await gitByHand(tree, 'write-tree', '--prefix=src/');
    // All of it loose, so that one can be put in the place of the other.
    const packs = join(tree, '.git/objects/pack');
    renameSync(packs, join(tree, 'packs'));
    mkdirSync(packs);
    const unpack = 'for pack in packs/*.pack; do git unpack-objects -q <$pack; done; rm -rf packs';
    const env = { PATH: '/usr/local/bin:/usr/bin:/bin' };
    const limits = { maxOutputBytes: 1e6, timeoutMs: 20_000, signal: testSignal() };
    const unpacked = await runCommand({ file: 'sh', args: ['-c', unpack], env, cwd: tree, ...limits });
    assert.equal(unpacked.code, 0, unpacked.stderr);
    const file = (id: string): string => join(tree, '.git/objects', id.slice(0, 2), id.slice(2));
    rmSync(file(was));
    renameSync(file(now), file(was));
    await gitByHand(tree, 'reset', '--quiet');
    assert.equal(await gitByHand(tree, 'status', '--porcelain'), '', 'git believes it');
    return [];
  },
  'a folder that became a link to its copy': async (tree, { home }) => {
    renameSync(join(tree, 'src'), join(home, 'src'));
    symlinkSync(join(home, 'src'), join(tree, 'src'));
    return ['src', 'src/add.js', 'src/deep/a.txt', 'src/link'];
  },
  'a repository in the tree': async (tree) => {
    await gitByHand(tree, 'init', '--quiet', join(tree, 'nested'));
    return ['nested/'];
  },
  'what cannot be read': async (tree) => {
    rmSync(join(tree, 'README.md'));
    const limits = { maxOutputBytes: 1e6, timeoutMs: 9000, signal: testSignal() };
    const env = { PATH: '/usr/bin:/bin' };
    await runCommand({ file: 'mkfifo', args: [join(tree, 'README.md')], env, cwd: '/', ...limits });
    return ['README.md'];
  },
};

for (const [name, make] of Object.entries(attempts)) {
  test(`a change is not hidden by ${name}`, async (t) => {
    const { tree, home, look } = await checkedOut(t);
    const told = await make(tree, { home });
    assert.deepEqual(await look(), changed(...told));
    assert.throws(() => statSync(join(home, 'sprung')), { code: 'ENOENT' });
  });
}

test('of very many changes some are named and all are counted', async (t) => {
  const { tree, look } = await checkedOut(t);
  for (let index = 0; index < 3_000; index += 1)
    writeFileSync(join(tree, `${String(index).padStart(4, '0')}-${'x'.repeat(60)}`), '');
  const proof = await look();
  assert.deepEqual([proof?.files.length, proof?.more], [50, 2_950]);
  // Output that was cut off in the middle of a name.
  assert.deepEqual(readUnchanged({ code: 84, stdout: '     3\na\0b\0c' }), {
    files: ['a', 'b'],
    more: 1,
  });
});

test('what is no answer is no proof', () => {
  for (const code of [null, 1, 81, 83, 84, 127])
    assert.deepEqual(readUnchanged({ code, stdout: '' }), changed());
});
