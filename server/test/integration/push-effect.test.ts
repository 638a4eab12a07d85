import assert from 'node:assert/strict';
import { chmod, readdir, rm, writeFile } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { GitServerFault } from '../../src/demo/git-server.ts';
import { RunFailure } from '../../src/domain/failure.ts';
import type { FaultPoint } from '../../src/domain/fault-points.ts';
import { createOutbox } from '../../src/effects/outbox.ts';
import { createPushHandler } from '../../src/effects/push.ts';
import { resolveBranch } from '../../src/git/mirrors.ts';
import { resultRef } from '../../src/git/sandbox-scripts.ts';
import { systemIds } from '../../src/lib/ids.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { Secret } from '../../src/lib/secret.ts';
import { createBlobFolder } from '../../src/store/blob-folder.ts';
import { leaseEffect, type EffectOf } from '../../src/store/effects.ts';
import { finishRun } from '../../src/store/finish-run.ts';
import { findTask, type Task } from '../../src/store/tasks.ts';
import { createWakeups } from '../../src/store/wakeups.ts';
import { gitByHand, testForge, testSignal, type TestForge } from '../support/git-repositories.ts';
import { until } from '../support/processes.ts';
import {
  age,
  eventTypes,
  pictureOf,
  setStage,
  storeLiveRun,
  successOf,
  type Stage,
} from '../support/stored-tasks.ts';

const branch = 'codeforge/mend-it';
const pushes = (fault: GitServerFault) => (request: { readonly url: string; readonly method: string }) =>
  request.method === 'POST' && request.url.endsWith('git-receive-pack') ? fault : undefined;

type Delivery = {
  readonly stage: Stage;
  readonly forge: TestForge;
  readonly taskId: string;
  readonly commit: string;
  readonly base: string;
  /** Leases the push and has it done. */
  readonly deliver: () => Promise<EffectOf<'push'>>;
  readonly handle: (effect: EffectOf<'push'>, signal?: AbortSignal) => Promise<void>;
  readonly lease: () => Promise<EffectOf<'push'>>;
  readonly task: () => Promise<Task>;
  /** The commit of a branch of the forge; undefined where there is none. */
  readonly remote: (name: string) => Promise<string | undefined>;
  readonly faults: {
    /** Why there is no credential. */
    credential?: RunFailure;
    next:
      | ((request: { readonly url: string; readonly method: string }) => GitServerFault | undefined)
      | undefined;
  };
  readonly reached: FaultPoint[];
  readonly outbox: ReturnType<typeof createOutbox>;
  readonly scratch: string;
};

