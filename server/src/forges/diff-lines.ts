/**
 * The lines that the hunks of one file show on the side after the change, and which line each was before;
 * undefined: it was added. What stands outside of hunks is left out, and so is what a cut hunk does not show.
 */
export function linesOfHunks(hunks: string): ReadonlyMap<number, number | undefined> {
  const lines = new Map<number, number | undefined>();
  let before = { at: 0, left: 0 };
  let after = { at: 0, left: 0 };
  for (const row of hunks.split('\n')) {
    // Without a count it is one line. No line of a hunk begins so: each has its sign first.
    const header = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/u.exec(row);
    const sign = row[0];
    if (header !== null) {
      before = { at: Number(header[1]), left: Number(header[2] ?? 1) };
      after = { at: Number(header[3]), left: Number(header[4] ?? 1) };
    } else if (before.left <= 0 && after.left <= 0) {
      continue;
    } else if (sign === '+') {
      lines.set(after.at, undefined);
      step(after);
    } else if (sign === '-') {
      step(before);
    } else if (sign !== '\\') {
      // Some send an empty line without the blank before it.
      lines.set(after.at, before.at);
      step(before);
      step(after);
    }
  }
  return lines;
}

function step(side: { at: number; left: number }): void {
  side.at += 1;
  side.left -= 1;
}
