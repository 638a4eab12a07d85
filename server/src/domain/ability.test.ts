import assert from 'node:assert/strict';
import { test } from 'node:test';
import { abilities, apiKeyAbilities, covers, everyAbility } from './ability.ts';
import { grantable, isApiKey, isLogin } from './api-key.ts';

test('an ability is covered by its name, by its group, and by the star; by nothing that only looks so', () => {
  const coveredBy = (...granted: readonly string[]) =>
    abilities.filter((ability) => covers(granted, ability));
  assert.deepEqual(coveredBy('runs:start'), ['runs:start']);
  assert.deepEqual(coveredBy('runs:*', 'settings:read'), ['runs:start', 'runs:control', 'settings:read']);
  assert.deepEqual(coveredBy(...everyAbility), abilities);
  assert.deepEqual(
    coveredBy(...apiKeyAbilities),
    abilities.filter((ability) => !ability.startsWith('settings:') && ability !== 'projects:write'),
  );
  assert.deepEqual(coveredBy('run:*', 'runs', 'runs:', 'RUNS:*', 'runs:**', '*:start', ':*', ''), []);
});

test('a key can be given abilities and their groups, and not all at once', () => {
  assert.ok(grantable.includes('git:push') && grantable.includes('git:*'));
  assert.ok(!grantable.includes('*'));
  assert.equal(grantable.length, abilities.length + 4);
});

test('a key is known by its form', () => {
  const key = `slipway_${'aB3_-'.repeat(8)}xyz`;
  assert.ok(isApiKey(key));
  for (const other of [
    '',
    'slipway_',
    `${key}x`,
    key.slice(0, -1),
    key.slice(8),
    `${key}\n`,
    ` ${key}`,
    key.toUpperCase(),
  ]) {
    assert.ok(!isApiKey(other), JSON.stringify(other));
  }
});

test('a login is what code hosts take for one', () => {
  for (const login of ['a', 'ada', 'ada-l', 'ada.l_2', 'x'.repeat(100)]) assert.ok(isLogin(login), login);
  for (const other of ['', '-ada', 'ada-', 'ada.', 'a b', 'ä', 'a\n', 'x'.repeat(101)])
    assert.ok(!isLogin(other), other);
});
