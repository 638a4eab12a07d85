import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Failure } from '../../src/domain/failure.ts';
import type { RunQueue } from '../../src/domain/run-state.ts';
import { systemIds } from '../../src/lib/ids.ts';
import { cancelTask } from '../../src/store/cancel-task.ts';
import { claimRun, type ClaimedRun } from '../../src/store/claim-run.ts';
import { cancelLiveRun, failRun } from '../../src/store/fail-run.ts';
import { finishRun, type Success } from '../../src/store/finish-run.ts';
import { instructTask } from '../../src/store/instruct-task.ts';
import { recordExit } from '../../src/store/move-run.ts';
import { parkRun } from '../../src/store/park-run.ts';
import { findWork } from '../../src/store/publish-task.ts';
import { readClaim } from '../../src/store/read-claim.ts';
import { reviewTask } from '../../src/store/review-task.ts';
import { settlePush } from '../../src/store/settle-push.ts';
import { leaseEffect } from '../../src/store/effects.ts';
import { sweepRun } from '../../src/store/sweep.ts';
import {
  age,
  claimNext,
  exitRecord,
  noLimits,
  setStage,
  start,
  storeLiveRun,
  storeTask,
  successOf,
  type Stage,
} from '../support/stored-tasks.ts';

const failure: Failure = { code: 'agent_failed', phase: 'agent', retryable: false, message: 'no' };
const firstCommit = '1'.repeat(40);
const secondCommit = '2'.repeat(40);

async function treeOwner({ database }: Stage, { workspaceId }: { readonly workspaceId: string }) {
  const row = await database.kysely
    .selectFrom('workspaces')
    .select('worker_id as owner')
    .where('id', '=', workspaceId)
    .executeTakeFirstOrThrow();
  return row.owner;
}

const claimIn = (stage: Stage, queue: RunQueue): Promise<ClaimedRun | undefined> =>
  claimRun(stage.database, stage.workerId, queue, { capabilities: ['script'], limits: noLimits });

/** The next run of a queue, at work; its agent has ended. */
async function collecting(stage: Stage, queue: RunQueue = 'tasks'): Promise<ClaimedRun> {
  const run = await claimIn(stage, queue);
  assert.ok(run, `nothing waits in ${queue}`);
  assert.ok(await start(stage, run));
  assert.ok(await recordExit(stage.database, run, exitRecord));
  return { ...run, state: 'collecting' };
}

/** A success whose work is this commit. */
function workOf(commit: string, push?: string): Success {
  const success = successOf(push);
  assert.ok(success.work);
  return { ...success, work: { ...success.work, commit } };
}

/** A finished task, and one that waits to work where that has. */
async function setUp(stage: Stage) {
  const first = await storeLiveRun(stage, 'collecting');
  assert.ok(await finishRun(stage.database, first, workOf(firstCommit)));
  const second = await storeTask(stage, { workspaceId: first.workspaceId, sharesWorkspace: true });
  return { first, second };
}

async function instruct(stage: Stage, taskId: string): Promise<void> {
  const answer = await instructTask(stage.database, {
    taskId,
    runId: systemIds.ordered(),
    prompt: 'more',
    idempotency: null,
  });
  assert.equal(answer.kind, 'instructed');
}

test('two tasks of one workspace never run at once, and each is run in its turn', async (t) => {
  const stage = await setStage(t);
  const { first, second } = await setUp(stage);
  await storeTask(stage, { workspaceId: first.workspaceId, sharesWorkspace: true });
  await instruct(stage, first.taskId);
  const run = await claimNext(stage);
  assert.equal(run?.taskId, second.taskId);
  for (const queue of ['tasks', 'follow_ups'] as const) assert.equal(await claimIn(stage, queue), undefined);
  assert.ok(await failRun(stage.database, run, failure, { durationMs: 0 }));
  const claims = await Promise.all([claimNext(stage), claimNext(stage), claimIn(stage, 'follow_ups')]);
  assert.equal(claims.filter((claim) => claim !== undefined).length, 1);
});

