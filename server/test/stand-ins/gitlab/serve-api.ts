import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { delay } from '../../../src/lib/abort.ts';
import { objectOf } from '../../../src/lib/json-fields.ts';
import type { JsonObject } from '../../../src/lib/json-fields.ts';
import { ApiRefusal } from './api-answer.ts';
import type { ApiAnswer, ApiCall } from './api-answer.ts';
import { authenticate, demandScope, givenToken } from './authenticate.ts';
import { checkParameters } from './check-parameters.ts';
import { answerDiffs, answerVersions } from './diff-operations.ts';
import type { FaultPlan } from '../fault-plan.ts';
import type { GitlabFault } from './faults.ts';
import { tooMany, usualAnswer } from './gitlab-troubles.ts';
import { answerIssue } from './issue-operations.ts';
import {
  answerMergeRequest,
  answerMergeRequests,
  createMergeRequest,
  updateMergeRequest,
} from './merge-request-operations.ts';
import { answerDiscussions, answerNotes, createDiscussion, createNote } from './note-operations.ts';
import { findOperation, operations } from './parameters.ts';
import type { OperationName } from './parameters.ts';
import {
  answerBranch,
  answerCommits,
  answerCompare,
  answerCurrentToken,
  answerCurrentUser,
  answerProject,
  answerProjects,
} from './project-operations.ts';
import type { State } from './state.ts';

/** A request to the API, as tests look at it; never with the token. */
export type ApiRequest = {
  readonly method: string;
  /** Below `/api/v4`, as it came, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: JsonObject;
  /** Undefined while it is under way, and where no answer was sent. */
  status: number | undefined;
};

export type ApiServer = {
  readonly state: State;
  /** Known once the server listens. */
  readonly web: () => string;
  readonly now: () => number;
  readonly faults: FaultPlan<GitlabFault>;
  readonly requests: ApiRequest[];
  /** What was sent that the documentation does not have. */
  readonly violations: string[];
  readonly refusesMissingBranches: boolean;
  readonly closing: AbortSignal;
};

const handlers: Readonly<Record<OperationName, (call: ApiCall) => ApiAnswer | Promise<ApiAnswer>>> = {
  currentUser: answerCurrentUser,
  currentToken: answerCurrentToken,
  project: answerProject,
  projects: answerProjects,
  issue: answerIssue,
  mergeRequests: answerMergeRequests,
  mergeRequest: answerMergeRequest,
  createMergeRequest,
  updateMergeRequest,
  mergeRequestVersions: answerVersions,
  mergeRequestDiffs: answerDiffs,
  mergeRequestNotes: answerNotes,
  createMergeRequestNote: createNote,
  mergeRequestDiscussions: answerDiscussions,
  createMergeRequestDiscussion: createDiscussion,
  branch: answerBranch,
  commits: answerCommits,
  compare: answerCompare,
};

/** Answers a request that is none of git's. */
export async function serveApi(
  server: ApiServer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [rawPath = '', rawQuery = ''] = (request.url ?? '').split('?');
  const path = rawPath.startsWith('/api/v4/') ? rawPath.slice('/api/v4'.length) : rawPath;
  const text = await readText(request);
  const seen: ApiRequest = {
    method: request.method ?? '',
    path,
    query: new URLSearchParams(rawQuery),
    body: objectOf(parseBody(text)) ?? {},
    status: undefined,
  };
  server.requests.push(seen);
  const fault = server.faults.take(seen.method, path);
  if (fault?.kind === 'delay') await delay(fault.ms, server.closing);
  if (fault?.kind === 'before') await fault.act();
  if (fault?.kind === 'drop') return void request.socket.destroy();
  const answer = insteadOf(server, fault) ?? (await answerFor(server, request, { seen, text, fault }));
  if (fault?.kind === 'drop_reply') return void request.socket.destroy();
  seen.status = answer.status;
  send(request, response, { answer, isCut: fault?.kind === 'malformed' });
}

