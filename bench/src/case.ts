import type { Row } from './report.ts';

/** What a case gets: how much to do, and a place to do it in. */
export type Bench = {
  /** Few rounds and small sizes: everything is exercised, nothing is measured well. */
  readonly quick: boolean;
  /** Ends the case; also after the case's time limit. */
  readonly signal: AbortSignal;
  /** Makes an empty folder that goes with the run. Other users, such as sandboxes, can pass through it. */
  readonly makeFolder: (name: string) => Promise<string>;
  /** Tells a waiting person what is going on. */
  readonly say: (text: string) => void;
};

/**
 * Measures some rows of the budget table. Opens what it needs and has closed all of it when it settles.
 * Rejects when a measurement could not be made; a missed budget is a row like any other.
 */
export type BenchCase = (bench: Bench) => Promise<readonly Row[]>;
