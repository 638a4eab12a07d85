import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { systemIds } from '../../src/lib/ids.ts';
import { cancelTask } from '../../src/store/cancel-task.ts';
import { claimRun, retakeOwnRuns, type ClaimedRun, type ClaimLimits } from '../../src/store/claim-run.ts';
import { failRun } from '../../src/store/fail-run.ts';
import { ensureRepository, ensureWorker } from '../../src/store/owners.ts';
import { renewLeases } from '../../src/store/renew-leases.ts';
import {
  addOwner,
  age,
  claimNext,
  noLimits,
  runsOf,
  setStage,
  storeLiveRun,
  storeTask,
  taskState,
  type Stage,
} from '../support/stored-tasks.ts';

/** One more run for a task: an instruction that waits behind the first. */
async function addInstruction({ database }: Stage, runId: string, more = sql``): Promise<string> {
  const id = systemIds.ordered();
  await sql`
    insert into runs (id, task_id, owner_id, repository_id, workspace_id, kind, iteration, attempt, cause, prompt,
      queue, state, deadline_at, time_left_ms, agent, priority)
    select ${id}, task_id, owner_id, repository_id, workspace_id, kind, iteration + 1, 1, 'follow_up', 'more', queue,
      'queued', now() + interval '1 hour', 1000, agent, 100
    from runs where id = ${runId} ${more}`.execute(database.kysely);
  return id;
}

const claimAll = async (stage: Stage): Promise<readonly string[]> => {
  const ids: string[] = [];
  for (let run = await claimNext(stage); run !== undefined; run = await claimNext(stage)) ids.push(run.runId);
  return ids;
};

test('a claimed run is preparing under a lease, its task cloning, and all that the work needs is told', async (t) => {
  const stage = await setStage(t);
  const { taskId, runId, workspaceId } = await storeTask(stage, { publish: 'branch' });
  const run = await claimNext(stage);
  assert.ok(run);
  assert.deepEqual(
    [run.runId, run.taskId, run.workspaceId, run.state, run.generation, run.attempt, run.queue, run.publish],
    [runId, taskId, workspaceId, 'preparing', 1, 1, 'tasks', 'branch'],
  );
  assert.equal(run.options.command, 'true');
  assert.equal(run.timeLeftMs, 60_000);
  assert.equal(run.baseCommit, null);
  assert.equal(await taskState(stage, taskId), 'cloning');
  const row = await sql<{ lease: number; deadline: number; holder: string }>`
    select extract(epoch from lease_until - now())::float8 as lease, holder,
      extract(epoch from deadline_at - now())::float8 as deadline from runs`.execute(stage.database.kysely);
  const { lease = 0, deadline = 0, holder } = row.rows[0] ?? {};
  assert.ok(lease > 5 && lease <= 10 && deadline > 800 && deadline <= 900);
  assert.equal(holder, stage.workerId);
  assert.equal(await claimNext(stage), undefined);
});

test('higher priority first, the older first within it', async (t) => {
  const stage = await setStage(t);
  const names = new Map<string, string>();
  for (const [name, priority] of [
    ['a', 0],
    ['b', 5],
    ['c', 0],
    ['d', 5],
    ['e', -5],
  ] as const) {
    names.set((await storeTask(stage, { priority })).runId, name);
  }
  assert.deepEqual((await claimAll(stage)).map((id) => names.get(id)).join(''), 'bdace');
});

test('what is not due yet, or asks for what this worker cannot do, waits for another', async (t) => {
  const stage = await setStage(t);
  const { runId } = await storeTask(stage);
  await age(stage, 'runs', 'available_at', { id: runId, seconds: -60 });
  assert.equal(await claimNext(stage), undefined);
  await age(stage, 'runs', 'available_at', { id: runId, seconds: 61 });
  await stage.database.kysely
    .updateTable('runs')
    .set({ requires: ['script', 'gpu'] })
    .execute();
  assert.equal(await claimNext(stage), undefined);
  assert.equal((await claimNext(stage, { capabilities: ['gpu', 'script', 'more'] }))?.runId, runId);
});

