import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { gitByHand, testSignal } from '../../support/git-repositories.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { startGithub } from './github.ts';
import type { Github, GithubOptions } from './github.ts';
import type { GithubAccount, GithubRepository, GithubToken } from './github-state.ts';

/** A GitHub with Ada, her token, and her repository `ada/app`, which has `main` and one commit more on `work`. */
export type GithubScene = {
  readonly github: Github;
  readonly ada: GithubAccount;
  readonly token: GithubToken;
  readonly repository: GithubRepository;
  readonly folder: string;
  readonly call: (request: string, options?: CallOptions) => Promise<CallReply>;
  /** Clones `path` with this token (none: `undefined`), and gives the tree's folder. */
  readonly clone: (path: string, token?: string) => Promise<string>;
};

export type CallOptions = {
  /** Ada's unless said; undefined: none. */
  readonly token?: string | undefined;
  readonly body?: unknown;
  /** Undefined: left out, though a client sends it by itself. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The base of the API: an Enterprise server's unless said. */
  readonly api?: string;
};

export type CallReply = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body's JSON; undefined where it is none. */
  readonly body: Fields & readonly Fields[];
};

/** JSON to look into, in tests that say what they expect of it. */
export type Fields = { readonly [name: string]: Fields & string & number };

/** Starts it for one test, which ends it. */
export async function githubScene(
  t: TestContext,
  options: Partial<GithubOptions> = {},
): Promise<GithubScene> {
  const folder = await temporaryFolder(t);
  const github = await startGithub({ folder: join(folder, 'github'), ...options });
  t.after(() => github.close());
  const ada = github.addUser('ada');
  const token = github.addToken(ada);
  const repository = await github.addRepository('ada/app');
  const from = await repository.bare.tip('main');
  await repository.bare.commit({
    branch: 'work',
    files: { 'src/a.js': 'export const a = 1;\n' },
    ...(from === undefined ? {} : { from }),
  });
  let clones = 0;
  return {
    github,
    ada,
    token,
    repository,
    folder,
    call: (request, wanted = {}) => call(github, request, { token: token.value, ...wanted }),
    async clone(path, value = token.value) {
      clones += 1;
      const tree = join(folder, `tree-${clones}`);
      const url = github.gitUrl(path).replace('//', `//x-access-token:${value}@`);
      await gitByHand(folder, 'clone', '--quiet', url, tree);
      return tree;
    },
  };
}

async function call(github: Github, request: string, options: CallOptions): Promise<CallReply> {
  const [method = '', path = ''] = request.split(' ');
  const { token, body, headers, api = github.apiUrl } = options;
  const response = await fetch(`${api}${path}`, {
    method,
    redirect: 'manual',
    signal: testSignal(),
    headers: {
      'user-agent': 'test',
      accept: 'application/vnd.github+json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: parse(text) };
}

function parse(text: string): CallReply['body'] {
  try {
    return JSON.parse(text) as CallReply['body'];
  } catch {
    return undefined as unknown as CallReply['body'];
  }
}
