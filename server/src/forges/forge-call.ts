import type { Clock } from '../lib/clock.ts';
import type { ExchangeLimits } from '../lib/exchange.ts';
import type { JsonObject } from '../lib/json-fields.ts';
import type { LimitHeaders } from '../lib/limit-headers.ts';
import type { Secret } from '../lib/secret.ts';
import type { ForgeErrorCode, ForgeName } from './forge.ts';

/** What a forge has of its own, beside what all of them do alike. */
export type ForgeHttpOptions = {
  readonly forge: ForgeName;
  /** For people: `GitHub`. */
  readonly label: string;
  /** Of the API, with its path, without a slash at its end. */
  readonly apiUrl: string;
  /** Slipway's, for `User-Agent`. */
  readonly version: string;
  /** What every request carries; with a token, also the token. */
  readonly headersOf: (token: Secret | undefined) => Readonly<Record<string, string>>;
  readonly limitHeaders: LimitHeaders;
  /** Whether a refusal means "too many requests". */
  readonly isLimited: (answer: ForgeAnswer) => boolean;
  /** What a refusal means where the call does not know better: the code, and what to do about it, in words. */
  readonly explain: (answer: ForgeAnswer) => ForgeRefusal;
  /** The forge's own words in the body of a refusal; empty where there are none. */
  readonly wordsOf: (body: unknown) => string;
  readonly observe?: ObserveForge | undefined;
  /** Told of a token that the forge takes no more (401). */
  readonly rejected?: ((token: Secret) => void) | undefined;
  readonly clock?: Clock;
  readonly limits?: ExchangeLimits;
};

export type ForgeRefusal = {
  readonly code: ForgeErrorCode;
  /** What is the matter, and what to do: `the token may not; give it the scope repo`. */
  readonly why: string;
};

/** Told of every request once it has ended. */
export type ObserveForge = (seen: {
  readonly forge: ForgeName;
  /** One of a few words. */
  readonly operation: string;
  /** The HTTP status; 0: no answer came. */
  readonly status: number;
  readonly ms: number;
  /** Undefined: the forge did not say. */
  readonly rateLimitRemaining: number | undefined;
}) => void;

export type ForgeCall = {
  /** One of a few words, for metrics: `find_repository`. */
  readonly operation: string;
  /** For people, behind "could not": `find the repository acme/app`. */
  readonly doing: string;
  /** `GET` where it is not said. What is no `GET` is sent once and never again. */
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** Behind the API's address; begins with a slash, its parts are encoded. */
  readonly path: string;
  /** What is undefined is left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: JsonObject;
  readonly token: Secret | undefined;
  readonly signal: AbortSignal;
};

/** An answer below 500 that is no rate limit. */
export type ForgeAnswer = {
  readonly status: number;
  readonly headers: Headers;
  /** Read as JSON; undefined where there is none. */
  readonly body: unknown;
};

/** What an answer of 401 means at every forge. */
export const badToken: ForgeRefusal = {
  code: 'unauthorized',
  why: 'the token is wrong, expired or revoked, or none was given. Give it a valid one.',
};
