import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemIds } from '../../src/lib/ids.ts';
import { appendFindings, type NewQuestion } from '../../src/store/append-findings.ts';
import { decideApproval } from '../../src/store/approvals.ts';
import { cancelTask } from '../../src/store/cancel-task.ts';
import { claimRun, type ClaimedRun } from '../../src/store/claim-run.ts';
import { recordExit } from '../../src/store/move-run.ts';
import { parkRun } from '../../src/store/park-run.ts';
import { readSessionSpend } from '../../src/store/spend.ts';
import {
  eventTypes,
  exitRecord,
  noLimits,
  runsOf,
  setStage,
  start,
  storeLiveRun,
  taskState,
  type Stage,
} from '../support/stored-tasks.ts';

const question = (requestId: string, hash = 'h'): NewQuestion => ({
  approvalId: systemIds.ordered(),
  requestId,
  tool: 'Bash',
  summary: 'rm x',
  arguments: { command: 'rm x' },
  argumentsHash: hash,
  expiresInSeconds: 60,
});

async function ask(stage: Stage, run: ClaimedRun, asked: NewQuestion, from = 0): Promise<void> {
  const findings = { session: 's1', version: undefined, spend: [], questions: [asked] };
  assert.ok(await appendFindings(stage.database, run, { from, to: from + 1 }, { events: [], findings }));
}

async function park(stage: Stage, run: ClaimedRun): Promise<boolean> {
  return parkRun(
    stage.database,
    { ...run, state: 'collecting' },
    {
      session: { id: 's1', agent: 'script', files: undefined },
      snapshot: undefined,
      timeLeftMs: 5_000,
      durationMs: 100,
      nextRunId: systemIds.ordered(),
    },
  );
}

const decide = (stage: Stage, approvalId: string, decision: 'allowed' | 'denied' | 'expired' = 'allowed') =>
  decideApproval(stage.database, { approvalId, decision, by: stage.ownerId, reason: '', ids: systemIds });

test('a parked run waits without a slot, and its answer queues the run that goes on', async (t) => {
  const stage = await setStage(t);
  const run = await storeLiveRun(stage, 'running');
  const asked = question('r1');
  await ask(stage, run, asked);
  assert.equal(await taskState(stage, run.taskId), 'waiting_for_user');
  await recordExit(stage.database, run, exitRecord);
  assert.ok(await park(stage, run));
  assert.equal(await taskState(stage, run.taskId), 'waiting_for_user');
  assert.deepEqual(
    (await runsOf(stage, run.taskId)).map(({ state }) => state),
    ['parked'],
  );
  await decide(stage, asked.approvalId);
  assert.equal(await taskState(stage, run.taskId), 'awaiting_instruction');
  const claimed = await claimRun(stage.database, stage.workerId, 'tasks', {
    capabilities: [],
    limits: noLimits,
  });
  assert.equal(claimed?.cause, 'resumed');
  assert.equal(claimed.timeLeftMs, 5_000);
  assert.equal(claimed.session, 's1');
  assert.equal(claimed.attempt, 2);
  assert.ok(await start(stage, claimed));
  assert.equal(await taskState(stage, run.taskId), 'running');

  // The same question, asked again, finds its answer once.
  await ask(stage, claimed, question('r2'));
  assert.equal(await taskState(stage, run.taskId), 'running');
  await ask(stage, claimed, question('r3'), 1);
  assert.equal(await taskState(stage, run.taskId), 'waiting_for_user');
  const states = await stage.database.kysely
    .selectFrom('approvals')
    .select('state')
    .orderBy('number')
    .execute();
  assert.deepEqual(
    states.map(({ state }) => state),
    ['allowed', 'allowed', 'waiting'],
  );
});

test('a run whose answer came while it was being put away goes on at once', async (t) => {
  const stage = await setStage(t);
  const run = await storeLiveRun(stage, 'running');
  const asked = question('r1');
  await ask(stage, run, asked);
  await recordExit(stage.database, run, exitRecord);
  await decide(stage, asked.approvalId, 'denied');
  assert.equal(await taskState(stage, run.taskId), 'running');
  assert.ok(await park(stage, run));
  assert.equal(await taskState(stage, run.taskId), 'awaiting_instruction');
  assert.deepEqual(
    (await runsOf(stage, run.taskId)).map(({ state, cause }) => [state, cause]),
    [
      ['parked', 'first'],
      ['queued', 'resumed'],
    ],
  );
});

test('a task that somebody wants cancelled is not parked, and its question is dropped', async (t) => {
  const stage = await setStage(t);
  const run = await storeLiveRun(stage, 'running');
  const asked = question('r1');
  await ask(stage, run, asked);
  await recordExit(stage.database, run, exitRecord);
  await cancelTask(stage.database, run.taskId, ['waiting_for_user']);
  assert.equal(await park(stage, run), false);
  const parked = await storeLiveRun(stage, 'running');
  const second = question('r1');
  await ask(stage, parked, second);
  await recordExit(stage.database, parked, exitRecord);
  assert.ok(await park(stage, parked));
  assert.equal((await cancelTask(stage.database, parked.taskId, ['waiting_for_user'])).kind, 'cancelled');
  const row = await stage.database.kysely
    .selectFrom('approvals')
    .select('state')
    .where('id', '=', second.approvalId)
    .executeTakeFirst();
  assert.equal(row?.state, 'dropped');
  assert.ok((await eventTypes(stage, parked.taskId)).includes('task_cancelled'));
});

test('a run that waits for a person takes nothing of the limits', async (t) => {
  const stage = await setStage(t);
  const run = await storeLiveRun(stage, 'running');
  const limits = { perRepository: 1, perOwner: 1 };
  const claim = () => claimRun(stage.database, stage.workerId, 'tasks', { capabilities: [], limits });
  const { runId } = await (await import('../support/stored-tasks.ts')).storeTask(stage);
  assert.equal(await claim(), undefined);
  await ask(stage, run, question('r1'));
  assert.equal((await claim())?.runId, runId);
});

test("a conversation's earlier spend is what other runs of it have in the ledger", async (t) => {
  const stage = await setStage(t);
  const run = await storeLiveRun(stage, 'running');
  const row = {
    model: 'm',
    inputTokens: 5,
    outputTokens: 1,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    microdollars: 9,
  };
  const findings = { session: 's1', version: undefined, spend: [row, row], questions: [] };
  assert.ok(await appendFindings(stage.database, run, { from: 0, to: 1 }, { events: [], findings }));
  assert.equal(
    await appendFindings(stage.database, run, { from: 0, to: 1 }, { events: [], findings }),
    false,
  );
  assert.equal((await readSessionSpend(stage.database, run, 's1')).inputTokens, 0);
  const later = { ...run, runId: systemIds.ordered() };
  assert.deepEqual(await readSessionSpend(stage.database, later, 's1'), {
    inputTokens: 10,
    outputTokens: 2,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    microdollars: 18,
  });
  await assert.rejects(
    stage.database.kysely.updateTable('spend').set({ microdollars: 0 }).execute(),
    /never changed/u,
  );
});
