import { chmod, cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createExampleRepository, git } from '../../src/demo/example-repository.ts';
import { createRepository } from '../../src/demo/git-server.ts';

/** Every repository of the forge, each with one trait. `missing` does not exist. */
export type RepositoryName =
  | 'sum'
  | 'flaky'
  | 'taken'
  | 'guarded'
  | 'deaf'
  | 'slow'
  | 'closed'
  | 'empty'
  | 'submodule'
  | 'lfs'
  | 'missing';

/** What a push is told that the hook of `guarded` does not want. */
export const hookWords = 'Policy: branches of robots are not welcome here';

/** Makes them as bare repositories below `root`. */
export async function makeRepositories(root: string): Promise<void> {
  await createExampleRepository(root, 'sum.git');
  for (const copy of ['flaky', 'taken', 'guarded', 'deaf', 'slow', 'closed'] satisfies RepositoryName[]) {
    await cp(join(root, 'sum.git'), join(root, `${copy}.git`), { recursive: true });
  }
  const hook = join(root, 'guarded.git/hooks/pre-receive');
  await mkdir(dirname(hook), { recursive: true });
  await writeFile(hook, `#!/bin/sh\necho '${hookWords}' >&2\nexit 1\n`);
  await chmod(hook, 0o755);
  await createRepository(root, 'empty.git');
  await makeSpecial(root, 'submodule', async (tree) => {
    await writeFile(
      join(tree, '.gitmodules'),
      '[submodule "library"]\n\tpath = library\n\turl = https://example.com/library.git\n',
    );
    await git(tree, 'add', '.gitmodules');
    await git(tree, 'update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},library`);
  });
  await makeSpecial(root, 'lfs', async (tree) => {
    await writeFile(join(tree, '.gitattributes'), '*.psd filter=lfs diff=lfs merge=lfs -text\n');
    await git(tree, 'add', '.gitattributes');
  });
}

async function makeSpecial(
  root: string,
  name: RepositoryName,
  fill: (tree: string) => Promise<void>,
): Promise<void> {
  const bare = join(root, `${name}.git`);
  const tree = join(root, `${name}.tree`);
  await cp(join(root, 'sum.git'), bare, { recursive: true });
  await git(root, 'clone', '--quiet', bare, tree);
  await fill(tree);
  await git(tree, 'commit', '--quiet', '--message', name);
  await git(tree, 'push', '--quiet', 'origin', 'HEAD:main');
  await rm(tree, { recursive: true });
}
