import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, type Dirent } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { git } from '../../src/demo/example-repository.ts';
import { delay } from '../../src/lib/abort.ts';
import { secretToken, type House } from './scenario-house.ts';
import { hookWords } from './scenario-repositories.ts';
import type { Outcome, Scenario } from './scenario.ts';

const change = 'echo LABEL > change.txt';
/** Of no forge: its run's own files hold it until the run is over, and another scenario looks into all. */
const printedToken = 'printed-token-93b1e07d5f2a46c8';

/** What a repository, and the way to it, can be like. The one with the longest waits comes first. */
export const repositoryScenarios: readonly Scenario[] = [
  {
    name: 'a host that refuses connections is tried three times; then the task fails and says what to look at',
    url: unreachable,
    command: change,
    end: {
      status: 'failed',
      code: 'repository_unreachable',
      error:
        /^clone failed: http:\/\/127\.0\.0\.1:\d+\/x\.git could not be reached.* Check the address and the network/u,
    },
    also: ({ events }) =>
      assert.equal(events.filter(({ event }) => (event.event as string) === 'run_retried').length, 2),
  },
  {
    name: 'a repository that does not exist fails the task at once',
    repository: 'missing',
    command: change,
    end: {
      status: 'failed',
      code: 'repository_not_found',
      error: /^clone failed: .*\/missing\.git is not a repository, .* Check the address and the token/u,
    },
  },
  {
    name: 'an empty repository fails the task, which says that it is empty',
    repository: 'empty',
    command: change,
    end: {
      status: 'failed',
      code: 'repository_empty',
      error: /^clone failed: .*(?:empty|no commit).*[Pp]ush/u,
    },
  },
  {
    name: 'a branch that does not exist fails the task, which names some that do',
    command: change,
    config: { source_branch: 'release/9' },
    end: { status: 'failed', code: 'branch_not_found', error: /^clone failed: .*release\/9.*main/u },
  },
  {
    name: 'a private repository without a token fails the task, which asks for one',
    url: privateUrl,
    command: change,
    end: {
      status: 'failed',
      code: 'repository_refused_credentials',
      error: /^clone failed: .*refused the credential, or needs one.* Check that the token/u,
    },
  },
  {
    name: 'a private repository with a wrong token fails the task, and the wrong token is not told either',
    url: privateUrl,
    accessToken: 'not-the-token-1f7ac3',
    command: change,
    end: {
      status: 'failed',
      code: 'repository_refused_credentials',
      error: /^clone failed: .*refused the credential/u,
    },
    also: (outcome) => assertNowhere(outcome, 'not-the-token-1f7ac3'),
  },
  {
    name: 'a private repository with its token works, and the token is nowhere: not in answers, events, logs, files, arguments or environments',
    url: privateUrl,
    accessToken: secretToken,
    // What the agent can see of its own world goes into the events, where the token would be found.
    command: `sleep 0.4; env; cat .git/config; git config --list; cat /proc/*/environ /proc/*/cmdline | tr '\\0' '\\n'; grep -rsl ${secretToken.slice(0, 12)} / --include='*' --exclude-dir=proc --exclude-dir=usr --exclude-dir=sys; ${change}`,
    end: { status: 'completed', commits: 1 },
    during: ({ house, id }) => watchForToken(house, id),
    also: (outcome) => assertNowhere(outcome, secretToken),
  },
  {
    name: 'a token that the agent prints is taken out of the events and the result',
    accessToken: printedToken,
    command: `printf '%s%s\\n' '${printedToken.slice(0, 8)}' '${printedToken.slice(8)}'; : LABEL`,
    end: { status: 'completed', commits: 0 },
    also: (outcome) => {
      assert.equal(outcome.task.result, '[secret]');
      return assertNowhere(outcome, printedToken);
    },
  },
  {
    name: 'submodules are refused by name',
    repository: 'submodule',
    command: change,
    end: {
      status: 'failed',
      code: 'repository_unsupported',
      error: /^clone failed: the repository has submodules, which are not supported yet/u,
    },
  },
  {
    name: 'Git LFS is refused by name',
    repository: 'lfs',
    command: change,
    end: {
      status: 'failed',
      code: 'repository_unsupported',
      error: /^clone failed: the repository keeps files in Git LFS, which is not supported yet/u,
    },
  },
  {
    name: 'a host that answers 503 to the fetch and then to the push is tried again, and the task completes',
    repository: 'flaky',
    command: change,
    end: { status: 'completed', commits: 1 },
    before: (house) => {
      const seen = new Set<string>();
      house.onRequest('flaky', ({ url }) => {
        const service = url.includes('receive-pack') ? 'push' : 'fetch';
        if (seen.has(service)) return undefined;
        seen.add(service);
        return { kind: 'answer', status: 503, body: 'come back later' };
      });
    },
    also: ({ events }) =>
      assert.equal(events.filter(({ event }) => (event.event as string) === 'run_retried').length, 1),
  },
  {
    name: 'a branch of the name that was there before is left alone: the work goes to the next name',
    repository: 'taken',
    command: change,
    end: { status: 'completed', commits: 1 },
    during: ({ house, id }) => takeBranchBeforePush(house, id),
    also: async ({ branch, bare, events }) => {
      assert.match(branch, /-1$/u);
      const others = await git(bare, 'rev-parse', branch.replace(/-1$/u, ''));
      assert.equal(others, await git(bare, 'rev-parse', 'main'), 'the branch that was there is as it was');
      assert.ok(events.some(({ event }) => event.event === 'branch_taken'));
    },
  },
  {
    name: 'a push that a hook rejects fails the task with the words of the hook, and the work is kept',
    repository: 'guarded',
    command: change,
    end: { status: 'failed', code: 'push_rejected', error: new RegExp(`^push failed: .*${hookWords}`, 'u') },
    also: async ({ house, id, label }) =>
      assert.match(await house.client.tasks.diff(id), new RegExp(`\\+${label}`, 'u')),
  },
  {
    name: 'a push that the host forbids fails the task, and says to check the token',
    repository: 'closed',
    command: change,
    before: (house) =>
      house.onRequest('closed', ({ url }) =>
        url.includes('receive-pack') ? { kind: 'answer', status: 403 } : undefined,
      ),
    end: {
      status: 'failed',
      code: 'push_failed',
      error: /^push failed: .*refused the credential.* Check that the token/u,
    },
  },
  {
    name: 'a push whose answer got lost is recognised when it is tried again',
    repository: 'deaf',
    command: change,
    end: { status: 'completed', commits: 1 },
    before: (house) => {
      let broken = false;
      house.onRequest('deaf', ({ method, url }) => {
        if (broken || method !== 'POST' || !url.includes('receive-pack')) return undefined;
        broken = true;
        return { kind: 'drop_reply' };
      });
    },
  },
  {
    name: 'without publish the work is kept, no branch is pushed, and the diff is there',
    publish: 'manual',
    command: change,
    end: { status: 'completed', commits: 0 },
    also: async ({ house, id, task, label }) => {
      assert.equal(task.changes_summary?.files_created, 1);
      assert.match(await house.client.tasks.diff(id), new RegExp(`\\+${label}`, 'u'));
    },
  },
];

