import { isName } from '../domain/key.ts';
import { keyReach, type ApiKey, type ApiProvider, type SentryIssue } from '../domain/key-reach.ts';
import type { Secret } from '../lib/secret.ts';
import type { KeyRing } from '../secrets/key-ring.ts';
import type { Database } from '../store/database.ts';
import type { StoredKey } from '../store/keys.ts';
import { withPatience } from '../store/patience.ts';
import { StepFailure } from '../workflows/step-failure.ts';
import { findStepKey, openStepKey } from './step-key.ts';

export type FetchKeyDeps = {
  readonly database: Database;
  readonly keyRing: KeyRing;
  /** Where each provider's API is, as the operator configured it. */
  readonly apiUrls: Readonly<Record<ApiProvider, string>>;
  /** The slug of the project that an issue is of. Throws StepFailure where Sentry does not tell. */
  readonly sentryProjectOf: SentryProjectOf;
};

export type SentryProjectOf = (
  token: Secret,
  issue: Pick<SentryIssue, 'org' | 'issue'>,
  signal: AbortSignal,
) => Promise<string>;

/** A stored key, opened for one request. */
export type FetchKey = {
  readonly token: Secret;
  readonly header: { readonly name: string; readonly value: string };
  /** To ask instead of the one that was given: the same, or more exactly what a key with a scope may see. */
  readonly url: URL;
  /** The provider's host and port: configured by the operator, so it may be a private one. */
  readonly host: string;
};

type Wish = { readonly ownerId: string; readonly keyName: string; readonly url: URL };

/**
 * Opens a key of an owner's for a request to its provider, and to nothing else.
 *
 * @throws StepFailure where there is no such key, or it is not for this address: then nothing was sent
 */
export type OpenFetchKey = (wish: Wish, signal: AbortSignal) => Promise<FetchKey>;

export function createOpenFetchKey(deps: FetchKeyDeps): OpenFetchKey {
  return (wish, signal) => open(deps, wish, signal);
}

async function open(deps: FetchKeyDeps, wish: Wish, signal: AbortSignal): Promise<FetchKey> {
  const key = await namedKey(deps, wish, signal);
  const { provider } = key;
  if (provider === 'ssh') throw new StepFailure(`${key.name} is an ssh key, which is for git alone`);
  const about: ApiKey = { name: key.name, provider, scope: key.scope };
  const reach = keyReach(about, wish.url, deps.apiUrls[provider]);
  if (reach.kind === 'refused') throw new StepFailure(reach.problem);
  const token = openStepKey(deps.keyRing, key);
  if (reach.kind === 'by_issue') {
    const { org, project, issue } = reach.issue;
    if ((await deps.sentryProjectOf(token, { org, issue }, signal)) !== project) {
      throw new StepFailure(`${key.name} is for ${key.scope}, where the issue ${issue} is not`);
    }
  }
  return { token, header: headerOf(provider, token), url: reach.url, host: hostOf(reach.url) };
}

async function namedKey(deps: FetchKeyDeps, wish: Wish, signal: AbortSignal): Promise<StoredKey> {
  const { ownerId, keyName } = wish;
  // What is no name is not asked for: a text with a NUL is none for PostgreSQL.
  if (!isName(keyName)) throw new StepFailure('key_name: what it comes to is no name of a key');
  return withPatience(signal, () => findStepKey(deps.database, ownerId, keyName));
}

function headerOf(provider: ApiProvider, token: Secret): FetchKey['header'] {
  if (provider === 'gitlab') return { name: 'PRIVATE-TOKEN', value: token.reveal() };
  return { name: 'Authorization', value: `Bearer ${token.reveal()}` };
}

function hostOf(url: URL): string {
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  return `${url.hostname}:${port}`;
}
