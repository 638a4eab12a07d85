import { createHmac } from 'node:crypto';
import type { Secret } from '../lib/secret.ts';

/** A secret in the form of Standard Webhooks: what follows is the Base64 of the key's bytes. */
const standardPrefix = 'whsec_';

/** What is signed: the bytes as they are sent, and for the second form the delivery's id and Unix time. */
export type SignedMessage = { readonly id: string; readonly timestamp: number; readonly body: Buffer };

/** The documented signature, `sha256=<hex>` over the body. Its key is the secret's text as it stands. */
export function signBody(secret: Secret, body: Buffer): string {
  return `sha256=${createHmac('sha256', secret.reveal()).update(body).digest('hex')}`;
}

/**
 * The signature of Standard Webhooks (standardwebhooks.com), `v1,<Base64>` over id, time and body, which
 * tells a repeated message from a new one. A secret without the prefix is a key of its text's bytes.
 */
export function signMessage(secret: Secret, { id, timestamp, body }: SignedMessage): string {
  const text = secret.reveal();
  const key = text.startsWith(standardPrefix)
    ? Buffer.from(text.slice(standardPrefix.length), 'base64')
    : Buffer.from(text);
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')}`;
}
