import assert from 'node:assert/strict';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { temporaryFolder } from '../../test/support/temporary-folder.ts';
import { openSpool, type SpoolLines, type SpoolReader } from './output-reader.ts';

type Spool = { readonly folder: string; readonly write: (bytes: string | Buffer) => Promise<void> };

async function makeSpool(t: TestContext): Promise<Spool> {
  const folder = await temporaryFolder(t);
  return { folder, write: (bytes) => appendFile(join(folder, 'output'), bytes) };
}

/** Reads what is there; with `last`, to the very end. */
async function drain(reader: SpoolReader, last: boolean): Promise<readonly SpoolLines[]> {
  const batches: SpoolLines[] = [];
  for (let batch = await reader.next(last); batch !== undefined; batch = await reader.next(last)) {
    batches.push(batch);
  }
  return batches;
}

const linesOf = (batches: readonly SpoolLines[]): readonly string[] =>
  batches.flatMap((batch) => batch.lines);

/** Batches lie end to end from 0 to `bytes`. */
function assertWhole(batches: readonly SpoolLines[], bytes: number): void {
  let at = 0;
  for (const batch of batches) {
    assert.equal(batch.from, at);
    assert.ok(batch.to > batch.from);
    at = batch.to;
  }
  assert.equal(at, bytes);
}

test('a spool that is not there yet has no lines, and is read when it comes', async (t) => {
  const { folder, write } = await makeSpool(t);
  const reader = openSpool(folder, 0);
  assert.equal(await reader.next(false), undefined);
  assert.equal(await reader.next(true), undefined);
  await write('one\n');
  assert.deepEqual(await reader.next(false), { lines: ['one'], from: 0, to: 4 });
  await reader.close();
});

test('a line is read when it ends, or when nothing more comes', async (t) => {
  const { folder, write } = await makeSpool(t);
  const reader = openSpool(folder, 0);
  await write('one\ntw');
  assert.deepEqual(await drain(reader, false), [{ lines: ['one'], from: 0, to: 4 }]);
  await write('o');
  assert.deepEqual(await drain(reader, false), []);
  await write('\nthree');
  assert.deepEqual(await drain(reader, false), [{ lines: ['two'], from: 4, to: 8 }]);
  assert.deepEqual(await drain(reader, true), [{ lines: ['three'], from: 8, to: 13 }]);
  assert.deepEqual(await drain(reader, true), []);
  await reader.close();
});

test('wherever the writing stopped in between, the lines are the same', async (t) => {
  const text = Buffer.from('äé\r\n\n🚀 launch\nlast without an end');
  for (let cut = 0; cut <= text.length; cut += 1) {
    const { folder, write } = await makeSpool(t);
    const reader = openSpool(folder, 0);
    await write(text.subarray(0, cut));
    const before = await drain(reader, false);
    await write(text.subarray(cut));
    const batches = [...before, ...(await drain(reader, true))];
    assert.deepEqual(linesOf(batches), ['äé', '', '🚀 launch', 'last without an end'], `cut at ${cut}`);
    assertWhole(batches, text.length);
    await reader.close();
  }
});

test('of an end of line with carriage return only the line is left; others stay where they are', async (t) => {
  const { folder, write } = await makeSpool(t);
  await write('a\r\nb\rc\n\r\nd\r');
  const reader = openSpool(folder, 0);
  assert.deepEqual(linesOf(await drain(reader, true)), ['a', 'b\rc', '', 'd']);
  await reader.close();
});

test('bytes that are no UTF-8 become marks and move no offset', async (t) => {
  const { folder, write } = await makeSpool(t);
  await write(Buffer.from([0x61, 0xff, 0xfe, 0x0a, 0xc3, 0x0a, 0xf0, 0x9f]));
  const reader = openSpool(folder, 0);
  const batches = await drain(reader, true);
  assert.deepEqual(linesOf(batches), ['a\ufffd\ufffd', '\ufffd', '\ufffd']);
  assertWhole(batches, 8);
  await reader.close();
});

test('a line of 20 MB is one line', async (t) => {
  const { folder, write } = await makeSpool(t);
  const long = Buffer.alloc(20 * 1024 * 1024, 'x');
  await write('before\n');
  await write(long);
  await write('\nafter\n');
  const reader = openSpool(folder, 0);
  const batches = await drain(reader, true);
  const lines = linesOf(batches);
  assert.deepEqual(
    lines.map((line) => line.length),
    [6, long.length, 5],
  );
  assertWhole(batches, long.length + 14);
  await reader.close();
});

test('what was recorded and what was not never come in one batch, wherever the record ends', async (t) => {
  const text = 'a\nbb\n\nccc\ndddd\ne';
  const { folder, write } = await makeSpool(t);
  await write(text);
  const ends = [0, ...[...text.matchAll(/\n/gu)].map((match) => match.index + 1), text.length];
  for (const recordedTo of ends) {
    const reader = openSpool(folder, recordedTo);
    const batches = await drain(reader, true);
    assert.deepEqual(linesOf(batches), ['a', 'bb', '', 'ccc', 'dddd', 'e']);
    assertWhole(batches, text.length);
    const straddling = batches.filter((batch) => batch.from < recordedTo && batch.to > recordedTo);
    assert.deepEqual(straddling, [], `recorded to ${recordedTo}`);
    await reader.close();
  }
});

test('a record that ends within a long output is found again, chunk by chunk', async (t) => {
  const { folder, write } = await makeSpool(t);
  const line = `${'y'.repeat(999)}\n`;
  await write(line.repeat(3_000));
  for (const recordedTo of [1_000, 524_000, 525_000, 2_999_000]) {
    const reader = openSpool(folder, recordedTo);
    const batches = await drain(reader, true);
    assert.equal(linesOf(batches).length, 3_000);
    assert.ok(batches.some((batch) => batch.to === recordedTo));
    await reader.close();
  }
});

test('an agent that writes dots and no end of line costs no memory to speak of', async (t) => {
  const { folder, write } = await makeSpool(t);
  const reader = openSpool(folder, 0);
  const before = process.memoryUsage().arrayBuffers;
  for (let dot = 0; dot < 300; dot += 1) {
    await write('.');
    assert.equal(await reader.next(false), undefined);
  }
  assert.ok(process.memoryUsage().arrayBuffers - before < 20 * 1024 * 1024);
  assert.deepEqual(linesOf(await drain(reader, true)), ['.'.repeat(300)]);
  await reader.close();
});

test('any text in any pieces comes out as its lines', async (t) => {
  const piece = fc.oneof(
    fc.constantFrom('\n', '\r\n', '\n\n', ''),
    fc.string({ unit: 'grapheme', maxLength: 8 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
      const folder = await temporaryFolder(t);
      await writeFile(join(folder, 'output'), '');
      const reader = openSpool(folder, 0);
      const batches: SpoolLines[] = [];
      for (const bytes of pieces) {
        await appendFile(join(folder, 'output'), bytes);
        batches.push(...(await drain(reader, false)));
      }
      batches.push(...(await drain(reader, true)));
      await reader.close();
      const text = pieces.join('');
      const lines = text.split('\n').map((line) => line.replace(/\r$/u, ''));
      if (text === '' || text.endsWith('\n')) lines.pop();
      assert.deepEqual(linesOf(batches), lines);
      assertWhole(batches, Buffer.byteLength(text));
    }),
    { numRuns: 40 },
  );
});
