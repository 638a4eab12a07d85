import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { runCommand } from '../lib/child-process.ts';
import { delay } from '../lib/abort.ts';
import type { Logger } from '../lib/logger.ts';
import { silentLogger } from '../lib/logger.ts';

/** One request as it came in; whether it brought a credential, never which. */
export type GitRequest = {
  readonly method: string;
  readonly url: string;
  readonly carriedCredential: boolean;
};

/** What to do wrong with a request. `drop_reply`: git does all its work, then the connection breaks. */
export type GitServerFault =
  | { readonly kind: 'answer'; readonly status: number; readonly body?: string }
  | { readonly kind: 'redirect'; readonly to: string }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'drop' }
  | { readonly kind: 'drop_reply' };

export type GitServerOptions = {
  /** The folder of bare repositories; each is reached under its folder's name. */
  readonly root: string;
  /** Without credentials everybody may read and push. */
  readonly credentials?: { readonly username?: string; readonly password: string };
  readonly log?: Logger;
  readonly faults?: (request: GitRequest) => GitServerFault | undefined;
  /**
   * Sees every request first, for a server that is more than git: true when it answered by itself, false
   * when git is to. A request that it answered is no `GitRequest`, and what it rejects with breaks the
   * connection.
   */
  readonly intercept?: (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;
};

export type GitServer = {
  /** `http://127.0.0.1:<port>`, without a slash at its end. */
  readonly url: string;
  readonly port: number;
  readonly requests: readonly GitRequest[];
  /** Ends the connections and every git process behind them. */
  readonly close: () => Promise<void>;
};

const gitEnv = {
  PATH: '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin',
  HOME: '/nonexistent',
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
};

/** Pushes are taken, and no housekeeping is left behind in the background, where nobody would end it. */
const configuration = {
  GIT_CONFIG_COUNT: '2',
  GIT_CONFIG_KEY_0: 'http.receivepack',
  GIT_CONFIG_VALUE_0: 'true',
  GIT_CONFIG_KEY_1: 'receive.autogc',
  GIT_CONFIG_VALUE_1: 'false',
};

/**
 * A real smart-HTTP git server on loopback: git's own `http-backend` behind `node:http`, with the
 * repositories of one folder. It serves the demonstration and the tests, and is no forge for anything else.
 */
export async function startGitServer(options: GitServerOptions): Promise<GitServer> {
  const backend = join(await gitOutput(['--exec-path'], '/'), 'git-http-backend');
  const state: State = {
    options,
    backend,
    children: new Set(),
    requests: [],
    closing: new AbortController(),
  };
  const server = createServer((request, response) => {
    serve(state, request, response).catch((error: unknown) => {
      (options.log ?? silentLogger).warn({ error: String(error) }, 'git server: a request failed');
      response.destroy();
    });
  });
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests: state.requests,
    close: () => close(server, state),
  };
}

/** Makes an empty bare repository that takes pushes, with `main` as its default branch; returns its folder. */
export async function createRepository(root: string, name: string): Promise<string> {
  const folder = join(root, name);
  await gitOutput(['init', '--quiet', '--bare', '--initial-branch=main', folder], root);
  return folder;
}

type State = {
  readonly options: GitServerOptions;
  readonly backend: string;
  readonly children: Set<ChildProcess>;
  readonly requests: GitRequest[];
  readonly closing: AbortController;
};

async function serve(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if ((await state.options.intercept?.(request, response)) === true) return;
  const seen: GitRequest = {
    method: request.method ?? '',
    url: request.url ?? '',
    carriedCredential: request.headers.authorization !== undefined,
  };
  state.requests.push(seen);
  (state.options.log ?? silentLogger).debug(seen, 'git server: request');
  const fault = state.options.faults?.(seen);
  if (fault?.kind === 'delay') await delay(fault.ms, state.closing.signal);
  if (fault?.kind === 'drop') return void request.socket.destroy();
  if (fault?.kind === 'answer') return answer(response, fault.status, fault.body ?? '');
  if (fault?.kind === 'redirect') return void response.writeHead(302, { location: fault.to }).end();
  if (!isAllowed(state.options, request)) {
    response.setHeader('www-authenticate', 'Basic realm="git"');
    return answer(response, 401, 'A credential is needed.\n');
  }
  runBackend(state, request, response, fault?.kind === 'drop_reply');
}

