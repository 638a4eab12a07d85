import { RunFailure } from '../domain/failure.ts';
import {
  parseRepositoryUrl,
  type RepositoryUrl,
  type RepositoryUrlPolicy,
} from '../domain/repository-url.ts';
import type { Forge, ForgeError, ForgeOf } from '../forges/forge.ts';
import type { Credential } from '../git/credentials.ts';
import type { Remote } from '../git/git.ts';
import type { Secret } from '../lib/secret.ts';
import type { KeyRing } from '../secrets/key-ring.ts';
import type { SealedSecret } from '../store/create-task.ts';
import type { Database } from '../store/database.ts';
import { findKey } from '../store/keys.ts';
import { isAdministrator } from '../store/owners.ts';
import { findSecret } from '../store/secrets.ts';
import { keyMisfit } from './key-misfit.ts';

/** What of a task decides about its credential. */
export type CredentialTask = {
  readonly ownerId: string;
  readonly repositoryUrl: string;
  readonly accessTokenId: string | null;
  readonly providerKey: string | null;
};

/** What git logs in with, and the token for the forge's API; undefined: there is none, and public things are open. */
export type TaskCredential = {
  readonly git: Credential | undefined;
  readonly token: Secret | undefined;
};

/**
 * The credential of a task, opened. Asks the store, and for an installation of a GitHub App perhaps GitHub.
 *
 * @throws RunFailure `credential_missing`, whose message has no beginning that names a step: who asked adds it.
 */
export type FindCredential = (task: CredentialTask, signal: AbortSignal) => Promise<TaskCredential>;

export type FindCredentialDeps = {
  readonly database: Database;
  readonly keyRing: KeyRing;
  readonly repositories: RepositoryUrlPolicy;
  readonly forgeOf: ForgeOf;
  /** The server's own token for a repository (`owner/name`) of a forge; undefined: it has none. */
  readonly serverToken: (forge: Forge, path: string, signal: AbortSignal) => Promise<Secret | undefined>;
  readonly isForgeError: (error: unknown) => error is ForgeError;
};

/**
 * The first that is there: the task's own token, the key that it names, the server's own token where the
 * task's owner is an administrator. One that is there and does not fit is a failure; the next is not tried.
 * Over ssh git needs a private key, which only a key by name can be; the token is then for the API alone.
 */
export function createFindCredential(deps: FindCredentialDeps): FindCredential {
  return async (task, signal) => {
    const repository = parseRepositoryUrl(task.repositoryUrl, deps.repositories);
    const asking = { task, repository, forge: deps.forgeOf(task.repositoryUrl), signal };
    const own = await openOwn(deps, task);
    if (repository.kind === 'ssh') {
      const privateKey = await openNamed(deps, asking);
      if (privateKey === undefined) {
        throw missing(
          'git over ssh needs a key: register one with the provider ssh, and name it as provider_key',
        );
      }
      return { git: { kind: 'ssh_key', privateKey }, token: own ?? (await askServer(deps, asking)) };
    }
    const token = own ?? (await openNamed(deps, asking)) ?? (await askServer(deps, asking));
    if (token === undefined) return { git: undefined, token };
    return { git: { kind: 'password', username: asking.forge.gitUsername, password: token }, token };
  };
}

/** The repository under its public address, with what git logs in with. */
export function remoteWith(url: string, { git }: TaskCredential): Remote {
  return git === undefined ? { url } : { url, credential: git };
}

/** What of a credential must not be told. */
export function secretsIn({ git, token }: TaskCredential): readonly Secret[] {
  const gitSecret = git?.kind === 'ssh_key' ? git.privateKey : git?.password;
  return [...new Set([gitSecret, token])].filter((secret) => secret !== undefined);
}

type Asking = {
  readonly task: CredentialTask;
  readonly repository: RepositoryUrl;
  readonly forge: Forge;
  readonly signal: AbortSignal;
};

async function openOwn(deps: FindCredentialDeps, task: CredentialTask): Promise<Secret | undefined> {
  if (task.accessTokenId === null) return undefined;
  const sealed = await findSecret(deps.database, task.accessTokenId);
  if (sealed === undefined) throw new Error('a stored secret is gone');
  return open(deps, sealed, "the task's access_token");
}

async function openNamed(
  deps: FindCredentialDeps,
  { task, repository, forge }: Asking,
): Promise<Secret | undefined> {
  const name = task.providerKey;
  if (name === null) return undefined;
  const key = await findKey(deps.database, task.ownerId, name);
  if (key === undefined) throw missing(`no key is named ${name}: register it, then try again`);
  const misfit = keyMisfit(key, repository, forge);
  if (misfit !== undefined) throw missing(misfit);
  return open(deps, key.secret, `the key ${name}`);
}

/** Nobody but an administrator works with what the operator gave to the server. */
async function askServer(
  deps: FindCredentialDeps,
  { task, repository, forge, signal }: Asking,
): Promise<Secret | undefined> {
  if (!forge.abilities.accounts || !(await isAdministrator(deps.database, task.ownerId))) return undefined;
  try {
    return await deps.serverToken(forge, repository.path, signal);
  } catch (error) {
    if (!deps.isForgeError(error)) throw error;
    // An app that is not installed there has no token for it; what is public is open without.
    if (error.code === 'not_found') return undefined;
    throw missing(error.message, { retryable: error.retryable, cause: error });
  }
}

function open(deps: FindCredentialDeps, sealed: SealedSecret, what: string): Secret {
  try {
    return deps.keyRing.open(sealed.id, sealed);
  } catch (error) {
    throw missing(`${what} cannot be decrypted: ${error instanceof Error ? error.message : ''}`, {
      cause: error,
    });
  }
}

function missing(message: string, more: { retryable?: boolean; cause?: unknown } = {}): RunFailure {
  const { retryable = false, cause } = more;
  return new RunFailure({ code: 'credential_missing', phase: 'prepare', retryable, message }, cause);
}
