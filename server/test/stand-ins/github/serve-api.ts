import { createHash, randomBytes } from 'node:crypto';
import { checkHeaders, readSender } from './api-request.ts';
import type { ApiHouse, ApiRequest, Sender } from './api-request.ts';
import { canSee } from './github-access.ts';
import type { GithubCall, GithubReply } from './github-call.ts';
import { GithubRefusal, notFound } from './github-refusal.ts';
import { githubRoutes } from './github-routes.ts';
import { findMovedRepository, findRepository, fullName } from './github-state.ts';
import type { GithubRepository, GithubToken, GithubState } from './github-state.ts';
import { checkAnswer, checkRequest, matchOperation } from './openapi-check.ts';
import type { MatchedOperation } from './openapi-check.ts';
import { countRequest, rateLimitHeaders, uncountRequest } from './rate-limits.ts';
import { inTurn } from './repository-turns.ts';

/** An answer, ready to be sent. */
export type ApiAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** Answers a request as GitHub would. */
export async function answerApi(house: ApiHouse, request: ApiRequest): Promise<ApiAnswer> {
  const { state } = house;
  let sender: Sender = { token: undefined, app: undefined };
  try {
    checkHeaders(house, request);
    sender = readSender(house, request);
    const { token } = sender;
    if (token?.installation?.suspendedAt !== undefined)
      throw new GithubRefusal(403, 'This installation has been suspended');
    if (token !== undefined && request.pathname !== '/rate_limit') countRequest(state, token);
    const reply = await route(house, request, sender);
    const body = JSON.stringify(reply.body);
    const etag = `W/"${createHash('sha256').update(body).digest('hex')}"`;
    const headers = { ...commonHeaders(state, token, request.pathname), ...reply.headers, etag };
    const isUnchanged = request.method === 'GET' && request.headers['if-none-match'] === etag;
    if (!isUnchanged) return { status: reply.status, headers, body };
    // What is unchanged costs nothing: https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api
    if (token !== undefined) uncountRequest(state, token);
    return { status: 304, headers: { ...headers, ...rateLimitHeaders(state, token) }, body: '' };
  } catch (error) {
    if (!(error instanceof GithubRefusal)) throw error;
    return {
      status: error.status,
      headers: { ...commonHeaders(state, sender.token, request.pathname), ...error.headers },
      body: JSON.stringify(error.body),
    };
  }
}

/** The headers that every answer has; those about a token where there is one. */
export function commonHeaders(
  state: GithubState,
  token: GithubToken | undefined,
  pathname: string,
): Readonly<Record<string, string>> {
  const accepted = /^\/repos(?:itories)?\//u.test(pathname) ? 'repo' : '';
  const expires = token?.expiresAt;
  return {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'private, max-age=60, s-maxage=60',
    vary: 'Accept, Authorization, Cookie, X-GitHub-OTP',
    'x-github-request-id': randomBytes(8).toString('hex').toUpperCase(),
    'x-github-media-type': 'github.v3; format=json',
    'x-github-api-version-selected': '2022-11-28',
    ...rateLimitHeaders(state, token),
    ...(token?.kind === 'classic'
      ? { 'x-oauth-scopes': token.scopes.join(', '), 'x-accepted-oauth-scopes': accepted }
      : {}),
    ...(expires === undefined || token?.kind === 'installation'
      ? {}
      : {
          'github-authentication-token-expiration': `${new Date(expires).toISOString().slice(0, 19).replace('T', ' ')} UTC`,
        }),
  };
}

async function route(house: ApiHouse, request: ApiRequest, sender: Sender): Promise<GithubReply> {
  const { state } = house;
  const pathname = expandRepositoryId(state, request.pathname);
  const operation = matchOperation(request.method, pathname);
  if (operation === undefined) {
    house.onViolation(`${request.method} ${request.pathname} is no operation that is known here`);
    throw notFound();
  }
  const body = readBody(house, request);
  checkForm(house, { operation, query: request.query, body });
  const isForApp = operation.name === 'GET /app' || operation.name.endsWith('/access_tokens');
  if (sender.app !== undefined && !isForApp && !operation.name.endsWith('/installation')) {
    house.onViolation(`${operation.name} was asked with an app's own token`);
    throw new GithubRefusal(401, 'Requires authentication');
  }
  const api = `${state.origin()}${request.prefix}`;
  const repository = lookUpRepository(state, { operation, request, api, sender });
  const call: GithubCall = {
    ...sender,
    state,
    api,
    repository,
    path: operation.path,
    pathname,
    query: request.query,
    body: (body ?? {}) as Readonly<Record<string, unknown>>,
  };
  return repository === undefined
    ? runHandler(house, operation, call)
    : inTurn(state, repository, () => runHandler(house, operation, call));
}