test('a queue has its own runs', async (t) => {
  const stage = await setStage(t);
  await storeTask(stage);
  const options = { capabilities: ['script'], limits: noLimits };
  assert.equal(await claimRun(stage.database, stage.workerId, 'reviews', options), undefined);
  assert.ok(await claimRun(stage.database, stage.workerId, 'tasks', options));
});

test('instructions of one task run one after the other, in their order, whatever their priority', async (t) => {
  const stage = await setStage(t);
  const { runId, taskId } = await storeTask(stage);
  const second = await addInstruction(stage, runId);
  const first = await claimNext(stage);
  assert.equal(first?.runId, runId);
  assert.equal(await claimNext(stage), undefined, 'its workspace has a live run');
  const failure = { code: 'internal', phase: 'agent', retryable: true, message: 'x' } as const;
  const retry = { runId: systemIds.ordered(), inMs: 60_000, attempt: 2 };
  assert.ok(await failRun(stage.database, first, failure, { retry, durationMs: 0 }));
  assert.equal(await claimNext(stage), undefined, 'the first is to be tried again before');
  await age(stage, 'runs', 'available_at', { id: retry.runId, seconds: 61 });
  const again = await claimNext(stage);
  assert.equal(again?.runId, retry.runId);
  await sql`update runs set state = 'lost', ended_at = now() where id = ${again.runId}`.execute(
    stage.database.kysely,
  );
  assert.equal((await claimNext(stage))?.runId, second);
  assert.equal(await taskState(stage, taskId), 'cloning');
});

test('a task that is being cancelled gets no worker', async (t) => {
  const stage = await setStage(t);
  const { taskId } = await storeTask(stage);
  await stage.database.kysely
    .updateTable('tasks')
    .set({ cancel_requested_at: sql`now()` })
    .where('id', '=', taskId)
    .execute();
  assert.equal(await claimNext(stage), undefined);
});

/** Claims until nothing may start, from 32 sides at once. */
async function claimFromAllSides(stage: Stage, limits: ClaimLimits): Promise<readonly ClaimedRun[]> {
  const claimed: ClaimedRun[] = [];
  const claimer = async (): Promise<void> => {
    for (
      let run = await claimNext(stage, { limits });
      run !== undefined;
      run = await claimNext(stage, { limits })
    ) {
      claimed.push(run);
    }
  };
  await Promise.all(Array.from({ length: 32 }, claimer));
  return claimed;
}

const countBy = (runs: readonly ClaimedRun[], key: (run: ClaimedRun) => string) => {
  const counts = new Map<string, number>();
  for (const run of runs) counts.set(key(run), (counts.get(key(run)) ?? 0) + 1);
  return counts;
};

test('thirty-two claimers over a hundred runs take each run once', async (t) => {
  const stage = await setStage(t, 32);
  for (let index = 0; index < 100; index += 1) await storeTask(stage);
  const claimed = await claimFromAllSides(stage, noLimits);
  assert.equal(claimed.length, 100);
  assert.equal(new Set(claimed.map((run) => run.runId)).size, 100);
});

test('limits per repository and per owner are exact under thirty-two claimers', async (t) => {
  const stage = await setStage(t, 32);
  const { database } = stage;
  const other = await ensureRepository(database, systemIds, 'https://forge.example/ada/other');
  const third = await ensureRepository(database, systemIds, 'https://forge.example/ada/third');
  await database.kysely
    .updateTable('repositories')
    .set({ max_live_runs: 2 })
    .where('id', '=', third)
    .execute();
  const bob = await addOwner(stage, 'bob');
  const eve = await addOwner(stage, 'eve', 1);
  for (let index = 0; index < 100; index += 1) {
    const repositoryId = [stage.repositoryId, other, third][index % 3] ?? other;
    await storeTask(stage, { repositoryId, ownerId: [stage.ownerId, bob, eve][(index >> 2) % 3] ?? bob });
  }
  const claimed = await claimFromAllSides(stage, { perRepository: 5, perOwner: 6 });
  const rows = await database.kysely.selectFrom('runs').select(['id', 'repository_id']).execute();
  const repositoryOf = new Map(rows.map((row) => [row.id, row.repository_id]));
  const repositories = countBy(claimed, (run) => repositoryOf.get(run.runId) ?? '');
  const owners = countBy(claimed, (run) => run.ownerId);
  assert.deepEqual(
    [repositories.get(stage.repositoryId), repositories.get(other), repositories.get(third)],
    [5, 5, 2],
  );
  assert.ok(
    [...owners].every(([owner, count]) => count <= (owner === eve ? 1 : 6)),
    JSON.stringify([...owners]),
  );
});

