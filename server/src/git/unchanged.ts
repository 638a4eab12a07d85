import { commitExits, ownRepository, quietEnv, type SandboxGitCommand } from './sandbox-repository.ts';

/** The tree was looked at and is another one, whose paths are printed; any other code but 0 says no more than that. */
const changedExit = 84;
const printedBytes = 32 * 1024;
/** More than a person reads; all are counted. */
const maxFiles = 50;

/**
 * Arguments: the tree, the commit. Ends with 0 where HEAD is that commit and index and files are as it has them,
 * what git ignores aside; with `changedExit` otherwise, after printing how many paths differ, and their names.
 *
 * It believes nothing that whoever changed the tree could have made up:
 * - Objects are not checked by git when it reads them, so commit, trees and links (whose text git compares) are
 *   brought into the script's own repository by way of a pack, which names them by what they hold.
 * - The tree's index may say that a file need not be looked at, or that it was looked at already: files are
 *   compared through a new one, and are read for it, every one.
 * - What is ignored is for the commit to say, not for files that ignore themselves, nor for those of git or of
 *   the agent's home. One in a folder with nothing of the commit in it is about that folder alone.
 *
 * Files that the commit has with other line ends than its attributes ask for count as changed for git from the
 * moment they are checked out: what differs is compared once more, as it is.
 */
const unchangedScript = `
set -uf
tree=$1 commit=$2
${ownRepository}
printf '\\texcludesFile = /dev/null\\n\\tattributesFile = /dev/null\\n' >>"$own/config"
head=$(git rev-parse --verify --quiet HEAD) || exit ${commitExits.broken}

mkdir -p "$own/objects/pack" "$own/info"
{
  printf '%s\\n' "$commit"
  git rev-parse --verify --quiet "$commit^{tree}"
  git ls-tree -r -t "$commit" | sed -nE 's/^(040000 tree|120000 blob) ([0-9a-f]+).*/\\2/p'
} 2>/dev/null >"$own/known"
git pack-objects --quiet --stdout <"$own/known" 2>/dev/null |
  GIT_OBJECT_DIRECTORY="$own/objects" git index-pack --stdin >/dev/null 2>&1 || exit ${commitExits.broken}
export GIT_OBJECT_DIRECTORY="$own/objects"

same=yes
if [ "$head" != "$commit" ]; then same=no; fi
git diff-index --cached --name-only -z "$commit" -- >"$own/staged" 2>/dev/null || same=no
if git ls-files -v 2>/dev/null | grep -qv '^H '; then same=no; fi

rm -f "$own/index"
git read-tree "$commit" 2>/dev/null || exit ${commitExits.broken}
compare() {
  git update-index -q --really-refresh >/dev/null 2>&1
  git diff-files --name-only -z || exit ${commitExits.broken}
}
compare >"$own/files"
if [ -s "$own/files" ]; then
  printf '* -text -ident !eol !filter !working-tree-encoding\\n' >"$own/info/attributes"
  compare >"$own/as-is"
  comm -z -12 "$own/files" "$own/as-is" >"$own/both" || exit ${commitExits.broken}
  mv "$own/both" "$own/files"
fi
git ls-files -z --others --exclude-standard >"$own/new" || exit ${commitExits.broken}
{
  printf '.gitignore\\0'
  git ls-tree -r -d -z --name-only "$commit" | sed -z 's#$#/.gitignore#'
} | GIT_LITERAL_PATHSPECS=1 xargs -0 git ls-files -z --others -- >"$own/ignoring" || exit ${commitExits.broken}

sort -zu "$own/staged" "$own/files" "$own/new" "$own/ignoring" >"$own/changed" || exit ${commitExits.broken}
if [ "$same" = yes ] && ! [ -s "$own/changed" ]; then exit 0; fi
tr -dc '\\000' <"$own/changed" | wc -c
head -c ${printedBytes} "$own/changed"
exit ${changedExit}
`;

/**
 * The command that tells whether a tree is still that of a commit. `tree`: as the sandbox sees it. Its answer is
 * for `readUnchanged`; of its output, more than 64 KiB need not be kept.
 */
export function unchangedCommand({
  tree,
  commit,
}: {
  readonly tree: string;
  readonly commit: string;
}): SandboxGitCommand {
  return {
    argv: ['/bin/sh', '-c', unchangedScript, 'slipway-unchanged', tree, commit],
    env: quietEnv,
  };
}

/** Some of the paths that differ, and how many more do; none where there is no repository to compare with. */
export type ChangedPaths = { readonly files: readonly string[]; readonly more: number };

/**
 * What `unchangedCommand` came to; undefined: the tree is unchanged. Whatever is no proof of that says that it
 * is changed.
 */
export function readUnchanged(done: {
  readonly code: number | null;
  readonly stdout: string;
}): ChangedPaths | undefined {
  if (done.code === 0) return undefined;
  const lineEnd = done.stdout.indexOf('\n');
  if (done.code !== changedExit || lineEnd === -1) return { files: [], more: 0 };
  const count = Number.parseInt(done.stdout.slice(0, lineEnd), 10);
  // A name without its end was cut off.
  const names = done.stdout
    .slice(lineEnd + 1)
    .split('\0')
    .slice(0, -1);
  const files = names.slice(0, maxFiles);
  return { files, more: Math.max(0, count - files.length) || 0 };
}
