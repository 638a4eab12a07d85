import { appendFileSync } from 'node:fs';
import type { LiveAgentName } from './installed-clis.ts';

/** One cell of the matrix: `passed`, `FAILED`, or how a program differs, in words. */
export type Cell = { readonly scenario: string; readonly agent: LiveAgentName; readonly cell: string };

/** Tells a cell to `npm run test:live`, which prints the matrix; nobody to tell: a file was run by itself. */
export function keepCell(cell: Cell): void {
  const path = process.env['SLIPWAY_LIVE_RESULTS'];
  if (path !== undefined) appendFileSync(path, `${JSON.stringify(cell)}\n`);
}
