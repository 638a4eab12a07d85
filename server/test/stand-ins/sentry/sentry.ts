import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delay } from '../../../src/lib/abort.ts';
import { createFaultPlan, type FaultPlan } from '../fault-plan.ts';
import { findOperation, operations, parameterProblem } from './operations.ts';
import { answers, type Issue, type Organization, type Project, type Token, type World } from './world.ts';

export type SentryFault =
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'drop' }
  /** The answer is cut in the middle of its JSON. */
  | { readonly kind: 'malformed' }
  /** A text is sent as it is. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'rate_limit'; readonly seconds: number }
  /** A list of so many bytes. */
  | { readonly kind: 'huge'; readonly bytes: number };

export type SentryRequest = {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
};

/** A Sentry on loopback, empty at first. */
export type SentryStandIn = {
  readonly apiUrl: string;
  readonly requests: readonly SentryRequest[];
  readonly faults: FaultPlan<SentryFault>;
  readonly addOrganization: (slug: string) => Organization;
  readonly addProject: (org: Organization, slug: string) => Project;
  readonly addIssue: (project: Project, more?: Partial<Issue>) => Issue;
  /** With every scope that reading takes, and of a person, unless said otherwise. */
  readonly addToken: (more?: Partial<Token>) => string;
  readonly revoke: (token: string) => void;
  /** Throws where something was sent that the documentation does not have. */
  readonly assertNoViolations: () => void;
  readonly close: () => Promise<void>;
};

type Server = {
  readonly world: World;
  readonly requests: SentryRequest[];
  readonly violations: string[];
  readonly faults: FaultPlan<SentryFault>;
  readonly pageSize: number;
  readonly closing: AbortSignal;
};

