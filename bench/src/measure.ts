/**
 * The smallest measured value that at least `percent` of all values do not exceed (nearest rank): a value
 * that happened, never one in between. Throws `RangeError` where there is no value.
 */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length));
  const found = sorted[rank - 1];
  if (found === undefined) throw new RangeError('nothing was measured');
  return found;
}

/** The middle value, or the mean of the two middle ones. Throws `RangeError` where there is no value. */
export function median(values: readonly number[]): number {
  return (
    (percentile(values, 50) +
      -percentile(
        values.map((value) => -value),
        50,
      )) /
    2
  );
}

/**
 * How many times the baseline, as the median over the pairs: what slows the machine for a moment hits both
 * halves of a pair and cancels out. Throws `RangeError` where a half is missing.
 */
export function pairedRatio(measured: readonly number[], baseline: readonly number[]): number {
  if (measured.length !== baseline.length) throw new RangeError('each measurement needs its baseline');
  return median(measured.map((value, at) => value / (baseline[at] ?? Number.NaN)));
}

/** Runs the two kinds of round in turn, `A B B A`, so that neither always comes first. */
export async function alternate<Measured = number>(
  rounds: number,
  first: (round: number) => Promise<Measured>,
  second: (round: number) => Promise<Measured>,
): Promise<{ readonly first: readonly Measured[]; readonly second: readonly Measured[] }> {
  const measured = { first: [] as Measured[], second: [] as Measured[] };
  for (let round = 0; round < rounds; round += 1) {
    if (round % 2 === 0) measured.first.push(await first(round));
    measured.second.push(await second(round));
    if (round % 2 === 1) measured.first.push(await first(round));
  }
  return measured;
}
