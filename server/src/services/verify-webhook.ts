import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Secret } from '../lib/secret.ts';

/**
 * Whether GitHub's `X-Hub-Signature-256` (`sha256=<hex>` over the body's bytes) was made with one of the secrets.
 * Takes as long for a signature that is wrong in its first character as for one that is wrong in its last.
 */
export function isSignedByGithub(secrets: readonly Secret[], body: Buffer, signature: string): boolean {
  return isOneOf(
    secrets.map((secret) => `sha256=${createHmac('sha256', secret.reveal()).update(body).digest('hex')}`),
    signature,
  );
}

/** Whether GitLab's `X-Gitlab-Token` is one of the secrets; in constant time, also for another length. */
export function isTokenOfGitlab(secrets: readonly Secret[], token: string): boolean {
  // A header's characters are its bytes.
  const bytes = Buffer.from(token, 'latin1').toString('utf8');
  return isOneOf(
    secrets.map((secret) => secret.reveal()),
    bytes,
  );
}

/** Digests have one length, and all of them are compared. */
function isOneOf(wanted: readonly string[], given: string): boolean {
  const digest = digestOf(given);
  return wanted.map((text) => timingSafeEqual(digestOf(text), digest)).includes(true);
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