/** A finished task whose push waits, with a real bundle, and a real forge to push it to. */
async function makeDelivery(t: TestContext): Promise<Delivery> {
  const faults: Delivery['faults'] = { next: undefined };
  const forge = await testForge(t, { server: { faults: (request) => faults.next?.(request) } });
  const stage = await setStage(t);
  const mirror = await forge.mirrors.refresh({ url: forge.url }, forge.canonical, testSignal());
  const base = resolveBranch(mirror, undefined).commit;
  const work = join(forge.folder, 'work');
  await gitByHand(forge.folder, 'clone', '--quiet', forge.bare, work);
  const commit = await gitByHand(work, 'commit-tree', '-p', base, '-m', 'mended', `${base}^{tree}`);
  await gitByHand(work, 'update-ref', resultRef, commit);
  await gitByHand(work, 'bundle', 'create', '--quiet', join(forge.folder, 'bundle'), resultRef, `^${base}`);
  const blobs = createBlobFolder(join(forge.folder, 'blobs'));
  const bundle = await blobs.put(systemIds.ordered(), createReadStream(join(forge.folder, 'bundle')));
  const run = await storeLiveRun(stage, 'collecting', { repositoryUrl: forge.url, publish: 'branch' });
  await stage.database.kysely
    .updateTable('workspaces')
    .set({ base_commit: base })
    .where('id', '=', run.workspaceId)
    .execute();
  const success = successOf(branch);
  assert.ok(success.work);
  assert.ok(await finishRun(stage.database, run, { ...success, work: { ...success.work, commit, bundle } }));
  const reached: FaultPoint[] = [];
  const wakeups = createWakeups(stage.database, 'here', silentLogger);
  const scratch = join(forge.folder, 'scratch');
  const token = new Secret('ghp_the-token-of-the-task');
  const handler = createPushHandler({
    database: stage.database,
    wakeups,
    blobs,
    git: forge.git,
    mirrors: forge.mirrors,
    findCredential: async () => {
      if (faults.credential !== undefined) throw faults.credential;
      return { git: { kind: 'password', username: 'x-access-token', password: token }, token };
    },
    repositories: { allowFile: true, allowHttp: true, allowSsh: false },
    scratch,
    ids: systemIds,
    faults: { reach: (point) => void reached.push(point) },
  });
  const lease = async (): Promise<EffectOf<'push'>> => {
    const effect = await leaseEffect(stage.database, stage.workerId);
    assert.ok(effect?.kind === 'push', 'no push is due');
    return effect;
  };
  const handle: Delivery['handle'] = (effect, signal = testSignal()) => handler(effect, signal);
  return {
    stage,
    forge,
    taskId: run.taskId,
    commit,
    base,
    handle,
    lease,
    faults,
    reached,
    scratch,
    async deliver() {
      const effect = await lease();
      await handle(effect);
      return effect;
    },
    async task() {
      const task = await findTask(
        stage.database,
        { userId: stage.ownerId, isAdmin: true },
        { id: run.taskId },
      );
      assert.ok(task);
      return task;
    },
    async remote(name) {
      const refs = await gitByHand(
        forge.bare,
        'for-each-ref',
        '--format=%(objectname)',
        `refs/heads/${name}`,
      );
      return refs === '' ? undefined : refs;
    },
    outbox: createOutbox({
      workerId: stage.workerId,
      database: stage.database,
      wakeups,
      logger: silentLogger,
      hold: () => () => undefined,
      handlers: {
        push: handler,
        pull_request: unexpected,
        review: unexpected,
        workflow_step: unexpected,
        callback: unexpected,
      },
      afterLease: () => undefined,
    }),
  };
}

function unexpected(): Promise<void> {
  return Promise.reject(new Error('nobody asked for it'));
}

test('a push brings the commit to the forge, completes the task, and leaves nothing lying about', async (t) => {
  const delivery = await makeDelivery(t);
  await delivery.deliver();
  assert.equal(await delivery.remote(branch), delivery.commit);
  const task = await delivery.task();
  assert.deepEqual([task.state, task.branch], ['completed', branch]);
  assert.deepEqual((await eventTypes(delivery.stage, delivery.taskId)).at(-1), 'branch_pushed');
  assert.deepEqual(delivery.reached, ['deliver.ready', 'deliver.pushed', 'deliver.settled']);
  assert.deepEqual(await readdir(delivery.scratch).catch(() => []), []);
});

test('a push that arrived although its answer was lost is recognised, not repeated', async (t) => {
  const delivery = await makeDelivery(t);
  delivery.faults.next = pushes({ kind: 'drop_reply' });
  const effect = await delivery.deliver();
  assert.equal(await delivery.remote(branch), delivery.commit, 'git on the forge did its work');
  assert.equal((await delivery.task()).state, 'creating_pr');
  delivery.faults.next = undefined;
  await age(delivery.stage, 'effects', 'available_at', { id: effect.effectId, seconds: 600 });
  const before = delivery.forge.server.requests.filter((request) => request.method === 'POST').length;
  await delivery.deliver();
  assert.equal((await delivery.task()).state, 'completed');
  const posts = delivery.forge.server.requests.filter((request) => request.method === 'POST').slice(before);
  assert.deepEqual(
    posts.filter((request) => request.url.endsWith('git-receive-pack')),
    [],
  );
});

