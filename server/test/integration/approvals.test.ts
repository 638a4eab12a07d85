import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import type { ApprovalDecision } from '../../src/domain/approval-state.ts';
import { systemIds } from '../../src/lib/ids.ts';
import { appendFindings } from '../../src/store/append-findings.ts';
import { decideApproval, expireApproval, type DecisionAnswer } from '../../src/store/approvals.ts';
import { cancelTask } from '../../src/store/cancel-task.ts';
import type { ClaimedRun } from '../../src/store/claim-run.ts';
import { listApprovals } from '../../src/store/list-approvals.ts';
import { recordExit } from '../../src/store/move-run.ts';
import { parkRun } from '../../src/store/park-run.ts';
import {
  addOwner,
  eventTypes,
  exitRecord,
  pictureOf,
  runsOf,
  setStage,
  storeLiveRun,
  taskState,
  type Stage,
} from '../support/stored-tasks.ts';

const offsets = new WeakMap<ClaimedRun, number>();

/** The run's agent asks so many things at once; gives the questions' ids. */
async function ask(stage: Stage, run: ClaimedRun, count = 1): Promise<readonly string[]> {
  const questions = Array.from({ length: count }, () => ({
    approvalId: systemIds.ordered(),
    requestId: systemIds.random(),
    tool: 'Bash',
    summary: 'rm x',
    arguments: { command: 'rm x' },
    argumentsHash: systemIds.random(),
    expiresInSeconds: 60,
  }));
  const from = offsets.get(run) ?? 0;
  offsets.set(run, from + 1);
  const findings = { session: undefined, version: undefined, spend: [], questions };
  const batch = { events: [], findings };
  assert.ok(await appendFindings(stage.database, run, { from, to: from + 1 }, batch));
  return questions.map(({ approvalId }) => approvalId);
}

async function askOne(stage: Stage, run: ClaimedRun): Promise<string> {
  const [id] = await ask(stage, run);
  assert.ok(id);
  return id;
}

function decide(stage: Stage, approvalId: string, decision: ApprovalDecision): Promise<DecisionAnswer> {
  const by = decision === 'expired' ? null : stage.ownerId;
  return decideApproval(stage.database, { approvalId, decision, by, reason: '', ids: systemIds });
}

async function park(stage: Stage, run: ClaimedRun): Promise<void> {
  await recordExit(stage.database, run, exitRecord);
  const parked = { session: undefined, snapshot: undefined, timeLeftMs: 5_000, durationMs: 0 };
  const nextRunId = systemIds.ordered();
  assert.ok(await parkRun(stage.database, { ...run, state: 'collecting' }, { ...parked, nextRunId }));
}

async function letTimePass({ database }: Stage, approvalId: string): Promise<void> {
  await sql`update approvals set expires_at = now() - interval '1 second' where id = ${approvalId}`.execute(
    database.kysely,
  );
}

async function stateOf({ database }: Stage, approvalId: string): Promise<string> {
  const row = await database.kysely
    .selectFrom('approvals')
    .select('state')
    .where('id', '=', approvalId)
    .executeTakeFirstOrThrow();
  return row.state;
}

test('of answers at the same moment one is taken, and the others are told which', async (t) => {
  const stage = await setStage(t, 10);
  for (let round = 0; round < 10; round += 1) {
    const run = await storeLiveRun(stage, 'running');
    const id = await askOne(stage, run);
    const decisions = ['allowed', 'denied', 'allowed', 'denied'] as const;
    const answers = await Promise.all(decisions.map((decision) => decide(stage, id, decision)));
    assert.equal(answers.filter(({ kind }) => kind === 'decided').length, 1);
    const winner = decisions[answers.findIndex(({ kind }) => kind === 'decided')];
    assert.equal(await stateOf(stage, id), winner);
    for (const answer of answers) if (answer.kind === 'refused') assert.equal(answer.state, winner);
    assert.equal(await taskState(stage, run.taskId), 'running');
    const types = await eventTypes(stage, run.taskId);
    assert.equal(types.filter((type) => type === 'approval_decided').length, 1);
  }
});

test('the task runs on when the last question of its run is answered, within a deadline', async (t) => {
  const stage = await setStage(t);
  const run = await storeLiveRun(stage, 'running');
  const [one = '', other = ''] = await ask(stage, run, 2);
  await decide(stage, one, 'denied');
  assert.equal(await taskState(stage, run.taskId), 'waiting_for_user');
  await decide(stage, other, 'allowed');
  assert.equal(await taskState(stage, run.taskId), 'running');
  const rows = await sql<{ margin: number }>`
    select extract(epoch from tasks.deadline_at - runs.deadline_at)::float8 as margin
    from tasks join runs on runs.task_id = tasks.id where tasks.id = ${run.taskId}`.execute(
    stage.database.kysely,
  );
  assert.equal(rows.rows[0]?.margin, 60);
});

test('of several questions of a parked run the last answer queues one run', async (t) => {
  const stage = await setStage(t, 10);
  for (let round = 0; round < 6; round += 1) {
    const run = await storeLiveRun(stage, 'running');
    const ids = await ask(stage, run, 3);
    await park(stage, run);
    const answers = await Promise.all(ids.map((id) => decide(stage, id, 'allowed')));
    const resumed = answers.filter(
      (answer) => answer.kind === 'decided' && answer.decided.resumedRunId !== undefined,
    );
    assert.equal(resumed.length, 1);
    assert.deepEqual(
      (await runsOf(stage, run.taskId)).map(({ state, cause, attempt }) => [state, cause, attempt]),
      [
        ['parked', 'first', 1],
        ['queued', 'resumed', 2],
      ],
    );
    assert.equal(await taskState(stage, run.taskId), 'awaiting_instruction');
  }
});

