import type { FastifyReply, FastifyRequest } from 'fastify';

/** The key under which a request may be repeated; several headers are one key, as HTTP joins them. */
export function idempotencyKeyOf(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key'];
  return Array.isArray(key) ? key.join(', ') : key;
}

/** Why a request's `Idempotency-Key` cannot be taken; undefined: it can, or there is none. */
export function idempotencyKeyProblem(key: string | undefined): string | undefined {
  if (key === undefined || /^[\u0020-\u007e]{1,255}$/u.test(key)) return undefined;
  return 'must have 1 to 255 printable ASCII characters';
}

/** Aborted when the caller has left, or has its answer. */
export function leavingOf(reply: FastifyReply): AbortSignal {
  const left = new AbortController();
  reply.raw.once('close', () => left.abort(new Error('the caller has left')));
  return left.signal;
}

/**
 * A null is an absent field, at the top, in `config` and in the entries of their lists: many clients write one for
 * every empty field.
 */
export async function dropNulls(request: FastifyRequest): Promise<void> {
  dropNullEntries(request.body);
  if (isObject(request.body)) dropNullEntries(request.body['config']);
}

function dropNullEntries(value: unknown): void {
  if (!isObject(value)) return;
  for (const [name, entry] of Object.entries(value)) {
    if (entry === null) delete value[name];
    if (Array.isArray(entry)) for (const item of entry) dropNullsOf(item);
  }
}

function dropNullsOf(value: unknown): void {
  if (!isObject(value)) return;
  for (const [name, entry] of Object.entries(value)) if (entry === null) delete value[name];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
