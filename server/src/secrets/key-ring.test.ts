import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '../lib/secret.ts';
import { createKeyRing, type Sealed } from './key-ring.ts';

const oldKey = new Secret('the key that was used before');
const newKey = new Secret('the key that is used from now on');
const row = '019aa000-0000-7000-8000-000000000001';
const otherRow = '019aa000-0000-7000-8000-000000000002';
const token = new Secret('ghp_a-token-with-ünïcode-🔑');

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
  return copy;
}

test('what is sealed opens again, and shows nothing of itself', () => {
  const ring = createKeyRing([newKey]);
  const sealed = ring.seal(row, token);
  assert.equal(ring.open(row, sealed).reveal(), token.reveal());
  assert.ok(!sealed.ciphertext.includes('ghp_'));
  assert.doesNotMatch(sealed.keyId, /key that/u);
});

test('the same secret is sealed differently each time', () => {
  const ring = createKeyRing([newKey]);
  const [a, b] = [ring.seal(row, token), ring.seal(row, token)];
  assert.notDeepEqual(a.nonce, b.nonce);
  assert.notDeepEqual(a.ciphertext, b.ciphertext);
});

test('a ciphertext that was moved to another row does not open', () => {
  const ring = createKeyRing([newKey]);
  const sealed = ring.seal(row, token);
  assert.throws(() => ring.open(otherRow, sealed));
});

test('a change in any part of what is stored is noticed', () => {
  const ring = createKeyRing([newKey]);
  const sealed = ring.seal(row, token);
  const changes: readonly Sealed[] = [
    { ...sealed, nonce: flipped(sealed.nonce, 0) },
    { ...sealed, ciphertext: flipped(sealed.ciphertext, 0) },
    { ...sealed, ciphertext: flipped(sealed.ciphertext, sealed.ciphertext.length - 1) },
    { ...sealed, ciphertext: sealed.ciphertext.subarray(0, -1) },
    { ...sealed, ciphertext: Buffer.alloc(3) },
    { ...sealed, ciphertext: Buffer.alloc(0) },
  ];
  for (const changed of changes) assert.throws(() => ring.open(row, changed));
});

test('after a rotation old secrets open and new ones are sealed with the new key', () => {
  const sealed = createKeyRing([oldKey]).seal(row, token);
  const rotated = createKeyRing([newKey, oldKey]);
  assert.equal(rotated.open(row, sealed).reveal(), token.reveal());
  const again = rotated.seal(row, token);
  assert.notEqual(again.keyId, sealed.keyId);
  assert.equal(again.keyId, rotated.newestKeyId);
  assert.equal(createKeyRing([newKey]).open(row, again).reveal(), token.reveal());
});

test('a secret whose key is gone says which setting lost it', () => {
  const sealed = createKeyRing([oldKey]).seal(row, token);
  assert.throws(() => createKeyRing([newKey]).open(row, sealed), /SLIPWAY_ENCRYPTION_KEY/u);
});

test("another key under the right key's name does not open it", () => {
  const ring = createKeyRing([newKey]);
  const sealed = createKeyRing([oldKey]).seal(row, token);
  assert.throws(() => ring.open(row, { ...sealed, keyId: ring.seal(row, token).keyId }));
});
