import { createHash } from 'node:crypto';
import { delay } from '../lib/abort.ts';
import { backoffMs, type Backoff } from '../lib/backoff.ts';
import { cleanWords } from '../lib/clean-words.ts';
import type { Clock } from '../lib/clock.ts';
import { exchange, NoAnswer, type ExchangeLimits, type RawAnswer } from '../lib/exchange.ts';
import { limitedForMs, remainingOf, retryAfterOf } from '../lib/limit-headers.ts';
import type { Secret } from '../lib/secret.ts';
import type { ForgeAnswer, ForgeCall, ForgeHttpOptions, ForgeRefusal } from './forge-call.ts';
import type { EtagCache } from './forge-etags.ts';
import type { QuietTokens } from './forge-rate-limit.ts';
import { ForgeError } from './forge.ts';

const usualLimits: ExchangeLimits = { timeMs: 15_000, bytes: 10_000_000 };
const mostAttempts = 3;
const mostRedirects = 3;
const retryBackoff: Backoff = { firstMs: 150, factor: 3, maxMs: 2_000 };
/** A forge that wants to be left alone for longer is left to the caller. */
const longestRetryWaitMs = 5_000;

/** What a token is known by here: never the token itself. */
const hashOf = (token: Secret | undefined): string =>
  token === undefined ? '' : createHash('sha256').update(token.reveal()).digest('base64');

/** Visible ASCII: what can stand in a header, and what no forge's token leaves. */
const isToken = (token: Secret): boolean => /^[\x21-\x7e]{1,4000}$/u.test(token.reveal());

/** What one forge's requests share. */
export type ForgeWire = {
  readonly options: ForgeHttpOptions;
  readonly clock: Clock;
  readonly etags: EtagCache;
  readonly quiet: QuietTokens;
};

/** An error in the words that all of them have: `GitHub could not find the repository acme/app: why`. */
export function makeForgeError(
  options: Pick<ForgeHttpOptions, 'label'>,
  { doing, token }: Pick<ForgeCall, 'doing' | 'token'>,
  { code, why }: ForgeRefusal,
  more: { readonly retryAfterMs?: number } = {},
): ForgeError {
  return new ForgeError(
    code,
    `${options.label} could not ${cleanWords(doing, token)}: ${cleanWords(why, token, 700)}`,
    more,
  );
}

/** Sends a call with its retries; see `ForgeHttp.send`. */
export async function sendCall(wire: ForgeWire, call: ForgeCall): Promise<ForgeAnswer> {
  if (call.token !== undefined && !isToken(call.token)) {
    const why = 'what was given as its token is none: it is empty or has characters that no token has.';
    throw makeForgeError(wire.options, call, { code: 'unauthorized', why });
  }
  const isRead = (call.method ?? 'GET') === 'GET';
  for (let attempt = 1; ; attempt += 1) {
    refuseQuiet(wire, call);
    const outcome = await attemptOnce(wire, call);
    if (outcome.kind === 'answer') return outcome.answer;
    const { why, retryAfterMs } = outcome;
    const mayRetry = isRead && outcome.isBrief && attempt < mostAttempts;
    if (!mayRetry || (retryAfterMs ?? 0) > longestRetryWaitMs) {
      throw makeForgeError(
        wire.options,
        call,
        { code: 'unavailable', why },
        retryAfterMs === undefined ? {} : { retryAfterMs },
      );
    }
    await delay(retryAfterMs ?? backoffMs(retryBackoff, attempt, Math.random()), call.signal);
  }
}

/** One attempt: an answer to be read, or why there is none. */
type Outcome =
  | { readonly kind: 'answer'; readonly answer: ForgeAnswer }
  | {
      readonly kind: 'none';
      readonly why: string;
      readonly isBrief: boolean;
      readonly retryAfterMs?: number | undefined;
    };

