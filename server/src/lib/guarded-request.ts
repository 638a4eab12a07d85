import {
  request as requestPlain,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http';
import { request as requestSecure } from 'node:https';
import { isIP } from 'node:net';
import { createAddressGuard, type AddressProblem, type WebAddress } from './guarded-address.ts';
import { pinned, resolveInTime, resolveName, type Resolve } from './resolve-name.ts';

/** A request to an address that a person named. */
export type GuardedRequest = {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
};

export type GuardedAnswer = {
  /** 3xx too: redirects are not followed. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** As it was sent, without any decoding. */
  readonly body: Buffer;
  /** False where the rest of the body was cut off: too long, too slow, or its connection broke. */
  readonly isWhole: boolean;
};

/** `too_large`: the headers of the answer. */
export type GuardedFailure = 'refused_address' | 'unreachable' | 'timeout' | 'tls' | 'too_large';

/** There is no answer. The message says why and names the host, and no address that it resolved to. */
export class GuardedRequestError extends Error {
  readonly kind: GuardedFailure;

  constructor(kind: GuardedFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

export type GuardedLimits = {
  /** For the look-up, and again for the connection with its TLS. */
  readonly connectMs: number;
  /** From the call to the status; what of the body has not come by then is cut off. */
  readonly totalMs: number;
  /** Of the answer's body. */
  readonly answerBytes: number;
};

export type GuardedOptions = {
  /** The operator's exceptions, as `createAddressGuard` has them. */
  readonly allow: readonly string[];
  readonly limits: GuardedLimits;
  readonly resolve?: Resolve;
};

/** @throws GuardedRequestError, or the signal's reason. */
export type SendGuarded = (request: GuardedRequest, signal: AbortSignal) => Promise<GuardedAnswer>;

/** Headers of an answer, in bytes; beyond it the answer is given up. */
const headerBytes = 16_384;

/**
 * Sends requests to addresses that people name, so that none reaches the host itself, its networks or its
 * cloud's metadata. A name is resolved once, all that it resolves to is judged, and the connection goes to
 * what was judged: a name that leads elsewhere a moment later gains nothing. No proxy, no redirects, no
 * connection that is kept.
 */
export function createGuardedClient({ allow, limits, resolve = resolveName }: GuardedOptions): SendGuarded {
  const guard = createAddressGuard(allow);
  return async (request, signal) => {
    const endsAt = performance.now() + limits.totalMs;
    signal.throwIfAborted();
    const address = guard.read(request.url);
    if (typeof address === 'string') throw new GuardedRequestError('refused_address', problems[address]);
    const { host } = address.target;
    const addresses =
      isIP(host) === 0
        ? await orAborted(signal, lookUp(host, { resolve, milliseconds: limits.connectMs }))
        : [host];
    if (!guard.allows(address.target, addresses)) {
      throw new GuardedRequestError('refused_address', `${host} has no public address`);
    }
    return send({ request, address, addresses, limits, signal, leftMs: endsAt - performance.now() });
  };
}

const problems: Readonly<Record<AddressProblem, string>> = {
  not_a_url: 'this is no http or https address',
  credentials: 'the address contains a user name or password',
  not_public: 'the host of the address is not on the public internet',
};

async function lookUp(
  host: string,
  timed: { readonly resolve: Resolve; readonly milliseconds: number },
): Promise<readonly string[]> {
  try {
    const found = await resolveInTime(host, timed);
    if (found.length > 0) return found;
  } catch (error) {
    if (codeOf(error) === 'ETIMEDOUT') {
      throw new GuardedRequestError('timeout', `${host} was not resolved in time`, { cause: error });
    }
    throw new GuardedRequestError('unreachable', `${host} cannot be resolved (${codeOf(error)})`, {
      cause: error,
    });
  }
  throw new GuardedRequestError('unreachable', `${host} has no address`);
}

/** What the resolver still does is its own affair. */
async function orAborted<Result>(signal: AbortSignal, work: Promise<Result>): Promise<Result> {
  const given = Promise.withResolvers<never>();
  const onAbort = (): void => given.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([work, given.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

type Sending = {
  readonly request: GuardedRequest;
  readonly address: WebAddress;
  readonly addresses: readonly string[];
  readonly limits: GuardedLimits;
  readonly signal: AbortSignal;
  readonly leftMs: number;
};

async function send(sending: Sending): Promise<GuardedAnswer> {
  const { limits, signal, leftMs } = sending;
  const { host } = sending.address.target;
  const outcome = Promise.withResolvers<GuardedAnswer>();
  const outgoing = open(sending);
  const phase = followPhase(outgoing, sending.address.url.protocol === 'https:');
  /** From the status on there is an answer, whatever becomes of its body. */
  let cut: (() => void) | undefined;
  const fail = (error: GuardedRequestError): void => (cut === undefined ? outcome.reject(error) : cut());
  const late = (what: string) => (): void =>
    fail(new GuardedRequestError('timeout', `${host} ${what} in time`));
  const onAbort = (): void => outcome.reject(signal.reason);
  const connecting = setTimeout(late('could not be connected to'), limits.connectMs);
  const whole = setTimeout(late('did not answer'), leftMs);
  signal.addEventListener('abort', onAbort, { once: true });
  phase.onConnected(() => clearTimeout(connecting));
  const broke = (error?: unknown): void => {
    if (cut === undefined) fail(failureOf(error, host, phase.isSecuring()));
  };
  outgoing.on('error', broke);
  outgoing.on('close', broke);
  outgoing.on('upgrade', (incoming, socket) => {
    socket.destroy();
    cut = read(incoming, limits.answerBytes, outcome.resolve);
    cut();
  });
  outgoing.on('response', (incoming) => (cut = read(incoming, limits.answerBytes, outcome.resolve)));
  outgoing.end(sending.request.body);
  try {
    return await outcome.promise;
  } finally {
    clearTimeout(connecting);
    clearTimeout(whole);
    signal.removeEventListener('abort', onAbort);
    outgoing.destroy();
  }
}

/** Gives the answer when its body is there, or as much of it as is wanted. What this returns ends the wait. */
function read(incoming: IncomingMessage, limit: number, give: (answer: GuardedAnswer) => void): () => void {
  const { statusCode: status = 0, headers } = incoming;
  const chunks: Buffer[] = [];
  let bytes = 0;
  const answer = (isWhole: boolean): void =>
    give({ status, headers, body: Buffer.concat(chunks).subarray(0, limit), isWhole });
  const cut = (): void => answer(false);
  incoming.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > limit) cut();
  });
  incoming.on('end', () => answer(true));
  incoming.on('error', cut);
  incoming.on('close', cut);
  return cut;
}

function open({ request, address: { url, target }, addresses }: Sending): ClientRequest {
  const isNamed = isIP(target.host) === 0;
  const options = {
    method: request.method,
    host: target.host,
    port: target.port,
    path: url.pathname + url.search,
    headers: {
      ...request.headers,
      ...(request.body === undefined ? {} : { 'content-length': String(request.body.length) }),
    },
    maxHeaderSize: headerBytes,
    lookup: pinned(addresses),
    // A connection of its own: an agent would keep it, and the global one may know a proxy.
    agent: false,
  };
  return url.protocol === 'https:'
    ? requestSecure({ ...options, ...(isNamed ? { servername: target.host } : {}) })
    : requestPlain(options);
}

/** Tells how far a connection is: errors between the connection and the end of the handshake are TLS's. */
function followPhase(
  outgoing: ClientRequest,
  isSecure: boolean,
): { readonly onConnected: (then: () => void) => void; readonly isSecuring: () => boolean } {
  let isSecuring = false;
  outgoing.once('socket', (socket) => {
    socket.once('connect', () => (isSecuring = isSecure));
    socket.once('secureConnect', () => (isSecuring = false));
  });
  return {
    onConnected: (then) =>
      void outgoing.once('socket', (socket) => socket.once(isSecure ? 'secureConnect' : 'connect', then)),
    isSecuring: () => isSecuring,
  };
}

function failureOf(error: unknown, host: string, isSecuring: boolean): GuardedRequestError {
  const code = codeOf(error);
  const cause = { cause: error };
  if (isSecuring) {
    return new GuardedRequestError('tls', `no secure connection to ${host} (${code})`, cause);
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new GuardedRequestError('too_large', `the headers of ${host}'s answer are too large`, cause);
  }
  const what = code.startsWith('HPE_') ? 'did not answer with HTTP' : 'cannot be reached';
  return new GuardedRequestError('unreachable', `${host} ${what} (${code})`, cause);
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : 'ECONNRESET';
}
