import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { Secret } from '../lib/secret.ts';
import { signBody, signMessage } from './callback-signature.ts';

const body = Buffer.from('{"task_id":"1","result":"Grüße"}');
const now = (): number => Math.floor(Date.now() / 1_000);

test('the documented signature is a known one: RFC 4231, test case 2', () => {
  assert.equal(
    signBody(new Secret('Jefe'), Buffer.from('what do ya want for nothing?')),
    'sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  );
});

test("the documented signature's key is the secret's text, whatever its form", () => {
  const encoded = `whsec_${Buffer.from('the bytes of a key').toString('base64')}`;
  assert.notEqual(signBody(new Secret(encoded), body), signBody(new Secret('the bytes of a key'), body));
});

/** What the maintained library says to a message with our signature. */
function verify(webhook: Webhook, secret: Secret, change: Partial<Record<string, string>> = {}): unknown {
  const timestamp = now();
  const headers = {
    'webhook-id': '0199a3f0-7d3b-4c1e-9b53-0d8a8d2f6b1c',
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signMessage(secret, { id: '0199a3f0-7d3b-4c1e-9b53-0d8a8d2f6b1c', timestamp, body }),
    ...change,
  };
  return webhook.verify(body, headers);
}

test('the library of Standard Webhooks accepts a message, with the secret in either form', () => {
  const encoded = `whsec_${Buffer.from('the bytes of a key, 32 of them..').toString('base64')}`;
  const parsed = JSON.parse(String(body));
  assert.deepEqual(verify(new Webhook(encoded), new Secret(encoded)), parsed);
  assert.deepEqual(
    verify(new Webhook('a secret text', { format: 'raw' }), new Secret('a secret text')),
    parsed,
  );
});

test('another id, another time and another secret are refused by it', () => {
  const secret = new Secret('a secret text');
  const webhook = new Webhook('a secret text', { format: 'raw' });
  assert.throws(() => verify(webhook, secret, { 'webhook-id': 'another' }), /No matching signature/u);
  assert.throws(
    () => verify(webhook, secret, { 'webhook-timestamp': String(now() - 60) }),
    /No matching signature/u,
  );
  assert.throws(() => verify(webhook, new Secret('another secret')), /No matching signature/u);
});
