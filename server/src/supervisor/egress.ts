import { request, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, isIP, type Socket } from 'node:net';

import { createAllowList, parseTarget, type Target } from '../lib/allow-list.ts';
import { pinned, resolveInTime, type Resolve } from '../lib/resolve-name.ts';
import { codeOf, forward, unforwardable } from './forward.ts';
import type { Notice } from './protocol.ts';

export type EgressOptions = {
  readonly allow: readonly string[];
  /** Told of a refusal before the sandbox is. */
  readonly onRefused: (notice: Notice) => void;
  readonly resolve: Resolve;
  readonly connectMs: number;
  /** How long a tunnel may stand without a byte in either direction. */
  readonly idleMs: number;
};

/** The road to the hosts that the operator allows. */
export type Egress = {
  /** CONNECT: a tunnel. */
  readonly connect: (incoming: IncomingMessage, client: Socket, head: Buffer) => Promise<void>;
  /** A request with an absolute address. */
  readonly plain: (incoming: IncomingMessage, answer: ServerResponse) => Promise<void>;
};

/** Of a tunnel that one side has ended its half of: the other usually follows at once. */
const halfClosedIdleMs = 30_000;
const farewellMs = 1000;

type Verdict =
  | { readonly kind: 'allowed'; readonly addresses: readonly string[] }
  | { readonly kind: 'refused'; readonly reason: Notice['reason'] }
  | { readonly kind: 'unknown'; readonly why: string };

/**
 * A proxy for allowed hosts. A name that is not allowed is never resolved, since a question to a name server
 * carries what is asked; one that is allowed is resolved once, and the connection goes to what was judged.
 */
export function createEgress(options: EgressOptions): Egress {
  const { connectMs, idleMs } = options;
  const judge = createJudge(options);
  const refuse = ({ host, port }: Target, reason: Notice['reason']): string => {
    options.onRefused({ type: 'egress_refused', host, port, reason });
    return refusals[reason](host, port);
  };
  return {
    async connect(incoming, client, head) {
      client.on('error', () => {});
      const target = parseTarget(incoming.url ?? '');
      if (target === undefined) {
        sayTo(client, '400 Bad Request', 'Slipway: CONNECT takes host:port.\n');
        return;
      }
      const verdict = await judge(target);
      if (verdict.kind === 'refused') sayTo(client, '403 Forbidden', refuse(target, verdict.reason));
      else if (verdict.kind === 'unknown') sayTo(client, '502 Bad Gateway', unreachable(target, verdict.why));
      else openTunnel({ client, head, target, addresses: verdict.addresses, connectMs, idleMs });
    },
    async plain(incoming, answer) {
      const address = parseAddress(incoming.url ?? '');
      const problem = unforwardable(incoming);
      if (address === undefined || problem !== undefined) {
        say(answer, 400, `Slipway: ${problem ?? 'this is no address'}.\n`);
        return;
      }
      const { target, path } = address;
      const verdict =
        path === undefined ? ({ kind: 'refused', reason: 'not_http' } as const) : await judge(target);
      if (verdict.kind === 'refused') say(answer, 403, refuse(target, verdict.reason));
      else if (verdict.kind === 'unknown') say(answer, 502, unreachable(target, verdict.why));
      else {
        forward(incoming, answer, {
          open: (passed) =>
            request({
              ...passed,
              host: target.host,
              port: target.port,
              path: path ?? '/',
              lookup: pinned(verdict.addresses),
              agent: false,
            }),
          host: address.authority,
          headers: {},
          strip: [],
          connectMs,
          onUnreachable: (failed, why) => say(failed, 502, unreachable(target, why)),
        });
      }
    },
  };
}

