/** Tokens and money: of one line, of a run, or as sums. Money is in millionths of a US dollar. */
export type Spend = {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  readonly microdollars: number;
};

/** What a model took. */
export type ModelSpend = Spend & { readonly model: string };

/** What stands where nothing was spent. */
export const noSpend: Spend = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  microdollars: 0,
};
