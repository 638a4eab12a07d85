import { commitExits, ownRepository, quietEnv, type SandboxGitCommand } from './sandbox-repository.ts';

export type { SandboxGitCommand } from './sandbox-repository.ts';

export type Person = { readonly name: string; readonly email: string };

/**
 * Arguments: the tree. Checks out what `createTree` prepared, or puts a tree back to its HEAD; one worker
 * a core from 100 files on. With SLIPWAY_SNAPSHOT set, HEAD is a snapshot: its files stay, its commit goes.
 */
const checkoutScript = `
set -u
set -- git -C "$1" -c core.hooksPath=/dev/null -c core.fsmonitor=false -c checkout.workers=0 \\
  -c gc.auto=0 reset --quiet --no-recurse-submodules
if [ -z "\${SLIPWAY_SNAPSHOT-}" ]; then exec "$@" --hard; fi
"$@" --hard && exec "$@" --mixed HEAD~1
`;

export type CommitExit = keyof typeof commitExits;

/** The ref that the bundle of `commitScript` holds. */
export const resultRef = 'refs/slipway/result';

/**
 * Arguments: the tree, the base commit, then pathspecs to leave out; stdin: the commit message; author and
 * committer come by GIT_AUTHOR_NAME and its like. Commits on top of HEAD, wherever that is (another branch,
 * detached), what is not committed and not ignored, keeps the agent's own commits, and prints a bundle of
 * base..result. With SLIPWAY_SNAPSHOT set, branch and index stay as they are, and the result is a commit of its
 * own on top of HEAD even where all was committed: who takes it up again drops just that one. Ends with 0 or one of
 * `commitExits`. Written to start few processes: each costs 1–2 ms.
 *
 * The tree's own configuration and hooks are not read: see `ownRepository`. When the tree's index is damaged, a
 * file is unreadable, a FIFO or a socket stands where a file was, or a nested repository has no commit, it
 * mends that and tries once more; nested repositories are left out.
 */
const commitScript = `
set -uf
tree=$1 base=$2
shift 2
${ownRepository}
if [ -f .git/info/exclude ]; then mkdir "$own/info" && cp .git/info/exclude "$own/info/exclude"; fi

newline='
'
known=$(git rev-parse 'HEAD^{commit}' 'HEAD^{tree}' "$base^{commit}" 2>/dev/null) || exit ${commitExits.broken}
head=\${known%%"$newline"*}
was=\${known#*"$newline"}
was=\${was%%"$newline"*}

add() { git add -A -- . "$@" 2>"$own/errors"; }
if ! add "$@"; then
  rm -f "$own/index" "$own/index.lock"
  git read-tree "$head" 2>/dev/null || exit ${commitExits.broken}
  chmod -R u+rwX . 2>/dev/null
  find . -name .git -prune -o \\( -type p -o -type s \\) -exec rm -f {} +
  IFS=$newline
  for nested in $(find . -mindepth 2 -name .git -prune -print 2>/dev/null); do
    nested=\${nested%/.git}
    set -- "$@" ":(exclude,top,literal)\${nested#./}"
  done
  unset IFS
  if ! add "$@"; then cat "$own/errors" >&2; exit ${commitExits.failed}; fi
fi
if [ -s "$own/errors" ] && grep -q 'embedded git repository' "$own/errors"; then
  git ls-files -s -z | sed -zn 's/^160000 [^\\t]*\\t//p' | git update-index -z --force-remove --stdin
fi

now=$(git write-tree) || exit ${commitExits.failed}
result=$head
if [ "$now" != "$was" ] || { [ -n "\${SLIPWAY_SNAPSHOT-}" ] && [ "$head" != "$base" ]; }; then
  result=$(git commit-tree -p "$head" -F - "$now") || exit ${commitExits.failed}
fi
if [ "$result" = "$base" ]; then exit ${commitExits.unchanged}; fi
if [ "$head" != "$base" ] && ! git merge-base --is-ancestor "$base" "$head" 2>/dev/null; then
  exit ${commitExits.unrelated}
fi
if [ -n "\${SLIPWAY_SNAPSHOT-}" ]; then
  git update-ref ${resultRef} "$result" || exit ${commitExits.failed}
  git bundle create --quiet - ${resultRef} "^$base" || exit ${commitExits.failed}
  exit 0
fi
# HEAD moves for the next run in this tree; the result does not depend on it.
if ! printf 'update ${resultRef} %s\\nupdate HEAD %s %s\\n' "$result" "$result" "$head" | git update-ref --stdin 2>/dev/null; then
  find .git/refs -name '*.lock' -type f -exec rm -f {} +
  git update-ref ${resultRef} "$result" || exit ${commitExits.failed}
  git update-ref HEAD "$result" "$head"
fi
if [ "$result" != "$head" ]; then cp -f "$own/HEAD" "$own/index" .git; fi
git bundle create --quiet - ${resultRef} "^$base" || exit ${commitExits.failed}
`;

