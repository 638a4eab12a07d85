import { looksLikeAppToken, readAppToken } from './app-token.ts';
import { GithubRefusal, badCredentials } from './github-refusal.ts';
import { findToken } from './github-state.ts';
import type { GithubApp, GithubState, GithubToken } from './github-state.ts';

/** A request of the API, as it came in. */
export type ApiRequest = {
  readonly method: string;
  /** Without the API's prefix: `/repos/ada/app`. */
  readonly pathname: string;
  readonly query: URLSearchParams;
  /** `/api/v3` at an Enterprise server, empty at github.com. */
  readonly prefix: '' | '/api/v3';
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
};

/** What answers are made of, and who hears of what should not be. */
export type ApiHouse = {
  readonly state: GithubState;
  /** Told of each request, and each answer of the stand-in itself, that is not as described. */
  readonly onViolation: (violation: string) => void;
};

/** Who a request comes from. */
export type Sender = { readonly token: GithubToken | undefined; readonly app: GithubApp | undefined };

/** https://docs.github.com/rest/about-the-rest-api/api-versions */
const apiVersions = ['2022-11-28', '2026-03-10'];
const mediaTypes = [
  'application/vnd.github+json',
  'application/vnd.github.v3+json',
  'application/json',
  '*/*',
];

/** Refuses what GitHub takes from nobody: no `User-Agent`, an unknown version, another media type. */
export function checkHeaders(house: ApiHouse, { headers }: ApiRequest): void {
  if (headers['user-agent'] === undefined || headers['user-agent'] === '')
    throw new GithubRefusal(
      403,
      'Request forbidden by administrative rules. Please make sure your request has a User-Agent header.',
    );
  const version = headers['x-github-api-version'];
  if (version !== undefined && !apiVersions.includes(String(version)))
    throw new GithubRefusal(400, `The version ${String(version)} of the API is not supported.`);
  const accept = String(headers['accept'] ?? '*/*').split(/[,;]/u)[0] ?? '';
  if (mediaTypes.includes(accept)) return;
  house.onViolation(`Accept: ${accept} is no media type of the API`);
  throw new GithubRefusal(415, `Unsupported 'Accept' header: '${accept}'. Must accept 'application/json'.`);
}

/** Whom the `Authorization` header names. A wrong one is refused, also where none would do. */
export function readSender(house: ApiHouse, { headers }: ApiRequest): Sender {
  for (const name of ['private-token', 'x-access-token', 'proxy-authorization', 'cookie'])
    if (headers[name] !== undefined) house.onViolation(`${name} is no credential of GitHub's`);
  const { authorization } = headers;
  if (authorization === undefined) return { token: undefined, app: undefined };
  const [scheme = '', value = '', ...rest] = String(authorization).split(' ');
  const isKnown = ['bearer', 'token'].includes(scheme.toLowerCase()) && value !== '' && rest.length === 0;
  if (!isKnown) {
    house.onViolation(`Authorization: ${scheme} … is no credential of the API`);
    throw badCredentials();
  }
  if (looksLikeAppToken(value)) return { token: undefined, app: readAppToken(house.state, value) };
  const token = findToken(house.state, value);
  if (token === undefined) throw badCredentials();
  return { token, app: undefined };
}
