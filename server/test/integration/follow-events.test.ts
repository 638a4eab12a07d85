import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NewEvent } from '../../src/domain/event.ts';
import { aborted, delay } from '../../src/lib/abort.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { createEventFollower, type EventFollower } from '../../src/services/follow-events.ts';
import { appendEvents } from '../../src/store/append-events.ts';
import type { Database } from '../../src/store/database.ts';
import { readEvents } from '../../src/store/events.ts';
import { createWakeups } from '../../src/store/wakeups.ts';
import { until } from '../support/processes.ts';
import { setStage, storeTask, type Stage } from '../support/stored-tasks.ts';
import type { TestContext } from 'node:test';

const says = (content: string): NewEvent => ({
  type: 'agent_output',
  data: { type: 'text', content, agent: 'script' },
});

type Scene = {
  readonly stage: Stage;
  readonly streamId: string;
  readonly follower: EventFollower;
  /** Appends so many events and, unless told otherwise, wakes who follows. */
  readonly append: (count: number, wake?: boolean) => Promise<void>;
  readonly wake: () => void;
  /** Ids of everything that the stream has. */
  readonly ids: () => Promise<readonly number[]>;
  /** Statements that were run, by name. */
  readonly statements: Map<string, number>;
  /** While it is true, the database is away. */
  readonly outage: { away: boolean; asked: number };
};

async function setScene(t: TestContext): Promise<Scene> {
  const stage = await setStage(t, 12);
  const { taskId: streamId } = await storeTask(stage);
  const statements = new Map<string, number>();
  const outage = { away: false, asked: 0 };
  const database: Database = {
    ...stage.database,
    statement: async (hot, values) => {
      if (outage.away) {
        outage.asked += 1;
        throw Object.assign(new Error('gone'), { code: 'ECONNREFUSED' });
      }
      statements.set(hot.name, (statements.get(hot.name) ?? 0) + 1);
      return stage.database.statement(hot, values);
    },
  };
  const wakeups = createWakeups(stage.database, 'here', silentLogger);
  return {
    stage,
    streamId,
    follower: createEventFollower(database, wakeups),
    statements,
    outage,
    wake: () => wakeups.wake('stream', streamId),
    async append(count, wake = true) {
      const events = Array.from({ length: count }, (_, index) => says(`event ${index}`));
      await stage.database.transaction((tx) => appendEvents(tx, streamId, null, events));
      if (wake) wakeups.wake('stream', streamId);
    },
    ids: async () => (await readEvents(stage.database, streamId, 0, 1_000_000)).map((event) => event.id),
  };
}

type Following = { readonly seen: number[]; readonly stop: () => Promise<void> };

/** Follows until it is stopped; `pause` is what the consumer does with each batch. */
function follow(t: TestContext, scene: Scene, afterId: number, pause?: () => Promise<void>): Following {
  const stop = new AbortController();
  const seen: number[] = [];
  const running = (async (): Promise<void> => {
    for await (const batch of scene.follower.follow(scene.streamId, afterId, stop.signal)) {
      seen.push(...batch.map((event) => event.id));
      if (batch.length > 0) await pause?.();
    }
  })();
  const end = async (): Promise<void> => {
    stop.abort();
    await running;
  };
  t.after(end);
  return { seen, stop: end };
}

/** Waits until a follower has seen the stream's last event, then compares all that it saw with all there is. */
async function assertSawAll(scene: Scene, { seen }: Following, afterId: number): Promise<void> {
  const expected = (await scene.ids()).filter((id) => id > afterId);
  await until('the last event', () => expected.length === 0 || (seen.at(-1) ?? 0) >= (expected.at(-1) ?? 0));
  assert.deepEqual(seen, expected);
}

test('who joins late sees all from the beginning, who resumes what comes behind', async (t) => {
  const scene = await setScene(t);
  await scene.append(1_234);
  const late = follow(t, scene, 0);
  await assertSawAll(scene, late, 0);
  const ids = await scene.ids();
  const middle = ids[617] ?? 0;
  await assertSawAll(scene, follow(t, scene, middle), middle);
  await scene.append(3);
  await assertSawAll(scene, late, 0);
});

test('what happens while somebody follows is seen at once, and without a wake-up soon', async (t) => {
  const scene = await setScene(t);
  const following = follow(t, scene, 0);
  await assertSawAll(scene, following, 0);
  const began = performance.now();
  await scene.append(1);
  await assertSawAll(scene, following, 0);
  assert.ok(performance.now() - began < 1_000);
  await scene.append(2, false);
  await assertSawAll(scene, following, 0);
});