test('a process that dies between push and record leaves it to the next, who finds the branch', async (t) => {
  const delivery = await makeDelivery(t);
  const first = await delivery.lease();
  await delivery.handle(first);
  // As if nothing of the record had been written: the same push is asked for again.
  const again = { ...first, generation: first.generation + 1 };
  await delivery.handle(again);
  assert.equal(await delivery.remote(branch), delivery.commit);
  assert.equal(await delivery.remote(`${branch}-1`), undefined);
  assert.equal(
    (await eventTypes(delivery.stage, delivery.taskId)).filter((type) => type === 'branch_pushed').length,
    1,
  );
});

test("a name that is somebody else's is left alone, and the next one is taken", async (t) => {
  const delivery = await makeDelivery(t);
  const theirs = await delivery.forge.commit({ 'theirs.txt': 'x' }, branch);
  const theirsToo = await delivery.forge.commit({ 'theirs.txt': 'y' }, `${branch}-1`);
  await delivery.deliver();
  assert.equal((await delivery.task()).branch, `${branch}-1`);
  await delivery.deliver();
  await delivery.deliver();
  assert.deepEqual(
    [
      await delivery.remote(branch),
      await delivery.remote(`${branch}-1`),
      await delivery.remote(`${branch}-2`),
    ],
    [theirs, theirsToo, delivery.commit],
  );
  const task = await delivery.task();
  assert.deepEqual([task.state, task.branch], ['completed', `${branch}-2`]);
  const types = await eventTypes(delivery.stage, delivery.taskId);
  assert.deepEqual(types.slice(-3), ['branch_taken', 'branch_taken', 'branch_pushed']);
});

test('a branch of ours that somebody moved is not overwritten', async (t) => {
  const delivery = await makeDelivery(t);
  const moved = await delivery.forge.commit({ 'theirs.txt': 'x' }, branch);
  const effect = await delivery.lease();
  await delivery.handle({ ...effect, payload: { ...effect.payload, expected: delivery.base } });
  assert.equal(await delivery.remote(branch), moved);
  const { state, failure } = await delivery.task();
  assert.deepEqual([state, failure?.code, failure?.phase], ['failed', 'branch_moved', 'deliver']);
  assert.match(failure?.message ?? '', /^push failed: somebody else moved/u);
});

test('a branch of ours that somebody deleted is pushed anew', async (t) => {
  const delivery = await makeDelivery(t);
  const effect = await delivery.lease();
  await delivery.handle({ ...effect, payload: { ...effect.payload, expected: delivery.base } });
  assert.equal(await delivery.remote(branch), undefined);
  assert.equal((await delivery.task()).state, 'creating_pr');
  await delivery.deliver();
  assert.equal(await delivery.remote(branch), delivery.commit);
  assert.equal((await delivery.task()).state, 'completed');
  const types = await eventTypes(delivery.stage, delivery.taskId);
  assert.deepEqual(types.slice(-2), ['branch_gone', 'branch_pushed']);
});

test('a push that the repository rejects fails the task with the words of its hook, and no token', async (t) => {
  const delivery = await makeDelivery(t);
  const hook = join(delivery.forge.bare, 'hooks/pre-receive');
  await writeFile(hook, '#!/bin/sh\necho "only on Mondays, ghp_the-token-of-the-task" >&2\nexit 1\n');
  await chmod(hook, 0o755);
  await delivery.deliver();
  const { state, failure } = await delivery.task();
  assert.deepEqual([state, failure?.code], ['failed', 'push_rejected']);
  assert.match(failure?.message ?? '', /only on Mondays/u);
  assert.doesNotMatch(
    JSON.stringify(failure) + (await pictureOf(delivery.stage, delivery.taskId)),
    /the-token-of/u,
  );
  assert.equal(await delivery.remote(branch), undefined);
});