async function attemptOnce(wire: ForgeWire, call: ForgeCall): Promise<Outcome> {
  try {
    const raw = await followRedirects(wire, call);
    if (raw.status >= 500) {
      return {
        kind: 'none',
        why: `it has trouble of its own (status ${raw.status}). It is worth trying again later.`,
        isBrief: true,
        retryAfterMs: retryAfterOf(raw.headers, wire.clock),
      };
    }
    const isGood = raw.status >= 200 && raw.status <= 299;
    const body = parseBody(raw.text);
    if (isGood && body === undefined && raw.text !== '') {
      return { kind: 'none', why: 'its answer is no JSON, or not whole.', isBrief: true };
    }
    const answer: ForgeAnswer = { status: raw.status, headers: raw.headers, body };
    if (!isGood && wire.options.isLimited(answer)) throw beQuiet(wire, call, answer);
    if (raw.status === 401 && call.token !== undefined) wire.options.rejected?.(call.token);
    return { kind: 'answer', answer };
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    return { kind: 'none', why: `${error.message}.`, isBrief: error.isBrief };
  }
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function refuseQuiet(wire: ForgeWire, call: ForgeCall): void {
  const left = wire.quiet.left(hashOf(call.token));
  if (left !== undefined) throw limitError(wire, call, left);
}

function beQuiet(wire: ForgeWire, call: ForgeCall, answer: ForgeAnswer): ForgeError {
  const ms = limitedForMs(answer.headers, wire.options.limitHeaders, wire.clock);
  wire.quiet.add(hashOf(call.token), ms);
  return limitError(wire, call, ms);
}

function limitError(wire: ForgeWire, call: ForgeCall, retryAfterMs: number): ForgeError {
  const why = `too many requests with this token; it wants to be left alone for ${Math.ceil(retryAfterMs / 1_000)} s.`;
  return makeForgeError(wire.options, call, { code: 'rate_limited', why }, { retryAfterMs });
}

/** Sends the call, and a read on to where the forge has moved what it asks for, within the same origin. */
async function followRedirects(wire: ForgeWire, call: ForgeCall): Promise<RawAnswer> {
  let url = urlOf(wire.options.apiUrl, call);
  for (let hops = 0; ; hops += 1) {
    const raw = await sendOnce(wire, call, url);
    const location = [301, 302, 307, 308].includes(raw.status)
      ? (raw.headers.get('location') ?? '')
      : undefined;
    if (location === undefined) return raw;
    const next = URL.canParse(location, url) ? new URL(location, url) : undefined;
    const isRead = (call.method ?? 'GET') === 'GET';
    if (!isRead || next?.origin !== url.origin || hops >= mostRedirects) {
      const what = isRead ? 'it redirects to somewhere else' : 'it redirects what would change something';
      throw new NoAnswer(
        `${what}, which is not followed; is its API really at ${wire.options.apiUrl}?`,
        false,
      );
    }
    url = next;
  }
}

function urlOf(apiUrl: string, { path, query = {} }: ForgeCall): URL {
  const url = new URL(`${apiUrl}${path}`);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url;
}

/** One request, told to the observer; a read that is known already is asked for by its ETag. */
async function sendOnce(wire: ForgeWire, call: ForgeCall, url: URL): Promise<RawAnswer> {
  const { options, etags } = wire;
  const method = call.method ?? 'GET';
  const key = `${hashOf(call.token)} ${url.href}`;
  const kept = method === 'GET' ? etags.find(key) : undefined;
  const body = call.body === undefined ? undefined : JSON.stringify(call.body);
  const headers = {
    'user-agent': `slipway/${options.version}`,
    ...options.headersOf(call.token),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(kept === undefined ? {} : { 'if-none-match': kept.etag }),
  };
  const raw = await observed(wire, call, () =>
    exchange({ url, method, headers, body, signal: call.signal }, options.limits ?? usualLimits),
  );
  if (raw.status === 304 && kept !== undefined)
    return { status: 200, headers: kept.headers, text: kept.text };
  const etag = raw.headers.get('etag');
  if (method === 'GET' && raw.status === 200 && etag !== null && parseBody(raw.text) !== undefined) {
    etags.keep(key, { etag, text: raw.text, headers: raw.headers });
  }
  return raw;
}

async function observed(
  wire: ForgeWire,
  call: ForgeCall,
  send: () => Promise<RawAnswer>,
): Promise<RawAnswer> {
  const { forge, limitHeaders, observe } = wire.options;
  const start = performance.now();
  let raw: RawAnswer | undefined;
  try {
    raw = await send();
    return raw;
  } finally {
    observe?.({
      forge,
      operation: call.operation,
      status: raw?.status ?? 0,
      ms: performance.now() - start,
      rateLimitRemaining: raw === undefined ? undefined : remainingOf(raw.headers, limitHeaders),
    });
  }
}
