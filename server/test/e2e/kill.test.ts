import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { createClient, type Client } from '@slipway/client';
import { createExampleRepository, git } from '../../src/demo/example-repository.ts';
import { startGitServer, type GitServer } from '../../src/demo/git-server.ts';
import { delay } from '../../src/lib/abort.ts';
import { isStopped, processesWith, until } from '../support/processes.ts';
import {
  readToken,
  startSlipway,
  type SlipwayProcess,
  type SlipwaySettings,
} from '../support/slipway-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { databaseUrl, postmasterOf, readMark, supervisorsOf } from './installation-processes.ts';
import { killCases, victims, type KillCase, type Victim } from './kill-matrix.ts';

/**
 * The kill test: one task per point and victim. A process stops at the point, the victim is killed with
 * signal 9, the stopped process goes on, and what died is started again. The task has to end once, with one
 * branch of one commit, its script started as often as the matrix says, and nothing left running.
 */
// Most of a case is waiting: for a process to come up, for a lease to lapse.
describe('whoever dies at whatever point, a task ends once and with one branch', { concurrency: 2 }, () => {
  for (const victim of victims) {
    test(victim, async (t) => {
      const house = await openHouse(t, victim);
      const outcomes: string[] = [];
      try {
        for (const kill of killCases.filter((one) => one.victim === victim)) {
          await t.test(`${kill.point}: kill -9 of the ${victim}`, async () => {
            const began = performance.now();
            const outcome = await house.runCase(kill);
            const seconds = ((performance.now() - began) / 1_000).toFixed(1);
            outcomes.push(`${kill.point.padEnd(20)} ${victim.padEnd(11)} ${outcome}, ${seconds} s`);
          });
        }
      } finally {
        await house.close();
      }
      for (const line of outcomes) t.diagnostic(line);
    });
  }
});

type House = { readonly runCase: (kill: KillCase) => Promise<string>; readonly close: () => Promise<void> };

/** A git server, a data folder with its PostgreSQL, and the processes that the victim needs. */
async function openHouse(t: TestContext, victim: Victim): Promise<House> {
  const folder = await temporaryFolder(t);
  const repositories = join(folder, 'repositories');
  await mkdir(repositories);
  await createExampleRepository(repositories, 'sum.git');
  const forge = await startGitServer({ root: repositories });
  const place = createPlace(folder, victim);
  await place.start({});
  return {
    runCase: (kill) => runCase({ kill, place, forge, folder, repositories }),
    async close() {
      await place.stop();
      await forge.close();
    },
  };
}

/** The processes of one installation. `worker` as the victim is a process of its own, beside the server. */
function createPlace(folder: string, victim: Victim) {
  const data = join(folder, 'server');
  const common: SlipwaySettings = {
    SLIPWAY_ALLOW_HTTP_REPOSITORIES: 'on',
    SLIPWAY_BLOB_DIR: join(folder, 'blobs'),
  };
  let server: SlipwayProcess | undefined;
  let worker: SlipwayProcess | undefined;
  const separate = victim === 'worker';
  const startServer = async (fault: SlipwaySettings): Promise<void> => {
    server = await startSlipway('serve', {
      ...common,
      ...(separate ? { SLIPWAY_WORKERS: '0' } : fault),
      SLIPWAY_DATA_DIR: data,
      SLIPWAY_ENCRYPTION_KEY: 'a key for two processes',
    });
  };
  const startWorker = async (fault: SlipwaySettings): Promise<void> => {
    worker = await startSlipway('work', {
      ...common,
      ...fault,
      SLIPWAY_DATA_DIR: join(folder, 'worker'),
      SLIPWAY_ENCRYPTION_KEY: 'a key for two processes',
      DATABASE_URL: databaseUrl(data),
    });
  };
  return {
    data,
    /** Where the runs' folders are. */
    working: separate ? join(folder, 'worker') : data,
    output: () => `${server?.output() ?? ''}\n${worker?.output() ?? ''}`,
    async start(fault: SlipwaySettings) {
      if (server === undefined) await startServer(fault);
      if (separate) await startWorker(fault);
    },
    async client(): Promise<Client> {
      return createClient({ baseUrl: server?.url ?? '', token: await readToken(data) });
    },
    /** Kills who works on tasks. */
    async killWorking() {
      await (separate ? worker : server)?.kill();
      if (!separate) server = undefined;
      worker = undefined;
    },
    /** Ends who works on tasks in an orderly way, for the next case's fault. */
    async stopWorking() {
      await worker?.stop();
      worker = undefined;
      if (separate) return;
      await server?.stop();
      server = undefined;
    },
    async stop() {
      await worker?.stop();
      await server?.stop();
    },
    workingPid: () => (separate ? worker : server)?.pid ?? 0,
  };
}

