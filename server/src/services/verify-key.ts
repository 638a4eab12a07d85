import type { KeyProvider } from '../domain/key.ts';
import type { ForgeError, TokenOwner } from '../forges/forge.ts';
import { sshKeyProblem } from '../lib/ssh-key.ts';
import type { SentryError } from '../sentry/sentry.ts';
import type { Viewer } from '../store/tasks.ts';
import { sentryFailureOf, type SentryAccess } from './browse-sentry.ts';
import { forgeNamed, openKey, refusalOf, type ForgeAccess } from './forge-access.ts';

export type KeyVerdict = { readonly name: string; readonly provider: KeyProvider } & (
  | ({ readonly valid: true } & TokenOwner)
  | { readonly valid: false; readonly error: string }
);

/**
 * Asks a key's provider whose its token is. Of a private key only the form is looked at: which hosts know it
 * is found out by using it.
 *
 * @throws Refusal `not_found`; `upstream_failed` where the provider gave no verdict.
 */
export function createVerifyKeyService(deps: ForgeAccess & SentryAccess) {
  return async (viewer: Viewer, name: string, signal: AbortSignal): Promise<KeyVerdict> => {
    const { key, token } = await openKey(deps, viewer, name);
    const about = { name: key.name, provider: key.provider };
    if (key.provider === 'ssh') {
      const problem = sshKeyProblem(token.reveal());
      if (problem !== undefined) return { ...about, valid: false, error: `the key ${problem}` };
      return { ...about, valid: true, username: '', email: '', scopes: '' };
    }
    try {
      const asked = key.provider === 'sentry' ? deps.sentry : forgeNamed(deps, key.provider);
      return { ...about, valid: true, ...(await asked.verifyToken(token, signal)) };
    } catch (error) {
      const isSentrys = deps.isSentryError(error);
      const problem = isSentrys || deps.isForgeError(error) ? tokenProblem(error) : undefined;
      if (problem !== undefined) return { ...about, valid: false, error: problem };
      throw isSentrys ? sentryFailureOf(error) : refusalOf(deps, error);
    }
  };
}

/** What the provider has against the token; undefined: it did not judge it. */
function tokenProblem({ code, message }: ForgeError | SentryError): string | undefined {
  if (code === 'unauthorized') return 'token expired or invalid';
  // It is good for something, but not for telling whose it is: the message says which scope it lacks.
  return code === 'forbidden' ? message : undefined;
}
