import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { recordExit, reserveExit } from './exit-file.ts';
import type { ExitRecord } from './protocol.ts';
import { readClaim, readExit } from './records.ts';

const exit: ExitRecord = {
  reason: 'exited',
  code: 0,
  signal: null,
  outputBytes: 12,
  startedAt: '2026-01-01T00:00:00.000Z',
  endedAt: '2026-01-01T00:00:01.000Z',
  detail: '',
};

function makeFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-exit-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('the record of an end takes the disk space that was set aside for it', async (t) => {
  const folder = makeFolder(t);
  await reserveExit(folder);
  const reserve = statSync(join(folder, 'exit.json.reserve'));
  assert.equal(reserve.size, 4096);
  await recordExit(folder, exit, undefined);
  assert.equal(statSync(join(folder, 'exit.json')).ino, reserve.ino);
  assert.deepEqual(readdirSync(folder), ['exit.json']);
  assert.deepEqual(await readExit(folder), exit);
});

test('the record of an end needs no reserve where there is space, and its detail is cut to fit one', async (t) => {
  const folder = makeFolder(t);
  await recordExit(folder, { ...exit, detail: 'x'.repeat(100_000) }, undefined);
  assert.equal((await readExit(folder))?.detail.length, 1000);
  assert.ok(readFileSync(join(folder, 'exit.json')).length < 4096);
});

test('half a record is none, and a broken claim is somebody', async (t) => {
  const folder = makeFolder(t);
  assert.equal(await readExit(folder), undefined);
  assert.equal(readClaim(folder), undefined);
  for (const text of ['', '{"reason":"exi', '{"reason":"fell asleep","outputBytes":1}', 'null', '[]']) {
    writeFileSync(join(folder, 'exit.json'), text);
    writeFileSync(join(folder, 'supervisor.json'), text);
    assert.equal(await readExit(folder), undefined);
    assert.equal(readClaim(folder), 'broken');
  }
});
