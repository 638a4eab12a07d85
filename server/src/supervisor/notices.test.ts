import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { openNotices, readNotices } from './notices.ts';
import { noticesFile, type Notice } from './protocol.ts';

function makeFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-notices-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const refused = (host: string): Notice => ({
  type: 'egress_refused',
  host,
  port: 443,
  reason: 'not_allowed',
});

test('notices are read back from any line on, and none is before the first', async (t) => {
  const folder = makeFolder(t);
  const counts: number[] = [];
  const notices = openNotices(folder, () => counts.push(notices.count()));
  assert.deepEqual(await readNotices(folder, 0), []);
  for (const host of ['a', 'b', 'c']) notices.add(refused(host));
  notices.close();
  notices.add(refused('too late'));
  assert.deepEqual(counts, [1, 2, 3]);
  assert.deepEqual(await readNotices(folder, 1), [refused('b'), refused('c')]);
  assert.deepEqual(await readNotices(folder, 3), []);
  assert.equal(statSync(join(folder, noticesFile)).mode & 0o777, 0o600);
});

test('half a line is not read yet, and a line that says nothing keeps its place', async (t) => {
  const folder = makeFolder(t);
  const line = JSON.stringify(refused('a'));
  appendFileSync(
    join(folder, noticesFile),
    `nonsense\n[]\n{"host":7,"reason":"new"}\n${line}\n${line.slice(0, 20)}`,
  );
  const unknown = { type: 'egress_refused', host: '?', port: 0, reason: 'not_allowed' };
  assert.deepEqual(await readNotices(folder, 0), [unknown, unknown, unknown, refused('a')]);
});

test('a run has a thousand notices at most', async (t) => {
  const folder = makeFolder(t);
  const notices = openNotices(folder, () => {});
  for (let number = 0; number < 1005; number += 1) notices.add(refused(`host${number}`));
  notices.close();
  assert.equal(notices.count(), 1000);
  assert.equal((await readNotices(folder, 0)).at(-1)?.host, 'host999');
});
