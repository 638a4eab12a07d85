import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { gitByHand, temporaryFolder, testSignal } from '../../support/git-repositories.ts';
import { startGitlab } from './gitlab.ts';
import type { Gitlab, GitlabOptions } from './gitlab.ts';
import type { Project, Token, User } from './state.ts';

/** A GitLab with one project, and its maintainer's token. */
export type Scene = {
  readonly gitlab: Gitlab;
  readonly ada: User;
  readonly token: Token;
  readonly project: Project;
  /** An address that git takes, with the token in it. */
  readonly remote: (path: string, token?: Token) => string;
  readonly call: (path: string, options?: CallOptions) => Promise<Reply>;
  readonly folder: string;
};

export type CallOptions = {
  readonly token?: string | undefined;
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

export type Reply = {
  readonly status: number;
  readonly body: unknown;
  readonly text: string;
  readonly headers: Headers;
};

export const projectPath = 'acme/tools/app';
export const asId = encodeURIComponent(projectPath);
export const requestsPath = `/projects/${asId}/merge_requests`;

/** Starts it; it ends with the test. */
export async function scene(t: TestContext, options: Partial<GitlabOptions> = {}): Promise<Scene> {
  const folder = await temporaryFolder(t);
  const gitlab = await startGitlab({ folder: join(folder, 'gitlab'), ...options });
  t.after(() => gitlab.close());
  const ada = gitlab.addUser('ada');
  const token = gitlab.addToken(ada);
  const project = await gitlab.addProject(projectPath, { members: { ada: 'maintainer' } });
  const remote: Scene['remote'] = (path, given = token) =>
    gitlab.gitUrl(path).replace('http://', `http://oauth2:${given.value}@`);
  const call: Scene['call'] = async (path, wanted = {}) => {
    const given = 'token' in wanted ? wanted.token : token.value;
    const response = await fetch(`${gitlab.apiUrl}${path}`, {
      method: wanted.method ?? 'GET',
      redirect: 'manual',
      signal: testSignal(),
      headers: {
        ...(given === undefined ? {} : { 'private-token': given }),
        ...(wanted.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...wanted.headers,
      },
      ...(wanted.body === undefined ? {} : { body: JSON.stringify(wanted.body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: jsonOf(text) };
  };
  return { gitlab, ada, token, project, remote, call, folder };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Pushes a branch with one change, as a person would. */
export async function pushBranch(
  { folder, remote }: Scene,
  branch: string,
  path = projectPath,
): Promise<string> {
  const work = join(folder, `work-${branch}`);
  await gitByHand(folder, 'clone', '--quiet', remote(path), work);
  writeFileSync(join(work, `${branch}.txt`), `${branch}\n`);
  await gitByHand(work, 'add', '-A');
  await gitByHand(work, 'commit', '--quiet', '-m', branch);
  await gitByHand(work, 'push', '--quiet', 'origin', `HEAD:refs/heads/${branch}`);
  return gitByHand(work, 'rev-parse', 'HEAD');
}
