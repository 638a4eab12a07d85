import type { Finding } from '../executors/executor.ts';

/** A line of `slipway doctor`: something that this machine has, or lacks. */
export type Check = { readonly name: string; readonly run: () => Promise<Answer> };

export type Answer = {
  readonly detail: string;
  /** What has to be mended. */
  readonly findings: readonly Finding[];
  /** What a server can do without. */
  readonly hints?: readonly Finding[];
};