test('a tree is whole only after a run that ended well, and is nobody’s while one is at work', async (t) => {
  const stage = await setStage(t);
  const { database } = stage;
  const ends = {
    fails: (run: ClaimedRun) => failRun(database, run, failure, { durationMs: 0 }),
    'fails and is tried again': (run: ClaimedRun) =>
      failRun(database, run, failure, {
        durationMs: 0,
        retry: { runId: systemIds.ordered(), inMs: 60_000, attempt: 2 },
      }),
    'is cancelled': async (run: ClaimedRun) => {
      await cancelTask(database, run.taskId, ['running']);
      return cancelLiveRun(database, run, 0);
    },
    'is lost': async (run: ClaimedRun) => {
      await age(stage, 'runs', 'lease_until', { id: run.runId, seconds: 60 });
      return (await sweepRun(database, systemIds.ordered()))?.runId === run.runId;
    },
  };
  for (const [what, end] of Object.entries(ends)) {
    const { first } = await setUp(stage);
    assert.equal(await treeOwner(stage, first), stage.workerId);
    const run = await claimNext(stage);
    assert.equal(run?.treeWorkerId, stage.workerId, 'a first run goes on in the tree of another task');
    assert.equal(run.headCommit, firstCommit);
    assert.equal(run.ownsHead, false);
    assert.ok(await start(stage, run));
    assert.equal(await treeOwner(stage, first), null);
    assert.ok(await recordExit(database, run, exitRecord));
    assert.ok(await end({ ...run, state: 'collecting' }), what);
    assert.equal(await treeOwner(stage, first), null, what);
  }
});

test('nobody begins where another task is parked, and nobody gets its tree when that was given up', async (t) => {
  const stage = await setStage(t);
  const { database } = stage;
  const { first, second } = await setUp(stage);
  await instruct(stage, first.taskId);
  const follow = await collecting(stage, 'follow_ups');
  const parked = {
    session: { id: 's1', agent: 'script', files: undefined },
    snapshot: {
      commit: secondCommit,
      bundle: { id: systemIds.ordered(), sha256: '0'.repeat(64), bytes: 1 },
    },
    timeLeftMs: 5_000,
    durationMs: 100,
    nextRunId: systemIds.ordered(),
  };
  assert.ok(await parkRun(database, follow, parked));
  assert.equal(await treeOwner(stage, first), stage.workerId);
  assert.equal(await claimNext(stage), undefined, 'the run that goes on with it waits');
  await cancelTask(database, first.taskId, ['awaiting_instruction']);
  const run = await claimNext(stage);
  assert.equal(run?.taskId, second.taskId);
  assert.deepEqual(
    [run.treeWorkerId, run.snapshotCommit, run.snapshotBlobId, run.headCommit],
    [null, null, null, firstCommit],
  );
});

test('who goes on with a parked run has its tree and its snapshot', async (t) => {
  const stage = await setStage(t);
  const { first } = await setUp(stage);
  await instruct(stage, first.taskId);
  const follow = await collecting(stage, 'follow_ups');
  const bundle = { id: systemIds.ordered(), sha256: '0'.repeat(64), bytes: 1 };
  assert.ok(
    await parkRun(stage.database, follow, {
      session: undefined,
      snapshot: { commit: secondCommit, bundle },
      timeLeftMs: 5_000,
      durationMs: 100,
      nextRunId: systemIds.ordered(),
    }),
  );
  const resumed = await collecting(stage, 'follow_ups');
  assert.deepEqual(
    [resumed.cause, resumed.treeWorkerId, resumed.snapshotCommit, resumed.snapshotBlobId],
    ['resumed', stage.workerId, secondCommit, bundle.id],
  );
  assert.ok(await finishRun(stage.database, resumed, workOf(secondCommit)));
  const next = await claimNext(stage);
  assert.deepEqual([next?.headCommit, next?.treeWorkerId], [secondCommit, stage.workerId]);
});