test('a forge that is away is asked again later, with a longer wait each time, and then has the branch', async (t) => {
  const delivery = await makeDelivery(t);
  delivery.faults.next = () => ({ kind: 'answer', status: 503 });
  const waits: number[] = [];
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    const { effectId, attempts } = await delivery.deliver();
    assert.equal(attempts, attempt);
    const row = await delivery.stage.database.kysely
      .selectFrom('effects')
      .selectAll()
      .where('id', '=', effectId)
      .executeTakeFirstOrThrow();
    assert.equal(row.state, 'waiting');
    assert.match(JSON.stringify(row.outcome), /could not be reached/u);
    waits.push(row.available_at.getTime() - Date.now());
    await age(delivery.stage, 'effects', 'available_at', { id: effectId, seconds: 600 });
  }
  assert.ok((waits[2] ?? 0) > (waits[0] ?? 0), String(waits));
  assert.equal((await delivery.task()).state, 'creating_pr');
  delivery.faults.next = undefined;
  await delivery.deliver();
  assert.equal((await delivery.task()).state, 'completed');
  assert.equal(await delivery.remote(branch), delivery.commit);
});

test('a token that the forge refuses is no reason to try again', async (t) => {
  const delivery = await makeDelivery(t);
  delivery.faults.next = () => ({ kind: 'answer', status: 403 });
  await delivery.deliver();
  const { state, failure } = await delivery.task();
  assert.deepEqual([state, failure?.code], ['failed', 'push_failed']);
});

test('a credential that is missing for good fails the task; one that may come is asked for again', async (t) => {
  const delivery = await makeDelivery(t);
  const failure = { code: 'credential_missing', phase: 'prepare' } as const;
  delivery.faults.credential = new RunFailure({ ...failure, retryable: true, message: 'GitHub is away' });
  const { effectId } = await delivery.deliver();
  assert.equal((await delivery.task()).state, 'creating_pr');
  await age(delivery.stage, 'effects', 'available_at', { id: effectId, seconds: 600 });
  delivery.faults.credential = new RunFailure({
    ...failure,
    retryable: false,
    message: 'no key is named hub',
  });
  await delivery.deliver();
  const task = await delivery.task();
  assert.deepEqual([task.state, task.failure?.code], ['failed', 'credential_missing']);
  assert.equal(task.failure?.message, 'push failed: no key is named hub');
  assert.equal(task.failure.phase, 'deliver');
});

test('who lost the lease while he pushed writes nothing', async (t) => {
  const delivery = await makeDelivery(t);
  const first = await delivery.lease();
  await age(delivery.stage, 'effects', 'lease_until', { id: first.effectId, seconds: 60 });
  const second = await delivery.lease();
  const before = await pictureOf(delivery.stage, delivery.taskId);
  await delivery.handle(first);
  assert.equal(await pictureOf(delivery.stage, delivery.taskId), before);
  await delivery.handle(second);
  assert.equal((await delivery.task()).state, 'completed');
});

test('a push that is broken off settles nothing', async (t) => {
  const delivery = await makeDelivery(t);
  const effect = await delivery.lease();
  const stop = new AbortController();
  delivery.faults.next = () => {
    stop.abort(new Error('the lease was lost'));
    return { kind: 'delay', ms: 5_000 };
  };
  await assert.rejects(delivery.handle(effect, stop.signal));
  assert.equal((await delivery.task()).state, 'creating_pr');
  assert.equal(await delivery.remote(branch), undefined);
});

test('the outbox delivers what waits and ends with its signal', async (t) => {
  const delivery = await makeDelivery(t);
  const stop = new AbortController();
  const running = delivery.outbox.run(stop.signal);
  await until('the delivery', async () => (await delivery.task()).state === 'completed');
  stop.abort();
  await running;
  assert.equal(await delivery.remote(branch), delivery.commit);
});

test('a bundle that is gone is tried again, since nobody foresaw it, until the task has no more time', async (t) => {
  const delivery = await makeDelivery(t);
  await rm(join(delivery.forge.folder, 'blobs'), { recursive: true });
  const stop = new AbortController();
  const running = delivery.outbox.run(stop.signal);
  const row = await until('the first try', async () => {
    const effect = await delivery.stage.database.kysely.selectFrom('effects').selectAll().executeTakeFirst();
    return effect?.attempts === 1 && effect.state === 'waiting' ? effect : undefined;
  });
  stop.abort();
  await running;
  assert.ok(row.available_at.getTime() > Date.now());
  assert.equal((await delivery.task()).state, 'creating_pr');
});