function privateUrl({ privateForge }: House): string {
  return `${privateForge.url}/sum.git`;
}

/** A port on which nothing listens any more. */
async function unreachable(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/x.git`;
}

/** Makes the branch that the task is going to push, at the moment in which it asks what is there. */
function takeBranchBeforePush(house: House, id: string): Promise<void> {
  const bare = join(house.repositories, 'taken.git');
  const name = `refs/heads/codeforge/change-a-file-${id.slice(0, 8)}`;
  house.onRequest('taken', ({ url }) => {
    if (url.includes('receive-pack')) {
      house.onRequest('taken', () => undefined);
      execFileSync('git', ['-C', bare, 'update-ref', name, 'main'], { timeout: 10_000 });
    }
    return undefined;
  });
  return Promise.resolve();
}

/**
 * Until the task has ended, looks every 10 ms whether a process or a file carries the token where
 * others can read it.
 */
async function watchForToken(house: House, id: string): Promise<void> {
  const found = new Set<string>();
  for (;;) {
    const { status } = await house.client.tasks.get(id);
    for (let look = 0; look < 10; look += 1) {
      for (const pid of readdirSync('/proc').filter((name) => /^\d+$/u.test(name))) {
        for (const file of ['cmdline', 'environ']) {
          if (readText(`/proc/${pid}/${file}`).includes(secretToken)) found.add(`${pid} ${file}`);
        }
      }
      await delay(10, AbortSignal.timeout(1_000));
    }
    for (const part of ['workspaces', 'runs', 'scratch', 'mirrors', 'sandbox']) {
      for (const path of filesWith(join(house.data, part), secretToken)) found.add(path);
    }
    if (status === 'completed' || status === 'failed') break;
  }
  assert.deepEqual([...found], [], 'the token in a process or a file');
}

/** Neither what the server says nor what it keeps holds the token. */
async function assertNowhere({ house, id, events }: Outcome, secret: string): Promise<void> {
  const headers = { authorization: `Bearer ${house.token}` };
  const paths = ['', '?include=iterations', '/stream', '/diff'].map((rest) => `api/v1/tasks/${id}${rest}`);
  for (const path of [...paths, 'api/v1/tasks?limit=200', 'health']) {
    const answer = await fetch(new URL(path, house.server().url), { headers });
    assert.ok(!(await answer.text()).includes(secret), `the token in the answer to ${path}`);
  }
  assert.ok(!JSON.stringify(events).includes(secret), 'the token in an event');
  assert.ok(!house.server().output().includes(secret), 'the token in the log');
  assert.deepEqual(filesWith(house.data, secret), [], 'the token in a file');
}

function filesWith(folder: string, secret: string): readonly string[] {
  return listAll(folder)
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readText(path).includes(secret));
}

/** Other scenarios' folders come and go meanwhile. */
function listAll(folder: string): readonly Dirent[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.flatMap((entry) => (entry.isDirectory() ? listAll(join(folder, entry.name)) : [entry]));
  } catch {
    return [];
  }
}

/** Empty where it cannot be read: processes end, files go. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
