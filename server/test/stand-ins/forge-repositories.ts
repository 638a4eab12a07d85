import type { IncomingMessage, ServerResponse } from 'node:http';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startGitServer } from '../../src/demo/git-server.ts';
import type { GitRequest, GitServerFault } from '../../src/demo/git-server.ts';
import { createBareRepository, moveBareRepository, openBareRepository } from './bare-repository.ts';
import type { BareRepository } from './bare-repository.ts';

/** A git request over HTTP, with the credential that it brought. */
export type GitAccess = {
  readonly method: string;
  /** The path and query of the request, as it came. */
  readonly url: string;
  /** The repository's path without a slash in front and without `.git`: `owner/name`, `group/sub/name`. */
  readonly path: string;
  /** A push, or something else. */
  readonly action: 'read' | 'write';
  readonly username: string | undefined;
  /** The token. Undefined where there was none: git asks without at first. */
  readonly password: string | undefined;
};

/** What a forge says to a git request that it refuses or sends elsewhere. */
export type GitRefusal = {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
};

/** The refusal that makes git ask for a credential, or give up the one it has. */
export function askForCredential(realm: string, body: string): GitRefusal {
  return { status: 401, body, headers: { 'www-authenticate': `Basic realm="${realm}"` } };
}

export type ForgeRepositoriesOptions = {
  /** Where the bare repositories lie, each under its path and `.git`. */
  readonly folder: string;
  /** Decides on a git request; undefined lets it pass. */
  readonly authorize: (access: GitAccess) => GitRefusal | undefined | Promise<GitRefusal | undefined>;
  /** Answers all that is no git request. */
  readonly answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  /** What goes wrong with a git request that was let pass; its method and path are what it is told by. */
  readonly faults?: (request: GitRequest) => GitServerFault | undefined;
};

/** Repositories on disk with real smart HTTP in front, at the address where the forge has its API too. */
export type ForgeRepositories = {
  /** `http://127.0.0.1:<port>`, without a slash at its end. */
  readonly url: string;
  /** Where git finds the repository of this path. */
  readonly gitUrl: (path: string) => string;
  /** Git's requests so far, those without or with a refused credential included. */
  readonly requests: readonly GitAccess[];
  readonly create: (path: string, defaultBranch: string) => Promise<BareRepository>;
  readonly open: (path: string) => BareRepository;
  readonly move: (path: string, to: string) => Promise<void>;
  readonly remove: (path: string) => Promise<void>;
  /** Ends the connections and every git process behind them; the folder stays. */
  readonly close: () => Promise<void>;
};

/** Serves the repositories of a folder by git's own `http-backend`, and the rest by `answer`, on one port. */
export async function startForgeRepositories(options: ForgeRepositoriesOptions): Promise<ForgeRepositories> {
  const requests: GitAccess[] = [];
  const server = await startGitServer({
    root: options.folder,
    async intercept(request, response) {
      const access = readAccess(request);
      if (access === undefined) {
        await options.answer(request, response);
        return true;
      }
      requests.push(access);
      const refusal = await options.authorize(access);
      if (refusal === undefined) return false;
      request.resume();
      response.writeHead(refusal.status, { 'content-type': 'text/plain', ...refusal.headers });
      response.end(refusal.body);
      return true;
    },
    ...(options.faults === undefined ? {} : { faults: options.faults }),
  });
  const folderOf = (path: string): string => join(options.folder, `${path}.git`);
  return {
    url: server.url,
    gitUrl: (path) => `${server.url}/${path}.git`,
    requests,
    create: (path, defaultBranch) => createBareRepository(folderOf(path), defaultBranch),
    open: (path) => openBareRepository(folderOf(path)),
    move: (path, to) => moveBareRepository(folderOf(path), folderOf(to)),
    remove: (path) => rm(folderOf(path), { recursive: true, force: true }),
    close: server.close,
  };
}

/** Reads what a request asks of git; undefined for one that does not. */
function readAccess(request: IncomingMessage): GitAccess | undefined {
  const { method = '', url = '' } = request;
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  const match = /^\/(.+?)(?:\.git)?\/(info\/refs|git-upload-pack|git-receive-pack)$/u.exec(pathname);
  const [, path, rest] = match ?? [];
  if (path === undefined || rest === undefined) return undefined;
  const service = rest === 'info/refs' ? searchParams.get('service') : rest;
  const action = service === 'git-receive-pack' ? 'write' : 'read';
  return { method, url, path: decodeURIComponent(path), action, ...readCredential(request) };
}

function readCredential(request: IncomingMessage): Pick<GitAccess, 'username' | 'password'> {
  const [scheme, encoded] = (request.headers.authorization ?? '').split(' ');
  if (scheme?.toLowerCase() !== 'basic' || encoded === undefined)
    return { username: undefined, password: undefined };
  const given = Buffer.from(encoded, 'base64').toString('utf8');
  const at = given.indexOf(':');
  return { username: given.slice(0, at), password: given.slice(at + 1) };
}