function createJudge(options: EgressOptions): (target: Target) => Promise<Verdict> {
  const list = createAllowList(options.allow);
  const timed = { resolve: options.resolve, milliseconds: options.connectMs };
  return async (target) => {
    if (!list.allowsName(target)) return { kind: 'refused', reason: 'not_allowed' };
    try {
      const found = isIP(target.host) === 0 ? await resolveInTime(target.host, timed) : [target.host];
      const addresses = found.filter((address) => list.allowsAddress(target, address));
      if (addresses.length > 0) return { kind: 'allowed', addresses };
      return found.length === 0
        ? { kind: 'unknown', why: 'ENOTFOUND' }
        : { kind: 'refused', reason: 'private_address' };
    } catch (error) {
      return { kind: 'unknown', why: codeOf(error) };
    }
  };
}

/** An absolute address; one of another scheme than http is known by its target alone. */
function parseAddress(
  url: string,
): { readonly target: Target; readonly authority: string; readonly path: string | undefined } | undefined {
  const parts = /^([a-z][a-z\d+.-]*):\/\/([^/?#]*)([\x21-\x7e]*)$/i.exec(url);
  if (parts === null) return undefined;
  const [, scheme = '', authority = '', rest = ''] = parts;
  const http = scheme.toLowerCase() === 'http';
  const target = parseTarget(authority, http ? 80 : 443);
  if (target === undefined || rest.includes('#')) return undefined;
  return { target, authority, path: http ? `${rest.startsWith('/') ? '' : '/'}${rest}` : undefined };
}

function openTunnel(tunnel: {
  readonly client: Socket;
  readonly head: Buffer;
  readonly target: Target;
  readonly addresses: readonly string[];
  readonly connectMs: number;
  readonly idleMs: number;
}): void {
  const { client, head, target, addresses, connectMs, idleMs } = tunnel;
  const far = connect({ ...target, lookup: pinned(addresses), allowHalfOpen: true });
  let why = 'ETIMEDOUT';
  let open = false;
  const timer = setTimeout(() => far.destroy(), connectMs);
  far.once('connect', () => {
    open = true;
    clearTimeout(timer);
    client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    if (head.length > 0) far.write(head);
    client.pipe(far);
    far.pipe(client);
    // Its activity is that of both directions.
    client.setTimeout(idleMs, () => client.destroy());
    for (const side of [client, far]) {
      side.once('end', () => client.setTimeout(Math.min(idleMs, halfClosedIdleMs)));
    }
  });
  far.on('error', (error) => (why = codeOf(error)));
  far.once('close', (failed) => {
    clearTimeout(timer);
    if (!open) sayTo(client, '502 Bad Gateway', unreachable(target, why));
    else if (failed) client.destroy();
  });
  client.once('close', () => far.destroy());
}

const refusals: Readonly<Record<Notice['reason'], (host: string, port: number) => string>> = {
  not_allowed: (host, port) =>
    `Slipway: this sandbox may not reach ${host}:${port}. The operator allows hosts with SLIPWAY_ALLOW_EGRESS.\n`,
  private_address: (host, port) =>
    `Slipway: ${host}:${port} is not on the public internet. The operator allows such an address by listing it itself in SLIPWAY_ALLOW_EGRESS.\n`,
  not_http: (host, port) =>
    `Slipway: ${host}:${port} is reached with http or CONNECT, where SLIPWAY_ALLOW_EGRESS lists it.\n`,
};

function unreachable({ host, port }: Target, why: string): string {
  return `Slipway: ${host}:${port} cannot be reached (${why}).\n`;
}

function say(answer: ServerResponse, status: number, text: string): void {
  answer.writeHead(status, { 'content-type': 'text/plain', 'content-length': Buffer.byteLength(text) });
  answer.end(text);
}

/** Answers on a connection that was to become a tunnel. */
function sayTo(client: Socket, status: string, text: string): void {
  if (client.destroyed) return;
  const head = `HTTP/1.1 ${status}\r\ncontent-type: text/plain\r\ncontent-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n`;
  client.end(head + text);
  // What it still says is read and dropped: a close over unread bytes can take the answer along.
  client.resume();
  client.setTimeout(farewellMs, () => client.destroy());
}