test('a hundred followers of one stream share its reads', async (t) => {
  const scene = await setScene(t);
  const followers = Array.from({ length: 100 }, () => follow(t, scene, 0));
  await until('all to be at the tail', () => (scene.statements.get('read-events') ?? 0) >= 100);
  const before = scene.statements.get('read-events') ?? 0;
  for (let round = 0; round < 20; round += 1) {
    await scene.append(5);
    const last = (await scene.ids()).at(-1);
    await until('all to see it', () => followers.every(({ seen }) => seen.at(-1) === last));
  }
  const all = await scene.ids();
  for (const { seen } of followers) assert.deepEqual(seen, all);
  const reads = (scene.statements.get('read-events') ?? 0) - before;
  assert.ok(reads < 60, `${reads} reads for 20 wake-ups`);
});

test('a stream on which nothing happens costs no read, only its part of one look at all heads', async (t) => {
  const scene = await setScene(t);
  const following = follow(t, scene, 0);
  await assertSawAll(scene, following, 0);
  await until('two polls', () => (scene.statements.get('read-heads') ?? 0) >= 2);
  const before = scene.statements.get('read-events') ?? 0;
  const polls = scene.statements.get('read-heads') ?? 0;
  await until('two more polls', () => (scene.statements.get('read-heads') ?? 0) >= polls + 2);
  assert.equal(scene.statements.get('read-events') ?? 0, before);
});

test('one that falls far behind the others catches up without a gap', async (t) => {
  const scene = await setScene(t);
  const go = new AbortController();
  const slow = follow(t, scene, 0, () => aborted(go.signal));
  const fast = follow(t, scene, 0);
  for (let round = 0; round < 15; round += 1) {
    await scene.append(300);
    await assertSawAll(scene, fast, 0);
  }
  assert.ok(slow.seen.length < 1_000);
  go.abort();
  await assertSawAll(scene, slow, 0);
});

test('followers that come and go while eight writers append see neither gap nor repeat', async (t) => {
  const scene = await setScene(t);
  const writing = { done: false };
  const writers = Array.from({ length: 8 }, async (_, writer) => {
    // Every other writer's wake-ups get lost.
    for (let round = 0; round < 25; round += 1)
      await scene.append(1 + ((writer + round) % 9), writer % 2 === 0);
  });
  const everything: Promise<void>[] = [];
  const joining = (async (): Promise<void> => {
    for (let joined = 0; !writing.done || joined < 5; joined += 1) {
      const known = await scene.ids();
      const afterId = joined % 3 === 0 ? 0 : (known[Math.floor((known.length * (joined % 7)) / 7)] ?? 0);
      const following = follow(
        t,
        scene,
        afterId,
        joined % 4 === 0 ? () => delay(3, AbortSignal.timeout(5_000)) : undefined,
      );
      everything.push(
        (async () => {
          // Some leave in between, so that tails are dropped and made anew.
          if (joined % 5 === 4) return following.stop();
          await Promise.all(writers);
          return assertSawAll(scene, following, afterId);
        })(),
      );
      await delay(10, AbortSignal.timeout(5_000));
    }
  })();
  await Promise.all(writers);
  writing.done = true;
  await joining;
  await Promise.all(everything);
});

test('a database that goes away and comes back leaves no gap for who is at the tail', async (t) => {
  const scene = await setScene(t);
  const following = follow(t, scene, 0);
  await assertSawAll(scene, following, 0);
  scene.outage.away = true;
  await scene.append(4);
  await until('a poll to find the database away', () => scene.outage.asked >= 2);
  assert.equal(following.seen.length, 1);
  scene.outage.away = false;
  await assertSawAll(scene, following, 0);
});

test('a log that cannot be read for another reason ends all who follow it', async (t) => {
  const scene = await setScene(t);
  const stop = new AbortController();
  t.after(() => stop.abort());
  const seen = [0, 0];
  const ends = seen.map(async (_count, index) => {
    for await (const batch of scene.follower.follow(scene.streamId, 0, stop.signal)) {
      seen[index] = (seen[index] ?? 0) + batch.length;
    }
  });
  const told = ends.map((end) => assert.rejects(end, /does not exist/u));
  await until('both to be at the tail', () => seen.every((count) => count === 1));
  await scene.stage.database.kysely.schema.alterTable('events').renameTo('gone').execute();
  scene.wake();
  await Promise.all(told);
  await scene.stage.database.kysely.schema.alterTable('gone').renameTo('events').execute();
  await assertSawAll(scene, follow(t, scene, 0), 0);
});

test('who has to read for himself is told that the database is away', async (t) => {
  const scene = await setScene(t);
  scene.outage.away = true;
  const stream = scene.follower.follow(scene.streamId, 0, AbortSignal.timeout(10_000));
  await assert.rejects(stream.next(), /gone/u);
  scene.outage.away = false;
  await assertSawAll(scene, follow(t, scene, 0), 0);
});

test('a follower ends with its signal, wherever it waits', async (t) => {
  const scene = await setScene(t);
  const stop = new AbortController();
  const stream = scene.follower.follow(scene.streamId, 0, stop.signal);
  assert.equal((await stream.next()).value?.length, 1);
  assert.equal((await stream.next()).value?.length, 0);
  const waiting = stream.next();
  stop.abort();
  assert.equal((await waiting).done, true);
});
