import type { Bench } from '../case.ts';
import { taskByHand } from '../by-hand.ts';
import { openInstallation, type Installation } from '../installation.ts';
import { alternate, median, pairedRatio, percentile } from '../measure.ts';
import { formatSpread, type Row } from '../report.ts';
import { runTask } from '../tasks.ts';

const command = 'echo changed >> README.md';

type Size = {
  readonly name: string;
  readonly files: number;
  readonly rounds: number;
  readonly budget: string;
  readonly maxRatio: number;
};

function sizesOf(quick: boolean): readonly Size[] {
  return [
    { name: 'small', files: 10, rounds: quick ? 2 : 30, budget: '<= 1.15 x by hand', maxRatio: 1.15 },
    {
      name: 'large',
      files: quick ? 1_000 : 20_000,
      rounds: quick ? 1 : 7,
      budget: '< 1 x by hand',
      maxRatio: 1,
    },
  ];
}

/**
 * A task from its submission to its pushed branch, beside clone, command, commit and push from a shell
 * against the same server. The mirror is warm; both begin with an empty tree, so that of 20,000 files is
 * mostly the time of a checkout.
 */
export async function wholeTask(bench: Bench): Promise<readonly Row[]> {
  await using stack = new AsyncDisposableStack();
  const place = await openInstallation(bench, stack);
  const rows: Row[] = [];
  for (const size of sizesOf(bench.quick)) rows.push(await measureSize(bench, place, size));
  return rows;
}

async function measureSize(bench: Bench, place: Installation, size: Size): Promise<Row> {
  const { signal } = bench;
  bench.say(`whole task: ${size.files} files, ${size.rounds} rounds`);
  const url = await place.forge.add(`${size.name}.git`, size.files);
  const folder = await bench.makeFolder('by-hand');
  const bySlipway = async (): Promise<number> => {
    const begun = performance.now();
    await runTask(place.client, { url, command, publish: 'branch' }, signal);
    return performance.now() - begun;
  };
  const byHand = (round: number): Promise<number> =>
    taskByHand({ url, folder, command, signal }, `by-hand-${round}`);
  // The first of each fills the mirror, caches and the compiled code.
  await bySlipway();
  await byHand(-1);
  const { first, second } = await alternate(size.rounds, bySlipway, byHand);
  const ratio = pairedRatio(first, second);
  return {
    what: `whole task, ${size.files.toLocaleString('en-US')} files`,
    measured: formatSpread({ p50: median(first), p95: percentile(first, 95) }),
    baseline: formatSpread({ p50: median(second), p95: percentile(second, 95) }),
    ratio,
    budget: size.budget,
    met: size.maxRatio === 1 ? ratio < 1 : ratio <= size.maxRatio,
    figures: {
      files: size.files,
      rounds: size.rounds,
      p50Ms: median(first),
      p95Ms: percentile(first, 95),
      byHandP50Ms: median(second),
      byHandP95Ms: percentile(second, 95),
    },
  };
}
