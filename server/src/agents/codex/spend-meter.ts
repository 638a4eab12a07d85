import { noSpend, type Spend } from '../../domain/spend.ts';
import { type JsonObject } from '../../lib/json-fields.ts';
import { numberIn } from './fields.ts';

export type SpendMeter = {
  /**
   * The totals that the program reports now; what is new since the last time, or undefined when nothing is.
   * @param last what the last request alone took, where the program tells it: the first time, all before it
   * is held to be counted, whatever the ledger of a fork or of a turn that failed knows of it.
   */
  readonly advance: (total: JsonObject, last?: JsonObject) => Spend | undefined;
};

/**
 * Makes deltas of what codex reports, which are totals over the whole conversation, a fork's parent
 * included. Totals that fall back, as after a conversation was compacted, add nothing until they rise
 * above what was counted. `inputTokens` is what the program calls so: the cached ones are part of it,
 * and `cacheReadTokens` says how many. It knows no prices, so no money is ever counted.
 */
export function createSpendMeter(before: Spend = noSpend): SpendMeter {
  let counted = { ...before, microdollars: 0 };
  let isFirst = true;
  return {
    advance(total, last) {
      const reported = tokensOf(total);
      if (isFirst && last !== undefined) counted = larger(counted, difference(reported, tokensOf(last)));
      isFirst = false;
      const delta = difference(larger(counted, reported), counted);
      counted = larger(counted, reported);
      return Object.values(delta).some((tokens) => tokens > 0) ? delta : undefined;
    },
  };
}

function tokensOf(usage: JsonObject): Spend {
  const tokens = (...names: readonly string[]): number => Math.trunc(numberIn(usage, ...names) ?? 0);
  return {
    inputTokens: tokens('input_tokens', 'inputTokens'),
    outputTokens: tokens('output_tokens', 'outputTokens'),
    cacheReadTokens: tokens('cached_input_tokens', 'cachedInputTokens'),
    cacheWriteTokens: tokens('cache_write_input_tokens', 'cacheWriteInputTokens'),
    microdollars: 0,
  };
}

function larger(one: Spend, other: Spend): Spend {
  return combine(one, other, Math.max);
}

function difference(one: Spend, other: Spend): Spend {
  return combine(one, other, (a, b) => a - b);
}

function combine(one: Spend, other: Spend, of: (a: number, b: number) => number): Spend {
  return {
    inputTokens: of(one.inputTokens, other.inputTokens),
    outputTokens: of(one.outputTokens, other.outputTokens),
    cacheReadTokens: of(one.cacheReadTokens, other.cacheReadTokens),
    cacheWriteTokens: of(one.cacheWriteTokens, other.cacheWriteTokens),
    microdollars: 0,
  };
}
