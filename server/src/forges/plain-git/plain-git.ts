import { isBranchName } from '../../domain/branch-name.ts';
import { diagnose, GitError, type GitErrorCode } from '../../git/git-error.ts';
import type { Git, Remote } from '../../git/git.ts';
import { ForgeError, type Forge, type ForgeErrorCode, type RepositoryAccess } from '../forge.ts';

/** Git's own failures in the words of forges; what is not here is refused. */
const codes: Partial<Readonly<Record<GitErrorCode, ForgeErrorCode>>> = {
  unreachable: 'unavailable',
  timeout: 'unavailable',
  authentication: 'unauthorized',
  not_found: 'not_found',
};

const gitUsername = 'x-access-token';

/** A host that has repositories, and nothing that we know of beside them: any that is no other forge's. */
export function createPlainGit({ git }: { readonly git: Pick<Git, 'listRefs' | 'talk'> }): Forge {
  const refuse = (what: string): Promise<never> =>
    Promise.reject(
      new ForgeError('unsupported', `${what} exist on GitHub and GitLab only, and this host is neither.`),
    );
  return {
    name: 'git',
    host: undefined,
    abilities: { pullRequests: false, accounts: false },
    gitUsername,
    verifyToken: () => refuse('tokens that can be verified'),
    listRepositories: () => refuse('lists of repositories'),
    async findRepository(access, signal) {
      const name = access.path.slice(access.path.lastIndexOf('/') + 1);
      return {
        name,
        fullName: access.path,
        cloneUrl: access.url,
        defaultBranch: await findDefaultBranch(git, access, signal),
        // Git does not tell; what is taken for private by mistake does no harm.
        isPrivate: true,
        isArchived: false,
        canPush: undefined,
        description: '',
        updatedAt: '',
      };
    },
    ensurePullRequest: () => refuse('pull requests'),
    addLabels: () => refuse('labels of pull requests'),
    // Of Gitea, Forgejo and most others.
    pullRequestRef: (number) => `refs/pull/${number}/head`,
    findPullRequest: () => refuse('pull requests'),
    readDiff: () => refuse('pull requests'),
    postReview: () => refuse('reviews of pull requests'),
  };
}

async function findDefaultBranch(
  git: Pick<Git, 'listRefs' | 'talk'>,
  { url, token }: RepositoryAccess,
  signal: AbortSignal,
): Promise<string | undefined> {
  const remote: Remote =
    token === undefined
      ? { url }
      : { url, credential: { kind: 'password', username: gitUsername, password: token } };
  try {
    const refs = await git.listRefs(remote, signal);
    if (refs !== undefined) return refs.defaultBranch;
    const args = (address: string): readonly string[] => ['ls-remote', '--symref', '--', address, 'HEAD'];
    const { code, stdout, stderr } = await git.talk(remote, args, { cwd: '/', signal });
    if (code !== 0) throw diagnose(stderr, url);
    const branch = /^ref: refs\/heads\/(\S+)\tHEAD$/mu.exec(stdout.toString('utf8'))?.[1];
    return branch !== undefined && isBranchName(branch) ? branch : undefined;
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    throw new ForgeError(codes[error.code] ?? 'refused', error.message, { cause: error });
  }
}