test('a conversation belongs to its task, and who only looked at the work leaves it alone', async (t) => {
  const stage = await setStage(t);
  const { database } = stage;
  const session = (id: string) => ({ id, agent: 'script', files: undefined });
  const first = await storeLiveRun(stage, 'collecting');
  assert.ok(await finishRun(database, first, { ...workOf(firstCommit), session: session('s1') }));
  const share = { workspaceId: first.workspaceId, sharesWorkspace: true };
  await storeTask(stage, { ...share, kind: 'review' });
  const review = await collecting(stage, 'reviews');
  assert.deepEqual([review.session, review.sessionTaskId], ['s1', first.taskId]);
  const looked = { ...workOf(firstCommit), work: undefined, readOnly: { restored: undefined } };
  assert.ok(await finishRun(database, review, { ...looked, session: session('s2') }));
  await storeTask(stage, share);
  const second = await collecting(stage);
  assert.deepEqual([second.session, second.sessionTaskId], ['s1', first.taskId]);
  assert.equal(second.treeWorkerId, stage.workerId);
  assert.ok(await finishRun(database, second, { ...workOf(secondCommit), session: session('s3') }));
  await instruct(stage, first.taskId);
  const follow = await claimIn(stage, 'follow_ups');
  assert.deepEqual([follow?.session, follow?.sessionTaskId], ['s3', second.taskId]);
});

test('a tree that a run should have left alone is nobody’s when it did not', async (t) => {
  const stage = await setStage(t);
  const { first } = await setUp(stage);
  await storeTask(stage, {
    workspaceId: first.workspaceId,
    sharesWorkspace: true,
    kind: 'plan',
    priority: 9,
  });
  const plan = await collecting(stage);
  const changed = { restored: { files: ['a'], more: 0 } };
  assert.ok(
    await finishRun(stage.database, plan, { ...workOf(firstCommit), work: undefined, readOnly: changed }),
  );
  assert.equal(await treeOwner(stage, first), null);
});

test('each task has work of its own to publish, and a branch of its own that is pushed anew', async (t) => {
  const stage = await setStage(t);
  const { database } = stage;
  const first = await storeLiveRun(stage, 'collecting', { publish: 'branch' });
  assert.ok(await finishRun(database, first, workOf(firstCommit, 'codeforge/first')));
  const push = await leaseEffect(database, stage.workerId);
  assert.ok(push?.kind === 'push');
  assert.ok(await settlePush(database, push, { kind: 'pushed' }));
  const { taskId } = await storeTask(stage, { workspaceId: first.workspaceId, sharesWorkspace: true });
  assert.equal(await findWork(database.kysely, taskId), undefined, 'what is there is not its own');
  const second = await collecting(stage);
  assert.deepEqual([second.branch, second.pushedCommit], [null, null]);
  assert.ok(await finishRun(database, second, workOf(secondCommit)));
  const works = await Promise.all([first.taskId, taskId].map((id) => findWork(database.kysely, id)));
  assert.deepEqual(
    works.map((work) => [work?.commit, work?.pushed]),
    [
      [firstCommit, firstCommit],
      [secondCommit, null],
    ],
  );
});

test('a review of a task’s work is about that, whatever others have made of it since', async (t) => {
  const stage = await setStage(t);
  const { database } = stage;
  const { first } = await setUp(stage);
  const review = async (): Promise<ClaimedRun> => {
    const answer = await reviewTask(database, {
      taskId: first.taskId,
      runId: systemIds.ordered(),
      agent: 'script',
      model: null,
      timeoutSeconds: 60,
      idempotency: null,
    });
    assert.equal(answer.kind, 'reviewing');
    const run = await claimIn(stage, 'reviews');
    assert.ok(run);
    return run;
  };
  const own = await review();
  assert.deepEqual([own.headCommit, own.treeWorkerId], [firstCommit, stage.workerId]);
  await cancelTask(database, first.taskId, ['reviewing']);
  await age(stage, 'runs', 'lease_until', { id: own.runId, seconds: 60 });
  await sweepRun(database, systemIds.ordered());
  const second = await collecting(stage);
  assert.ok(await finishRun(database, second, workOf(secondCommit)));
  const later = await review();
  const now = await readClaim(database, later);
  assert.deepEqual([later.headCommit, now?.headCommit, later.treeWorkerId], [firstCommit, firstCommit, null]);
  assert.notEqual(later.bundleBlobId, null);
});
