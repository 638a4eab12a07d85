/**
 * The closed list of refusals that a service can answer with. HTTP has a table from it to status codes
 * (a new code does not compile until it is mapped); the domain knows no status.
 */
export type RefusalCode =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'idempotency_mismatch'
  | 'rate_limited'
  | 'unavailable'
  /** A forge or another service that was asked for the caller failed. */
  | 'upstream_failed'
  /** What was to be published could not be, for good. */
  | 'delivery_failed';

/** A known refusal: something that a caller did or asked for, said in words for them. */
export class Refusal extends Error {
  readonly code: RefusalCode;
  /** Messages by the field's JSON name, for `invalid`. */
  readonly fields: Readonly<Record<string, string>> | undefined;
  /** For `rate_limited` and `unavailable`: seconds until it is worth trying again. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: RefusalCode,
    message: string,
    details: { fields?: Readonly<Record<string, string>>; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.name = 'Refusal';
    this.code = code;
    this.fields = details.fields;
    this.retryAfterSeconds = details.retryAfterSeconds;
  }
}

/** A refusal of one field: `prompt: field is required`. */
export function invalidField(field: string, message: string): Refusal {
  return new Refusal('invalid', `${field}: ${message}`, { fields: { [field]: message } });
}
