import type { ModelSpend } from '../../domain/spend.ts';
import { numberField, objectField, objectOf, type JsonObject } from '../../lib/json-fields.ts';

/**
 * What the `result` lines of one process tell of tokens and money, as deltas. Newer versions say per model
 * what came since the last result. Without that, `usage` is the turn's, while `total_cost_usd` is the whole
 * session's, of which `spentBefore` (microdollars) is in the ledger already. Lines of messages repeat
 * the beginning of a count and are no source.
 */
export function createSpendReader(
  spentBefore: number,
): (result: JsonObject, model: string) => readonly ModelSpend[] {
  let spent = spentBefore;
  return (result, model) => {
    const total = microdollarsOf(numberField(result, 'total_cost_usd'));
    const cost = Math.max(0, total - spent);
    spent = Math.max(spent, total);
    const byModel = objectField(result, 'model_usage_since_last_result');
    const rows = byModel === undefined ? [turnSpend(result, model, cost)] : modelSpends(byModel);
    return rows.filter(isSomething);
  };
}

function modelSpends(byModel: JsonObject): readonly ModelSpend[] {
  return Object.entries(byModel).map(([model, value]) => {
    const usage = objectOf(value);
    return {
      model,
      inputTokens: countOf(usage, 'inputTokens'),
      outputTokens: countOf(usage, 'outputTokens'),
      cacheReadTokens: countOf(usage, 'cacheReadInputTokens'),
      cacheWriteTokens: countOf(usage, 'cacheCreationInputTokens'),
      microdollars: microdollarsOf(numberField(usage, 'costUSD')),
    };
  });
}

function turnSpend(result: JsonObject, fallback: string, microdollars: number): ModelSpend {
  const usage = objectField(result, 'usage');
  const models = Object.keys(objectField(result, 'modelUsage') ?? {});
  return {
    model: (models.length === 1 ? models[0] : undefined) ?? fallback,
    inputTokens: countOf(usage, 'input_tokens'),
    outputTokens: countOf(usage, 'output_tokens'),
    cacheReadTokens: countOf(usage, 'cache_read_input_tokens'),
    cacheWriteTokens: countOf(usage, 'cache_creation_input_tokens'),
    microdollars,
  };
}

function isSomething(spend: ModelSpend): boolean {
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, microdollars } = spend;
  return inputTokens + outputTokens + cacheReadTokens + cacheWriteTokens + microdollars > 0;
}

/** A count that the ledger takes: whole, not negative, exact. */
function countOf(usage: JsonObject | undefined, name: string): number {
  return countable(numberField(usage, name) ?? 0);
}

function microdollarsOf(dollars: number | undefined): number {
  return countable(Math.round((dollars ?? 0) * 1_000_000));
}

function countable(value: number): number {
  return Number.isSafeInteger(value) && value > 0 ? value : 0;
}
