import { randomBytes, randomUUID } from 'node:crypto';

/** Makes ids. A dependency, so that tests can foresee them. */
export type Ids = {
  /** A random UUID (v4). */
  readonly random: () => string;
  /** A UUID whose order is the order of its making (v7, RFC 9562): kind to indexes. */
  readonly ordered: () => string;
};

export const systemIds: Ids = { random: () => randomUUID(), ordered: () => uuidV7(Date.now()) };

/** 48 bits of milliseconds, the version, 74 random bits and the variant. */
function uuidV7(milliseconds: number): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(milliseconds, 0, 6);
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Whether the text is an id as these are written: lower case, with dashes. */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u.test(text);
}
