import { STATUS_CODES, validateHeaderName, validateHeaderValue } from 'node:http';
import type { StepOutputs } from '../domain/workflow.ts';
import {
  createGuardedClient,
  GuardedRequestError,
  type GuardedAnswer,
  type GuardedRequest,
} from '../lib/guarded-request.ts';
import type { Resolve } from '../lib/resolve-name.ts';
import { Secret } from '../lib/secret.ts';
import { createRedactor, type Redactor } from '../secrets/redact.ts';
import { cleanWords } from '../lib/clean-words.ts';
import { ownHeaders } from '../workflows/own-headers.ts';
import { selectOutputs } from '../workflows/select-outputs.ts';
import { answerMaxBytes } from '../workflows/select-protocol.ts';
import { StepFailure } from '../workflows/step-failure.ts';
import type { FetchOrder } from '../workflows/step-order.ts';
import type { FetchKey, OpenFetchKey } from './fetch-key.ts';

export type FetchDeps = {
  readonly openKey: OpenFetchKey;
  /** The operator's list of hosts that are not public. */
  readonly allowPrivate: readonly string[];
  /** Of the product, for `User-Agent`. */
  readonly version: string;
  readonly resolve?: Resolve;
};

export type FetchStep = (
  order: FetchOrder,
  about: { readonly ownerId: string; readonly effectId: string },
  signal: AbortSignal,
) => Promise<StepOutputs>;

const connectMs = 5_000;
/** Of an answer that is a failure, what people are shown of it. */
const shownCharacters = 200;

/**
 * Does a `fetch` step: sends its request to a public address, or with a key to the key's own provider, and gives the
 * outputs that the step selects. It is sent once; if the server is killed meanwhile, it is sent again, with the same
 * `Idempotency-Key` where it changes things.
 *
 * The step rejects with StepFailure, whose words tell neither the key nor what the author put into headers.
 */
export function createFetchStep(deps: FetchDeps): FetchStep {
  return async (order, about, signal) => {
    demandOwnHeaders(order);
    const wanted = readUrl(order.url);
    const key =
      order.keyName === undefined
        ? undefined
        : await deps.openKey({ ownerId: about.ownerId, keyName: order.keyName, url: wanted }, signal);
    const url = key?.url ?? wanted;
    const headers = headersOf(order, { key, version: deps.version, effectId: about.effectId });
    const redactor = createRedactor(secretsOf(order, url, key));
    const answer = await send(deps, { order, url, headers, key }, signal).catch((error: unknown) => {
      throw failureOf(error, order, redactor);
    });
    demandSuccess(url, answer, redactor);
    demandWhole(url, answer, order);
    return outputsOf(order, { url, answer, key }, signal);
  };
}

function readUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new StepFailure('url: must be a valid URL');
  }
  if (url.username === '' && url.password === '') return url;
  throw new StepFailure('url: has a user name or a password in it; give them in headers');
}

function demandOwnHeaders({ headers }: FetchOrder): void {
  for (const [name, value] of Object.entries(headers)) {
    if (ownHeaders.has(name.toLowerCase())) {
      throw new StepFailure(`headers.${name}: is set by Slipway itself`);
    }
    // Their errors repeat the value.
    try {
      validateHeaderName(name);
    } catch {
      throw new StepFailure('headers: a name is none that HTTP knows');
    }
    try {
      validateHeaderValue(name, value);
    } catch {
      throw new StepFailure(`headers.${name}: holds a character that a header cannot`);
    }
  }
}

type Sending = {
  readonly order: FetchOrder;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly key: FetchKey | undefined;
};

function send(
  deps: FetchDeps,
  { order, url, headers, key }: Sending,
  signal: AbortSignal,
): Promise<GuardedAnswer> {
  const { allowPrivate, resolve } = deps;
  const request = createGuardedClient({
    allow: key === undefined ? allowPrivate : [...allowPrivate, key.host],
    limits: {
      connectMs: Math.min(connectMs, order.timeoutMs),
      totalMs: order.timeoutMs,
      answerBytes: answerMaxBytes,
    },
    ...(resolve === undefined ? {} : { resolve }),
  });
  const asked: GuardedRequest = { url: url.href, method: order.method, headers };
  return request(order.body === undefined ? asked : { ...asked, body: Buffer.from(order.body) }, signal);
}

