import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';

import { readJsonLines } from './json-lines.ts';

async function read(chunks: readonly (string | Buffer)[], maxBytes = 1000): Promise<readonly unknown[]> {
  const values: unknown[] = [];
  for await (const value of readJsonLines(Readable.from(chunks), maxBytes)) values.push(value);
  return values;
}

test('lines are the same however they are cut into chunks', async () => {
  const text = Buffer.from('{"a":"é€😀"}\n\n[1,2]\n"last"');
  const expected = [{ a: 'é€😀' }, [1, 2], 'last'];
  for (let size = 1; size <= text.length; size += 1) {
    const chunks: Buffer[] = [];
    for (let at = 0; at < text.length; at += size) chunks.push(text.subarray(at, at + size));
    assert.deepEqual(await read(chunks), expected);
  }
});

test('a line that is too long is refused before it has ended', async () => {
  await assert.rejects(read(['"', 'x'.repeat(600), 'x'.repeat(600)]), RangeError);
  await assert.rejects(read([`"${'x'.repeat(1200)}"\n`]), RangeError);
});

test('what is no JSON is refused', async () => {
  await assert.rejects(read(['nonsense\n']), SyntaxError);
});
