import { withTimeout } from './abort.ts';

/** One HTTP request to an API that the operator configured, without retries and redirects. */
export type Exchange = {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body: string | undefined;
  readonly signal: AbortSignal;
};

export type ExchangeLimits = { readonly timeMs: number; readonly bytes: number };

/** What came back, whole. */
export type RawAnswer = { readonly status: number; readonly headers: Headers; readonly text: string };

/** No whole answer came: what was sent may have been done or not. The message says why, for people. */
export class NoAnswer extends Error {
  /** Whether asking again at once is worth it. */
  readonly isBrief: boolean;

  constructor(message: string, isBrief: boolean) {
    super(message);
    this.name = 'NoAnswer';
    this.isBrief = isBrief;
  }
}

/** Sends a request and reads its answer. Throws `NoAnswer`, or the signal's reason. */
export async function exchange(asked: Exchange, limits: ExchangeLimits): Promise<RawAnswer> {
  asked.signal.throwIfAborted();
  const signal = withTimeout(asked.signal, limits.timeMs);
  try {
    const response = await fetch(asked.url, {
      method: asked.method,
      headers: asked.headers,
      redirect: 'manual',
      signal,
      ...(asked.body === undefined ? {} : { body: asked.body }),
    });
    return {
      status: response.status,
      headers: response.headers,
      text: await readText(response, limits.bytes),
    };
  } catch (error) {
    asked.signal.throwIfAborted();
    if (error instanceof NoAnswer) throw error;
    if (signal.aborted) throw new NoAnswer(`no answer within ${limits.timeMs / 1_000} s`, false);
    // The error itself stays here: what fetch says about a header repeats the header.
    throw failedConnection(reasonOf(error));
  }
}

async function readText(response: Response, mostBytes: number): Promise<string> {
  const decoder = new TextDecoder();
  let bytes = 0;
  let text = '';
  // Leaving the loop early cancels the body, and with it the connection.
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > mostBytes) throw new NoAnswer(`the answer has more than ${mostBytes} bytes`, false);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function failedConnection(reason: string): NoAnswer {
  // The codes of OpenSSL and Node for a chain that ends nowhere, and for a name that is another one.
  if (!/CERT|SELF_SIGNED|UNABLE_TO_/u.test(reason)) {
    return new NoAnswer(`the connection failed (${reason})`, true);
  }
  const remedy = 'Start the server with `NODE_EXTRA_CA_CERTS`, a file of its authority';
  return new NoAnswer(`its certificate is not trusted (${reason}). ${remedy}`, false);
}

/** What the innermost cause says in a few words: Node's code (`ECONNREFUSED`), or fetch's own (`bad port`). */
function reasonOf(error: unknown): string {
  let found = 'broken off';
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    const said = 'code' in at && typeof at.code === 'string' ? at.code : at.message;
    if (/^[A-Z0-9_]{1,60}$|^[a-z ]{1,40}$/u.test(said)) found = said;
  }
  return found;
}