/** The command that checks out the tree at `tree`, a path as the sandbox sees it; `snapshot`: HEAD is one. */
export function checkoutCommand(tree: string, snapshot = false): SandboxGitCommand {
  return {
    argv: ['/bin/sh', '-c', checkoutScript, 'slipway-checkout', tree],
    env: snapshot ? { ...quietEnv, SLIPWAY_SNAPSHOT: '1' } : quietEnv,
  };
}

export type CommitRequest = {
  /** As the sandbox sees it. */
  readonly tree: string;
  readonly base: string;
  readonly author: Person;
  /** The author, when there is none. */
  readonly committer?: Person;
  /** Paths from the tree's root that are never committed: what the server put there. */
  readonly leftOut?: readonly string[];
  /** The bundle alone: for the tree, nothing has been committed. */
  readonly snapshot?: boolean;
};

/** The command that commits and prints the bundle; the message (see `cleanMessage`) goes to its stdin. */
export function commitCommand({
  tree,
  base,
  author,
  committer,
  leftOut = [],
  snapshot = false,
}: CommitRequest): SandboxGitCommand {
  const pathspecs = leftOut.map((path) => `:(exclude,top,literal)${path}`);
  const [by, via] = [cleanPerson(author), cleanPerson(committer ?? author)];
  return {
    argv: ['/bin/sh', '-c', commitScript, 'slipway-commit', tree, base, ...pathspecs],
    env: {
      ...quietEnv,
      ...(snapshot ? { SLIPWAY_SNAPSHOT: '1' } : {}),
      GIT_AUTHOR_NAME: by.name,
      GIT_AUTHOR_EMAIL: by.email,
      GIT_COMMITTER_NAME: via.name,
      GIT_COMMITTER_EMAIL: via.email,
    },
  };
}

/** What the exit code of `commitScript` means; undefined: it printed a bundle, or was ended from outside. */
export function readCommitExit(code: number | null): CommitExit | undefined {
  if (code === null || code === 0) return undefined;
  const found = Object.entries(commitExits).find(([, value]) => value === code)?.[0];
  return found === undefined ? 'failed' : (found as CommitExit);
}

/** A message that git takes as it is: no control characters but line breaks, never empty, one break at the end. */
export function cleanMessage(text: string): string {
  const lines = text.replaceAll(/\r\n?/gu, '\n');
  // oxlint-disable-next-line no-control-regex -- control characters are what is removed
  const clean = lines.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f]/gu, '').trim();
  return `${clean === '' ? 'Change files' : clean}\n`;
}

/** git refuses a person without a name, and drops what would end the field. */
function cleanPerson({ name, email }: Person): Person {
  // oxlint-disable-next-line no-control-regex -- control characters are what is removed
  const clean = (text: string): string => text.replaceAll(/[\u0000-\u001f\u007f<>]/gu, '').trim();
  const named = clean(name);
  return { name: /[^.,:;"'\\\s]/u.test(named) ? named : 'Slipway', email: clean(email) };
}
