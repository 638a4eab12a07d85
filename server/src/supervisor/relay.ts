import { Agent, request as requestOverHttp, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent as SecureAgent, request as requestOverTls } from 'node:https';

import { forward, unforwardable, type Destination } from './forward.ts';
import type { ModelRelay } from './protocol.ts';

/** The road to the models. */
export type Relays = {
  /** Takes a request on whose path begins with a relay's prefix; false: none does. */
  readonly take: (incoming: IncomingMessage, answer: ServerResponse) => boolean;
  readonly close: () => void;
};

/**
 * A connection that a model's front door may have closed already is worse than a new one: a request that
 * meets its end cannot be sent again. Common front doors keep one for a minute and more.
 */
const idleConnectionMs = 30_000;

/**
 * Prepares the relays. No request leaves the host and the path of its relay's `url`, whatever its own path
 * says. The error that a client sees when there is no model has the form that both kinds of clients show.
 * Throws a TypeError when a `url` is none.
 */
export function createRelays(relays: readonly ModelRelay[], connectMs: number): Relays {
  const plain = new Agent({ keepAlive: true, timeout: idleConnectionMs });
  const secure = new SecureAgent({ keepAlive: true, timeout: idleConnectionMs });
  const routes = relays.map((relay) => createRoute(relay, { plain, secure, connectMs }));
  return {
    take(incoming, answer) {
      const path = incoming.url ?? '';
      const route = routes.find(
        ({ prefix }) => path.startsWith(prefix) && /^[/?]?$/.test(path.charAt(prefix.length)),
      );
      if (route === undefined) return false;
      const rest = path.slice(route.prefix.length);
      const problem =
        unforwardable(incoming) ?? (isPlainPath(rest) ? undefined : 'this path is not passed on');
      if (problem === undefined) forward(incoming, answer, route.destination(rest));
      else answerError(answer, 400, 'invalid_request_error', `Slipway's relay: ${problem}.`);
      return true;
    },
    close() {
      plain.destroy();
      secure.destroy();
    },
  };
}

type Means = { readonly plain: Agent; readonly secure: SecureAgent; readonly connectMs: number };

type Route = { readonly prefix: string; readonly destination: (rest: string) => Destination };

function createRoute({ prefix, url, headers, strip }: ModelRelay, means: Means): Route {
  const { protocol, hostname, port, pathname, host } = new URL(url);
  const base = pathname.replace(/\/$/, '');
  const place = { hostname: hostname.replace(/^\[(.*)\]$/, '$1'), port };
  const { plain, secure, connectMs } = means;
  return {
    prefix,
    destination: (rest) => {
      const path = base + (rest.startsWith('/') ? rest : `${base === '' ? '/' : ''}${rest}`);
      return {
        open: (options) =>
          protocol === 'https:'
            ? requestOverTls({ ...options, ...place, path, agent: secure })
            : requestOverHttp({ ...options, ...place, path, agent: plain }),
        host,
        headers,
        strip,
        connectMs,
        onUnreachable: (answer, why) =>
          answerError(
            answer,
            502,
            'api_error',
            `Slipway's relay cannot reach the model at ${host} (${why}).`,
          ),
      };
    },
  };
}

/**
 * Whether a path means the same to everybody who reads it on its way: printable, and without a segment that
 * climbs, also when it was encoded, several times over, or with backslashes.
 */
export function isPlainPath(path: string): boolean {
  if (!/^[\x21-\x7e]*$/.test(path) || path.includes('#')) return false;
  let text = path.replace(/\?.*$/, '');
  for (let rounds = 0; rounds < 4; rounds += 1) {
    if (/(?:^|[/\\])\.{1,2}(?:[/\\;]|$)/.test(text)) return false;
    const decoded = text.replaceAll(/%([\da-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    if (decoded === text) return true;
    text = decoded;
  }
  return false;
}

function answerError(answer: ServerResponse, status: number, type: string, message: string): void {
  const body = JSON.stringify({ type: 'error', error: { type, message } });
  answer.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  answer.end(body);
}