test('an answer and a cancellation at the same moment: one wins, and nothing goes on after it', async (t) => {
  const stage = await setStage(t, 10);
  const cancellable = ['running', 'waiting_for_user', 'awaiting_instruction'] as const;
  for (let round = 0; round < 16; round += 1) {
    const run = await storeLiveRun(stage, 'running');
    const id = await askOne(stage, run);
    const parked = round % 2 === 0;
    if (parked) await park(stage, run);
    const [answer, cancel] = await Promise.all([
      decide(stage, id, 'allowed'),
      cancelTask(stage.database, run.taskId, cancellable),
    ]);
    assert.equal(cancel.kind, parked ? 'cancelled' : 'asked');
    assert.equal(await stateOf(stage, id), answer.kind === 'decided' ? 'allowed' : 'dropped');
    if (answer.kind === 'refused') assert.equal(answer.state, 'dropped');
    const runs = await runsOf(stage, run.taskId);
    assert.ok(!runs.some(({ state }) => state === 'queued'));
    if (parked) assert.equal(await taskState(stage, run.taskId), 'cancelled');
    else await cancelled(stage, run);
  }
});

/** Ends what is left of a live run, so that the next round has its own. */
async function cancelled({ database }: Stage, run: ClaimedRun): Promise<void> {
  const state = { state: 'cancelled' as const, ended_at: sql<Date>`now()`, deadline_at: null };
  await database.kysely.updateTable('runs').set(state).where('id', '=', run.runId).execute();
}

test('an answer and the end of the time at the same moment: an allowance never comes after it', async (t) => {
  const stage = await setStage(t, 10);
  for (let round = 0; round < 10; round += 1) {
    const run = await storeLiveRun(stage, 'running');
    const id = await askOne(stage, run);
    await letTimePass(stage, id);
    const [answer] = await Promise.all([
      decide(stage, id, 'allowed'),
      expireApproval(stage.database, systemIds),
      expireApproval(stage.database, systemIds),
    ]);
    assert.equal(answer.kind === 'refused' && answer.state, 'expired');
    assert.equal(await stateOf(stage, id), 'expired');
    assert.equal(await taskState(stage, run.taskId), 'running');
    const types = await eventTypes(stage, run.taskId);
    assert.equal(types.filter((type) => type === 'approval_decided').length, 1);
  }
});

test('a question expires when its time is up, not before, and a parked run goes on with that', async (t) => {
  const stage = await setStage(t);
  const run = await storeLiveRun(stage, 'running');
  const id = await askOne(stage, run);
  await park(stage, run);
  assert.equal(await expireApproval(stage.database, systemIds), undefined);
  await letTimePass(stage, id);
  const expired = await expireApproval(stage.database, systemIds);
  assert.partialDeepStrictEqual(expired, { approvalId: id, taskId: run.taskId, runId: run.runId });
  const [, next] = await runsOf(stage, run.taskId);
  assert.equal(next?.id, expired?.resumedRunId);
  assert.equal(await expireApproval(stage.database, systemIds), undefined);
  const [approval] = await listApprovals(stage.database, admin(stage), { taskId: run.taskId });
  assert.equal(approval?.reason, 'nobody answered in time');
});

test('what is decided stays decided, in the database as well', async (t) => {
  const stage = await setStage(t);
  const run = await storeLiveRun(stage, 'running');
  const id = await askOne(stage, run);
  await decide(stage, id, 'denied');
  const before = await pictureOf(stage, run.taskId);
  assert.deepEqual(await decide(stage, id, 'allowed'), { kind: 'refused', state: 'denied' });
  assert.equal(await pictureOf(stage, run.taskId), before);
  await assert.rejects(
    stage.database.kysely.updateTable('approvals').set({ state: 'allowed' }).execute(),
    /has been decided/u,
  );
  assert.deepEqual(await decide(stage, systemIds.ordered(), 'allowed'), { kind: 'unknown' });
});

test('questions are listed to those who may see their task, by task and by state', async (t) => {
  const stage = await setStage(t);
  const bob = await addOwner(stage, 'bob');
  const mine = await storeLiveRun(stage, 'running');
  const his = await storeLiveRun(stage, 'running', { ownerId: bob });
  const [first = '', second] = await ask(stage, mine, 2);
  const third = await askOne(stage, his);
  await decide(stage, first, 'allowed');
  const idsOf = async (userId: string, isAdmin: boolean, filter: Parameters<typeof listApprovals>[2]) =>
    (await listApprovals(stage.database, { userId, isAdmin }, filter)).map(({ id }) => id);
  assert.deepEqual(await idsOf(stage.ownerId, true, { states: ['waiting'] }), [second, third]);
  assert.deepEqual(await idsOf(stage.ownerId, false, {}), [first, second]);
  assert.deepEqual(await idsOf(bob, false, {}), [third]);
  assert.deepEqual(await idsOf(bob, false, { taskId: mine.taskId }), []);
  assert.deepEqual(await idsOf(stage.ownerId, true, { taskId: mine.taskId, states: ['allowed'] }), [first]);
});

const admin = ({ ownerId }: Stage) => ({ userId: ownerId, isAdmin: true });
