import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemIds } from './ids.ts';
import { parseTraceparent, placeOf, traceparentOf } from './traceparent.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';

test('a header is read, and written as it was read', () => {
  assert.deepEqual(parseTraceparent(`00-${traceId}-${spanId}-01`), { traceId, spanId });
  assert.equal(traceparentOf({ traceId, spanId }, true), `00-${traceId}-${spanId}-01`);
  assert.equal(traceparentOf({ traceId, spanId }, false), `00-${traceId}-${spanId}-00`);
});

test('a later version may say more, this one may not', () => {
  assert.deepEqual(parseTraceparent(`01-${traceId}-${spanId}-01-more`), { traceId, spanId });
  assert.equal(parseTraceparent(`00-${traceId}-${spanId}-01-more`), undefined);
});

for (const [what, header] of [
  ['nothing', undefined],
  ['an empty text', ''],
  ['two headers', [`00-${traceId}-${spanId}-01`, `00-${traceId}-${spanId}-01`]],
  ['the version that does not exist', `ff-${traceId}-${spanId}-01`],
  ['a trace of zeros', `00-${'0'.repeat(32)}-${spanId}-01`],
  ['a span of zeros', `00-${traceId}-${'0'.repeat(16)}-01`],
  ['capitals', `00-${traceId.toUpperCase()}-${spanId}-01`],
  ['a short id', `00-${traceId.slice(1)}-${spanId}-01`],
  ['a line break behind it', `00-${traceId}-${spanId}-01\n`],
] as const) {
  test(`what is no place in a trace is ignored: ${what}`, () =>
    assert.equal(parseTraceparent(header), undefined));
}

test('the place of a row is a valid one, for both kinds of ids', () => {
  for (const id of [systemIds.random(), systemIds.ordered()]) {
    const place = placeOf(traceId, id);
    assert.deepEqual(parseTraceparent(traceparentOf(place, true)), place);
  }
});
