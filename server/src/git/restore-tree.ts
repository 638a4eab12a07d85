import { ownRepository, quietEnv, type SandboxGitCommand } from './sandbox-repository.ts';

/** The tree cannot be brought back by this; any other code but 0 says no more than that. */
const movedExit = 85;

/**
 * Arguments: the tree, the commit that it was at. Brings files, index and what lies about beside them back to that
 * commit; what git ignores stays, so that what was installed need not be installed again. What only a list that goes
 * too told git to ignore goes with it: the next commit would have it. Files that are as they were keep their times.
 * Where HEAD is another commit by now, nothing is touched.
 */
const restoreScript = `
set -uf
tree=$1 commit=$2
${ownRepository}
head=$(git rev-parse --verify --quiet HEAD) || exit ${movedExit}
[ "$head" = "$commit" ] || exit ${movedExit}
rm -f "$own/index"
git read-tree "$commit" || exit ${movedExit}
git update-index -q --refresh >/dev/null 2>&1
git checkout-index -a -f -q -u || exit ${movedExit}
git ls-files -o --directory -z | sed -zn '/^\\(.*\\/\\)\\{0,1\\}\\.gitignore$/p' | xargs -0 -r rm -f --
until [ -e "$own/cleaned" ] && ! [ -s "$own/cleaned" ]; do
  git clean -ff -d >"$own/cleaned" || exit ${movedExit}
done
cp -f "$own/index" .git/index || exit ${movedExit}
`;

/** The command that undoes what ran in a tree after its work was committed. `tree`: as the sandbox sees it. 0: it is done. */
export function restoreCommand({
  tree,
  commit,
}: {
  readonly tree: string;
  readonly commit: string;
}): SandboxGitCommand {
  return { argv: ['/bin/sh', '-c', restoreScript, 'slipway-restore', tree, commit], env: quietEnv };
}
