import assert from 'node:assert/strict';
import { git } from '../../src/demo/example-repository.ts';
import { filesOf } from './scenarios-of-scripts.ts';
import type { Scenario } from './scenario.ts';

const initial = ['README.md', 'sum.sh', 'test.sh'];

/** What an agent can leave in its tree and its repository. */
export const treeScenarios: readonly Scenario[] = [
  {
    name: 'a script that changes nothing completes, says so, and pushes nothing',
    command: ': LABEL',
    end: { status: 'completed', commits: 0 },
    also: ({ task, events }) => {
      assert.equal(task.result, 'The agent changed nothing.');
      assert.ok(events.some(({ event }) => (event.event as string) === 'no_changes'));
      assert.equal(task.changes_summary ?? undefined, undefined);
    },
  },
  {
    name: "hooks, configuration, filters and attributes that a script leaves in .git are not the commit's",
    command: [
      'for hook in pre-commit post-commit commit-msg post-index-change reference-transaction pre-push post-checkout; do',
      '  printf "#!/bin/sh\\ntouch /workspace/pwned\\nexit 1\\n" > .git/hooks/$hook; chmod +x .git/hooks/$hook',
      'done',
      'git config core.fsmonitor "touch /workspace/pwned; false"; git config core.hooksPath .git/hooks',
      'git config filter.evil.clean "touch /workspace/pwned; cat"; git config filter.evil.required true',
      'git config commit.gpgSign true; git config gpg.program /workspace/.git/hooks/pre-commit',
      'git config core.sshCommand "touch /workspace/pwned"; git config credential.helper "!touch /workspace/pwned"',
      'git config remote.origin.url "ext::sh -c touch% /workspace/pwned"',
      'mkdir -p .git/info; echo "* filter=evil" > .git/info/attributes',
      'echo "garbage" >> .git/config',
      'echo LABEL > change.txt',
    ].join('\n'),
    end: { status: 'completed', commits: 1 },
    also: ({ bare, branch }) => assertFiles(bare, branch, [...initial, 'change.txt']),
  },
  {
    name: 'a script that deletes HEAD fails its task, which says that the repository is damaged',
    command: 'rm .git/HEAD; echo LABEL > f',
    end: damaged(),
  },
  {
    name: 'a script that deletes .git fails its task',
    command: 'rm -rf .git; echo LABEL > f',
    end: damaged(),
  },
  {
    name: 'a script that deletes the whole tree fails its task',
    command: 'rm -rf ./* ./.[!.]*; : LABEL',
    end: damaged(),
  },
  {
    name: 'a script that puts a link in the place of .git fails its task',
    command: 'mv .git /tmp/git; ln -s /tmp/git .git; echo LABEL > f',
    end: damaged(),
  },
  {
    name: 'a script that deletes every file has that as its work',
    command: 'rm ./*; : LABEL',
    end: { status: 'completed', commits: 1 },
    also: async ({ bare, branch, task }) => {
      assert.equal(task.changes_summary?.files_deleted, 3);
      await assertFiles(bare, branch, []);
    },
  },
  {
    name: 'the own commits of a script stay, and one more holds what it left uncommitted',
    command: [
      identity(),
      'echo one > one; git add one; git commit -qm "Add one"',
      'echo two > two; git add two; git commit -qm "Add two"',
      'echo LABEL > three',
    ].join('\n'),
    end: { status: 'completed', commits: 3 },
    also: async ({ bare, branch }) => {
      const subjects = await git(bare, 'log', '--format=%s', `main..${branch}`);
      assert.equal(subjects, 'Change a file\nAdd two\nAdd one\n');
    },
  },
  {
    name: 'a script that commits everything itself gets no commit of ours',
    command: `${identity()}; echo LABEL > one; git add one; git commit -qm "Add one"`,
    end: { status: 'completed', commits: 1 },
    also: async ({ bare, branch }) =>
      assert.equal(await git(bare, 'log', '--format=%s', `main..${branch}`), 'Add one\n'),
  },
  {
    name: "what a script committed on another branch is pushed under the task's name",
    command: `${identity()}; git checkout -qb elsewhere; echo LABEL > one; git add one; git commit -qm "Add one"; git branch -D main codeforge/x 2>/dev/null; true`,
    end: { status: 'completed', commits: 1 },
    also: async ({ bare }) => assert.equal(await git(bare, 'branch', '--list', 'elsewhere'), ''),
  },
  {
    name: 'a script that leaves HEAD detached has its work taken',
    command: `${identity()}; git checkout -q --detach; echo LABEL > one; git add one; git commit -qm "Add one"`,
    end: { status: 'completed', commits: 1 },
  },
  {
    name: 'a script that rewrites history fails its task, which says so',
    command: `${identity()}; git commit -q --amend -m 'Nothing happened here'; echo LABEL > f`,
    end: {
      status: 'failed',
      code: 'workspace_broken',
      error:
        /^the work could not be collected: the agent left a history that does not begin at the base commit/u,
    },
  },
  {
    name: 'locks that a killed git left behind hold nothing up',
    command: 'touch .git/index.lock .git/HEAD.lock .git/config.lock; echo LABEL > f',
    end: { status: 'completed', commits: 1 },
  },
  {
    name: 'links out of the tree are committed as links',
    command:
      'ln -s /etc/passwd one; ln -s ../../../../admin-token two; ln -s /proc/self/environ three; ln -s . loop; : LABEL',
    end: { status: 'completed', commits: 1 },
    also: async ({ bare, branch, house, id }) => {
      const modes = (await git(bare, 'ls-tree', branch))
        .split('\n')
        .filter((line) => line.startsWith('120000'));
      assert.equal(modes.length, 4);
      assert.equal(await git(bare, 'show', `${branch}:two`), '../../../../admin-token');
      assert.ok(!(await house.client.tasks.diff(id)).includes(house.token));
    },
  },
  {
    name: 'names with line breaks, quotes, tabs, leading dashes and no UTF-8 are files like others',
    command: `printf LABEL > "$(printf 'line\\nbreak')"; printf x > "$(printf 'tab\\tand"quote')"; printf x > ./-rf; printf x > "$(printf 'latin\\351')"; printf x > ' '`,
    end: { status: 'completed', commits: 1 },
    also: async ({ bare, branch, task }) => {
      const files = await filesOf(bare, branch);
      for (const name of ['line\nbreak', 'tab\tand"quote', '-rf', ' ']) assert.ok(files.includes(name), name);
      assert.equal(task.changes_summary?.files_created, 5);
    },
  },
  {
    name: '5,000 files are 5,000 files',
    command:
      'mkdir many; for part in 0 1 2 3 4 5 6 7 8 9; do seq 500 | split -l 1 -a 3 - many/$part; echo $part; done; : LABEL',
    end: { status: 'completed', commits: 1 },
    also: ({ task }) => assert.equal(task.changes_summary?.files_created, 5_000),
  },
  {
    name: 'a FIFO, a socket and an empty folder are left out, and nothing waits for them',
    command: [
      'mkfifo fifo; mkdir empty',
      'perl -e \'use Socket; socket(S, PF_UNIX, SOCK_STREAM, 0); bind(S, sockaddr_un("socket"))\'',
      '[ -S socket ] || echo "no socket could be made"; echo LABEL > f',
    ].join('\n'),
    end: { status: 'completed', commits: 1 },
    also: ({ bare, branch }) => assertFiles(bare, branch, [...initial, 'f']),
  },
  {
    name: 'a FIFO in the place of a tracked file is a deletion',
    command: 'rm sum.sh; mkfifo sum.sh; : LABEL',
    end: { status: 'completed', commits: 1 },
    also: ({ bare, branch }) => assertFiles(bare, branch, ['README.md', 'test.sh']),
  },
  {
    name: 'a git repository within the tree is left out, the rest is taken',
    command: `${identity()}; git init -q nested; (cd nested; ${identity()}; echo x > x; git add x; git commit -qm x); git init -q fresh; echo LABEL > f`,
    end: { status: 'completed', commits: 1 },
    also: ({ bare, branch }) => assertFiles(bare, branch, [...initial, 'f']),
  },
  {
    name: 'files in read-only folders are taken',
    command: 'mkdir -p closed/deep; echo LABEL > closed/deep/f; chmod -R a-w closed',
    end: { status: 'completed', commits: 1 },
    also: ({ bare, branch }) => assertFiles(bare, branch, [...initial, 'closed/deep/f']),
  },
  {
    name: 'files and folders without any permission are taken',
    command: 'mkdir shut; echo LABEL > shut/f; echo x > locked; chmod 000 locked shut/f shut',
    end: { status: 'completed', commits: 1 },
    also: ({ bare, branch }) => assertFiles(bare, branch, [...initial, 'locked', 'shut/f']),
  },
  {
    name: 'a large binary file arrives to the byte',
    command: 'head -c 12000000 /dev/urandom > big; sha256sum big | cut -c1-64; : LABEL',
    end: { status: 'completed', commits: 1 },
    also: async ({ bare, branch, task }) => {
      assert.equal(await git(bare, 'cat-file', '-s', `${branch}:big`), '12000000\n');
      assert.match(task.result ?? '', /^[0-9a-f]{64}$/u);
    },
  },
  {
    name: 'work that is too large is refused, and the message says what to leave out',
    command: 'head -c 20000000 /dev/urandom > big; : LABEL',
    end: {
      status: 'failed',
      code: 'result_too_large',
      error: /^the work could not be collected: it is larger than 18 MiB; leave out generated files/u,
    },
  },
];

function identity(): string {
  return 'git config user.name Ada; git config user.email ada@example.com';
}

function damaged() {
  return {
    status: 'failed',
    code: 'workspace_broken',
    error: /^the work could not be collected: the agent damaged the workspace's git repository/u,
  } as const;
}

async function assertFiles(bare: string, branch: string, files: readonly string[]): Promise<void> {
  assert.deepEqual((await filesOf(bare, branch)).toSorted(), files.toSorted());
}
