import type { BareRepository } from '../bare-repository.ts';
import { gitByHand } from '../../support/git-repositories.ts';
import type { BranchEntity, CommitEntity, CompareEntity } from './entities.ts';
import { mayPush } from './state.ts';
import type { Project, User } from './state.ts';

/** Reads a commit of the real repository. */
export async function presentCommit(web: string, project: Project, commit: string): Promise<CommitEntity> {
  // The id is first, so that no empty line is, which would be lost.
  const format = '%H%n%P%n%an%n%ae%n%aI%n%cn%n%ce%n%cI%n%B';
  const text = await gitByHand(project.repository.folder, 'show', '-s', `--format=${format}`, commit);
  const [
    ,
    parents = '',
    author = '',
    authorEmail = '',
    authored = '',
    committer = '',
    email = '',
    at = '',
    ...rest
  ] = text.split('\n');
  return {
    id: commit,
    short_id: commit.slice(0, 8),
    created_at: at,
    parent_ids: parents === '' ? [] : parents.split(' '),
    title: rest[0] ?? '',
    message: rest.join('\n'),
    author_name: author,
    author_email: authorEmail,
    authored_date: authored,
    committer_name: committer,
    committer_email: email,
    committed_date: at,
    web_url: `${web}/${project.path}/-/commit/${commit}`,
  };
}

/** A branch for `user`; undefined where the repository has none of that name. */
export async function presentBranch(
  web: string,
  project: Project,
  name: string,
  user: User | undefined,
): Promise<BranchEntity | undefined> {
  const tip = await project.repository.tip(name);
  if (tip === undefined) return undefined;
  const isProtected = project.protectedBranches.has(name);
  return {
    name,
    commit: await presentCommit(web, project, tip),
    merged: false,
    protected: isProtected,
    developers_can_push: false,
    developers_can_merge: false,
    can_push: mayPush(project, user, name),
    default: name === project.defaultBranch,
    web_url: `${web}/${project.path}/-/tree/${name}`,
  };
}

/** The commit of a branch, or of a full id; undefined where there is neither. */
export async function resolveRef(repository: BareRepository, ref: string): Promise<string | undefined> {
  const tip = await repository.tip(ref);
  if (tip !== undefined || !/^[\da-f]{40}$/u.test(ref)) return tip;
  const known = await gitByHand(repository.folder, 'rev-list', '--all');
  return known.split('\n').find((commit) => commit === ref);
}

/** The commits of a range, or behind a commit, the newest first. */
export async function listCommits(project: Project, range: string): Promise<readonly string[]> {
  const listed = await gitByHand(project.repository.folder, 'rev-list', range);
  return listed === '' ? [] : listed.split('\n');
}

/** What `to` has over `from`, both commits, the oldest first. */
export async function presentComparison(
  web: string,
  project: Project,
  from: string,
  to: string,
): Promise<CompareEntity> {
  const ids = await listCommits(project, `${from}..${to}`);
  const commits = await Promise.all(ids.toReversed().map((id) => presentCommit(web, project, id)));
  return {
    commit: commits.at(-1) ?? null,
    commits,
    diffs: await diffsOf(project, from, to),
    compare_timeout: false,
    compare_same_ref: from === to,
    web_url: `${web}/${project.path}/-/compare/${from}...${to}`,
  };
}

async function diffsOf(
  project: Project,
  from: string,
  to: string,
): Promise<NonNullable<CompareEntity['diffs']>> {
  const { files } = await project.repository.compare(from, to);
  return files.map((file) => ({
    diff: '',
    new_path: file.path,
    old_path: file.previousPath,
    a_mode: file.status === 'added' ? '0' : '100644',
    b_mode: file.status === 'removed' ? '0' : '100644',
    new_file: file.status === 'added',
    renamed_file: file.status === 'renamed',
    deleted_file: file.status === 'removed',
  }));
}
