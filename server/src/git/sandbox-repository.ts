/**
 * What the scripts have in common that the worker has run inside a sandbox, by the sandbox's own user: POSIX
 * shell around git. The tree may be hostile by then; it can only hurt itself, but it must not hang them.
 */

/** A command line and its environment, as an executor takes them. */
export type SandboxGitCommand = {
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
};

export const quietEnv = {
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_EDITOR: ':',
};

/** Why `commitScript` printed no bundle. */
export const commitExits = {
  /** HEAD is the base, and the tree has no changes. */
  unchanged: 80,
  /** There is no usable repository any more, or it has lost the base. */
  broken: 81,
  /** HEAD does not descend from the base. */
  unrelated: 82,
  /** git said no, for a reason that stderr tells: the disk is full, a file cannot be read. */
  failed: 83,
} as const;

/**
 * Shell that goes into `$tree` and has git work there with a repository of the script's own, `$own`, which has
 * only objects, refs, HEAD and a copy of the index in common with the tree's. So configuration, hooks, filters, fsmonitor, signing
 * and includes do not exist for git, whatever they are called in its next version. Where there is no usable
 * repository it ends with `broken`.
 */
export const ownRepository = `
cd "$tree" 2>/dev/null || exit ${commitExits.broken}
if [ -L .git ] || ! [ -d .git/refs ] || ! [ -d .git/objects ] || ! [ -f .git/HEAD ]; then exit ${commitExits.broken}; fi
own=$(mktemp -d) || exit ${commitExits.failed}
trap 'rm -rf "$own"' EXIT
tree=$(pwd -P)
export GIT_DIR="$own" GIT_WORK_TREE="$tree" GIT_OBJECT_DIRECTORY="$tree/.git/objects" GIT_INDEX_FILE="$own/index"

# Whatever ran in the tree is gone: these locks are nobody's.
for lock in index HEAD config packed-refs; do
  if [ -e ".git/$lock.lock" ]; then rm -f ".git/$lock.lock"; fi
done

printf '[core]\\n\\trepositoryformatversion = 0\\n\\tbare = false\\n\\tlogallrefupdates = false\\n' >"$own/config"
ln -s "$tree/.git/refs" "$tree/.git/packed-refs" "$own"
index=.git/index
[ -f "$index" ] || index=.git/HEAD
cp -f .git/HEAD "$index" "$own" 2>/dev/null
[ -f "$own/HEAD" ] || exit ${commitExits.broken}
`;
