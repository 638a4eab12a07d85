import { createHash } from 'node:crypto';
import { Refusal } from '../domain/errors.ts';

/** What two requests have to agree in to be the same: any value that has JSON, secrets revealed. */
export function bodyHashOf(...parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** The key stands for another request. */
export function idempotencyMismatch(): Refusal {
  return new Refusal('idempotency_mismatch', 'this Idempotency-Key was used with another request body');
}