async function runHandler(
  house: ApiHouse,
  operation: MatchedOperation,
  call: GithubCall,
): Promise<GithubReply> {
  const reply = await callHandler(operation, call);
  const body: unknown = reply instanceof GithubRefusal ? reply.body : JSON.parse(JSON.stringify(reply.body));
  for (const problem of checkAnswer(operation, reply.status, body))
    house.onViolation(`the stand-in's own answer to ${operation.name}, ${reply.status}${problem}`);
  if (reply instanceof GithubRefusal) throw reply;
  return reply;
}

async function callHandler(
  operation: MatchedOperation,
  call: GithubCall,
): Promise<GithubReply | GithubRefusal> {
  try {
    return await githubRoutes[operation.name](call);
  } catch (error) {
    if (error instanceof GithubRefusal) return error;
    throw error;
  }
}

function readBody(house: ApiHouse, request: ApiRequest): unknown {
  if (request.body === '') return undefined;
  if (!String(request.headers['content-type']).startsWith('application/json'))
    house.onViolation(`${request.method} ${request.pathname} has a body that is not sent as JSON`);
  try {
    return JSON.parse(request.body) as unknown;
  } catch {
    house.onViolation(`${request.method} ${request.pathname} has a body that is no JSON`);
    throw new GithubRefusal(400, 'Problems parsing JSON');
  }
}

function checkForm(
  house: ApiHouse,
  { operation, query, body }: { operation: MatchedOperation; query: URLSearchParams; body: unknown },
): void {
  const problems = checkRequest(operation, query, body);
  if (problems.length === 0) return;
  for (const { where, message } of problems) house.onViolation(`${operation.name}, ${where}: ${message}`);
  const isBody = problems.every(({ where }) => where === 'body');
  throw new GithubRefusal(
    isBody ? 422 : 400,
    `Invalid request.\n\n${problems.map(({ message }) => message).join('\n')}`,
  );
}

/** `/repositories/{id}` stands for `/repos/{owner}/{repo}`: redirects and pages lead there. It is not described. */
function expandRepositoryId(state: GithubState, pathname: string): string {
  const match = /^\/repositories\/(?<id>\d+)(?<rest>\/.*)?$/u.exec(pathname);
  if (match === null) return pathname;
  const repository = state.repositories.get(Number(match.groups?.['id']));
  if (repository === undefined) throw notFound();
  return `/repos/${fullName(repository)}${match.groups?.['rest'] ?? ''}`;
}

/**
 * The repository of the path. One that was renamed or moved is led to by its number: with 301 for what reads,
 * with 307 for what writes, which has to be sent again as it is.
 * https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects
 */
function lookUpRepository(
  state: GithubState,
  asked: {
    readonly operation: MatchedOperation;
    readonly request: ApiRequest;
    readonly api: string;
    readonly sender: Sender;
  },
): GithubRepository | undefined {
  const { owner, repo } = asked.operation.path;
  if (owner === undefined || repo === undefined) return undefined;
  const found = findRepository(state, `${owner}/${repo}`);
  if (found !== undefined) return found;
  const moved = findMovedRepository(state, `${owner}/${repo}`);
  if (moved === undefined || (asked.sender.app === undefined && !canSee(asked.sender.token, moved)))
    throw notFound();
  const { request } = asked;
  const rest = request.pathname.split('/').slice(4);
  const query = request.query.size === 0 ? '' : `?${request.query.toString()}`;
  const url = `${asked.api}/${['repositories', moved.id, ...rest].join('/')}${query}`;
  const isRead = request.method === 'GET';
  throw new GithubRefusal(isRead ? 301 : 307, isRead ? 'Moved Permanently' : 'Temporary Redirect', {
    url,
    headers: { location: url },
    documentation:
      'https://docs.github.com/rest/guides/best-practices-for-using-the-rest-api#follow-redirects',
  });
}
