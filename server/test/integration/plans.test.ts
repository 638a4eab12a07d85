import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { systemIds } from '../../src/lib/ids.ts';
import { appendOutputEvents } from '../../src/store/append-events.ts';
import { cancelTask } from '../../src/store/cancel-task.ts';
import { retakeOwnRuns } from '../../src/store/claim-run.ts';
import { findIdempotencyKey } from '../../src/store/create-task.ts';
import { leaseEffect, releaseOwnEffects } from '../../src/store/effects.ts';
import { readEvents, readHeads } from '../../src/store/events.ts';
import { finishRun } from '../../src/store/finish-run.ts';
import { recordExit } from '../../src/store/move-run.ts';
import { readClaim } from '../../src/store/read-claim.ts';
import { settlePush } from '../../src/store/settle-push.ts';
import { sweepRun, sweepTask } from '../../src/store/sweep.ts';
import { findTask, readTaskPage } from '../../src/store/tasks.ts';
import {
  claimNext,
  noLimits,
  setStage,
  start,
  storeManyTasks,
  storeTask,
  successOf,
  type Stage,
} from '../support/stored-tasks.ts';

const queued = 20_000;
/** More often than PostgreSQL plans a prepared statement anew: after five times it may keep one plan for all. */
const times = 8;

/** How many rows sequential scans have read, by table. The one connection reports what it did before it is asked. */
async function rowsScanned({ database }: Stage): Promise<ReadonlyMap<string, number>> {
  await sql`select pg_stat_force_next_flush()`.execute(database.kysely);
  const result = await sql<{ table: string; rows: number }>`
    select relname as table, seq_tup_read as rows from pg_stat_user_tables`.execute(database.kysely);
  return new Map(result.rows.map((row) => [row.table, row.rows]));
}

/** How many rows sequential scans read in each table while this was done. */
async function scannedBy(
  stage: Stage,
  perform: () => Promise<unknown>,
): Promise<ReadonlyMap<string, number>> {
  const before = await rowsScanned(stage);
  await perform();
  const after = await rowsScanned(stage);
  return new Map([...after].map(([table, rows]) => [table, rows - (before.get(table) ?? 0)]));
}

/** One task from its claim to its pushed branch. */
async function lifeOfATask(stage: Stage): Promise<void> {
  const { database, workerId } = stage;
  const run = await claimNext(stage);
  assert.ok(run);
  assert.ok(await start(stage, run));
  await readClaim(database, run);
  assert.ok(await appendOutputEvents(database, run, { from: 0, to: 1 }, []));
  assert.ok(await recordExit(database, run, {}));
  assert.ok(await finishRun(database, run, successOf('codeforge/mend-it')));
  const effect = await leaseEffect(database, workerId);
  assert.ok(effect?.kind === 'push');
  assert.ok(await settlePush(database, effect, { kind: 'pushed' }));
  await findTask(database, { userId: stage.ownerId, isAdmin: false }, { id: run.taskId });
}

const work: Readonly<Record<string, (stage: Stage) => Promise<unknown>>> = {
  'a life': lifeOfATask,
  'a task created': (stage) =>
    storeTask(stage, { idempotency: { route: 'x', key: systemIds.random(), bodyHash: 'x' } }),
  'a key looked up': (stage) => findIdempotencyKey(stage.database, stage.ownerId, 'x', 'y'),
  'a claim while all is full': (stage) => claimNext(stage, { limits: { ...noLimits, perOwner: 1 } }),
  'a cancelled task': async (stage) => {
    const { taskId } = await storeTask(stage);
    await cancelTask(stage.database, taskId, ['pending']);
  },
  'runs swept': (stage) => sweepRun(stage.database, systemIds.ordered()),
  'tasks swept': (stage) => sweepTask(stage.database),
  'own runs taken back': (stage) => retakeOwnRuns(stage.database, stage.workerId),
  'own effects let go': (stage) => releaseOwnEffects(stage.database, stage.workerId),
  'events read': (stage) => readEvents(stage.database, systemIds.random(), 0, 200),
  'heads read': (stage) => readHeads(stage.database, [systemIds.random()]),
  'a page of all': (stage) =>
    readTaskPage(
      stage.database,
      { userId: stage.ownerId, isAdmin: true },
      { states: undefined, limit: 50, offset: 0 },
    ),
  'a page of one owner': (stage) =>
    readTaskPage(
      stage.database,
      { userId: stage.ownerId, isAdmin: false },
      { states: undefined, limit: 50, offset: 0 },
    ),
};

test(`no statement of the engine looks at more than it needs, with ${queued} tasks stored`, async (t) => {
  const stage = await setStage(t, 1);
  await storeManyTasks(stage, queued);
  await sql`analyze`.execute(stage.database.kysely);
  const planted = await scannedBy(stage, () =>
    sql`select count(*) from tasks where prompt like '%x%'`.execute(stage.database.kysely),
  );
  assert.equal(planted.get('tasks'), queued, 'the measure does not see a scan');
  for (const [what, perform] of Object.entries(work)) {
    const scanned = await scannedBy(stage, async () => {
      for (let round = 0; round < times; round += 1) await perform(stage);
    });
    for (const [table, rows] of scanned) {
      assert.ok(rows < queued / 10, `${what}: ${rows} rows of ${table} were scanned`);
    }
  }
});
