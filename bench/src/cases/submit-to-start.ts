import type { Bench } from '../case.ts';
import { startByHand } from '../by-hand.ts';
import { openInstallation } from '../installation.ts';
import { alternate, pairedRatio, percentile } from '../measure.ts';
import { formatSpread, type Row } from '../report.ts';
import { runTask } from '../tasks.ts';

/** Nanoseconds since 1970, by the clock of the host that both sides share. */
const command = 'date +%s%N';
const files = 10;

/**
 * From before the POST to the moment at which the agent's process runs, told by its own clock. The server is
 * idle: each task ends before the next is submitted. By hand it is a clone, then the same command.
 */
export async function submitToStart(bench: Bench): Promise<readonly Row[]> {
  await using stack = new AsyncDisposableStack();
  const { signal } = bench;
  const place = await openInstallation(bench, stack);
  const url = await place.forge.add('small.git', files);
  const folder = await bench.makeFolder('by-hand');
  const rounds = bench.quick ? 4 : 150;
  bench.say(`submit to start: ${rounds} rounds`);
  const bySlipway = async (): Promise<number> => {
    const begun = Date.now();
    return startedAt(await runTask(place.client, { url, command }, signal)) - begun;
  };
  const byHand = async (): Promise<number> => {
    const begun = Date.now();
    return startedAt(await startByHand({ url, folder, command, signal })) - begun;
  };
  await bySlipway();
  await byHand();
  const { first, second } = await alternate(rounds, bySlipway, byHand);
  const [p50, p99] = [percentile(first, 50), percentile(first, 99)];
  const [handP50, handP99] = [percentile(second, 50), percentile(second, 99)];
  return [
    {
      what: 'submit -> agent process started, idle server',
      measured: formatSpread({ p50, p99 }),
      baseline: `clone, start: ${formatSpread({ p50: handP50 })}`,
      ratio: pairedRatio(first, second),
      budget: 'p50 <= 100 ms, p99 <= 300 ms',
      met: p50 <= 100 && p99 <= 300,
      figures: { rounds, p50Ms: p50, p99Ms: p99, byHandP50Ms: handP50, byHandP99Ms: handP99 },
    },
  ];
}

function startedAt(printed: string): number {
  const nanoseconds = /^(\d{19})$/mu.exec(printed)?.[1];
  if (nanoseconds === undefined) throw new Error(`the script told no time: ${JSON.stringify(printed)}`);
  return Number(nanoseconds) / 1e6;
}