/** The author's words win over what is usual, and nothing over the key's. */
function headersOf(
  order: FetchOrder,
  own: { readonly key: FetchKey | undefined; readonly version: string; readonly effectId: string },
): Readonly<Record<string, string>> {
  const { key, version, effectId } = own;
  const changesThings = !['GET', 'HEAD'].includes(order.method);
  const headers = new Map<string, readonly [name: string, value: string]>();
  const set = (name: string, value: string): void => void headers.set(name.toLowerCase(), [name, value]);
  set('Accept', 'application/json');
  set('User-Agent', `Slipway/${version}`);
  if (order.body !== undefined) set('Content-Type', typeOf(order.body));
  if (changesThings) set('Idempotency-Key', effectId);
  for (const [name, value] of Object.entries(order.headers)) set(name, value);
  set('Accept-Encoding', 'identity');
  if (key !== undefined) {
    const { name, value } = key.header;
    if (Object.keys(order.headers).some((given) => given.toLowerCase() === name.toLowerCase())) {
      throw new StepFailure(`headers.${name}: is the header of key_name's key`);
    }
    set(name, value);
  }
  return Object.fromEntries(headers.values());
}

function typeOf(body: string): string {
  try {
    JSON.parse(body);
    return 'application/json';
  } catch {
    return 'text/plain; charset=utf-8';
  }
}

/**
 * What an answer could repeat: values of headers, since any may be a token, with and without a word in front
 * (`Bearer …`), and of the address what is named like one.
 */
function secretsOf({ headers }: FetchOrder, url: URL, key: FetchKey | undefined): readonly Secret[] {
  const plain = ['accept', 'content-type', 'user-agent'];
  const inHeaders = Object.entries(headers)
    .filter(([name]) => !plain.includes(name.toLowerCase()))
    .flatMap(([, value]) => [value, value.slice(value.indexOf(' ') + 1)]);
  const inAddress = [...url.searchParams]
    .filter(([name]) => /auth|key|pass|secret|sig|token/iu.test(name))
    .map(([, value]) => value);
  const given = [...inHeaders, ...inAddress].map((value) => new Secret(value));
  return key === undefined ? given : [...given, key.token];
}

function failureOf(error: unknown, { timeoutMs }: FetchOrder, redactor: Redactor): unknown {
  if (!(error instanceof GuardedRequestError)) return error;
  const remedies = {
    refused_address: '; the operator lists such hosts in SLIPWAY_ALLOW_PRIVATE_ADDRESSES',
    timeout: ` (the step has ${timeoutMs / 1_000} s)`,
  } as const;
  const remedy = error.kind === 'refused_address' || error.kind === 'timeout' ? remedies[error.kind] : '';
  return new StepFailure(redactor.text(error.message) + remedy, { cause: error });
}

function demandSuccess(url: URL, { status, headers, body }: GuardedAnswer, redactor: Redactor): void {
  if (status >= 200 && status < 300) return;
  const words = `${url.host} answered ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();
  if (status >= 300 && status < 400) throw new StepFailure(`${words}; redirects are not followed`);
  const type = headers['content-type'] ?? '';
  const said = isEncoded(headers) || /html|xml|octet-stream|image/iu.test(type) ? '' : decode(body);
  const shown = /^\s*</u.test(said) ? '' : cleanWords(redactor.text(said), undefined, shownCharacters);
  throw new StepFailure(shown === '' ? words : `${words}: ${shown}`);
}

function demandWhole({ host }: URL, { body, isWhole }: GuardedAnswer, { timeoutMs }: FetchOrder): void {
  if (isWhole) return;
  if (body.length >= answerMaxBytes) throw new StepFailure(`${host}'s answer is longer than 1 MB`);
  throw new StepFailure(`${host}'s answer broke off, or took longer than ${timeoutMs / 1_000} s`);
}

/** Nothing of the body is read where nothing is wanted of it. */
async function outputsOf(
  { outputs }: FetchOrder,
  from: { readonly url: URL; readonly answer: GuardedAnswer; readonly key: FetchKey | undefined },
  signal: AbortSignal,
): Promise<StepOutputs> {
  if (Object.keys(outputs).length === 0) return {};
  const { url, answer, key } = from;
  if (isEncoded(answer.headers)) {
    throw new StepFailure(`${url.host}'s answer is compressed, which was not asked for`);
  }
  if (answer.body.length === 0) {
    throw new StepFailure(`${url.host} answered ${answer.status} without a body, where outputs are wanted`);
  }
  // What a provider repeats of the key would be stored, and shown to whoever sees the run.
  const text = createRedactor(key === undefined ? [] : [key.token]).text(decode(answer.body));
  return selectOutputs(text, outputs, signal);
}

function isEncoded(headers: GuardedAnswer['headers']): boolean {
  return !['', 'identity'].includes((headers['content-encoding'] ?? '').trim().toLowerCase());
}

function decode(body: Buffer): string {
  return new TextDecoder().decode(body);
}
