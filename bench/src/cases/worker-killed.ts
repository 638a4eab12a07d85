import { join } from 'node:path';
import type { Bench } from '../case.ts';
import { openInstallation, type Installation } from '../installation.ts';
import { median } from '../measure.ts';
import { endSupervisors } from '../processes.ts';
import { formatMs, type Row } from '../report.ts';
import { databaseUrl, startSlipway, type SlipwayProcess } from '../slipway-server.ts';
import { followUntil, submit } from '../tasks.ts';

const budgetMs = 15_000;
/** Tells when it starts, and then works for longer than the case takes. */
const command = 'echo "started $(date +%s%N)"; exec sleep 300';
const key = 'a key for several processes';

/**
 * Two workers on one database, with data folders of their own; the one that runs the task is killed with
 * signal 9. From then to the second start of the script, by the script's own clock.
 */
export async function workerKilled(bench: Bench): Promise<readonly Row[]> {
  const rounds = bench.quick ? 1 : 3;
  await using stack = new AsyncDisposableStack();
  const place = await openInstallation(bench, stack, { SLIPWAY_WORKERS: '0', SLIPWAY_ENCRYPTION_KEY: key });
  const url = await place.forge.add('small.git', 10);
  const measured: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    bench.say(`worker killed: round ${round + 1} of ${rounds}`);
    measured.push(await killOne(bench, place, url));
  }
  return [
    {
      what: 'worker killed -9 -> its run continues elsewhere',
      measured: `median ${formatMs(median(measured))}, max ${formatMs(Math.max(...measured))}`,
      budget: '<= 15 s',
      met: Math.max(...measured) <= budgetMs,
      figures: { rounds, medianMs: median(measured), maxMs: Math.max(...measured) },
    },
  ];
}

async function killOne(bench: Bench, place: Installation, url: string): Promise<number> {
  const { signal } = bench;
  await using stack = new AsyncDisposableStack();
  // The first works alone until it has the task; the second is there when it dies.
  const first = await openWorker(bench, place);
  stack.defer(() => endSupervisors(first.dataFolder));
  stack.use(first.worker);
  const id = await submit(place.client, { url, command }, signal);
  const seen = await followUntil(place.client, { id }, (line) => line.startsWith('started '), signal);
  const second = await openWorker(bench, place);
  stack.defer(() => endSupervisors(second.dataFolder));
  stack.use(second.worker);
  await first.worker.kill();
  const killedAt = Date.now();
  let startedAt = Number.NaN;
  await followUntil(
    place.client,
    seen,
    (line) => {
      if (!line.startsWith('started ')) return false;
      startedAt = Number(line.slice('started '.length)) / 1e6;
      return true;
    },
    signal,
  );
  await place.client.tasks.cancel(id, { signal });
  await place.client.tasks.wait(id, { signal });
  return startedAt - killedAt;
}

async function openWorker(
  bench: Bench,
  place: Installation,
): Promise<{ readonly worker: SlipwayProcess; readonly dataFolder: string }> {
  const dataFolder = await bench.makeFolder('worker');
  const worker = await startSlipway('work', {
    SLIPWAY_DATA_DIR: dataFolder,
    SLIPWAY_BLOB_DIR: join(place.dataFolder, 'blobs'),
    SLIPWAY_ENCRYPTION_KEY: key,
    DATABASE_URL: await databaseUrl(place.dataFolder),
  });
  return { worker, dataFolder };
}
