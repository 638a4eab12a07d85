import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { systemIds } from '../../src/lib/ids.ts';
import { Secret } from '../../src/lib/secret.ts';
import { createKeyRing, type KeyRing } from '../../src/secrets/key-ring.ts';
import { resealDuty } from '../../src/services/reseal-secrets.ts';
import { replaceSealed } from '../../src/store/reseal.ts';
import { setStage } from '../support/stored-tasks.ts';

const oldKey = new Secret('the key that was used before');
const newKey = new Secret('the key that is used from now on');
const lostKey = new Secret('a key that nobody has any more');

/** A database with secrets, and what they are by now. */
async function makeVault(t: TestContext) {
  const { database, ownerId } = await setStage(t);
  const rows = async () => {
    const found = await database.kysely.selectFrom('secrets').selectAll().orderBy('id').execute();
    return found.map(({ id, key_id: keyId, nonce, ciphertext }) => ({ id, keyId, nonce, ciphertext }));
  };
  return {
    database,
    rows,
    async seal(ring: KeyRing, texts: readonly string[]): Promise<void> {
      const values = texts.map((text) => {
        const id = systemIds.ordered();
        const { keyId, nonce, ciphertext } = ring.seal(id, new Secret(text));
        return { id, owner_id: ownerId, key_id: keyId, nonce, ciphertext };
      });
      await database.kysely.insertInto('secrets').values(values).execute();
    },
    async texts(ring: KeyRing): Promise<readonly string[]> {
      return (await rows()).map((row) => ring.open(row.id, row).reveal()).sort();
    },
    reseal: (ring: KeyRing) => resealDuty({ database, keyRing: ring }).perform(AbortSignal.timeout(60_000)),
  };
}

const words = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `secret ${index}`).sort();

test('after a rotation every secret is sealed anew, and the old key can be dropped', async (t) => {
  const vault = await makeVault(t);
  const [before, rotated, after] = [
    createKeyRing([oldKey]),
    createKeyRing([newKey, oldKey]),
    createKeyRing([newKey]),
  ];
  const texts = words(250);
  await vault.seal(before, texts);
  assert.deepEqual(await vault.texts(rotated), texts);
  await assert.rejects(vault.texts(after), /SLIPWAY_ENCRYPTION_KEY/u);
  assert.deepEqual(await vault.reseal(rotated), { resealed: 250, unreadable: 0 });
  assert.deepEqual(await vault.texts(after), texts);
  await assert.rejects(vault.texts(before));
  const sealed = await vault.rows();
  assert.deepEqual(await vault.reseal(rotated), { resealed: 0, unreadable: 0 });
  assert.deepEqual(await vault.rows(), sealed);
});

test('what no key opens stays as it is, is counted, and is in the way of nothing else', async (t) => {
  const vault = await makeVault(t);
  await vault.seal(createKeyRing([lostKey]), words(130));
  await vault.seal(createKeyRing([oldKey]), words(120));
  await vault.seal(createKeyRing([newKey]), ['of today']);
  const rotated = createKeyRing([newKey, oldKey]);
  const before = await vault.rows();
  assert.deepEqual(await vault.reseal(rotated), { resealed: 120, unreadable: 130 });
  const rows = await vault.rows();
  const kept = rows.filter((row, index) => row.nonce.equals(before[index]?.nonce ?? Buffer.of()));
  const [lost, current] = [createKeyRing([lostKey]).newestKeyId, rotated.newestKeyId];
  assert.deepEqual(
    [lost, current].map((keyId) => kept.filter((row) => row.keyId === keyId).length),
    [130, 1],
  );
  assert.equal(rows.filter((row) => row.keyId === current).length, 121);
});

test('of two processes that seal one secret anew, one has its way, and it opens', async (t) => {
  const vault = await makeVault(t);
  const rotated = createKeyRing([newKey, oldKey]);
  await vault.seal(createKeyRing([oldKey]), words(150));
  const [old] = await vault.rows();
  assert.ok(old);
  const anew = () => rotated.seal(old.id, rotated.open(old.id, old));
  assert.deepEqual(
    [await replaceSealed(vault.database, old, anew()), await replaceSealed(vault.database, old, anew())],
    [true, false],
  );
  const done = await Promise.all([vault.reseal(rotated), vault.reseal(rotated)]);
  assert.equal(
    done.reduce((sum, { resealed = 0 }) => sum + resealed, 0),
    149,
  );
  assert.deepEqual(await vault.texts(createKeyRing([newKey])), words(150));
});

test('an aborted duty ends between two batches', async (t) => {
  const vault = await makeVault(t);
  await vault.seal(createKeyRing([oldKey]), words(1));
  const duty = resealDuty({ database: vault.database, keyRing: createKeyRing([newKey, oldKey]) });
  await assert.rejects(duty.perform(AbortSignal.abort(new Error('enough'))), /enough/u);
});
