import { randomUUID } from 'node:crypto';
import { delay } from '../../../server/src/lib/abort.ts';
import { silentLogger } from '../../../server/src/lib/logger.ts';
import { appendEvents } from '../../../server/src/store/append-events.ts';
import type { Database } from '../../../server/src/store/database.ts';
import { createWakeups } from '../../../server/src/store/wakeups.ts';
import type { Bench } from '../case.ts';
import { openInstallation, type Installation } from '../installation.ts';
import { startLoadProgram, type StreamClients, type StreamResult } from '../load/load-program.ts';
import { percentile } from '../measure.ts';
import { formatSpread, type Row } from '../report.ts';
import { openServerDatabase, readToken } from '../slipway-server.ts';
import { followUntil, submit } from '../tasks.ts';

const streamClients = import.meta.resolve('../load/stream-clients.ts');
const bareServer = import.meta.resolve('../load/bare-server.ts');
const command = 'while :; do date +%s%N; sleep 0.2; done';

type Audience = Pick<StreamClients, 'taskIds' | 'clientsPerTask'>;

/**
 * From the moment at which an event is written (the database's clock) to its arrival at each client: a
 * thousand clients of one running task, whose script prints five lines a second; and ten clients for each of
 * a hundred tasks, whose events a process beside the server appends, as a worker on another host does.
 * Beside each, a bare `node:http` server that writes the same to as many clients from its memory.
 */
export async function streamLatency(bench: Bench): Promise<readonly Row[]> {
  return [await oneTask(bench), await manyTasks(bench)];
}

async function oneTask(bench: Bench): Promise<Row> {
  await using stack = new AsyncDisposableStack();
  const place = await openInstallation(bench, stack);
  const clientsPerTask = bench.quick ? 50 : 1_000;
  bench.say(`event stream: ${clientsPerTask} clients of one task`);
  const url = await place.forge.add('small.git', 10);
  const id = await submit(place.client, { url, command }, bench.signal);
  await followUntil(place.client, { id }, () => true, bench.signal);
  const audience = { taskIds: [id], clientsPerTask };
  const lastMs = bench.quick ? 1_000 : 20_000;
  const seen = await listen(bench, await addressOf(place), audience, () => delay(lastMs, bench.signal));
  await place.client.tasks.cancel(id, { signal: bench.signal });
  await place.client.tasks.wait(id, { signal: bench.signal });
  return rowOf(`1 task x ${clientsPerTask} clients`, seen, await listenToBare(bench, audience, lastMs));
}

async function manyTasks(bench: Bench): Promise<Row> {
  await using stack = new AsyncDisposableStack();
  const place = await openInstallation(bench, stack, { SLIPWAY_WORKERS: '0' });
  const tasks = bench.quick ? 5 : 100;
  const clientsPerTask = 10;
  bench.say(`event stream: ${clientsPerTask} clients for each of ${tasks} tasks`);
  const url = 'http://127.0.0.1:9/repository.git';
  const taskIds: string[] = [];
  for (let task = 0; task < tasks; task += 1) {
    taskIds.push(await submit(place.client, { url, command }, bench.signal));
  }
  const database = stack.adopt(await openServerDatabase(place.dataFolder, 4), (one) => one.close());
  const audience = { taskIds, clientsPerTask };
  const lastMs = bench.quick ? 1_000 : 15_000;
  const append = (): Promise<void> => appendFor(bench, database, taskIds, lastMs);
  const seen = await listen(bench, await addressOf(place), audience, append);
  const what = `${tasks} tasks x ${clientsPerTask} clients`;
  return rowOf(what, seen, await listenToBare(bench, audience, lastMs));
}

/** Appends up to a hundred events a second, each to the next of the tasks. */
async function appendFor(
  bench: Bench,
  database: Database,
  ids: readonly string[],
  lastMs: number,
): Promise<void> {
  const wakeups = createWakeups(database, randomUUID(), silentLogger);
  const until = performance.now() + lastMs;
  for (let count = 0; performance.now() < until; count += 1) {
    const id = ids[count % ids.length] ?? '';
    const data = { type: 'text', agent: 'script', content: `line ${count}` } as const;
    await database.transaction((tx) => appendEvents(tx, id, null, [{ type: 'agent_output', data }]));
    wakeups.wake('stream', id);
    await delay(10, bench.signal);
  }
  // The last ones are still on their way.
  await delay(500, bench.signal);
}

type Address = Pick<StreamClients, 'baseUrl' | 'token'>;

async function addressOf({ server, dataFolder }: Installation): Promise<Address> {
  return { baseUrl: server.url, token: await readToken(dataFolder) };
}

/** Connects the audience, lets things happen, and resolves with what it received meanwhile. */
async function listen(
  bench: Bench,
  address: Address,
  audience: Audience,
  happen: () => Promise<void>,
): Promise<StreamResult> {
  await using program = startLoadProgram(streamClients, bench.signal);
  program.send({ ...address, ...audience } satisfies StreamClients);
  await program.line();
  await happen();
  program.finish();
  return JSON.parse(await program.line()) as StreamResult;
}

async function listenToBare(bench: Bench, audience: Audience, lastMs: number): Promise<StreamResult> {
  await using bare = startLoadProgram(bareServer, bench.signal);
  const address = { baseUrl: await bare.line(), token: 'none' };
  return await listen(bench, address, audience, () => delay(lastMs / 2, bench.signal));
}

function rowOf(what: string, seen: StreamResult, bare: StreamResult): Row {
  const [p50, p99] = [percentile(seen.sinceAppendedMs, 50), percentile(seen.sinceAppendedMs, 99)];
  const [bareP50, bareP99] = [percentile(bare.sinceAppendedMs, 50), percentile(bare.sinceAppendedMs, 99)];
  const printed: Readonly<Record<string, number>> =
    seen.sincePrintedMs.length === 0
      ? {}
      : {
          sincePrintedP50Ms: percentile(seen.sincePrintedMs, 50),
          sincePrintedP99Ms: percentile(seen.sincePrintedMs, 99),
        };
  return {
    what: `event appended -> received, ${what}`,
    measured: formatSpread({ p50, p99 }),
    baseline: `bare node:http: ${formatSpread({ p50: bareP50, p99: bareP99 })}`,
    // Clocks tell whole milliseconds here: a bare median may be none.
    ratio: p50 / Math.max(1, bareP50),
    budget: 'p50 <= 20 ms, p99 <= 100 ms',
    met: p50 <= 20 && p99 <= 100,
    figures: {
      arrivals: seen.sinceAppendedMs.length,
      p50Ms: p50,
      p99Ms: p99,
      bareP50Ms: bareP50,
      bareP99Ms: bareP99,
      ...printed,
    },
  };
}
