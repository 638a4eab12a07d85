import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gitByHand, testForge, testSignal } from '../../test/support/git-repositories.ts';
import { changedFilesOf, describeChanges, readChanges } from './changes.ts';
import type { Changes } from './changes.ts';

test('changes are told by file, counted, and given as a patch that applies', async (t) => {
  const forge = await testForge(t);
  const long = Array.from({ length: 30 }, (_, line) => `line ${line}\n`).join('');
  const base = await forge.commit({ 'old name.txt': long, 'gone.txt': 'a\nb\n', 'data.bin': '\0one' });
  const commit = await forge.commit({
    'old name.txt': undefined,
    'new\tname "ü".txt': `${long}more\n`,
    'gone.txt': undefined,
    'data.bin': '\0two',
    'README.md': '# Project\nmore\n',
    'made.txt': 'x\ny\nz',
  });
  const describe = (maxPatchBytes: number): Promise<Changes> =>
    describeChanges({
      git: forge.git,
      folder: forge.bare,
      base,
      commit,
      maxPatchBytes,
      signal: testSignal(),
    });
  const { patch, files, ...counts } = await describe(1_000_000);
  assert.deepEqual(counts, {
    filesModified: 3,
    filesCreated: 1,
    filesDeleted: 1,
    insertions: 5,
    deletions: 2,
    patchTruncated: false,
  });
  const byPath = new Map(files.map((file) => [file.path, file]));
  assert.deepEqual(byPath.get('new\tname "ü".txt'), {
    path: 'new\tname "ü".txt',
    previousPath: 'old name.txt',
    status: 'renamed',
    insertions: 1,
    deletions: 0,
    binary: false,
  });
  assert.equal(byPath.get('data.bin')?.binary, true);
  assert.equal(byPath.get('gone.txt')?.status, 'deleted');
  const work = join(forge.folder, 'apply');
  await gitByHand(forge.folder, 'clone', '--quiet', forge.bare, work);
  await gitByHand(work, 'checkout', '--quiet', base);
  await writeFile(join(forge.folder, 'patch'), patch);
  await gitByHand(work, 'apply', '--index', join(forge.folder, 'patch'));
  assert.equal(await gitByHand(work, 'write-tree'), await gitByHand(work, 'rev-parse', `${commit}^{tree}`));
  const cut = await describe(100);
  assert.equal(cut.patchTruncated, true);
  assert.equal(cut.patch.length, 100);
});

test('the list of files is bounded, the counts are not', async (t) => {
  const forge = await testForge(t);
  const base = await gitByHand(forge.bare, 'rev-parse', 'main');
  const many = Object.fromEntries(Array.from({ length: 2100 }, (_, index) => [`many/${index}`, 'x\n']));
  const commit = await forge.commit(many);
  const request = {
    git: forge.git,
    folder: forge.bare,
    base,
    commit,
    maxPatchBytes: 10,
    signal: testSignal(),
  };
  const changes = await describeChanges(request);
  assert.equal(changes.filesCreated, 2100);
  assert.equal(changes.insertions, 2100);
  assert.equal(changes.files.length, 2000);
  const { files, more } = changedFilesOf(changes);
  assert.deepEqual([files.length, more], [100, 2000]);
  assert.deepEqual(files[1], { path: 'many/1', status: 'created' });
});

test('commits that do not exist are an error', async (t) => {
  const forge = await testForge(t);
  const ids = { base: '1'.repeat(40), commit: '2'.repeat(40) };
  const request = { git: forge.git, folder: forge.bare, ...ids, maxPatchBytes: 10, signal: testSignal() };
  await assert.rejects(describeChanges(request), { name: 'GitError' });
});

test('no output means no changes', () => {
  assert.deepEqual(readChanges(Buffer.alloc(0)), []);
});
