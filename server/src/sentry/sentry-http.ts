import { cleanWords } from '../lib/clean-words.ts';
import { systemClock, type Clock } from '../lib/clock.ts';
import { exchange, NoAnswer, type ExchangeLimits, type RawAnswer } from '../lib/exchange.ts';
import { textField } from '../lib/json-fields.ts';
import { limitedForMs } from '../lib/limit-headers.ts';
import type { Secret } from '../lib/secret.ts';
import { SentryError, type SentryErrorCode } from './sentry.ts';

/** An event with all its frames and breadcrumbs has at most a megabyte or two. */
const usualLimits: ExchangeLimits = { timeMs: 10_000, bytes: 10_000_000 };
const limitHeaders = { remaining: 'x-sentry-rate-limit-remaining', reset: 'x-sentry-rate-limit-reset' };

export type SentryHttpOptions = {
  /** `https://sentry.io/api/0`, without a slash at its end. */
  readonly apiUrl: string;
  /** Slipway's, for `User-Agent`. */
  readonly version: string;
  readonly observe?: ObserveSentry | undefined;
  readonly clock?: Clock;
  readonly limits?: ExchangeLimits;
};

/** Told of every request once it has ended. */
export type ObserveSentry = (seen: {
  /** One of a few words. */
  readonly operation: string;
  /** The HTTP status; 0: no answer came. */
  readonly status: number;
  readonly ms: number;
}) => void;

export type SentryCall = {
  /** One of a few words, for metrics: `list_issues`. */
  readonly operation: string;
  /** For people, behind "could not": `list the issues of acme/web`. */
  readonly doing: string;
  /** Behind the API's address; begins and ends with a slash, its parts are encoded. */
  readonly path: string;
  /** What is undefined is left out. */
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  /** The least of Sentry's scopes that is enough, for the message where it is missing. */
  readonly scope: string;
  readonly token: Secret;
  readonly signal: AbortSignal;
};

export type SentryAnswer = {
  /** The body to the letter. */
  readonly text: string;
  /** The same, read as JSON. */
  readonly body: unknown;
  readonly headers: Headers;
};

/** Asks Sentry, once. Gives good answers only; throws `SentryError` for all others, or the signal's reason. */
export type AskSentry = (call: SentryCall) => Promise<SentryAnswer>;

/** Makes the HTTP of one Sentry. Redirects are not followed: a token goes to the configured address alone. */
export function createAskSentry(options: SentryHttpOptions): AskSentry {
  const { apiUrl, clock = systemClock } = options;
  return async (call) => {
    const raw = await send(options, call);
    const { status, headers, text } = raw;
    const body = parseBody(text);
    if (status >= 200 && status <= 299) {
      if (body === undefined) throw sentryError(call, 'unavailable', 'its answer is no JSON, or not whole.');
      return { text, body, headers };
    }
    const said = cleanWords(textField(body, 'detail'), call.token);
    const { code, why } = explain(status, { scope: call.scope, apiUrl, isJson: body !== undefined });
    const words = `${why} (Sentry: ${status}${said === '' ? '' : ` ${said}`})`;
    const wait = status === 429 ? limitedForMs(headers, limitHeaders, clock) : undefined;
    throw sentryError(call, code, words, wait);
  };
}

/** An error in the words that all of them have: `Sentry could not list the organizations: why`. */
export function sentryError(
  { doing, token }: Pick<SentryCall, 'doing' | 'token'>,
  code: SentryErrorCode,
  why: string,
  retryAfterMs?: number,
): SentryError {
  const words = `Sentry could not ${cleanWords(doing, token)}: ${cleanWords(why, token, 700)}`;
  return new SentryError(code, words, retryAfterMs);
}

async function send(options: SentryHttpOptions, call: SentryCall): Promise<RawAnswer> {
  const url = new URL(`${options.apiUrl}${call.path}`);
  for (const [name, value] of Object.entries(call.query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  const headers = {
    accept: 'application/json',
    'user-agent': `slipway/${options.version}`,
    authorization: `Bearer ${call.token.reveal()}`,
  };
  const start = performance.now();
  let status = 0;
  try {
    const asked = { url, method: 'GET', headers, body: undefined, signal: call.signal };
    const raw = await exchange(asked, options.limits ?? usualLimits);
    status = raw.status;
    return raw;
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    throw sentryError(call, 'unavailable', `${error.message}.`);
  } finally {
    options.observe?.({ operation: call.operation, status, ms: performance.now() - start });
  }
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function explain(
  status: number,
  { scope, apiUrl, isJson }: { readonly scope: string; readonly apiUrl: string; readonly isJson: boolean },
): { readonly code: SentryErrorCode; readonly why: string } {
  if (status === 401) {
    return {
      code: 'unauthorized',
      why: 'the token is not accepted: it is wrong, expired or revoked. Register a valid one.',
    };
  }
  if (status === 403) {
    return {
      code: 'forbidden',
      why: `the token may not. It needs the scope ${scope}, and its owner access to this.`,
    };
  }
  if (status === 404 && !isJson) {
    return { code: 'unavailable', why: `no Sentry answers there. Is its API really at ${apiUrl}?` };
  }
  if (status === 404) return { code: 'not_found', why: 'it is not there, or the token may not see it.' };
  if (status === 429) return { code: 'rate_limited', why: 'too many requests with this token.' };
  if (status >= 500) {
    return { code: 'unavailable', why: 'it has trouble of its own. It is worth trying again later.' };
  }
  if (status >= 300 && status <= 399) {
    const why = `it redirects, which is not followed. Is its API really at ${apiUrl}, or was something renamed?`;
    return { code: 'unavailable', why };
  }
  return { code: 'refused', why: 'it was refused.' };
}