function answer(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(body);
}

function isAllowed({ credentials }: GitServerOptions, request: IncomingMessage): boolean {
  if (credentials === undefined) return true;
  const [scheme, encoded] = (request.headers.authorization ?? '').split(' ');
  if (scheme?.toLowerCase() !== 'basic' || encoded === undefined) return false;
  const given = Buffer.from(encoded, 'base64').toString('utf8');
  const at = given.indexOf(':');
  return (
    (credentials.username === undefined || credentials.username === given.slice(0, at)) &&
    isSame(given.slice(at + 1), credentials.password)
  );
}

function isSame(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Streams the request into `git http-backend` (CGI, RFC 3875) and its answer back. */
function runBackend(
  state: State,
  request: IncomingMessage,
  response: ServerResponse,
  dropReply: boolean,
): void {
  const child = spawn(state.backend, [], {
    env: backendEnv(state.options.root, request),
    cwd: state.options.root,
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  state.children.add(child);
  child.once('close', () => state.children.delete(child));
  child.once('error', () => response.destroy());
  child.stdin.on('error', () => undefined);
  request.pipe(child.stdin);
  response.once('close', () => {
    if (!response.writableFinished) endGroup(child);
  });
  if (dropReply) {
    child.stdout.resume();
    child.once('close', () => request.socket.destroy());
  } else {
    relayAnswer(child, response);
  }
}

function backendEnv(root: string, request: IncomingMessage): Record<string, string> {
  const { pathname, search } = new URL(request.url ?? '/', 'http://localhost');
  const { headers } = request;
  const optional = {
    CONTENT_TYPE: headers['content-type'],
    CONTENT_LENGTH: headers['content-length'],
    HTTP_CONTENT_ENCODING: headers['content-encoding'],
    GIT_PROTOCOL: headers['git-protocol']?.toString(),
  };
  return {
    ...gitEnv,
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: '1',
    ...configuration,
    REMOTE_ADDR: '127.0.0.1',
    REQUEST_METHOD: request.method ?? 'GET',
    PATH_INFO: decodeURIComponent(pathname),
    QUERY_STRING: search.slice(1),
    ...Object.fromEntries(
      Object.entries(optional).filter((entry): entry is [string, string] => entry[1] !== undefined),
    ),
  };
}

/** The head of a CGI answer ends at an empty line; `Status:` stands for the status line. */
function relayAnswer(child: ChildProcess, response: ServerResponse): void {
  let head = Buffer.alloc(0);
  let started = false;
  child.stdout?.on('data', (chunk: Buffer) => {
    if (started) {
      write(chunk);
      return;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end === -1) return;
    started = true;
    writeHead(head.subarray(0, end).toString('latin1'), response);
    write(head.subarray(end + 4));
  });
  child.once('close', () => {
    if (started) response.end();
    else answer(response, 500, 'git http-backend gave no answer\n');
  });
  function write(chunk: Buffer): void {
    if (response.write(chunk)) return;
    child.stdout?.pause();
    response.once('drain', () => child.stdout?.resume());
  }
}

function writeHead(head: string, response: ServerResponse): void {
  let status = 200;
  for (const line of head.split('\r\n')) {
    const colon = line.indexOf(':');
    const [name, value] = [line.slice(0, colon), line.slice(colon + 1).trim()];
    if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10);
    else response.setHeader(name, value);
  }
  response.writeHead(status);
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('the git server has no port'));
      else resolve(address.port);
    });
  });
}

async function close(server: Server, state: State): Promise<void> {
  state.closing.abort(new Error('the git server is closing'));
  const ended = [...state.children].map((child) => new Promise((resolve) => child.once('close', resolve)));
  for (const child of state.children) endGroup(child);
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await Promise.all([closed, ...ended]);
}

function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

async function gitOutput(args: readonly string[], cwd: string): Promise<string> {
  const signal = AbortSignal.timeout(10_000);
  const command = { file: 'git', args, env: gitEnv, cwd, maxOutputBytes: 10_000, timeoutMs: 10_000, signal };
  const result = await runCommand(command);
  if (result.code !== 0) throw new Error(`git ${args.join(' ')} failed: ${result.stderr.trim()}`);
  return result.stdout.toString('utf8').trim();
}
