import { createPrivateKey, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { systemClock } from '../../lib/clock.ts';
import { Secret } from '../../lib/secret.ts';
import { BrokenAnswer, needNumber, needText } from '../forge-answer.ts';
import type { ForgeAnswer, ForgeCall, ForgeRefusal } from '../forge-call.ts';
import type { ForgeHttp } from '../forge-http.ts';
import { ForgeError } from '../forge.ts';
import { createGithubHttp, type GithubHttpOptions } from './github-http.ts';
import { repositoryPath } from './github-repositories.ts';

export type GithubAppOptions = GithubHttpOptions & {
  /** Its id or client id. */
  readonly id: string;
  /** PEM, as GitHub gives it. */
  readonly privateKey: Secret;
  /** Undefined: looked up for each repository. */
  readonly installationId?: string | undefined;
};

/** A GitHub App as what it is installed on. */
export type GithubApp = {
  /** A token for the repository, valid for at least five minutes. Throws `ForgeError`, or the signal's reason. */
  readonly token: (repositoryPath: string, signal: AbortSignal) => Promise<Secret>;
  /** A token that GitHub takes no more is not given out again. */
  readonly forget: (token: Secret) => void;
};

/** GitHub refuses more than 10 minutes, and clocks differ: from a minute ago until in 9 minutes. */
const jwtSeconds = { before: 60, after: 540 };
const leftMs = 5 * 60_000;
const mostRepositories = 1_000;
/** For what several callers wait for together, and none of them may end for the others. */
const sharedMs = 60_000;

type InstallationToken = { readonly token: Secret; readonly expiresAt: number };

/** Makes the app; throws where the private key is none. Its tokens are kept until shortly before their end. */
export function createGithubApp(options: GithubAppOptions): GithubApp {
  const key = readKey(options.privateKey);
  const clock = options.clock ?? systemClock;
  const http = createGithubHttp(options);
  const sign = (): Promise<Secret> => signJwt(options.id, key, clock.now());
  const installations = new Map<string, string>();
  const tokens = new Map<string, InstallationToken>();
  const findInstallation = shareCalls(async (path: string, signal) => {
    const id = await askInstallation(http, { path, jwt: await sign(), signal });
    installations.set(path, id);
    const [oldest] = installations.keys();
    if (installations.size > mostRepositories && oldest !== undefined) installations.delete(oldest);
    return id;
  });
  const makeToken = shareCalls(async (installation: string, signal) => {
    const made = await askToken(http, { installation, jwt: await sign(), signal });
    tokens.set(installation, made);
    return made;
  });
  return {
    async token(repository, signal) {
      signal.throwIfAborted();
      const path = repository.toLowerCase();
      const installation =
        options.installationId ?? installations.get(path) ?? (await findInstallation(path, signal));
      const kept = tokens.get(installation);
      if (kept !== undefined && kept.expiresAt - clock.now() > leftMs) return kept.token;
      tokens.delete(installation);
      try {
        return (await makeToken(installation, signal)).token;
      } catch (error) {
        // Installed anew, it has another number: what is remembered must not outlive the installation.
        if (error instanceof ForgeError && !error.retryable) installations.delete(path);
        throw error;
      }
    },
    forget(token) {
      for (const [installation, kept] of tokens) {
        if (kept.token.reveal() === token.reveal()) tokens.delete(installation);
      }
    },
  };
}

/** PKCS#1, which GitHub gives, or PKCS#8; a line break may be written as `\n`, as environment files have it. */
function readKey(privateKey: Secret): KeyObject {
  try {
    const key = createPrivateKey(privateKey.reveal().replaceAll('\\n', '\n'));
    if (key.asymmetricKeyType === 'rsa') return key;
  } catch {
    // The reason could repeat a part of the key.
  }
  throw new Error('GITHUB_APP_PRIVATE_KEY is no private RSA key in PEM form, as GitHub gives one for an app');
}

async function signJwt(id: string, key: KeyObject, now: number): Promise<Secret> {
  const seconds = Math.floor(now / 1_000);
  const jwt = await new SignJWT()
    .setProtectedHeader({ alg: 'RS256' })
    .setIssuer(id)
    .setIssuedAt(seconds - jwtSeconds.before)
    .setExpirationTime(seconds + jwtSeconds.after)
    .sign(key);
  return new Secret(jwt);
}

async function askInstallation(
  http: ForgeHttp,
  { path, jwt, signal }: { readonly path: string; readonly jwt: Secret; readonly signal: AbortSignal },
): Promise<string> {
  const call: ForgeCall = {
    operation: 'find_installation',
    doing: `find the app's installation for ${path}`,
    path: `${repositoryPath(http, { url: '', path, token: jwt })}/installation`,
    token: jwt,
    signal,
  };
  const answer = await http.send(call);
  if (answer.status === 200) {
    return http.read(call, answer, (body) => String(needNumber(body, 'id')));
  }
  const why = 'the app is not installed on the repository. Install it there, or give a token.';
  throw http.refusal(call, answer, answer.status === 404 ? { code: 'not_found', why } : explainApp(answer));
}

/** A 401 is about the app itself here, and no token. */
function explainApp({ status }: ForgeAnswer): ForgeRefusal | undefined {
  const why =
    'the app is not taken. Check `GITHUB_APP_ID`, `GITHUB_APP_PRIVATE_KEY` and the clock of this host.';
  return status === 401 ? { code: 'unauthorized', why } : undefined;
}

async function askToken(
  http: ForgeHttp,
  asked: { readonly installation: string; readonly jwt: Secret; readonly signal: AbortSignal },
): Promise<InstallationToken> {
  const call: ForgeCall = {
    operation: 'create_installation_token',
    doing: `make a token for the app's installation ${asked.installation}`,
    method: 'POST',
    path: `/app/installations/${asked.installation}/access_tokens`,
    token: asked.jwt,
    signal: asked.signal,
  };
  const answer = await http.send(call);
  if (answer.status !== 201) throw http.refusal(call, answer, explainApp(answer));
  return http.read(call, answer, (body) => {
    const expiresAt = Date.parse(needText(body, 'expires_at'));
    if (Number.isNaN(expiresAt)) throw new BrokenAnswer('expires_at');
    return { token: new Secret(needText(body, 'token')), expiresAt };
  });
}

/** Several calls with one key at a time are one; each caller leaves with its own signal, and ends it for nobody. */
function shareCalls<T>(
  call: (key: string, signal: AbortSignal) => Promise<T>,
): (key: string, signal: AbortSignal) => Promise<T> {
  const running = new Map<string, Promise<T>>();
  return (key, signal) => {
    let shared = running.get(key);
    if (shared === undefined) {
      shared = call(key, AbortSignal.timeout(sharedMs)).finally(() => running.delete(key));
      running.set(key, shared);
    }
    return leaveWith(shared, signal);
  };
}

/** The promise's end, or the signal's, which leaves nothing behind on a signal that lives longer. */
function leaveWith<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}
