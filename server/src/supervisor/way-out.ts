import { chmodSync, chownSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

import { resolveName, type Resolve } from '../lib/resolve-name.ts';
import { createEgress } from './egress.ts';
import type { Notice, WayOut } from './protocol.ts';
import { createRelays } from './relay.ts';

/** A way out that is served. */
export type ServedWayOut = {
  /** Breaks off all that goes through it, at once, and removes the socket. */
  readonly close: () => void;
};

export type WayOutOptions = {
  /** Told of a refusal before the sandbox is. */
  readonly onRefused: (notice: Notice) => void;
  readonly resolve?: Resolve;
  readonly connectMs?: number;
  readonly idleMs?: number;
};

/** A sandbox that opens more is cut off from more, not the supervisor from its memory. */
const mostConnections = 256;
/** Beyond what clients keep an unused connection for: then it is they who close it. */
const keepAliveMs = 120_000;

/**
 * Serves a run's way out. When this resolves it takes connections, from the sandbox's user (and root) alone.
 * Its modules are loaded by supervisors whose run has one: it costs the others nothing. Rejects with the
 * system's error when the socket cannot be opened or handed over.
 */
export async function openWayOut(wayOut: WayOut, options: WayOutOptions): Promise<ServedWayOut> {
  const { onRefused, resolve = resolveName, connectMs = 15_000, idleMs = 600_000 } = options;
  const relays = createRelays(wayOut.relays, connectMs);
  const egress = createEgress({ allow: wayOut.allow, onRefused, resolve, connectMs, idleMs });
  const clients = new Set<Socket>();
  const answerTo = async (incoming: IncomingMessage, answer: ServerResponse): Promise<void> => {
    if (!(incoming.url ?? '').startsWith('/')) await egress.plain(incoming, answer);
    else if (!relays.take(incoming, answer)) sayNothingThere(answer);
  };
  const server = createServer({ requestTimeout: 0, keepAliveTimeout: keepAliveMs }, (incoming, answer) => {
    // A client that goes at the wrong moment must not take the supervisor along.
    incoming.on('error', () => {});
    answer.on('error', () => {});
    answerTo(incoming, answer).catch(() => answer.destroy());
  });
  server.maxConnections = mostConnections;
  server.on('connection', (client) => {
    clients.add(client);
    client.once('close', () => clients.delete(client));
  });
  server.on('connect', (incoming: IncomingMessage, client: Socket, head: Buffer) => {
    egress.connect(incoming, client, head).catch(() => client.destroy());
  });
  const close = (): void => {
    server.close();
    for (const client of clients) client.destroy();
    relays.close();
    rmSync(wayOut.socket, { force: true });
  };
  try {
    await listen(server, wayOut);
  } catch (error) {
    close();
    throw error;
  }
  return { close };
}

async function listen(server: Server, { socket, uid }: WayOut): Promise<void> {
  // What a dead supervisor left: whoever comes here owns the run.
  rmSync(socket, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socket, () => resolve());
  });
  // Too many open files, say, concern the connection that is not taken, and nothing else.
  server.on('error', () => {});
  chmodSync(socket, 0o600);
  if (uid !== undefined) chownSync(socket, uid, -1);
}

function sayNothingThere(answer: ServerResponse): void {
  const text = 'Slipway: nothing is served here.\n';
  answer.writeHead(404, { 'content-type': 'text/plain', 'content-length': text.length });
  answer.end(text);
}
