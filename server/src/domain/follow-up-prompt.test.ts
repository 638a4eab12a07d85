import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { followUpPrompt, historyMaxCharacters, resumedPrompt } from './follow-up-prompt.ts';

const entry = (
  iteration: number,
  prompt = `ask ${iteration}`,
  result: string | null = `did ${iteration}`,
) => ({
  iteration,
  prompt,
  result,
  state: 'succeeded',
});

test('without a history the prompt is passed word for word', () => {
  assert.equal(followUpPrompt([], 'mend it\n'), 'mend it\n');
});

test('earlier prompts, answers and states come in their order, the instruction last', () => {
  const prompt = followUpPrompt([entry(2), { ...entry(1, 'first', null), state: 'failed' }], 'now this');
  assert.match(
    prompt,
    /Iteration 1 \(failed\)[\s\S]*first[\s\S]*\(no answer\)[\s\S]*Iteration 2[\s\S]*did 2/u,
  );
  assert.ok(prompt.endsWith('\n\nnow this'));
});

test('what is too much is left out from the oldest on, with a mark, and the instruction stays whole', () => {
  const history = Array.from({ length: 30 }, (_, index) =>
    entry(index + 1, 'p'.repeat(20_000), 'r'.repeat(20_000)),
  );
  const prompt = followUpPrompt(history, 'the instruction');
  assert.match(prompt, /earlier iterations are left out/u);
  assert.match(prompt, /Iteration 30/u);
  assert.doesNotMatch(prompt, /Iteration 1 /u);
  assert.match(prompt, /\[… cut here\]/u);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(30_000), fc.nat(30_000)), { maxLength: 20 }), (sizes) => {
      const all = sizes.map(([asked, said], index) => entry(index + 1, 'a'.repeat(asked), 'b'.repeat(said)));
      assert.ok(followUpPrompt(all, 'x').length <= historyMaxCharacters + 300);
    }),
  );
});

test('a run that goes on is told what was decided', () => {
  const prompt = resumedPrompt([
    { tool: 'Bash', summary: 'rm x', allowed: true, reason: null },
    { tool: 'Bash', summary: 'rm y', allowed: false, reason: 'keep it' },
  ]);
  assert.match(prompt, /rm x\n {2}allowed[\s\S]*rm y\n {2}denied: do without it \(keep it\)/u);
});
