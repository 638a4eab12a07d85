import assert from 'node:assert/strict';
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { diskFullness, diskUsage, freeBytes } from './disk-usage.ts';

const signal = new AbortController().signal;
const mebibyte = 1024 * 1024;

function makeFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-usage-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('what folders hold is counted once, without holes and without following links', async (t) => {
  const [folder, other] = [makeFolder(t), makeFolder(t)];
  mkdirSync(join(folder, 'a/b'), { recursive: true });
  writeFileSync(join(folder, 'a/b/file'), Buffer.alloc(3 * mebibyte, 1));
  linkSync(join(folder, 'a/b/file'), join(folder, 'again'));
  writeFileSync(join(other, 'outside'), Buffer.alloc(8 * mebibyte, 1));
  symlinkSync(other, join(folder, 'link'));
  writeFileSync(join(folder, 'hole'), '');
  truncateSync(join(folder, 'hole'), 100 * mebibyte);
  const { bytes, tooDeep } = await diskUsage([folder], { limit: Infinity }, signal);
  assert.equal(tooDeep, false);
  assert.ok(bytes >= 3 * mebibyte && bytes < 3.5 * mebibyte, String(bytes));
  const both = await diskUsage([folder, other, join(folder, 'missing')], { limit: Infinity }, signal);
  assert.ok(both.bytes >= 11 * mebibyte && both.bytes < 11.5 * mebibyte, String(both.bytes));
});

test('counting stops once the limit is passed', async (t) => {
  const folder = makeFolder(t);
  for (let file = 0; file < 20; file += 1)
    writeFileSync(join(folder, String(file)), Buffer.alloc(mebibyte, 1));
  const { bytes } = await diskUsage([folder], { limit: 5 * mebibyte }, signal);
  assert.ok(bytes > 5 * mebibyte && bytes <= 7 * mebibyte, String(bytes));
});

test('a walk that rests between its turns finds the same, and ends with its signal', async (t) => {
  const folder = makeFolder(t);
  for (let file = 0; file < 1_200; file += 1) writeFileSync(join(folder, String(file)), '1');
  const resting = { limit: Infinity, restMs: 1 };
  assert.deepEqual(
    await diskUsage([folder], resting, signal),
    await diskUsage([folder], { limit: Infinity }, signal),
  );
  await assert.rejects(diskUsage([folder], resting, AbortSignal.abort(new Error('enough'))), /enough/u);
});

test('folders nested deeper than a path can name are told, not skipped', async (t) => {
  const folder = makeFolder(t);
  const name = 'd'.repeat(200);
  const cwd = process.cwd();
  try {
    process.chdir(folder);
    for (let depth = 0; depth < 25; depth += 1) {
      mkdirSync(name);
      process.chdir(name);
    }
  } finally {
    process.chdir(cwd);
  }
  assert.equal((await diskUsage([folder], { limit: Infinity }, signal)).tooDeep, true);
});

test('the free space of a disk is known, and how full it is; of no disk neither is', (t) => {
  const folder = makeFolder(t);
  assert.ok((freeBytes(folder) ?? 0) > 0);
  const fullness = diskFullness(folder) ?? -1;
  assert.ok(fullness >= 0 && fullness < 1, String(fullness));
  assert.deepEqual([freeBytes('/no/such/folder'), diskFullness('/no/such/folder')], [undefined, undefined]);
});
