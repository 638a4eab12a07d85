import { ApiError, ConnectionError, InvalidIdError, connectionReason } from './errors.ts';
import type { CreateOptions } from './request-options.ts';
import { pause, retryWaitMs, type Timing } from './timing.ts';

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export type ApiRequest = {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below the server's address, without a leading slash. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Statuses beside 2xx that are answers, not refusals. */
  readonly answers?: readonly number[];
  /** Whether doing it twice is the same as doing it once. */
  readonly repeatable: boolean;
  /** For one try, where it is not `timing.requestMs`. */
  readonly requestMs?: number;
  readonly signal: AbortSignal | undefined;
};

/** Sends requests to one server with one credential. */
export type Transport = {
  /** The server's address, without a slash at its end. */
  readonly base: string;
  readonly timing: Timing;
  /**
   * One try: the response with its body unread, of status 2xx. Throws `ApiError`, `ConnectionError`, or the
   * reason of the signal. The signal also ends the reading of the body.
   */
  readonly open: (request: ApiRequest) => Promise<Response>;
  /** The body of the answer, tried again as long as that is safe and promising; throws as `open` does. */
  readonly bytes: (request: ApiRequest) => Promise<Uint8Array>;
  /** The same, parsed from JSON. The shape is the contract's: it is not checked. */
  readonly json: <Body>(request: ApiRequest) => Promise<Body>;
};

/**
 * `baseUrl` may have a path (a server behind a proxy). Throws `TypeError` when it is no http(s) address, or
 * holds a password: a credential in an address ends up in logs.
 */
export function createTransport(deps: {
  readonly baseUrl: string;
  readonly token: string | undefined;
  readonly fetch: Fetch;
  readonly timing: Timing;
}): Transport {
  const base = parseBase(deps.baseUrl);

  async function open(request: ApiRequest): Promise<Response> {
    let response: Response;
    try {
      response = await deps.fetch(urlOf(base, request), initOf(request, deps.token));
    } catch (error) {
      if (request.signal?.aborted === true) throw request.signal.reason;
      throw connectionError(base, error);
    }
    if (response.ok || request.answers?.includes(response.status) === true) return response;
    throw await refusal(base, response);
  }

  async function once(request: ApiRequest): Promise<Uint8Array> {
    const limitMs = request.requestMs ?? deps.timing.requestMs;
    const limit = AbortSignal.timeout(limitMs);
    const signal = request.signal === undefined ? limit : AbortSignal.any([request.signal, limit]);
    try {
      const response = await open({ ...request, signal });
      return new Uint8Array(await response.arrayBuffer());
    } catch (error) {
      if (request.signal?.aborted === true) throw request.signal.reason;
      if (limit.aborted) throw timedOut(base, limitMs, error);
      throw error instanceof ApiError || error instanceof ConnectionError
        ? error
        : connectionError(base, error);
    }
  }

  async function bytes(request: ApiRequest): Promise<Uint8Array> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await once(request);
      } catch (error) {
        if (!(error instanceof ApiError || error instanceof ConnectionError)) throw error;
        const wait = retryWaitMs(deps.timing, error, attempt, request.repeatable);
        if (wait === undefined || attempt >= deps.timing.tries) throw error;
        await pause(wait, request.signal);
      }
    }
  }

  async function json<Body>(request: ApiRequest): Promise<Body> {
    const text = new TextDecoder().decode(await bytes(request));
    const value: unknown = parseJson(text);
    if (!isRecord(value)) throw notTheApi(base, 'its answer is not JSON');
    return value as Body;
  }

  return { base, timing: deps.timing, open, bytes, json };
}

/** The error for an answer that the API never gives; trying again would not help. */
export function notTheApi(base: string, what: string): ConnectionError {
  return new ConnectionError(`${base} does not answer like a Slipway server: ${what}`, { temporary: false });
}

/** What a failed `fetch`, or a body that broke off, is to the caller. */
export function connectionError(base: string, error: unknown): ConnectionError {
  return new ConnectionError(`cannot reach ${base}: ${connectionReason(error)}`, {
    temporary: true,
    cause: error,
  });
}

/** An object that is neither null nor an array. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value, or undefined where the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A request that only reads. */
export function read(path: string, signal: AbortSignal | undefined) {
  return { method: 'GET', path, repeatable: true, signal } as const;
}

/** A request that the server does once, however often it is sent: it carries a key. */
export function idempotent(path: string, body: unknown, { idempotencyKey, signal }: CreateOptions) {
  return {
    method: 'POST',
    path,
    headers: { 'idempotency-key': idempotencyKey ?? crypto.randomUUID() },
    body,
    repeatable: true,
    signal,
  } as const;
}

/** An id or a name as one part of a path. Throws `InvalidIdError` for what would lead to another path. */
export function pathPart(id: string): string {
  if (/^\.{0,2}$/u.test(id)) throw new InvalidIdError(id);
  return encodeURIComponent(id);
}

function parseBase(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new TypeError(`not the address of a server: ${address} (it looks like http://127.0.0.1:8080)`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new TypeError('the address of a server cannot hold a user name or a password');
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/u, '');
}

function urlOf(base: string, request: ApiRequest): string {
  const url = new URL(`${base}/${request.path}`);
  for (const [name, value] of Object.entries(request.query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url.href;
}

function initOf(request: ApiRequest, token: string | undefined): RequestInit {
  return {
    method: request.method,
    headers: {
      accept: 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...request.headers,
    },
    // A redirect would turn a POST into a GET, or carry the token to another server.
    redirect: 'manual',
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  };
}

async function refusal(base: string, response: Response): Promise<ApiError | ConnectionError> {
  if (response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)) {
    await response.body?.cancel();
    const target = response.headers.get('location') ?? 'another address';
    return notTheApi(base, `it redirects to ${target}; use that address if it is your server`);
  }
  // Where the body breaks off, the status still says enough.
  const body = parseJson(await response.text().catch(() => ''));
  const said = isRecord(body) ? body : {};
  const error = typeof said['error'] === 'string' ? said['error'] : response.statusText;
  const message = typeof said['message'] === 'string' ? said['message'] : `HTTP ${response.status} ${error}`;
  return new ApiError(message.trim(), {
    status: response.status,
    error,
    fields: fieldsOf(said['fields']),
    retryAfter: retryAfterSeconds(response.headers.get('retry-after')),
    requestId: response.headers.get('x-request-id') ?? undefined,
  });
}

function fieldsOf(value: unknown): Readonly<Record<string, string>> {
  if (!isRecord(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([name, message]) => [name, String(message)]));
}

/** The header is a number of seconds or, from proxies, a date. */
function retryAfterSeconds(header: string | null): number | undefined {
  if (header === null) return undefined;
  const text = header.trim();
  if (/^\d+$/u.test(text)) return Number(text);
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - Date.now()) / 1000);
}

function timedOut(base: string, limitMs: number, cause: unknown): ConnectionError {
  return new ConnectionError(`cannot reach ${base}: no answer within ${limitMs / 1000} s`, {
    temporary: true,
    cause,
  });
}