type Place = ReturnType<typeof createPlace>;

type CaseRun = {
  readonly kill: KillCase;
  readonly place: Place;
  readonly forge: GitServer;
  readonly folder: string;
  readonly repositories: string;
};

async function runCase({ kill, place, forge, folder, repositories }: CaseRun): Promise<string> {
  const mark = join(folder, `mark-${kill.point}`);
  const label = randomUUID();
  await place.stopWorking();
  await place.start({ SLIPWAY_FAULT: `${kill.point}:stop:${mark}` });
  const script = `: ${label}; echo begun; sleep 0.7; echo ${label} > change.txt; echo done`;
  const starts = watchStarts(label);
  try {
    const created = createTask(place, `${forge.url}/sum.git`, script, label);
    const stopped = await until(`the point ${kill.point} to be reached`, () => readMark(mark));
    await until('the process to stand still', () => isStopped(stopped));
    if (kill.scriptLives) await until('the script to begin', () => starts.seen().size > 0);
    await killVictim(kill, place, stopped);
    const taskId = await created;
    const client = await place.client();
    const task = await until(
      'the task to end',
      async () => {
        const now = await client.tasks.get(taskId).catch(() => undefined);
        return now !== undefined && ['completed', 'failed'].includes(now.status) && now;
      },
      45_000,
    );
    assert.equal(task.status, 'completed', `${task.error ?? ''}\n${place.output()}`);
    await assertOneBranch(join(repositories, 'sum.git'), taskId, label);
    await until(
      'everything of the run to be gone',
      () =>
        processesWith(label).length === 0 && supervisorsOf(place.working, place.workingPid()).length === 0,
    );
    assert.equal(starts.seen().size, kill.starts, `the script was started ${starts.seen().size} times`);
    return `one branch, ${kill.starts} ${kill.starts === 1 ? 'start' : 'starts'}`;
  } finally {
    starts.stop();
  }
}

async function killVictim(kill: KillCase, place: Place, stopped: number): Promise<void> {
  switch (kill.victim) {
    case 'server':
    case 'worker':
      await place.killWorking();
      // A supervisor that stood still at a point of its own goes on without its server.
      if (isStopped(stopped)) process.kill(stopped, 'SIGCONT');
      await place.start({});
      return;
    case 'postgres':
      process.kill(postmasterOf(place.data), 'SIGKILL');
      process.kill(stopped, 'SIGCONT');
      return;
    case 'supervisor': {
      const found = supervisorsOf(place.working, place.workingPid());
      assert.notEqual(found.length, 0, 'no supervisor lives at this point');
      for (const pid of found) process.kill(pid, 'SIGKILL');
      if (isStopped(stopped)) process.kill(stopped, 'SIGCONT');
    }
  }
}

/** Counts the script's starts: the processes, told apart by pid and start time, that bear its label. */
function watchStarts(label: string) {
  const seen = new Set<string>();
  const timer = setInterval(() => {
    for (const identity of processesWith(label)) seen.add(identity);
  }, 25);
  return { seen: () => seen as ReadonlySet<string>, stop: () => clearInterval(timer) };
}

/** Submits as a careful client does: with a key, again and again until there is an answer. */
async function createTask(place: Place, url: string, command: string, key: string): Promise<string> {
  const patience = AbortSignal.timeout(30_000);
  for (;;) {
    try {
      const client = await place.client();
      const created = await client.tasks.create(
        { repo_url: url, prompt: `Change ${key}`, publish: 'branch', config: { cli: 'script', command } },
        { idempotencyKey: key },
      );
      return created.id;
    } catch (error) {
      if (patience.aborted) throw error;
      await delay(100, patience);
    }
  }
}

async function assertOneBranch(repository: string, taskId: string, label: string): Promise<void> {
  const branches = (await git(repository, 'branch', '--list', '--format=%(refname:short)'))
    .split('\n')
    .filter((name) => name.includes(taskId.slice(0, 8)));
  assert.equal(branches.length, 1, `branches: ${branches.join(', ')}`);
  const branch = branches[0] ?? '';
  assert.equal((await git(repository, 'rev-list', '--count', `main..${branch}`)).trim(), '1', 'one commit');
  assert.equal((await git(repository, 'show', `${branch}:change.txt`)).trim(), label);
}
