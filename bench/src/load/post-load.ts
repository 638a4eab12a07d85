/**
 * Sends one POST after the other over a number of connections that are kept, until the time or the number is
 * reached. Reads what to do as JSON from stdin (`PostLoad`), prints what came of it (`PostLoadResult`).
 */
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { PostLoad, PostLoadResult } from './load-program.ts';

const answerLimitMs = 30_000;

const load = JSON.parse(await text(process.stdin)) as PostLoad;
const agent = new Agent({ keepAlive: true, maxSockets: load.connections });
const body = Buffer.from(load.body, 'utf8');
const latenciesMs: number[] = [];
const statuses: Record<string, number> = {};
const began = performance.now();
await Promise.all(Array.from({ length: load.connections }, sendUntilOver));
const seconds = (performance.now() - began) / 1_000;
const { user, system } = process.cpuUsage();
agent.destroy();
console.log(
  JSON.stringify({
    latenciesMs,
    statuses,
    seconds,
    cpuSeconds: (user + system) / 1e6,
  } satisfies PostLoadResult),
);

async function sendUntilOver(): Promise<void> {
  while (latenciesMs.length < load.maxRequests && performance.now() - began < load.maxMs) {
    const sent = performance.now();
    const status = await post();
    latenciesMs.push(performance.now() - sent);
    statuses[status] = (statuses[status] ?? 0) + 1;
  }
}

/** One request; resolves with the status when the answer was read to its end. */
function post(): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${load.token}`,
      'content-type': 'application/json',
      'content-length': body.length,
    };
    const sending = request(
      load.url,
      { method: 'POST', agent, headers, timeout: answerLimitMs },
      (response) => {
        response.resume();
        response.once('end', () => resolve(String(response.statusCode)));
        response.once('error', reject);
      },
    );
    sending.once('timeout', () => sending.destroy(new Error('no answer in time')));
    sending.once('error', reject);
    sending.end(body);
  });
}
