import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonPathCases } from '../../test/support/json-path-cases.ts';
import { selectOutputs } from './select-outputs.ts';
import { StepFailure } from './step-failure.ts';

const never = new AbortController().signal;

async function problemOf(json: string, outputs: Readonly<Record<string, string>>): Promise<string> {
  try {
    await selectOutputs(json, outputs, never);
  } catch (error) {
    if (error instanceof StepFailure) return error.message;
    throw error;
  }
  return assert.fail('nothing was refused');
}

test('one value is that value, several are a list', async () => {
  const json = '\ufeff{"title":"Bug","body":null,"labels":[{"name":"a"},{"name":"b"}],"user":{"id":7}}';
  const outputs = { title: '$.title', body: '$.body', labels: '$.labels[*].name', user: '$.user' };
  assert.deepEqual(await selectOutputs(json, outputs, never), {
    title: 'Bug',
    body: null,
    labels: ['a', 'b'],
    user: { id: 7 },
  });
  assert.deepEqual(await selectOutputs('not looked at', {}, never), {});
});

test("the paths of the RFC's tables find what they find there", async () => {
  for (const { document, paths } of jsonPathCases) {
    const outputs = Object.fromEntries(paths.map(([path], index) => [`p${index}`, path]));
    const selected = await selectOutputs(JSON.stringify(document), outputs, never);
    for (const [index, [path, values]] of paths.entries()) {
      assert.deepEqual(selected[`p${index}`], values.length === 1 ? values[0] : values, path);
    }
  }
});

test('what is not there, or is not JSON, is told', async () => {
  assert.equal(await problemOf('{"a":1}', { x: '$.b' }), 'nothing at $.b');
  assert.equal(await problemOf('{"a":1}', { x: '$.constructor' }), 'nothing at $.constructor');
  assert.equal(await problemOf('<html>', { x: '$.b' }), 'the answer is not JSON');
  assert.equal(await problemOf(`"${'x'.repeat(1_048_576)}"`, { x: '$' }), 'the answer is longer than 1 MB');
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  assert.equal(await problemOf(deep, { x: '$' }), 'the answer nests deeper than 500 levels');
});

test('an answer of 500 levels is looked through to its bottom', async () => {
  const json = `${'['.repeat(499)}{"leaf":1}${']'.repeat(499)}`;
  assert.deepEqual(await selectOutputs(json, { leaf: '$..leaf' }, never), { leaf: 1 });
});

test('what cannot be stored is replaced', async () => {
  const selected = await selectOutputs(String.raw`{"a":{"k\u0000":"x\u0000y\ud800"}}`, { a: '$.a' }, never);
  assert.deepEqual(selected, { a: { 'k\ufffd': 'x\ufffdy\ufffd' } });
});

test('a field with the name of a prototype is a field like any other', async () => {
  const selected = await selectOutputs('{"__proto__":{"a":1}}', { x: "$['__proto__']" }, never);
  assert.deepEqual(selected, { x: { a: 1 } });
  assert.equal(Object.getPrototypeOf(selected), Object.prototype);
});

test('a regular expression without an end, and a path without measure, are ended', async () => {
  const bomb = JSON.stringify([{ x: `${'a'.repeat(50)}!` }]);
  const wide = JSON.stringify(Array.from({ length: 60_000 }, () => 1));
  const each = Array.from({ length: 100 }, () => '*').join(',');
  const deep = `${'['.repeat(100)}"${'x'.repeat(50_000)}"${']'.repeat(100)}`;
  const problems = await Promise.all([
    problemOf(bomb, { x: '$[?match(@.x, "(a|a|aa)+b")]' }),
    problemOf(wide, { x: `$[?count($[${each}]) > 0]` }),
    problemOf(deep, { x: '$..*' }),
  ]);
  assert.equal(problems[0], 'looking for the outputs takes too long');
  // On a host without time, the one limit is passed before the other.
  assert.match(problems[1] ?? '', /takes too (?:long|much memory)$/u);
  assert.equal(problems[2], 'what the paths find is longer than 1 MB');
});

test('somebody who no longer waits is not waited for', async () => {
  const controller = new AbortController();
  const selecting = selectOutputs(
    JSON.stringify([`${'a'.repeat(50)}!`]),
    { x: '$[?match(@, "(a|a|aa)+b")]' },
    controller.signal,
  );
  controller.abort(new Error('gone'));
  await assert.rejects(selecting, /gone/u);
});
