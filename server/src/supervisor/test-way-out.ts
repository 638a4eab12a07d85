import { once, type EventEmitter } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import {
  createServer,
  request,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http';
import { connect, createServer as createTcpServer, type Server as TcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

import type { ModelRelay, Notice, WayOut } from './protocol.ts';
import { openWayOut, type WayOutOptions } from './way-out.ts';

/** A way out that is served until the test ends, and what it had to tell. */
export type TrialWayOut = { readonly socket: string; readonly notices: Notice[]; readonly close: () => void };

export async function serveTrialWayOut(
  t: TestContext,
  wayOut: Partial<WayOut>,
  options: Partial<WayOutOptions> = {},
): Promise<TrialWayOut> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-out-'));
  const socket = join(folder, 'out');
  const notices: Notice[] = [];
  const { close } = await openWayOut(
    { socket, relays: [], allow: [], ...wayOut },
    { onRefused: (notice) => notices.push(notice), ...options },
  );
  t.after(() => {
    close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { socket, notices, close };
}

/** A server on loopback that takes what `listener` says; ended with the test. */
export async function serveUpstream(
  t: TestContext,
  listener: RequestListener,
): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer(listener);
  const port = await listenOnLoopback(t, server);
  t.after(() => server.closeAllConnections());
  return { server, port };
}

/** A server on loopback that speaks no HTTP. */
export function serveTcp(t: TestContext, onConnection: (socket: Socket) => void): Promise<number> {
  const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
    t.after(() => socket.destroy());
    socket.on('error', () => {});
    onConnection(socket);
  });
  return listenOnLoopback(t, server);
}

/** Makes any server listen on a free port; gives that. */
export async function listenOnLoopback(t: TestContext, server: TcpServer): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** A relay to a model on loopback. */
export function trialRelay(port: number, changes: Partial<ModelRelay> = {}): ModelRelay {
  return {
    prefix: '/anthropic',
    url: `http://127.0.0.1:${port}`,
    headers: { 'x-api-key': 'the-key-of-the-operator' },
    strip: ['authorization'],
    ...changes,
  };
}

export type Asked = {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
};

/** A request over the socket, up to the beginning of its answer. */
export async function ask(socketPath: string, asked: Asked): Promise<IncomingMessage> {
  const sent = request({
    socketPath,
    agent: false,
    path: asked.path,
    method: asked.method ?? 'GET',
    headers: { host: '127.0.0.1:3128', ...asked.headers },
  });
  sent.end(asked.body);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return answer;
}

export type Answered = {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
};

/** A request over the socket and its whole answer; rejects when that was cut. */
export async function askWhole(socketPath: string, asked: Asked): Promise<Answered> {
  const answer = await ask(socketPath, asked);
  return { status: answer.statusCode, headers: answer.headers, body: await readWhole(answer) };
}

export async function readWhole(stream: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts).toString('latin1');
}

/** Resolves when the stream is closed, by an error too. */
export function closeOf(stream: EventEmitter): Promise<void> {
  stream.on('error', () => {});
  return new Promise((resolve) => void stream.once('close', () => resolve()));
}

/** Bytes written to the socket as they are, and what came back until it closed. */
export async function sayRaw(socketPath: string, text: string): Promise<string> {
  const client = connect({ path: socketPath });
  // Not `end`: a client that has closed its half counts as gone.
  client.write(text);
  return readWhole(client);
}
