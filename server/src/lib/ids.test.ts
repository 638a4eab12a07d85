import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isUuid, systemIds } from './ids.ts';

test('an ordered id is a v7 of the millisecond in which it was made, and the rest of it is random', () => {
  const before = Date.now();
  const ids = Array.from({ length: 1_000 }, () => systemIds.ordered());
  const after = Date.now();
  for (const id of ids) {
    assert.ok(isUuid(id));
    assert.match(id, /^.{14}7.{4}[89ab]/u);
    const madeAt = Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);
    assert.ok(madeAt >= before && madeAt <= after);
  }
  assert.equal(new Set(ids.map((id) => id.slice(15))).size, ids.length);
});
