import { createHash } from 'node:crypto';
import { Refusal } from '../domain/errors.ts';
import type { KeptRequest } from '../store/kept-requests.ts';
import type { Viewer } from '../store/tasks.ts';

/** What two requests have to agree in to be the same: any value that has JSON, secrets revealed. */
export function bodyHashOf(...parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** A request about a task as it is kept under its key; null: it came without one. */
export function keptRequestOf(
  viewer: Viewer,
  request: {
    readonly route: string;
    readonly key: string | undefined;
    readonly taskId: string;
    readonly asked: unknown;
  },
): KeptRequest | null {
  const { route, key, taskId, asked } = request;
  if (key === undefined) return null;
  return { ownerId: viewer.userId, route, key, bodyHash: bodyHashOf(taskId, asked) };
}

/** The key stands for another request. */
export function idempotencyMismatch(): Refusal {
  return new Refusal('idempotency_mismatch', 'this Idempotency-Key was used with another request body');
}