function insteadOf(server: ApiServer, fault: GitlabFault | undefined): ApiAnswer | undefined {
  if (fault?.kind === 'rate_limit') return tooMany(fault.seconds, server.now());
  if (fault?.kind === 'bad_gateway') return usualAnswer(502);
  if (fault?.kind !== 'answer') return undefined;
  const usual = usualAnswer(fault.status);
  const { body = usual.body, headers = usual.headers ?? {} } = fault;
  return { status: fault.status, body, headers };
}

type Given = { readonly seen: ApiRequest; readonly text: string; readonly fault: GitlabFault | undefined };

async function answerFor(server: ApiServer, request: IncomingMessage, given: Given): Promise<ApiAnswer> {
  const { seen, fault } = given;
  if (fault?.kind === 'expire_token') endToken(server, request);
  try {
    const token = authenticate(server.state, request.headers, server.now());
    const found = findOperation(seen.method, seen.path);
    if (found === undefined) throw strange(server, given, 404, 'no operation that the stand-in knows');
    const operation = operations[found.name];
    const oddity = oddityOf(request, given.text);
    if (oddity !== undefined) throw strange(server, given, 400, oddity);
    const problem = checkParameters(operation, seen.query, seen.body);
    if (problem !== undefined) throw strange(server, given, 400, problem);
    demandScope(operation, token);
    return await handlers[found.name]({
      state: server.state,
      web: server.web(),
      now: server.now(),
      token,
      path: seen.path,
      segments: found.segments,
      query: seen.query,
      body: seen.body,
      refusesMissingBranches: server.refusesMissingBranches,
    });
  } catch (error) {
    if (error instanceof ApiRefusal) return error.answer;
    // A fault of the stand-in itself is no less loud than one of its client.
    server.violations.push(`${seen.method} ${seen.path}: the stand-in failed: ${String(error)}`);
    return usualAnswer(500);
  }
}

/** What a client of ours must never send, whatever GitLab makes of it. */
function oddityOf(request: IncomingMessage, text: string): string | undefined {
  const { headers } = request;
  if (headers['private-token'] !== undefined && headers.authorization !== undefined)
    return 'two credentials in one request';
  if ((request.url ?? '').includes('token=')) return 'a token in the address';
  if (text === '') return undefined;
  if (request.method === 'GET') return 'a body in a GET';
  if (!(headers['content-type'] ?? '').startsWith('application/json')) return 'a body that is not JSON';
  return objectOf(parseBody(text)) === undefined ? 'a body that is no object of JSON' : undefined;
}

/** Makes a note of something that no client of ours may send, and the refusal for it. */
function strange(server: ApiServer, { seen }: Given, status: number, said: string): ApiRefusal {
  server.violations.push(`${seen.method} ${seen.path}: ${said}`);
  return new ApiRefusal(status, { error: status === 404 ? '404 Not Found' : said });
}

function endToken(server: ApiServer, request: IncomingMessage): void {
  const value = givenToken(request.headers);
  const token = server.state.tokens.find((one) => one.value === value);
  if (token !== undefined) token.expiresAt = '2000-01-01';
}

type Sending = { readonly answer: ApiAnswer; readonly isCut: boolean };

/** Sends with the headers of the real server; a GET whose answer the client has is a 304. */
function send(request: IncomingMessage, response: ServerResponse, { answer, isCut }: Sending): void {
  const whole = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
  const text = isCut ? whole.slice(0, whole.length / 2) : whole;
  const etag = `W/"${createHash('md5').update(whole).digest('hex')}"`;
  const isTagged = request.method === 'GET' && answer.status === 200 && !isCut;
  const headers = {
    'content-type': 'application/json',
    'cache-control': 'max-age=0, private, must-revalidate',
    vary: 'Origin',
    'x-request-id': randomUUID(),
    'ratelimit-limit': '2000',
    'ratelimit-name': 'throttle_authenticated_api',
    'ratelimit-observed': '1',
    'ratelimit-remaining': '1999',
    ...(isTagged ? { etag } : {}),
    ...answer.headers,
  };
  const isKnown = isTagged && request.headers['if-none-match'] === etag;
  response.writeHead(isKnown ? 304 : answer.status, headers);
  response.end(isKnown ? undefined : text);
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