/** Starts it; whoever starts it closes it. `pageSize`: of lists, 100 unless said. */
export async function startSentry({ pageSize = 100 } = {}): Promise<SentryStandIn> {
  const world: World = { organizations: [], projects: [], issues: [], tokens: [] };
  const closing = new AbortController();
  const served: Server = {
    world,
    requests: [],
    violations: [],
    faults: createFaultPlan(),
    pageSize,
    closing: closing.signal,
  };
  const server = createServer((request, response) => {
    serve(served, request, response).catch(() => request.socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    ...createWorld(world),
    apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/0`,
    requests: served.requests,
    faults: served.faults,
    assertNoViolations: () => assert.deepEqual(served.violations, []),
    async close() {
      closing.abort(new Error('the stand-in of Sentry is closing'));
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function createWorld(
  world: World,
): Pick<SentryStandIn, 'addOrganization' | 'addProject' | 'addIssue' | 'addToken' | 'revoke'> {
  let last = 4_500;
  const nextId = (): string => String((last += 1));
  const add = <Entry>(list: Entry[], entry: Entry): Entry => {
    list.push(entry);
    return entry;
  };
  return {
    addOrganization: (slug) => add(world.organizations, { id: nextId(), slug, name: slug }),
    addProject: (org, slug) =>
      add(world.projects, { id: nextId(), slug, name: slug, platform: 'javascript', org }),
    addIssue(project, more = {}) {
      const id = nextId();
      const shortId = `${project.slug}-${Number(id).toString(36)}`.toUpperCase();
      return add(world.issues, {
        id,
        shortId,
        title: `it broke ${id}`,
        status: 'unresolved',
        project,
        ...more,
      });
    },
    addToken(more = {}) {
      const user = { username: 'ada', email: 'ada@example.com' };
      const scopes = ['event:read', 'org:read', 'project:read'];
      return add(world.tokens, { value: `sntryu_${nextId()}`, scopes, user, ...more }).value;
    },
    revoke: (token) =>
      void world.tokens.splice(
        world.tokens.findIndex(({ value }) => value === token),
        1,
      ),
  };
}

async function serve(server: Server, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '', 'http://sentry');
  const path = url.pathname.replace(/^\/api\/0(?=\/)/u, '');
  const seen = { method: request.method ?? '', path, query: url.searchParams };
  server.requests.push(seen);
  const fault = server.faults.take(seen.method, path);
  if (fault?.kind === 'delay') await delay(fault.ms, server.closing);
  if (fault?.kind === 'drop') return void request.socket.destroy();
  const answer = insteadOf(fault) ?? answerFor(server, request, seen);
  const whole = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
  response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
  response.end(fault?.kind === 'malformed' ? whole.slice(0, whole.length / 2) : whole);
}

type Answer = {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

function insteadOf(fault: SentryFault | undefined): Answer | undefined {
  if (fault?.kind === 'answer') return fault;
  if (fault?.kind === 'huge') return { status: 200, body: `["${'x'.repeat(fault.bytes - 4)}"]` };
  if (fault?.kind !== 'rate_limit') return undefined;
  return {
    status: 429,
    body: {
      detail: 'You are attempting to use this endpoint too frequently. Limit is 40 requests in 1 seconds',
    },
    headers: {
      'x-sentry-rate-limit-limit': '40',
      'x-sentry-rate-limit-remaining': '0',
      'x-sentry-rate-limit-reset': String(Math.ceil(Date.now() / 1_000) + fault.seconds),
    },
  };
}

function answerFor(server: Server, request: IncomingMessage, { method, path, query }: SentryRequest): Answer {
  const strange = (status: number, detail: string): Answer => {
    server.violations.push(`${method} ${path}: ${detail}`);
    return { status, body: { detail } };
  };
  const operation = findOperation(path);
  if (method !== 'GET' || operation === undefined)
    return strange(404, 'no operation that the stand-in knows');
  const problem = parameterProblem(operation.name, query);
  if (problem !== undefined) return strange(400, problem);
  const given = /^Bearer (?<token>\S+)$/u.exec(request.headers.authorization ?? '')?.groups?.['token'];
  if (given === undefined) return strange(401, 'Authentication credentials were not provided.');
  const token = server.world.tokens.find(({ value }) => value === given);
  if (token === undefined) return { status: 401, body: { detail: 'Invalid token' } };
  const scopes: readonly string[] = operations[operation.name].scopes;
  if (scopes.length > 0 && !scopes.some((scope) => token.scopes.includes(scope))) {
    return { status: 403, body: { detail: 'You do not have permission to perform this action.' } };
  }
  const found = answers[operation.name]({ world: server.world, token, segments: operation.segments, query });
  if (found.kind === 'missing')
    return { status: 404, body: { detail: 'The requested resource does not exist' } };
  if (found.kind === 'refused') return { status: 400, body: { detail: found.detail } };
  return found.kind === 'object'
    ? { status: 200, body: found.body }
    : pageOf(found.entries, { query, address: request.url ?? '', size: server.pageSize });
}

/** A page of a list, with the header that names the pages around it, also those that have nothing. */
function pageOf(
  entries: readonly unknown[],
  {
    query,
    address,
    size,
  }: { readonly query: URLSearchParams; readonly address: string; readonly size: number },
): Answer {
  const cursor = query.get('cursor') ?? '0:0:0';
  if (!/^\d+:\d+:[01]$/u.test(cursor)) return { status: 400, body: { detail: 'Invalid cursor parameter.' } };
  const offset = Number(cursor.split(':')[1]);
  const link = (rel: string, to: number, isBack: number, results: boolean): string => {
    const at = `0:${Math.max(0, to)}:${isBack}`;
    return `<http://sentry${address}&cursor=${at}>; rel="${rel}"; results="${results}"; cursor="${at}"`;
  };
  const next = offset + size;
  return {
    status: 200,
    body: entries.slice(offset, next),
    headers: {
      link: [
        link('previous', offset - size, 1, offset > 0),
        link('next', next, 0, next < entries.length),
      ].join(', '),
    },
  };
}
