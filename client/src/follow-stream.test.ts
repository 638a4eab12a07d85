import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connected, done, frame, json, sse, startStandIn, timeout, unusedAddress } from '../test/stand-in.ts';
import { createClient, type Client } from './client.ts';
import { ApiError, ConnectionError } from './errors.ts';
import type { StreamEvent } from './task-event.ts';
import type { Timing } from './timing.ts';

const quick: Partial<Timing> = { backoffFirstMs: 1, backoffMaxMs: 2, streamTries: 3 };

function clientOf(baseUrl: string, timing: Partial<Timing> = quick): Client {
  return createClient({ baseUrl, token: 'secret', timing });
}

async function collect(stream: AsyncIterable<StreamEvent>): Promise<readonly string[]> {
  const told: string[] = [];
  for await (const event of stream) {
    told.push(event.kind === 'event' ? `${event.id ?? '-'} ${event.event.event}` : event.kind);
  }
  return told;
}

test('a stream yields past and live events and ends at done', async (t) => {
  const { url, seen } = await startStandIn(t, sse(connected + frame(1, 'a') + frame(2, 'b') + done, 'open'));
  assert.deepEqual(await collect(clientOf(url).tasks.stream('t')), ['connected', '1 a', '2 b', 'done']);
  assert.equal(seen[0]?.url, '/api/v1/tasks/t/stream');
  assert.equal(seen[0].headers.authorization, 'Bearer secret');
  assert.equal(seen[0].headers['last-event-id'], undefined);
});

test('after a cut in the middle of an event it resumes with the last whole one', async (t) => {
  const whole = frame(3, 'c');
  const { url, seen } = await startStandIn(
    t,
    sse(connected + frame(1, 'a') + frame(2, 'b') + whole.slice(0, whole.length - 9), 'cut'),
    sse(connected + whole + done),
  );
  assert.deepEqual(
    await collect(clientOf(url).tasks.stream('t')),
    'connected|1 a|2 b|interrupted|connected|3 c|done'.split('|'),
  );
  assert.equal(seen[1]?.headers['last-event-id'], '2');
});

test('frames without an id that were taken before a cut are not repeated', async (t) => {
  const parts = frame(undefined, 'part 1') + frame(undefined, 'part 2');
  const { url } = await startStandIn(
    t,
    sse(connected + frame(1, 'a') + parts, 'cut'),
    sse(connected + parts + frame(2, 'whole') + frame(undefined, 'next') + frame(3, 'c') + done),
  );
  assert.deepEqual(
    await collect(clientOf(url).tasks.stream('t')),
    'connected|1 a|- part 1|- part 2|interrupted|connected|2 whole|- next|3 c|done'.split('|'),
  );
});

test('a server that starts over instead of resuming brings no event twice', async (t) => {
  const start = connected + frame(9, 'a') + frame(10, 'b');
  const { url } = await startStandIn(t, sse(start, 'cut'), sse(start + frame(11, 'c') + done));
  assert.deepEqual(
    await collect(clientOf(url).tasks.stream('t')),
    'connected|9 a|10 b|interrupted|connected|11 c|done'.split('|'),
  );
});

test('a stream that the server closes for its age goes on silently', async (t) => {
  const { url, seen } = await startStandIn(
    t,
    sse(connected + frame(1, 'a') + timeout),
    sse(connected + done),
  );
  assert.deepEqual(await collect(clientOf(url).tasks.stream('t')), ['connected', '1 a', 'connected', 'done']);
  assert.equal(seen[1]?.headers['last-event-id'], '1');
});

test('following starts behind the event that is named', async (t) => {
  const { url, seen } = await startStandIn(t, sse(connected + done));
  await collect(clientOf(url).tasks.stream('t', { lastEventId: '41' }));
  assert.equal(seen[0]?.headers['last-event-id'], '41');
});

