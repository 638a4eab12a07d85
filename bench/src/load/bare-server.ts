/**
 * The baseline for HTTP: a bare `node:http` server with nothing behind it. It reads a POST's body and answers
 * as much as Slipway does; it keeps a GET open as an event stream and writes an event to everybody who asked
 * for the same path, one path after the other. Prints its address; ends with its stdin.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One path alone gets five events a second; all together get at most a hundred. */
const alonePauseMs = 200;
const leastPauseMs = 10;

const streams = new Map<string, ServerResponse[]>();
let events = 0;

const server = createServer((request, response) => {
  if (request.method === 'POST') answer(request, response);
  else keepOpen(request, response);
});

function answer(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    JSON.parse(Buffer.concat(chunks).toString('utf8'));
    const id = randomUUID();
    const body = JSON.stringify({ id, status: 'pending', created_at: new Date().toISOString() });
    response.writeHead(201, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      location: `/api/v1/tasks/${id}`,
      'x-request-id': randomUUID(),
    });
    response.end(body);
  });
}

function keepOpen(request: IncomingMessage, response: ServerResponse): void {
  const path = request.url ?? '/';
  const others = streams.get(path) ?? [];
  streams.set(path, [...others, response]);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write('event: connected\ndata: {}\n\n');
}

function sendNext(): void {
  const paths = [...streams.values()];
  events += 1;
  const body = {
    type: 'stream',
    event: 'output',
    data: { type: 'text', content: '0'.repeat(19), cli: 'script', raw: null },
    ts: new Date().toISOString(),
  };
  const frame = `id: ${events}\ndata: ${JSON.stringify(body)}\n\n`;
  for (const response of paths[events % paths.length] ?? []) response.write(frame);
  next = setTimeout(sendNext, Math.max(leastPauseMs, alonePauseMs / Math.max(1, paths.length)));
}

let next = setTimeout(sendNext, alonePauseMs);
server.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
process.stdin.resume().once('end', () => {
  clearTimeout(next);
  server.close();
  server.closeAllConnections();
});
