import type { ClientRequest, IncomingMessage, RequestOptions, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Where a request is passed on to. */
export type Destination = {
  /** Opens the request there; may throw. `options` come from the request that is passed on. */
  readonly open: (
    options: Pick<RequestOptions, 'method' | 'headers'> & { readonly headers: string[] },
  ) => ClientRequest;
  /** The Host header. */
  readonly host: string;
  /** Take the place of what came under these names (lower case). */
  readonly headers: Readonly<Record<string, string>>;
  /** Names (lower case) that are not passed on. */
  readonly strip: readonly string[];
  /** How long a connection may take to come about, TLS included. */
  readonly connectMs: number;
  /** Answers in place of a destination that gave none. `why` is a code of the system's, without any address. */
  readonly onUnreachable: (answer: ServerResponse, why: string) => void;
};

/** RFC 9110: they speak of one connection, and there are two here. */
const hopByHop = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];
/** Shorter values are no credentials, and stand in other headers for good reasons. */
const shortestSecret = 12;

/**
 * Passes a request on and its answer back, as they come: nothing is collected, and a slow reader slows its
 * writer. When the client goes, so does the request, at once, since somewhere a model works for it. When the
 * destination breaks off, the client's connection is broken off as well, so that half an answer never looks
 * like a whole one. An answer may take as long as it likes. Headers that repeat one of `headers` (a
 * credential) are taken out of the answer.
 */
export function forward(incoming: IncomingMessage, answer: ServerResponse, destination: Destination): void {
  // It has left while its address was being looked up.
  if (answer.destroyed) return;
  let why = 'ECONNRESET';
  const fail = (): void => {
    if (!answer.headersSent && !answer.destroyed) destination.onUnreachable(answer, why);
    else if (!answer.writableEnded) answer.destroy();
  };
  const request = open(incoming, destination);
  if (request === undefined) {
    why = 'EINVAL';
    fail();
    return;
  }
  let received: IncomingMessage | undefined;
  limitConnecting(request, destination.connectMs);
  request.on('error', (error) => (why = codeOf(error)));
  request.once('response', (response) => {
    received = response;
    passBack(response, answer, Object.values(destination.headers));
  });
  // Comes whatever happens, last, and once.
  request.once('close', () => {
    incoming.unpipe(request);
    if (received === undefined || !received.complete) fail();
  });
  answer.once('close', () => {
    if (received?.complete !== true || !request.writableFinished) request.destroy();
  });
  for (const stream of [incoming, answer]) stream.on('error', () => request.destroy());
  incoming.pipe(request);
}

/** Why a request cannot be passed on as it is; undefined: it can. */
export function unforwardable({ method, headers }: IncomingMessage): string | undefined {
  // It asks for its own headers back, with ours among them.
  if (method === 'TRACE') return 'TRACE is not passed on';
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') return 'only chunked transfers are known';
  return undefined;
}

function open(incoming: IncomingMessage, destination: Destination): ClientRequest | undefined {
  const { headers, strip, host } = destination;
  const dropped = [...strip, ...Object.keys(headers), ...namedByConnection(incoming), 'host', 'expect'];
  const passed = withoutHeaders(incoming.rawHeaders, new Set([...hopByHop, ...dropped]));
  // A request that has a body of unknown length keeps it whatever its method.
  const coding = incoming.headers['transfer-encoding'] === undefined ? [] : ['Transfer-Encoding', 'chunked'];
  try {
    return destination.open({
      ...(incoming.method === undefined ? {} : { method: incoming.method }),
      headers: ['Host', host, ...passed, ...Object.entries(headers).flat(), ...coding],
    });
  } catch {
    return undefined;
  }
}

function passBack(response: IncomingMessage, answer: ServerResponse, secrets: readonly string[]): void {
  // How it ended stands in `complete`, when it closes.
  response.on('error', () => {});
  response.once('close', () => {
    if (!response.complete) answer.destroy();
  });
  const dropped = new Set([...hopByHop, ...namedByConnection(response)]);
  answer.sendDate = false;
  try {
    const headers = withoutSecrets(withoutHeaders(response.rawHeaders, dropped), secrets);
    answer.writeHead(response.statusCode ?? 502, response.statusMessage, headers);
    // Whoever waits for a stream wants to know that it has begun.
    answer.flushHeaders();
    response.pipe(answer);
  } catch {
    response.destroy();
  }
}

function namedByConnection({ headers }: IncomingMessage): readonly string[] {
  return (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
}

/** Of `[name, value, name, value…]` what is not named. */
function withoutHeaders(raw: readonly string[], names: ReadonlySet<string>): string[] {
  return raw.filter((_, at) => !names.has((raw[at - (at % 2)] ?? '').toLowerCase()));
}

function withoutSecrets(raw: readonly string[], values: readonly string[]): string[] {
  // `Bearer key`: the key alone is as much.
  const secrets = values.flatMap((value) => value.split(' ')).filter((word) => word.length >= shortestSecret);
  const tells = (value = ''): boolean => secrets.some((secret) => value.includes(secret));
  return raw.filter((_, at) => !tells(raw[at - (at % 2) + 1]));
}

function limitConnecting(request: ClientRequest, milliseconds: number): void {
  request.once('socket', (socket: Socket & { readonly encrypted?: boolean }) => {
    if (request.reusedSocket || request.destroyed) return;
    const timer = setTimeout(() => {
      request.destroy(Object.assign(new Error('no connection in time'), { code: 'ETIMEDOUT' }));
    }, milliseconds);
    const settle = (): void => clearTimeout(timer);
    socket.once(socket.encrypted === true ? 'secureConnect' : 'connect', settle);
    request.once('close', settle);
  });
}

/** The code of a system's or TLS's error; its message may tell addresses and certificates. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'ECONNRESET';
}
