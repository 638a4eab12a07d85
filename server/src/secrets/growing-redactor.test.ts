import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '../lib/secret.ts';
import { createGrowingRedactor } from './growing-redactor.ts';

const configured = 'configured-secret-1f';
const shown = (number: number): string => `shown-secret-${String(number).padStart(4, '0')}`;

test('what was configured is always hidden, what is shown later from then on', () => {
  const redactor = createGrowingRedactor([new Secret(configured)]);
  assert.equal(redactor.text(`a ${configured} b ${shown(1)}`), `a [secret] b ${shown(1)}`);
  redactor.hide(new Secret(shown(1)));
  assert.equal(redactor.text(`a ${configured} b ${shown(1)}`), 'a [secret] b [secret]');
});

test('of secrets without end the ones shown last are remembered', () => {
  const redactor = createGrowingRedactor([new Secret(configured)]);
  redactor.hide(new Secret(shown(0)));
  redactor.hide(new Secret(shown(1)));
  for (let number = 2; number <= 200; number += 1) {
    redactor.hide(new Secret(shown(number)));
    // Shown again and again: it stays.
    redactor.hide(new Secret(shown(0)));
  }
  assert.equal(redactor.text(shown(0)), '[secret]');
  assert.equal(redactor.text(shown(1)), shown(1));
  assert.equal(redactor.text(shown(200)), '[secret]');
  assert.equal(redactor.text(configured), '[secret]');
});