test('a connection without a byte for too long is made again', async (t) => {
  const { url, seen } = await startStandIn(t, sse(connected + frame(1, 'a'), 'open'), sse(connected + done));
  const client = clientOf(url, { ...quick, silenceMs: 40 });
  assert.deepEqual(
    await collect(client.tasks.stream('t')),
    'connected|1 a|interrupted|connected|done'.split('|'),
  );
  assert.equal(seen[1]?.headers['last-event-id'], '1');
});

test('a slow reader is not mistaken for a dead connection', async (t) => {
  const { url, seen } = await startStandIn(t, sse(connected + frame(1, 'a') + done, 'open'));
  const client = clientOf(url, { ...quick, silenceMs: 30 });
  for await (const event of client.tasks.stream('t')) {
    if (event.kind === 'event') await new Promise((resolve) => setTimeout(resolve, 80));
  }
  assert.equal(seen.length, 1);
});

test('a server in trouble is asked again, and given up when nothing new comes', async (t) => {
  const { url, seen } = await startStandIn(t, json(503, { error: 'Service Unavailable', message: 'down' }));
  await assert.rejects(collect(clientOf(url).tasks.stream('t')), ApiError);
  assert.equal(seen.length, 3);
});

test('a server that only ever greets and closes is given up', async (t) => {
  const { url, seen } = await startStandIn(t, sse(connected));
  await assert.rejects(collect(clientOf(url).tasks.stream('t')), /closed the stream/u);
  assert.equal(seen.length, 3);
});

test('a refusal ends the stream at once', async (t) => {
  const { url, seen } = await startStandIn(t, json(404, { error: 'Not Found', message: 'task not found' }));
  await assert.rejects(collect(clientOf(url).tasks.stream('t')), { status: 404, message: 'task not found' });
  assert.equal(seen.length, 1);
});

test('what is no event stream is said to be none, and not asked again', async (t) => {
  const page = (response: Parameters<ReturnType<typeof json>>[0]): void => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>hello</h1>');
  };
  for (const garbage of [page, sse('data: not JSON\n\n'), sse('event: connected\ndata: {}\n\n')]) {
    const { url, seen } = await startStandIn(t, garbage);
    await assert.rejects(collect(clientOf(url).tasks.stream('t')), /does not answer like a Slipway server/u);
    assert.equal(seen.length, 1);
  }
});

test('the signal ends a stream that waits for an event, and one that waits to reconnect', async (t) => {
  const open = await startStandIn(t, sse(connected, 'open'));
  const stop = new AbortController();
  const reason = new Error('enough');
  const following = collect(clientOf(open.url).tasks.stream('t', { signal: stop.signal }));
  setImmediate(() => stop.abort(reason));
  await assert.rejects(following, reason);

  const client = clientOf(await unusedAddress(), { backoffFirstMs: 60_000, backoffMaxMs: 60_000 });
  const later = new AbortController();
  const waiting = (async () => {
    for await (const event of client.tasks.stream('t', { signal: later.signal })) {
      if (event.kind === 'interrupted') setImmediate(() => later.abort(reason));
    }
  })();
  await assert.rejects(waiting, reason);
});

test('leaving the loop closes the connection', async (t) => {
  const closed = Promise.withResolvers<void>();
  const { url } = await startStandIn(t, (response) => {
    response.on('close', closed.resolve);
    sse(connected, 'open')(response);
  });
  for await (const event of clientOf(url).tasks.stream('t')) if (event.kind === 'connected') break;
  await closed.promise;
});

test('a server that is not there is a ConnectionError that says so', async () => {
  const url = await unusedAddress();
  await assert.rejects(
    collect(clientOf(url).tasks.stream('t')),
    new ConnectionError(`cannot reach ${url}: connection refused`, { temporary: true }),
  );
});

test('waiting for a task follows it to its end and returns it', async (t) => {
  const { url } = await startStandIn(t, (response, { url }) => {
    if (url.endsWith('/stream')) sse(connected + frame(1, 'a') + done)(response);
    else json(200, { id: 't', status: 'completed' })(response);
  });
  assert.equal((await clientOf(url).tasks.wait('t')).status, 'completed');
});
