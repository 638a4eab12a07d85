import { randomUUID } from 'node:crypto';
import type { Bench } from '../case.ts';
import { openInstallation, type Installation } from '../installation.ts';
import { median } from '../measure.ts';
import { countProcessesWith, waitUntil } from '../processes.ts';
import { formatMs, type Row } from '../report.ts';
import { followUntil, submit } from '../tasks.ts';

const budgetMs = 3_000;

/**
 * Children, daemons in sessions of their own and double forks, all deaf to SIGTERM, each with the label on
 * its command line. Says so when all of them live.
 */
function deafFamily(label: string): string {
  const deaf = `trap '' TERM HUP INT; while :; do sleep 1; done`;
  return [
    `deaf="${deaf}"`,
    `sh -c "$deaf" ${label}-child &`,
    `setsid sh -c "$deaf" ${label}-session &`,
    `(setsid sh -c "(sh -c \\"\\$1\\" ${label}-daemon &)" ${label}-middle "$deaf" >/dev/null 2>&1 </dev/null &)`,
    `trap '' TERM`,
    'sleep 0.2',
    'echo all alive',
    'while :; do sleep 1; done',
  ].join('\n');
}

/** From before the cancellation is asked for to the moment when no process of the run is left on the host. */
export async function cancel(bench: Bench): Promise<readonly Row[]> {
  await using stack = new AsyncDisposableStack();
  const place = await openInstallation(bench, stack);
  const url = await place.forge.add('small.git', 10);
  const rounds = bench.quick ? 1 : 15;
  bench.say(`cancel: ${rounds} rounds`);
  const measured: number[] = [];
  for (let round = 0; round < rounds; round += 1) measured.push(await cancelOne(bench, place, url));
  return [
    {
      what: 'cancel -> no process of the run left',
      measured: `median ${formatMs(median(measured))}, max ${formatMs(Math.max(...measured))}`,
      budget: '<= 3 s',
      met: Math.max(...measured) <= budgetMs,
      figures: { rounds, medianMs: median(measured), maxMs: Math.max(...measured) },
    },
  ];
}

async function cancelOne(bench: Bench, { client }: Installation, url: string): Promise<number> {
  const { signal } = bench;
  const label = `bench-${randomUUID()}`;
  const id = await submit(client, { url, command: deafFamily(label) }, signal);
  await followUntil(client, { id }, (line) => line === 'all alive', signal);
  const alive = ['child', 'session', 'daemon'].filter((kind) => countProcessesWith(`${label}-${kind}`) > 0);
  if (alive.length !== 3) throw new Error(`of the script's processes only these live: ${alive.join(', ')}`);
  const begun = performance.now();
  await client.tasks.cancel(id, { signal });
  const gone = (): boolean => countProcessesWith(label) === 0;
  await waitUntil('the processes to be gone', gone, { everyMs: 5, patienceMs: 30_000, signal });
  const ms = performance.now() - begun;
  await client.tasks.wait(id, { signal });
  return ms;
}
