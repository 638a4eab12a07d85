import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { dataFrame, namedFrame, openEventStream, type EventStream, type EventStreamOptions } from './sse.ts';

test('frames have one data line each, whatever the data holds', () => {
  assert.equal(dataFrame(7, { a: 'x\ny\r\n\u2028' }), 'id: 7\ndata: {"a":"x\\ny\\r\\n\u2028"}\n\n');
  assert.equal(namedFrame('done', { status: 'x' }), 'event: done\ndata: {"status":"x"}\n\n');
});

test('for a client that reads slowly no more than a write and the socket’s buffer is held', async (t) => {
  const { stream, response, client } = await openPair(t);
  const frame = dataFrame(1, { text: 'x'.repeat(60_000) });
  let written = 0;
  let mostHeld = 0;
  const writing = (async () => {
    while (written < 500 && (await stream.write(frame))) {
      written += 1;
      mostHeld = Math.max(mostHeld, response.writableLength);
    }
    stream.end();
  })();
  // The kernel takes a few megabytes; 30 MB are more than it does.
  await settled(() => written);
  assert.ok(written < 500, 'the writer has to wait');
  let received = 0;
  client.on('data', (part: Buffer) => {
    received += part.length;
  });
  const ended = once(client, 'end');
  client.resume();
  await writing;
  await ended;
  assert.equal(received, 500 * frame.length);
  assert.ok(mostHeld <= 2 * frame.length, `${mostHeld} bytes were held`);
});

test('a write to a client that leaves while it is waited for ends', async (t) => {
  const { stream, client } = await openPair(t);
  let written = 0;
  const writing = (async () => {
    while (await stream.write('x'.repeat(100_000))) written += 1;
  })();
  await settled(() => written);
  client.destroy();
  await writing;
  if (!stream.signal.aborted) await once(stream.signal, 'abort');
  assert.equal(stream.signal.reason, 'client_left');
  assert.equal(await stream.write('more'), false);
  stream.end();
});

test('a stuck client is cut off after the limit', async (t) => {
  const { stream, response } = await openPair(t, { stallMs: 100 });
  while (await stream.write('x'.repeat(100_000)));
  assert.equal(stream.signal.reason, 'client_stuck');
  assert.ok(response.destroyed);
  stream.end();
});

test('the server’s end and the stream’s age end it, and what was written still arrives', async (t) => {
  const closing = new AbortController();
  const first = await openPair(t, { closing: closing.signal });
  closing.abort();
  assert.equal(first.stream.signal.reason, 'server_closing');
  const second = await openPair(t, { maxMs: 20 });
  await once(second.stream.signal, 'abort');
  assert.equal(second.stream.signal.reason, 'too_old');
  assert.equal(await second.stream.write(namedFrame('timeout', {})), true);
  second.stream.end();
  const parts: string[] = [];
  for await (const part of second.client.setEncoding('utf8')) parts.push(String(part));
  assert.equal(parts.join(''), 'event: timeout\ndata: {}\n\n');
  first.stream.end();
});

test('a stream that opens while the server closes is over at once', async (t) => {
  const { stream } = await openPair(t, { closing: AbortSignal.abort() });
  assert.equal(stream.signal.reason, 'server_closing');
  stream.end();
});

type Pair = {
  readonly stream: EventStream;
  readonly response: ServerResponse;
  /** Paused. */
  readonly client: IncomingMessage;
};

/** A stream over a real socket, seen from both ends. */
async function openPair(t: TestContext, options: Partial<EventStreamOptions> = {}): Promise<Pair> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const request = get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
  request.on('error', () => undefined);
  const [, response] = (await once(server, 'request')) as [IncomingMessage, ServerResponse];
  const stream = openEventStream(response, {
    closing: new AbortController().signal,
    maxMs: 60_000,
    keepaliveMs: 60_000,
    stallMs: 10_000,
    ...options,
  });
  response.flushHeaders();
  const [client] = (await once(request, 'response')) as [IncomingMessage];
  client.on('error', () => undefined);
  client.pause();
  return { stream, response, client };
}

/** Waits until a number has not moved for a while. */
async function settled(read: () => number): Promise<void> {
  for (let last = -1; read() !== last || last === 0;) {
    last = read();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
