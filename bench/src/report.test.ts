import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  formatMegabytes,
  formatMs,
  formatRate,
  formatRow,
  formatSpread,
  heading,
  type Row,
} from './report.ts';

const row: Row = {
  what: 'whole task',
  measured: 'p50 120 ms',
  baseline: 'p50 100 ms',
  ratio: 1.2,
  budget: '1.15 x by hand',
  met: false,
  figures: { p50Ms: 120 },
};

test('a row says what was measured, beside what, and whether the budget was met', () => {
  const text = formatRow(row);
  for (const part of ['whole task', 'p50 120 ms', 'p50 100 ms', '1.20 x', '1.15 x by hand']) {
    assert.ok(text.includes(part), part);
  }
  assert.ok(text.endsWith(' missed'));
  assert.ok(formatRow({ ...row, met: true }).endsWith(' met'));
});

test('the columns of a row stand below those of the heading', () => {
  const text = formatRow(row);
  assert.equal(text.indexOf('p50 120 ms'), heading.indexOf('measured'));
  assert.equal(text.indexOf('p50 100 ms'), heading.indexOf('by hand'));
  assert.equal(text.indexOf('1.15 x by hand'), heading.indexOf('budget'));
});

test('a row without a baseline shows a dash for it and for the ratio', () => {
  const { baseline: _baseline, ratio: _ratio, ...alone } = row;
  assert.match(formatRow(alone), /p50 120 ms\s+-\s+-\s+1\.15 x by hand/u);
});

test('a row without a budget is neither met nor missed', () => {
  const { budget: _budget, met: _met, ...told } = row;
  assert.match(formatRow(told), /1\.20 x\s+-$/u);
});

test('times are told with as many digits as mean something', () => {
  assert.equal(formatMs(0.4211), '0.42 ms');
  assert.equal(formatMs(8.13), '8.1 ms');
  assert.equal(formatMs(84.4), '84 ms');
  assert.equal(formatMs(2_414), '2.41 s');
  assert.equal(formatSpread({ p50: 8.13, p99: 84 }), 'p50 8.1 ms, p99 84 ms');
});

test('rates and sizes carry their units', () => {
  assert.equal(formatRate(12_344.6), '12,345/s');
  assert.equal(formatMegabytes(54_190_000), '54.2 MB');
});
