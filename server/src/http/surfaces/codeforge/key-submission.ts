import { keyProviders, scopeProblem, type KeyProvider } from '../../../domain/key.ts';
import { Secret } from '../../../lib/secret.ts';
import { sshKeyProblem } from '../../../lib/ssh-key.ts';
import type { KeyRegistration } from '../../../services/register-key.ts';
import { idempotencyKeyProblem } from '../../request-parts.ts';
import { invalidFields } from './field-errors.ts';
import { tokenMaxBytes, type CreateKeyBody } from './key-schemas.ts';
import { nameProblem } from './name-problem.ts';

const required = 'field is required';

/**
 * Reads a key whose types have been checked.
 *
 * @throws Refusal `invalid` with every wrong field. No message holds a part of the token.
 */
export function parseKey(body: CreateKeyBody, idempotencyKey: string | undefined): KeyRegistration {
  const provider = keyProviders.find((known) => known === body.provider);
  const scope = body.scope ?? '';
  const problems = Object.entries({
    name: nameProblem(body.name),
    provider: provider === undefined ? providerProblem(body.provider) : undefined,
    token: tokenProblem(provider, body.token),
    scope: provider === undefined ? undefined : scopeProblem(provider, scope),
    'Idempotency-Key': idempotencyKeyProblem(idempotencyKey),
  }).filter((entry): entry is [string, string] => entry[1] !== undefined);
  if (provider === undefined || problems.length > 0) throw invalidFields(Object.fromEntries(problems));
  const mayBeRepeat = idempotencyKey !== undefined;
  return { name: body.name, provider, scope, token: new Secret(body.token), mayBeRepeat };
}

function providerProblem(provider: string): string {
  if (provider === '') return required;
  return `unknown provider: ${provider.slice(0, 100)}`;
}

function tokenProblem(provider: KeyProvider | undefined, token: string): string | undefined {
  if (token === '') return required;
  return provider === 'ssh' ? sshKeyProblem(token) : headerTokenProblem(token);
}

/** The token of a forge or of Sentry travels in a header of HTTP. Why it cannot; undefined: it can. */
export function headerTokenProblem(token: string): string | undefined {
  if (token.length > tokenMaxBytes) return 'exceeds maximum length';
  return /^[\u0021-\u007e]+$/u.test(token) ? undefined : 'must be a token: ASCII without blanks';
}
