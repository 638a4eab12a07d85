import { randomUUID } from 'node:crypto';

/** Makes ids. A dependency, so that tests can foresee them. */
export type Ids = {
  /** A random UUID (v4). */
  readonly random: () => string;
  /** A UUID whose order is the order of its making (v7, RFC 9562): kind to indexes. */
  readonly ordered: () => string;
};

export const systemIds: Ids = { random: () => randomUUID(), ordered: () => uuidV7(Date.now()) };

/**
 * 48 bits of milliseconds, the version, and 74 random bits with the variant: those of a v4, which Node draws
 * from a store of random bytes (0.6 µs, against 2.6 µs with 16 bytes drawn for each).
 */
function uuidV7(milliseconds: number): string {
  const time = milliseconds.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}

/** Whether the text is an id as these are written: lower case, with dashes. */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u.test(text);
}
