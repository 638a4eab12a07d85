import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ApiError } from '@slipway/client';
import type { FaultPoint } from '../../src/domain/fault-points.ts';
import { isStopped, processesWith, until } from '../support/processes.ts';
import { startSlipway } from '../support/slipway-process.ts';
import { openHouse, smallLimits, type House } from './scenario-house.ts';
import {
  follow,
  gonePatienceMs,
  living,
  runScenario,
  start,
  type Scenario,
  type Started,
} from './scenario.ts';

/** Shared by a server and a separate worker. */
const sharedKey = { SLIPWAY_ENCRYPTION_KEY: 'a key for two processes' };
const stubborn = [
  "trap '' TERM INT HUP",
  '(setsid sh -c "trap \'\' TERM HUP INT; while :; do sleep 0.1; : LABEL; done" &) >/dev/null 2>&1',
  'env -i setsid nohup sleep 86400.LABEL >/dev/null 2>&1 &',
  'while :; do echo LABEL; sleep 0.1; done',
].join('\n');

test('a task is cancelled at whatever stage it is, and nothing of it is left', async (t) => {
  await using house = await openHouse({ settings: { ...smallLimits, SLIPWAY_WORKERS: '1' } });

  await t.test('waiting: only who says so takes back what has not started; it never starts', async () => {
    const running = await start(house, { command: stubborn });
    await until('the first to run', () => living(running.label).length > 0);
    await runScenario(house, {
      ...cancelled('waiting'),
      during: async ({ id }) => {
        await assert.rejects(house.client.tasks.cancel(id), refusal('task is not running (status: pending)'));
        const answer = await house.client.tasks.cancel(id, { queued: true });
        assert.equal((await house.client.tasks.get(id)).status, 'failed', 'at once');
        assert.equal(answer.id, id);
      },
      also: ({ events }) =>
        assert.deepEqual(
          events.map(({ event }) => event.event as string),
          ['task_canceled'],
        ),
    });
    await house.client.tasks.cancel(running.id);
    await follow(house, running.id);
  });

  await t.test('cloning: a fetch that hangs is ended', async () => {
    house.onRequest('slow', () => ({ kind: 'delay', ms: 30_000 }));
    await runScenario(house, {
      ...cancelled('cloning'),
      repository: 'slow',
      during: async ({ id }) => {
        await until('the fetch', () => processesWith('/slow.git').length > 0);
        await house.client.tasks.cancel(id);
        await until('the fetch to be ended', () => processesWith('/slow.git').length === 0, gonePatienceMs);
      },
    });
  });

  await t.test('running: SIGTERM ignored, daemons, own sessions: all of it ends within 3 s', async () => {
    await runScenario(house, {
      ...cancelled('running'),
      during: async (started) => {
        const ms = await cancelRunning(started);
        t.diagnostic(`from the cancel to nothing left: ${ms} ms`);
        assert.ok(ms < gonePatienceMs, `${ms} ms`);
      },
      also: ({ output }) => assert.ok(output.length > 0, 'what was printed before is kept'),
    });
  });

  await t.test('running, of its own will: a script that ends at SIGTERM is given the time', async () => {
    await runScenario(house, {
      ...cancelled('running and polite'),
      command: "trap 'echo bye; exit 0' TERM; while :; do echo LABEL; sleep 0.1; done",
      during: async (started) => void (await cancelRunning(started)),
    });
  });

  await t.test('twice at once: both are told, and it ends once; after that it is a conflict', async () => {
    const { id } = await runScenario(house, {
      ...cancelled('running, twice'),
      during: async ({ id, label }) => {
        await until('the script to run', () => living(label).length > 0);
        const cancel = async (): Promise<string> => (await house.client.tasks.cancel(id)).status;
        assert.deepEqual(await Promise.all([cancel(), cancel()]), ['canceling', 'canceling']);
      },
    });
    for (const queued of [false, true]) {
      await assert.rejects(
        house.client.tasks.cancel(id, { queued }),
        refusal('task is not running (status: failed)'),
      );
    }
  });

  await t.test('pushing: what is being pushed is not called back, and the answer says so', async () => {
    house.onRequest('slow', ({ url }) =>
      url.includes('receive-pack') ? { kind: 'delay', ms: 700 } : undefined,
    );
    await runScenario(house, {
      name: 'pushing',
      repository: 'slow',
      command: 'echo LABEL > f',
      end: { status: 'completed', commits: 1 },
      during: async ({ id }) => {
        await until('the push', async () => (await house.client.tasks.get(id)).status === 'creating_pr');
        await assert.rejects(
          house.client.tasks.cancel(id),
          refusal('task is not running (status: creating_pr)'),
        );
      },
    });
  });
});

test('a task is cancelled while its work is being collected', async (t) => {
  await using house = await openHouse({
    settings: { ...smallLimits, ...sharedKey, SLIPWAY_WORKERS: '0' },
  });
  for (const point of ['collect.recorded', 'collect.stored', 'prepare.cloned'] satisfies FaultPoint[]) {
    await t.test(`at ${point}`, () => cancelAt(house, point));
  }
});

/** Freezes a worker of its own at the point, cancels through the server, and lets it go on. */
async function cancelAt(house: House, point: FaultPoint): Promise<void> {
  const mark = join(house.folder, `mark-${point}`);
  const worker = await startSlipway('work', {
    ...smallLimits,
    ...sharedKey,
    SLIPWAY_ALLOW_HTTP_REPOSITORIES: 'on',
    SLIPWAY_DATA_DIR: join(house.folder, `worker-${point}`),
    SLIPWAY_BLOB_DIR: join(house.data, 'blobs'),
    SLIPWAY_FAULT: `${point}:stop:${mark}`,
    DATABASE_URL: house.databaseUrl,
  });
  try {
    await runScenario(house, {
      ...cancelled(point),
      command: 'echo LABEL > f',
      during: async ({ id }) => {
        const pid = await until(`the point ${point}`, () => readMark(mark));
        await until('the worker to stand still', () => isStopped(pid));
        assert.equal((await house.client.tasks.cancel(id)).status, 'canceling');
        process.kill(pid, 'SIGCONT');
      },
    });
  } finally {
    await worker.stop();
  }
}

/** The process that stands still, as soon as its mark is whole. */
function readMark(path: string): number | undefined {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  return text.endsWith('\n') ? Number(text) : undefined;
}

/** Waits for the script and what it started, cancels, and gives the milliseconds until nothing of it lives. */
async function cancelRunning({ house, id, label }: Started): Promise<number> {
  await until('the script to print', async () => {
    const [row] = await house.query<{ printed: boolean }>(
      "select count(*) > 1 as printed from events where stream_id = $1 and type = 'agent_output'",
      [id],
    );
    return row?.printed;
  });
  const began = performance.now();
  await house.client.tasks.cancel(id);
  await until('nothing of the run to be alive', () => living(label).length === 0, 10_000);
  return Math.round(performance.now() - began);
}

function cancelled(stage: string): Scenario {
  return { name: `cancelled: ${stage}`, command: stubborn, end: { status: 'cancelled' } };
}

function refusal(message: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ApiError, String(error));
    assert.equal(error.status, 409);
    assert.equal(error.message, message);
    return true;
  };
}
