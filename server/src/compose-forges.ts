import type { Config } from './config.ts';
import { parseRepositoryUrl, RepositoryUrlRefused, type RepositoryUrl } from './domain/repository-url.ts';
import type { ObserveForge } from './forges/forge-call.ts';
import type { Forge, ForgeOf } from './forges/forge.ts';
import { createGithubApp } from './forges/github/github-app.ts';
import { createGithubForge } from './forges/github/github-forge.ts';
import { createGitlabForge } from './forges/gitlab/gitlab-forge.ts';
import { createPlainGit } from './forges/plain-git/plain-git.ts';
import type { Git } from './git/git.ts';
import type { Secret } from './lib/secret.ts';

export type Forges = {
  /** GitHub, GitLab, and whatever else speaks git. */
  readonly forges: readonly Forge[];
  readonly forgeOf: ForgeOf;
  /** The base of the API of the forge that a repository lies on; undefined: it lies on none that has one. */
  readonly repoApi: (repositoryUrl: string) => string | undefined;
  /**
   * The server's own token for a repository of this forge (`owner/name`): what the operator configured, or one
   * that the GitHub App is given. Undefined: there is none. Throws `ForgeError` where the app gets none.
   */
  readonly serverToken: (
    forge: Forge,
    repositoryPath: string,
    signal: AbortSignal,
  ) => Promise<Secret | undefined>;
};

/** Makes the forges that the operator configured. Throws where the private key of a GitHub App is none. */
export function composeForges(
  { forges: { github, gitlab } }: Pick<Config, 'forges'>,
  made: {
    readonly git: Pick<Git, 'listRefs' | 'talk'>;
    readonly version: string;
    readonly observe?: ObserveForge;
  },
): Forges {
  const { git, version, observe } = made;
  const githubHttp = { apiUrl: github.apiUrl, version, observe };
  const app = github.app === undefined ? undefined : createGithubApp({ ...githubHttp, ...github.app });
  const onGithub = createGithubForge({ ...githubHttp, rejected: app?.forget });
  const onGitlab = createGitlabForge({ apiUrl: gitlab.apiUrl, version, observe });
  const plainGit = createPlainGit({ git });
  const known = [
    { forge: onGithub, apiUrl: github.apiUrl },
    { forge: onGitlab, apiUrl: gitlab.apiUrl },
  ];
  const find = (repositoryUrl: string): (typeof known)[number] | undefined => {
    const url = readUrl(repositoryUrl);
    return known.find((one) => url !== undefined && liesOn(url, one));
  };
  return {
    forges: [onGithub, onGitlab, plainGit],
    forgeOf: (repositoryUrl) => find(repositoryUrl)?.forge ?? plainGit,
    repoApi: (repositoryUrl) => find(repositoryUrl)?.apiUrl,
    async serverToken(forge, repositoryPath, signal) {
      if (forge === onGithub) return github.token ?? app?.token(repositoryPath, signal);
      return forge === onGitlab ? gitlab.token : undefined;
    },
  };
}

function readUrl(text: string): RepositoryUrl | undefined {
  try {
    return parseRepositoryUrl(text, { allowFile: true, allowHttp: true, allowSsh: true });
  } catch (error) {
    if (error instanceof RepositoryUrlRefused) return undefined;
    throw error;
  }
}

/**
 * Whether a repository lies on a forge: host and port are its own, to the letter. Over ssh the port says nothing
 * about the forge. Over http it lies on one only whose API is spoken to that way too: a forge's token must not
 * go out unencrypted because somebody wrote `http://`.
 */
function liesOn({ kind, host }: RepositoryUrl, forge: { forge: Forge; apiUrl: string }): boolean {
  if (forge.forge.host === undefined || kind === 'file') return false;
  if (kind === 'ssh') return withoutPort(host) === withoutPort(forge.forge.host);
  if (kind === 'http' && !forge.apiUrl.startsWith('http:')) return false;
  return host === forge.forge.host;
}

function withoutPort(host: string): string {
  return host.replace(/:\d+$/u, '');
}
