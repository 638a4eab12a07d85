import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import type { TestContext } from 'node:test';
import type { CliDeps, FlagSettings } from '../../src/cli/cli-deps.ts';
import { runProgram } from '../../src/cli/program.ts';
import { Secret } from '../../src/lib/secret.ts';

/** What a route of the stand-in does with a request. */
export type Route = (response: ServerResponse, body: string) => void;

/**
 * Stands in for the server's HTTP side on loopback: `routes` by method and path (without the query), 404
 * for the rest. `requests` are lines such as `GET /api/v1/tasks?limit=5`, with the body behind.
 */
export async function startApi(
  t: TestContext,
  routes: Readonly<Record<string, Route>>,
): Promise<{ readonly url: string; readonly requests: readonly string[] }> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts).toString();
      const line = `${request.method} ${request.url}`;
      requests.push(`${line} ${body}`.trim());
      const route =
        routes[line.replace(/\?.*$/u, '')] ?? answer(404, { error: 'Not Found', message: 'task not found' });
      route(response, body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

/** A route that answers with JSON. */
export function answer(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Route {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
}

/** A route that streams the frames and then stays open (`live`), or ends. */
export function stream(frames: readonly string[], ending: 'end' | 'live' = 'end'): Route {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(frames.join(''));
    if (ending === 'end') response.end();
  };
}

/** The frame of an event of the documented form. */
export function frame(id: number, type: string, event: string, data: unknown): string {
  return `id: ${id}\ndata: ${JSON.stringify({ type, event, data, ts: '2026-02-26T10:15:30.123Z' })}\n\n`;
}

/** The frame of a named event. */
export function named(event: string, status: string): string {
  return `event: ${event}\ndata: ${JSON.stringify({ task_id: 't', status })}\n\n`;
}

/** What a command left behind; times of day are replaced by `HH:MM:SS`. */
type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

type Situation = {
  readonly address?: string;
  readonly token?: string | undefined;
  readonly dataFolders?: readonly string[];
  readonly stdin?: string;
  /** stdin is a terminal: somebody can be asked. */
  readonly isAsked?: boolean;
  /** Width of the terminal that stdout is; undefined: it is none. */
  readonly columns?: number;
  readonly color?: boolean;
  readonly signal?: AbortSignal;
  readonly now?: string;
  /** The environment of the caller. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Takes what is written to stdout; by default it is collected. */
  readonly stdout?: Writable;
  readonly serve?: (settings: FlagSettings) => Promise<number>;
};

/** Runs a command line in this process and tells what it printed. */
export async function slipway(argv: readonly string[], situation: Situation = {}): Promise<Ended> {
  const stdout = collector();
  const stderr = collector();
  const code = await runProgram(argv, {
    version: '1.2.3',
    config: {
      address: situation.address,
      token:
        'token' in situation && situation.token === undefined
          ? undefined
          : new Secret(situation.token ?? 't0k3n'),
      dataFolders: situation.dataFolders ?? [],
      color: situation.color ?? false,
    },
    variable: (name) => situation.variables?.[name],
    stdin: Object.assign(
      Readable.from(situation.stdin === undefined ? [] : [Buffer.from(situation.stdin)]),
      situation.isAsked === true ? { isTTY: true } : {},
    ),
    stdout: Object.assign(
      situation.stdout ?? stdout,
      situation.columns === undefined ? {} : { columns: situation.columns },
    ),
    stderr,
    isTerminal: situation.columns !== undefined,
    signal: situation.signal ?? new AbortController().signal,
    clock: { now: () => Date.parse(situation.now ?? '2026-02-26T18:40:10Z') },
    commands: { serve: situation.serve ?? unused, work: unused, doctor: unused, demo: unused },
  } satisfies CliDeps);
  return { code, stdout: timeless(stdout.text()), stderr: stderr.text() };
}

function unused(): Promise<number> {
  return Promise.reject(new Error('this command is not part of the test'));
}

function timeless(text: string): string {
  return text.replaceAll(/\b\d\d:\d\d:\d\d\b/gu, 'HH:MM:SS');
}

function collector(): Writable & { text: () => string } {
  const parts: Buffer[] = [];
  const stream = new Writable({
    write(part: Buffer, _encoding, done) {
      parts.push(part);
      done();
    },
  });
  return Object.assign(stream, { text: () => Buffer.concat(parts).toString() });
}

/** A folder with these files, removed with the test. */
export async function folderWith(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-cli-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files))
    await writeFile(join(folder, name), text, { mode: 0o600 });
  return folder;
}
