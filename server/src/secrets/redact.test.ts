import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Secret } from '../lib/secret.ts';
import { createRedactor } from './redact.ts';

const token = 'ghp_abc+/=DEF"ghi\\jkl?123';
const redactor = createRedactor([new Secret(token)]);

test('a secret is taken out in every form that it travels in', () => {
  const forms = [
    token,
    `https://x-access-token:${encodeURIComponent(token)}@forge.example`,
    JSON.stringify({ token }),
    Buffer.from(token).toString('base64'),
    Buffer.from(token).toString('base64url'),
    `Authorization: Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`,
  ];
  for (const form of forms) {
    const clean = redactor.text(`before ${form} after ${form}`);
    assert.match(clean, /^before .*\[secret\].* after .*\[secret\]/u, form);
    assert.ok(!clean.includes(token.slice(0, 12)), clean);
  }
});

test('of a secret with several lines each line is taken out, and what all private keys have stays', () => {
  const key =
    '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIGxT\r\nQ2vPzK9w==\n-----END PRIVATE KEY-----\n';
  const { text } = createRedactor([new Secret(key)]);
  assert.equal(text('line: MC4CAQAwBQYDK2VwBCIEIGxT.'), 'line: [secret].');
  assert.equal(text('last: Q2vPzK9w=='), 'last: [secret]');
  assert.equal(text('-----BEGIN PRIVATE KEY-----'), '-----BEGIN PRIVATE KEY-----');
});

test('encoded within a longer text, a secret is found wherever it begins', () => {
  const around = fc.string({ unit: 'grapheme-ascii', maxLength: 9 });
  fc.assert(
    fc.property(
      around,
      around,
      fc.constantFrom('base64' as const, 'base64url' as const),
      (before, after, encoding) => {
        const text = Buffer.from(before + token + after).toString(encoding);
        assert.ok(redactor.text(text).includes('[secret]'), text);
      },
    ),
  );
});

test('text without a secret stays as it is', () => {
  assert.equal(redactor.text('nothing to see in ghp_ab'), 'nothing to see in ghp_ab');
});

test('a value too short to be told from words is left alone', () => {
  assert.equal(createRedactor([new Secret('main')]).text('the main branch'), 'the main branch');
});

test('of two secrets of which one holds the other, the longer is taken out whole', () => {
  const both = createRedactor([new Secret('abcdefgh'), new Secret('abcdefgh-and-more')]);
  assert.equal(both.text('abcdefgh-and-more, abcdefgh'), '[secret], [secret]');
});

test('no secret and half a surrogate pair are no reason to fail', () => {
  assert.equal(createRedactor([]).text('as it is'), 'as it is');
  assert.equal(createRedactor([new Secret('\ud800-is-half-a-pair')]).text('as it is'), 'as it is');
});
