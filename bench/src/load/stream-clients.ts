/**
 * Opens event streams and notes when each event arrives. The first line of stdin says which (`StreamClients`);
 * prints `open` when every stream has said that it is connected, and at the end of stdin what came of it
 * (`StreamResult`). Only events from after the opening count: what is replayed was not received late. What
 * arrives is parsed when all is over, so that the clients' own work delays no other client's arrival.
 */
import { get, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import type { StreamClients, StreamResult } from './load-program.ts';

type Arrival = { readonly at: number; readonly chunk: Buffer };

const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const clients = JSON.parse(String((await input.next()).value)) as StreamClients;
const streams = clients.taskIds.flatMap((id) => Array.from({ length: clients.clientsPerTask }, () => id));
const arrivals: Arrival[][] = [];
const responses: IncomingMessage[] = [];
/** Connections are made a few at a time: a thousand at once would overflow the server's backlog. */
const openAtOnce = 20;
const waiting = [...streams];
await Promise.all(Array.from({ length: openAtOnce }, openAll));
const openedAt = Date.now();
console.log('open');
await input.next();
for (const response of responses) response.destroy();
console.log(JSON.stringify(resultOf()));

async function openAll(): Promise<void> {
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) await open(id);
}

/** Resolves when the stream has brought its first bytes, which say that it is connected. */
function open(id: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${clients.token}`, accept: 'text/event-stream' };
    const url = `${clients.baseUrl}/api/v1/tasks/${id}/stream`;
    get(url, { headers, agent: false }, (response) => {
      const own: Arrival[] = [];
      arrivals.push(own);
      responses.push(response);
      response.on('data', (chunk: Buffer) => {
        own.push({ at: Date.now(), chunk });
        resolve();
      });
      response.on('error', () => undefined);
      if (response.statusCode !== 200) reject(new Error(`a stream was refused with ${response.statusCode}`));
    }).on('error', reject);
  });
}

/** Events count with the arrival of the chunk that ends them. */
function resultOf(): StreamResult {
  const result = { sinceAppendedMs: [] as number[], sincePrintedMs: [] as number[] };
  for (const own of arrivals) {
    let text = '';
    for (const { at, chunk } of own) {
      const frames = (text + chunk.toString('utf8')).split('\n\n');
      text = frames.pop() ?? '';
      for (const frame of frames) count(frame, at, result);
    }
  }
  return result;
}

function count(
  frame: string,
  at: number,
  result: { sinceAppendedMs: number[]; sincePrintedMs: number[] },
): void {
  const appended = /"ts":"([^"]+)"/u.exec(frame)?.[1];
  if (appended === undefined || Date.parse(appended) <= openedAt) return;
  result.sinceAppendedMs.push(at - Date.parse(appended));
  const printed = /"content":"(\d{19})"/u.exec(frame)?.[1];
  if (printed !== undefined) result.sincePrintedMs.push(at - Number(printed) / 1e6);
}
