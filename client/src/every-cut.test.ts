import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { connected, done, startStandIn } from '../test/stand-in.ts';
import { createClient } from './client.ts';
import type { StreamEvent } from './task-event.ts';

/** Frames as a server wrote them, with what a parser could trip over: several bytes a letter, CR in data. */
const frames = [
  'id: 2\ndata: {"type":"git","event":"clone_started","data":{"repo_url":"https://example.com/a.git"},"ts":"2026-11-22T03:55:54.995Z"}\n\n',
  'id: 5\ndata: {"type":"stream","event":"output","data":{"type":"text","content":"Grüße, 世界 👋\\r\\n","cli":"script","raw":null},"ts":"2026-11-22T03:55:55.547Z"}\n\n',
  ': keepalive\n\n',
  'id: 6\r\ndata: {"type":"git","event":"commit_created","data":{"commit":"c0ffee"},"ts":"2026-11-22T03:55:55.612Z"}\r\n\r\n',
  'id: 11\ndata: {"type":"result","event":"task_completed",\ndata: "data":{"result":"ok","iteration":1},"ts":"2026-11-22T03:55:55.994Z"}\n\n',
];

const idOf = (text: string): number => Number(/^id: (\d+)/mu.exec(text)?.[1] ?? 0);

/** What a server sends to who has seen `lastId`. */
function sentBehind(lastId: number): Buffer {
  const rest = frames.filter((text) => idOf(text) === 0 || idOf(text) > lastId);
  return Buffer.from(connected + rest.join('') + done);
}

async function eventsOf(stream: AsyncIterable<StreamEvent>): Promise<readonly StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const event of stream) if (event.kind === 'event' || event.kind === 'done') events.push(event);
  return events;
}

const whole = sentBehind(0);
const endings: Readonly<Record<string, (response: ServerResponse, bytes: Buffer) => void>> = {
  'ends early': (response, bytes) => response.end(bytes),
  'is cut': (response, bytes) => response.write(bytes, () => response.destroy()),
};

for (const [how, send] of Object.entries(endings)) {
  test(`wherever a recorded stream ${how}, the client sees every event once and in order`, async (t) => {
    let cutAt = whole.length;
    let connections = 0;
    const { url } = await startStandIn(t, (response, { headers }) => {
      connections += 1;
      const bytes = sentBehind(Number(headers['last-event-id'] ?? 0));
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      if (connections === 1) send(response, bytes.subarray(0, cutAt));
      else response.end(bytes);
    });
    const client = createClient({ baseUrl: url, timing: { backoffFirstMs: 1, backoffMaxMs: 1 } });
    const expected = await eventsOf(client.tasks.stream('t'));
    assert.deepEqual(
      expected.map((event) => (event.kind === 'event' ? event.id : event.kind)),
      ['2', '5', '6', '11', 'done'],
    );
    for (cutAt = 0; cutAt < whole.length; cutAt += 1) {
      connections = 0;
      assert.deepEqual(await eventsOf(client.tasks.stream('t')), expected, `cut at byte ${cutAt}`);
      assert.ok(connections >= 2, `no second connection behind byte ${cutAt}`);
    }
  });
}
