import { Refusal, type RefusalCode } from '../domain/errors.ts';

/** An error as HTTP sees it, before a surface puts it into its own body. */
export type Problem = {
  readonly status: number;
  readonly message: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly retryAfterSeconds?: number;
  /** `refused`: the caller's doing. `unavailable`: it passes. `defect`: ours, and its text stays here. */
  readonly kind: 'refused' | 'unavailable' | 'defect';
};

const statusOfRefusal = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  idempotency_mismatch: 409,
  rate_limited: 429,
  unavailable: 503,
  upstream_failed: 502,
  delivery_failed: 500,
} as const satisfies Record<RefusalCode, number>;

/** A database that restarts is back within a second or two. */
const databaseRetrySeconds = 2;

/** Sorts whatever was thrown while a request was answered. */
export function problemOf(error: unknown, isDatabaseAway: (error: unknown) => boolean): Problem {
  if (error instanceof Refusal) return problemOfRefusal(error);
  const framework = problemOfFramework(error);
  if (framework !== undefined) return framework;
  if (isDatabaseAway(error)) {
    return {
      kind: 'unavailable',
      status: 503,
      message: 'the database cannot be reached; try again in a moment',
      retryAfterSeconds: databaseRetrySeconds,
    };
  }
  return { kind: 'defect', status: 500, message: 'internal error' };
}

function problemOfRefusal(refusal: Refusal): Problem {
  return {
    kind: refusal.code === 'unavailable' ? 'unavailable' : 'refused',
    status: statusOfRefusal[refusal.code],
    message: refusal.message,
    ...(refusal.fields === undefined ? {} : { fields: refusal.fields }),
    ...(refusal.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: refusal.retryAfterSeconds }),
  };
}

/** What Fastify itself refuses: its messages are constants, and safe to show. */
function problemOfFramework(error: unknown): Problem | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('statusCode' in error)) return undefined;
  const { code, statusCode: status, message } = error;
  if (typeof code !== 'string' || !code.startsWith('FST_ERR_')) return undefined;
  if (typeof status !== 'number' || status < 400 || status >= 500) return undefined;
  return { kind: 'refused', status, message: status === 413 ? 'request body is too large' : message };
}
