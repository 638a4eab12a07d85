/** The server answered, and the answer is a refusal. */
export class ApiError extends Error {
  /** The HTTP status. */
  readonly status: number;
  /** The kind of error in the server's words: `Not Found`, `unauthorized`, `rate_limit_exceeded`… */
  readonly error: string;
  /** What is wrong with which field of the body, by the field's JSON name. Empty where it is not about fields. */
  readonly fields: Readonly<Record<string, string>>;
  /** Seconds until it is worth trying again, where the server said so. */
  readonly retryAfter: number | undefined;
  /** The server's name for this request: its log has the rest. */
  readonly requestId: string | undefined;

  constructor(
    message: string,
    details: {
      status: number;
      error: string;
      fields?: Readonly<Record<string, string>>;
      retryAfter?: number | undefined;
      requestId?: string | undefined;
    },
  ) {
    super(message);
    this.name = 'ApiError';
    this.status = details.status;
    this.error = details.error;
    this.fields = details.fields ?? {};
    this.retryAfter = details.retryAfter;
    this.requestId = details.requestId;
  }
}

/** There was no answer of the API: nothing listens there, the connection broke, or something else answered. */
export class ConnectionError extends Error {
  /** Whether the same request may succeed in a moment. False where something else than the API answered. */
  readonly temporary: boolean;

  constructor(message: string, details: { temporary: boolean; cause?: unknown }) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.name = 'ConnectionError';
    this.temporary = details.temporary;
  }
}

/** Nothing was sent: an empty text, `.` and `..` are no ids and no names, and would ask for something else. */
export class InvalidIdError extends TypeError {
  constructor(given: string) {
    super(`neither an id nor a name: "${given}"`);
    this.name = 'InvalidIdError';
  }
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name cannot be resolved now',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no network',
  ETIMEDOUT: 'timed out',
  UND_ERR_SOCKET: 'the connection was closed',
};

/**
 * Why a `fetch` or a read of its body failed, in words. Node hides the reason in the error's cause (often
 * one level deeper than the "fetch failed" that it throws); browsers tell nothing.
 */
export function connectionReason(error: unknown): string {
  let text = 'no answer';
  for (let at = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth += 1) {
    const code = 'code' in at && typeof at.code === 'string' ? at.code : '';
    const known = reasons[code];
    if (known !== undefined) return known;
    if (at.message !== '') text = at.message;
  }
  return text;
}
