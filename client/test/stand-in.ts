import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

/** One request that the stand-in saw. */
export type Seen = {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
};

/**
 * A server on loopback that answers with `answers` in turn, the last one again and again, and tells what
 * it was asked. Closed with the test.
 */
export async function startStandIn(
  t: TestContext,
  ...answers: readonly ((response: ServerResponse, seen: Seen) => void)[]
): Promise<{ readonly url: string; readonly seen: readonly Seen[] }> {
  const seen: Seen[] = [];
  const url = await listen(t, (request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const one = { method, url, headers, body: Buffer.concat(parts).toString() };
      const answer = answers[Math.min(seen.length, answers.length - 1)];
      seen.push(one);
      answer?.(response, one);
    });
  });
  return { url, seen };
}

async function listen(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An address where nothing listens (any more). */
export async function unusedAddress(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

/** Answers with JSON. */
export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) {
  return (response: ServerResponse): void => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
}

/** Answers with a stream of these frames, and then ends it, cuts the connection, or leaves it open. */
export function sse(frames: string, ending: 'end' | 'cut' | 'open' = 'end') {
  return (response: ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(frames, () => {
      if (ending === 'end') response.end();
      if (ending === 'cut') response.destroy();
    });
  };
}

/** The frame of one event; without an id where that is undefined. */
export function frame(id: number | undefined, event: string, data: unknown = null): string {
  const body = { type: 'system', event, data, ts: '2026-02-26T10:15:30.123Z' };
  return `${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(body)}\n\n`;
}

export const connected = 'event: connected\ndata: {"task_id":"t","status":"running"}\n\n';
export const done = 'event: done\ndata: {"task_id":"t","status":"completed"}\n\n';
export const timeout = 'event: timeout\ndata: {"message":"stream closed after 10 minutes"}\n\n';
