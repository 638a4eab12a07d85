import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { GitServerFault } from '../../../src/demo/git-server.ts';
import { delay } from '../../../src/lib/abort.ts';
import { createFaultPlan } from '../fault-plan.ts';
import type { FaultPlan } from '../fault-plan.ts';
import { startForgeRepositories } from '../forge-repositories.ts';
import type { GitAccess } from '../forge-repositories.ts';
import type { ApiHouse, ApiRequest } from './api-request.ts';
import { authorizeGit } from './github-access.ts';
import { answerOfFault } from './github-faults.ts';
import type { GithubFault } from './github-faults.ts';
import { findToken } from './github-state.ts';
import type { GithubState } from './github-state.ts';
import { createGithubWorld } from './github-world.ts';
import type { GithubWorld } from './github-world.ts';
import { settleForGit } from './repository-turns.ts';
import { answerApi, commonHeaders } from './serve-api.ts';
import type { ApiAnswer } from './serve-api.ts';

export type GithubOptions = {
  /** Where the bare repositories lie. It is made where it is not there, and stays. */
  readonly folder: string;
  /** The time, in milliseconds of the epoch. */
  readonly now?: () => number;
  /** Requests an hour for each token; 5000 unless said. */
  readonly rateLimit?: number;
};

/** A GitHub on loopback, its API and its repositories at one address. */
export type Github = GithubWorld & {
  /** `http://127.0.0.1:<port>`, for people and git; and the base of the API, as api.github.com is. */
  readonly url: string;
  /** The base of the API as an Enterprise server has it, `…/api/v3`. */
  readonly apiUrl: string;
  /** Where git finds the repository of this path, `.git` included. */
  readonly gitUrl: (path: string) => string;
  /** The API's requests so far. */
  readonly requests: readonly ApiRequest[];
  readonly gitRequests: readonly GitAccess[];
  readonly faults: FaultPlan<GithubFault>;
  /** Of git's requests that were let pass. */
  readonly gitFaults: FaultPlan<GitServerFault>;
  /** What was sent to the API, or by it, and is not as GitHub's description has it. */
  readonly violations: readonly string[];
  /** Throws where there are violations. */
  readonly assertNoViolations: () => void;
  readonly close: () => Promise<void>;
};

type Door = {
  readonly house: ApiHouse;
  readonly requests: ApiRequest[];
  readonly faults: FaultPlan<GithubFault>;
  readonly closing: AbortSignal;
};

/** Starts an empty GitHub; whoever starts it closes it. */
export async function startGithub(options: GithubOptions): Promise<Github> {
  await mkdir(options.folder, { recursive: true });
  const state = emptyState(options, () => repositories.url);
  const violations: string[] = [];
  const gitFaults = createFaultPlan<GitServerFault>();
  const closing = new AbortController();
  const door: Door = {
    house: { state, onViolation: (violation) => violations.push(violation) },
    requests: [],
    faults: createFaultPlan(),
    closing: closing.signal,
  };
  const repositories = await startForgeRepositories({
    folder: options.folder,
    authorize: async (access) => {
      await settleForGit(state, access.url, access.path);
      return authorizeGit(state, access);
    },
    answer: (request, response) => serve(door, request, response),
    faults: ({ method, url }) => gitFaults.take(method, url.split('?')[0] ?? ''),
  });
  return {
    ...createGithubWorld(state, repositories),
    url: repositories.url,
    apiUrl: `${repositories.url}/api/v3`,
    gitUrl: repositories.gitUrl,
    requests: door.requests,
    gitRequests: repositories.requests,
    faults: door.faults,
    gitFaults,
    violations,
    assertNoViolations: () => assert.deepEqual(violations, []),
    close: async () => {
      closing.abort(new Error('the stand-in of GitHub is closing'));
      await repositories.close();
    },
  };
}

function emptyState(options: GithubOptions, origin: () => string): GithubState {
  let lastId = 1000;
  return {
    now: options.now ?? Date.now,
    origin,
    accounts: new Map(),
    tokens: new Map(),
    repositories: new Map(),
    moved: new Map(),
    apps: new Map(),
    installations: new Map(),
    rateLimit: options.rateLimit ?? 5000,
    nextId: () => {
      lastId += 1;
      return lastId;
    },
  };
}

async function serve(door: Door, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const request = await readRequest(incoming);
  door.requests.push(request);
  try {
    await answerRequest(door, { request, incoming, response });
  } catch (error) {
    // A broken connection alone would tell nobody that it is the stand-in that is wrong.
    if (!door.closing.aborted) door.house.onViolation(`the stand-in failed: ${String(error)}`);
    response.destroy();
  }
}

async function answerRequest(
  door: Door,
  {
    request,
    incoming,
    response,
  }: { request: ApiRequest; incoming: IncomingMessage; response: ServerResponse },
): Promise<void> {
  const fault = door.faults.take(request.method, request.pathname);
  if (fault?.kind === 'drop') return void incoming.socket.destroy();
  if (fault?.kind === 'delay') await delay(fault.ms, door.closing);
  if (fault?.kind === 'before') await fault.act();
  if (fault?.kind === 'expire_token') expireToken(door.house.state, request);
  const { state } = door.house;
  const scripted =
    fault === undefined
      ? undefined
      : answerOfFault(fault, commonHeaders(state, undefined, request.pathname), state.now());
  const answer = scripted ?? (await answerApi(door.house, request));
  if (fault?.kind === 'drop_reply') return void incoming.socket.destroy();
  send(response, fault?.kind === 'malformed' ? cutShort(answer) : answer);
}

async function readRequest(incoming: IncomingMessage): Promise<ApiRequest> {
  const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://localhost');
  const isEnterprise = pathname.startsWith('/api/v3/');
  return {
    method: incoming.method ?? '',
    pathname: isEnterprise ? pathname.slice('/api/v3'.length) : pathname,
    query: searchParams,
    prefix: isEnterprise ? '/api/v3' : '',
    headers: incoming.headers,
    body: await text(incoming),
  };
}

function expireToken(state: GithubState, request: ApiRequest): void {
  const value = String(request.headers['authorization']).split(' ')[1] ?? '';
  const token = findToken(state, value);
  if (token !== undefined) token.expiresAt = 0;
}

function cutShort(answer: ApiAnswer): ApiAnswer {
  return { ...answer, body: answer.body.slice(0, Math.floor(answer.body.length / 2)) };
}

function send(response: ServerResponse, answer: ApiAnswer): void {
  response.writeHead(answer.status, answer.headers);
  response.end(answer.status === 304 ? undefined : answer.body);
}
