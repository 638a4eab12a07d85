import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSpendReader } from './spend.ts';

const usage = {
  input_tokens: 1_200,
  output_tokens: 42,
  cache_read_input_tokens: 300,
  cache_creation_input_tokens: 50,
};
const tokens = { inputTokens: 1_200, outputTokens: 42, cacheReadTokens: 300, cacheWriteTokens: 50 };

test('without a count by model, the session total becomes what it grew by', () => {
  const read = createSpendReader(11_900);
  const model = 'claude-opus-5-5';
  const result = { total_cost_usd: 0.017849999999999998, usage, modelUsage: { [model]: {} } };
  assert.deepEqual(read(result, 'other'), [{ model, ...tokens, microdollars: 5_950 }]);
  assert.deepEqual(read({ ...result, total_cost_usd: 0.0238 }, 'other'), [
    { model, ...tokens, microdollars: 5_950 },
  ]);
});

test('a total below what the ledger has is no credit', () => {
  assert.deepEqual(createSpendReader(50_000)({ total_cost_usd: 0.01, usage }, 'm'), [
    { model: 'm', ...tokens, microdollars: 0 },
  ]);
});

test('what each model took since the last result is a row each, whatever the session spent before', () => {
  const byModel = {
    'model-a': { inputTokens: 10, outputTokens: 1, costUSD: 0.5 },
    'model-b': { inputTokens: 20, outputTokens: 2, cacheReadInputTokens: 3, cacheCreationInputTokens: 4 },
    'model-c': { inputTokens: 0, costUSD: 0 },
  };
  const rows = createSpendReader(1_000_000)({ usage, model_usage_since_last_result: byModel }, 'm');
  assert.deepEqual(
    rows.map(({ model, inputTokens, microdollars }) => [model, inputTokens, microdollars]),
    [
      ['model-a', 10, 500_000],
      ['model-b', 20, 0],
    ],
  );
});

test('what is no count costs nothing', () => {
  const strange = { input_tokens: -4, output_tokens: '7', cache_read_input_tokens: 1.5 };
  for (const result of [{}, { usage: null }, { usage: strange, total_cost_usd: 1e300 }]) {
    assert.deepEqual(createSpendReader(0)(result, 'm'), []);
  }
});