test('a place that gets free is taken by the next one', async (t) => {
  const stage = await setStage(t);
  const limits = { perRepository: 1, perOwner: 10 };
  for (let index = 0; index < 3; index += 1) await storeTask(stage);
  const first = await claimNext(stage, { limits });
  assert.ok(first);
  assert.equal(await claimNext(stage, { limits }), undefined);
  const failure = { code: 'internal', phase: 'agent', retryable: false, message: 'x' } as const;
  assert.ok(await failRun(stage.database, first, failure, { durationMs: 0 }));
  assert.notEqual((await claimNext(stage, { limits }))?.runId, first.runId);
});

test('a task that waits in another transaction is passed by, not waited for', async (t) => {
  const stage = await setStage(t);
  const [locked, free] = [await storeTask(stage, { priority: 9 }), await storeTask(stage)];
  await stage.database.transaction(async (tx) => {
    await tx.selectFrom('tasks').select('id').where('id', '=', locked.taskId).forUpdate().execute();
    assert.equal((await claimNext(stage))?.runId, free.runId);
    assert.equal(await claimNext(stage), undefined);
  });
  assert.equal((await claimNext(stage))?.runId, locked.runId);
});

test('a worker that is started again takes its own runs back, in every live state, and no others', async (t) => {
  const stage = await setStage(t);
  const own = [
    await storeLiveRun(stage, 'preparing'),
    await storeLiveRun(stage, 'running'),
    await storeLiveRun(stage, 'collecting'),
  ];
  const neighbour = { ...stage, workerId: systemIds.ordered() };
  await ensureWorker(stage.database, { id: neighbour.workerId, host: 'there', version: '0' });
  const foreign = await storeLiveRun(neighbour, 'running');
  const back = await retakeOwnRuns(stage.database, stage.workerId);
  assert.deepEqual(
    back.map((run) => `${run.runId} ${run.state} ${run.generation}`).sort(),
    own.map((run) => `${run.runId} ${run.state} 2`).sort(),
  );
  assert.deepEqual(back.find((run) => run.state === 'collecting')?.exit, { reason: 'exited', code: 0 });
  assert.equal((await runsOf(stage, foreign.taskId))[0]?.generation, 1);
  const client = await stage.database.connect(() => undefined);
  t.after(() => client.end());
  assert.deepEqual(await renewLeases(client, own), [], 'the old generations renew nothing');
  const answers = await renewLeases(client, back);
  assert.equal(answers.length, 3);
});

test('what this process attends to is not taken back', async (t) => {
  const stage = await setStage(t);
  const [attended, stray] = [await storeLiveRun(stage, 'running'), await storeLiveRun(stage, 'running')];
  const back = await retakeOwnRuns(stage.database, stage.workerId, [attended.runId]);
  assert.deepEqual(
    back.map((run) => run.runId),
    [stray.runId],
  );
});

test('a lease is renewed by generation, however late, and its answer tells who is to be cancelled', async (t) => {
  const stage = await setStage(t);
  const late = await storeLiveRun(stage, 'running');
  const cancelled = await storeLiveRun(stage, 'running');
  const stale = await storeLiveRun(stage, 'running');
  await age(stage, 'runs', 'lease_until', { id: late.runId, seconds: 3_600 });
  assert.deepEqual(await cancelTask(stage.database, cancelled.taskId, ['running']), { kind: 'asked' });
  const client = await stage.database.connect(() => undefined);
  t.after(() => client.end());
  const held = [late, cancelled, { runId: stale.runId, generation: stale.generation - 1 }];
  const answers = await renewLeases(client, held);
  assert.deepEqual(
    new Map(answers.map((answer) => [answer.runId, answer.cancelRequested])),
    new Map([
      [late.runId, false],
      [cancelled.runId, true],
    ]),
  );
  const row = await sql<{ fresh: boolean }>`
    select lease_until > now() as fresh from runs where id = ${late.runId}`.execute(stage.database.kysely);
  assert.equal(row.rows[0]?.fresh, true);
});
