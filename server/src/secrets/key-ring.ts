import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { Secret } from '../lib/secret.ts';

/** A secret as it lies in the database. */
export type Sealed = { readonly keyId: string; readonly nonce: Buffer; readonly ciphertext: Buffer };

/** Encrypts with the newest key, decrypts with any: so that the master key can be rotated. */
export type KeyRing = {
  /** What `seal` seals with: what was sealed with another key can be sealed anew. */
  readonly newestKeyId: string;
  /** `rowId` is authenticated with the text: a ciphertext that is moved to another row does not open. */
  readonly seal: (rowId: string, value: Secret) => Sealed;
  /** @throws Error when the key is unknown or the row was tampered with. */
  readonly open: (rowId: string, sealed: Sealed) => Secret;
};

const algorithm = 'aes-256-gcm';
const tagBytes = 16;
const nonceBytes = 12;

/** `keys`: the newest first; any text of at least 16 characters, stretched to 256 bits by SHA-256. */
export function createKeyRing(keys: readonly [Secret, ...Secret[]]): KeyRing {
  const material = keys.map((key) => createHash('sha256').update(key.reveal()).digest());
  const byId = new Map(material.map((key) => [keyIdOf(key), key]));
  const newest = material[0];
  if (newest === undefined) throw new Error('a key ring needs a key');
  const newestKeyId = keyIdOf(newest);
  return {
    newestKeyId,
    seal(rowId, value) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv(algorithm, newest, nonce, { authTagLength: tagBytes });
      cipher.setAAD(Buffer.from(rowId));
      const ciphertext = Buffer.concat([
        cipher.update(value.reveal(), 'utf8'),
        cipher.final(),
        cipher.getAuthTag(),
      ]);
      return { keyId: newestKeyId, nonce, ciphertext };
    },
    open(rowId, sealed) {
      const key = byId.get(sealed.keyId);
      if (key === undefined) {
        throw new Error(
          'a stored secret was encrypted with a key that SLIPWAY_ENCRYPTION_KEY does not hold any more',
        );
      }
      const decipher = createDecipheriv(algorithm, key, sealed.nonce, { authTagLength: tagBytes });
      decipher.setAAD(Buffer.from(rowId));
      decipher.setAuthTag(sealed.ciphertext.subarray(-tagBytes));
      const text = Buffer.concat([
        decipher.update(sealed.ciphertext.subarray(0, -tagBytes)),
        decipher.final(),
      ]);
      return new Secret(text.toString('utf8'));
    },
  };
}

/** A row's secret; undefined where no key of the ring opens it. */
export function openIfPossible(ring: KeyRing, row: Sealed & { readonly id: string }): Secret | undefined {
  try {
    return ring.open(row.id, row);
  } catch {
    return undefined;
  }
}

/** Names a key without telling it. */
function keyIdOf(key: Buffer): string {
  return createHash('sha256').update('key-id').update(key).digest('hex').slice(0, 16);
}
