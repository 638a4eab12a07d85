import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSsh, sshNumber, sshString, SshWireError } from './ssh-wire.ts';

const fromHex = (digits: string): Buffer => Buffer.from(digits.replaceAll(' ', ''), 'hex');

test('numbers are written as in the examples of RFC 4251, and read back', () => {
  for (const [digits, written] of [
    ['', '00000000'],
    ['00', '00000000'],
    ['09a378f9b2e332a7', '00000008 09a378f9b2e332a7'],
    ['80', '00000002 0080'],
    ['000080', '00000002 0080'],
  ] as const) {
    const bytes = sshNumber(fromHex(digits));
    assert.deepEqual(bytes, fromHex(written));
    assert.equal(Buffer.from(readSsh(bytes).number()).toString('hex'), digits.replace(/^(?:00)+/u, ''));
  }
  assert.throws(() => readSsh(fromHex('00000002 edcc')).number(), SshWireError);
});

test('fields are read in their order, and never past the end', () => {
  const reader = readSsh(Buffer.concat([Buffer.of(7), sshString('name'), fromHex('00000102 ff')]));
  assert.deepEqual([reader.byte(), reader.text(), reader.uint32(), reader.rest()], [7, 'name', 258, 1]);
  assert.throws(() => reader.uint32(), SshWireError);
  assert.equal(reader.byte(), 255);
  for (const bytes of ['', '000000', '00000002 61', 'ffffffff 61'])
    assert.throws(() => readSsh(fromHex(bytes)).string(), SshWireError, bytes);
});
