import { join } from 'node:path';
import type { Bench } from '../case.ts';
import { openForge } from '../repositories.ts';
import { median } from '../measure.ts';
import { endSupervisors, waitUntil } from '../processes.ts';
import { formatMs, type Row } from '../report.ts';
import { connectClient, startSlipway, type SlipwayProcess } from '../slipway-server.ts';
import { followUntil, submit } from '../tasks.ts';

const budgetMs = 3_000;
const command = 'while :; do date +%s%N; sleep 0.05; done';

/**
 * The server is killed with signal 9 while a script prints, and started again at once. From the kill to the
 * first `/ready` that says yes, and to the first line on the task's stream that was printed after the kill:
 * the same script's, which went on meanwhile.
 */
export async function serverKilled(bench: Bench): Promise<readonly Row[]> {
  const rounds = bench.quick ? 1 : 10;
  await using stack = new AsyncDisposableStack();
  const folder = await bench.makeFolder('installation');
  const forge = stack.use(await openForge(join(folder, 'repositories'), bench.signal));
  const url = await forge.add('small.git', 10);
  const dataFolder = join(folder, 'data');
  stack.defer(() => endSupervisors(dataFolder));
  const start = (): Promise<SlipwayProcess> => startSlipway('serve', { SLIPWAY_DATA_DIR: dataFolder });
  let server = await start();
  stack.defer(() => server[Symbol.asyncDispose]());
  bench.say(`server killed: ${rounds} rounds`);
  const ready: number[] = [];
  const streaming: number[] = [];
  let client = await connectClient(server, dataFolder);
  const id = await submit(client, { url, command }, bench.signal);
  let seen = await followUntil(client, { id }, () => true, bench.signal);
  for (let round = 0; round < rounds; round += 1) {
    await server.kill();
    const killedAt = Date.now();
    server = await start();
    await awaitReady(server, bench.signal);
    ready.push(Date.now() - killedAt);
    client = await connectClient(server, dataFolder);
    seen = await followUntil(client, seen, (line) => Number(line) / 1e6 > killedAt, bench.signal);
    streaming.push(Date.now() - killedAt);
  }
  await client.tasks.cancel(id, { signal: bench.signal });
  await client.tasks.wait(id, { signal: bench.signal });
  return [
    rowOf('server killed -9 -> restarted and serving', ready),
    rowOf('server killed -9 -> its run adopted and streaming', streaming),
  ];
}

function rowOf(what: string, measured: readonly number[]): Row {
  const [middle, most] = [median(measured), Math.max(...measured)];
  return {
    what,
    measured: `median ${formatMs(middle)}, max ${formatMs(most)}`,
    budget: '<= 3 s',
    met: most <= budgetMs,
    figures: { rounds: measured.length, medianMs: middle, maxMs: most },
  };
}

async function awaitReady(server: SlipwayProcess, signal: AbortSignal): Promise<void> {
  const look = async (): Promise<boolean> => {
    const response = await fetch(`${server.url}/ready`, { signal });
    await response.arrayBuffer();
    return response.status === 200;
  };
  await waitUntil('/ready to say yes', look, { everyMs: 5, patienceMs: 30_000, signal });
}
