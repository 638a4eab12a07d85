import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { anthropicMessages } from './anthropic-messages.ts';
import { chatCompletions } from './chat-completions.ts';
import { createAnswer, type Answer } from './answer.ts';
import { findMarker, withoutMarker, type Conversation } from './conversation.ts';
import { deliver, type Delivered } from './deliver.ts';
import { openaiResponses } from './openai-responses.ts';
import type { Protocol } from './protocol.ts';
import { say, scriptedUsage, type Reply } from './reply.ts';
import { createRequestLog, type LoggedRequest, type RequestLog } from './request-log.ts';
import { replyOf, type ModelScenarioName } from './scenarios.ts';

export type ModelServerOptions = {
  /** 0, the default: any free one. */
  readonly port?: number;
  /** Before the first byte of each answer to a model request. */
  readonly latencyMs?: number;
  /** The scenario of prompts that have no marker, whose words are others' to choose; undefined: a short text. */
  readonly unmarked?: { readonly name: ModelScenarioName; readonly argument: string };
};

export type ModelServer = AsyncDisposable & {
  /**
   * `http://127.0.0.1:<port>`, without a slash at its end: the base of Anthropic's protocol. OpenAI's
   * protocols have theirs at `<url>/v1`.
   */
  readonly url: string;
  /** The requests so far, the oldest first. */
  readonly requests: () => readonly LoggedRequest[];
  /** The first request, past or to come, of which this is so: asked again with every change of a request. */
  readonly waitFor: RequestLog['waitFor'];
  /** Breaks every open connection. */
  readonly close: () => Promise<void>;
};

/**
 * A model for tests and demonstrations, on loopback: no intelligence, but the words of real providers
 * (Anthropic's Messages; OpenAI's Responses and Chat Completions). It keeps no conversation: a marker in the
 * prompt, `[[scenario:NAME:ARGUMENT]]`, chooses what it does (`modelScenarios`), and what clients send along
 * of the past tells how far it is. A request that offers no tools is one that clients make beside their work,
 * for a title or a summary: it gets a short text. Any credential will do, but there has to be one.
 */
export async function startModelServer(options: ModelServerOptions = {}): Promise<ModelServer> {
  const log = createRequestLog();
  const closing = new AbortController();
  const { latencyMs = 0, unmarked = plain } = options;
  const state: State = { log, closing: closing.signal, latencyMs, unmarked };
  const server = createServer((request, response) => void serve(state, request, response));
  // Node's own 5 s would break a connection in the very moment in which a client uses it again.
  server.keepAliveTimeout = idleConnectionMs;
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    if (closing.signal.aborted) return;
    closing.abort(new Error('the model server is closing'));
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  return {
    url: `http://127.0.0.1:${portOf(server)}`,
    requests: log.all,
    waitFor: log.waitFor,
    close,
    [Symbol.asyncDispose]: close,
  };
}

const idleConnectionMs = 60_000;

type State = {
  readonly log: RequestLog;
  readonly closing: AbortSignal;
  readonly latencyMs: number;
  readonly unmarked: { readonly name: string; readonly argument: string };
};

type Exchange = {
  readonly id: number;
  readonly request: IncomingMessage;
  readonly answer: Answer;
};

const protocols: Readonly<Record<string, Protocol>> = {
  '/v1/messages': anthropicMessages,
  '/v1/responses': openaiResponses,
  '/v1/chat/completions': chatCompletions,
};

/** Answers one request and keeps the log up to date; never rejects. */
async function serve(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = '', url: path = '', headers } = request;
  const id = state.log.add({ method, path, headers });
  const gone = new AbortController();
  let isOurDoing = false;
  response.once('close', () => {
    const breaker = isOurDoing || state.closing.aborted ? 'server' : 'client';
    const closed = response.writableFinished ? 'finished' : breaker;
    state.log.change(id, { closed, closedAt: Date.now() });
    gone.abort(new Error('the connection is gone'));
  });
  const answer = createAnswer(response, AbortSignal.any([gone.signal, state.closing]), (status) =>
    state.log.change(id, { firstByteAt: Date.now(), status }),
  );
  try {
    isOurDoing = (await respond(state, { id, request, answer })) === 'cut';
    if (isOurDoing) response.destroy();
  } catch {
    // Where the client is gone this changes nothing any more; else nothing shall stay half answered.
    isOurDoing = true;
    response.destroy();
  }
}

async function respond(state: State, { id, request, answer }: Exchange): Promise<Delivered> {
  const route = (request.url ?? '').replace(/\?.*$/u, '');
  if (request.method === 'GET' || request.method === 'HEAD') {
    const body = pages[route];
    answer.json(body === undefined ? 404 : 200, body ?? { error: { message: 'Not found' } });
    return 'sent';
  }
  const body = parsed(await text(request));
  state.log.change(id, { body });
  const protocol = protocols[route.replace(/\/count_tokens$/u, '')];
  if (request.method !== 'POST' || protocol === undefined) {
    answer.json(404, { error: { message: 'Not found' } });
    return 'sent';
  }
  const conversation = protocol.read(body);
  const delivery = { answer, protocol, conversation, body, latencyMs: state.latencyMs };
  if (!hasCredential(request)) return deliver(delivery, { kind: 'problem', status: 401 });
  if (route.endsWith('/count_tokens')) {
    answer.json(200, { input_tokens: scriptedUsage.input });
    return 'sent';
  }
  return deliver(delivery, chooseReply(state, id, conversation));
}

const models = ['claude-scripted', 'gpt-scripted'].map((id) => ({
  id,
  type: 'model',
  object: 'model',
  display_name: id,
  created_at: '2026-01-01T00:00:00Z',
  created: 1_767_225_600,
  owned_by: 'slipway',
}));

/** What clients look at before they begin. The list of models is what both providers call one. */
const pages: Readonly<Record<string, unknown>> = {
  '/': { status: 'ok' },
  '/v1/models': { object: 'list', data: models, has_more: false, first_id: null, last_id: null },
};

function hasCredential({ headers }: IncomingMessage): boolean {
  return (headers['x-api-key'] ?? headers.authorization ?? '') !== '';
}

/** By the conversation's marker, and the requests of the log that came with the same prompt. */
function chooseReply({ log, unmarked }: State, id: number, conversation: Conversation): Reply {
  if (conversation.tools.length === 0) {
    log.change(id, { scenario: 'text' });
    return say(conversation.wantsJson ? '{"title":"A short title"}' : 'A short title');
  }
  const marked = findMarker(conversation.history) ?? withoutMarker(conversation.history, unmarked);
  const { marker, name, step, prompt } = marked;
  const earlier = log.all().filter((request) => request.id !== id && request.prompt === prompt).length;
  log.change(id, { marker, scenario: name, step, prompt });
  return replyOf(name, { ...marked, ...conversation, earlier });
}

const plain = { name: 'text', argument: '' } as const;

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the model server has no port');
  return address.port;
}
