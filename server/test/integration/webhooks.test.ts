import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { sql } from 'kysely';
import { Refusal } from '../../src/domain/errors.ts';
import type { PullRequestNews } from '../../src/domain/webhook.ts';
import { createFaults } from '../../src/lib/faults.ts';
import { systemIds } from '../../src/lib/ids.ts';
import type { Logger } from '../../src/lib/logger.ts';
import { Secret } from '../../src/lib/secret.ts';
import { createProcessWebhook, type ProcessWebhook } from '../../src/services/process-webhook.ts';
import { createReceiveWebhook } from '../../src/services/receive-webhook.ts';
import { createRedeliverWebhookService } from '../../src/services/redeliver-webhook.ts';
import { createWebhookInbox } from '../../src/services/webhook-inbox.ts';
import { insertTask } from '../../src/store/create-task.ts';
import { isDatabaseAway } from '../../src/store/database.ts';
import { insertKey } from '../../src/store/keys.ts';
import { keepDelivery, settleDelivery, takeWaitingDelivery } from '../../src/store/webhook-deliveries.ts';
import { deleteOldWebhooks, findWebhook } from '../../src/store/webhook-list.ts';
import { mergeRequest } from '../surfaces/codeforge/webhook-sender.ts';
import { makeForges } from '../support/forges.ts';
import { until } from '../support/processes.ts';
import { newTask, setStage, type Stage } from '../support/stored-tasks.ts';

const news: PullRequestNews = {
  repositoryUrl: 'https://github.com/ada/engine.git',
  number: 42,
  headCommit: 'a'.repeat(40),
  sourceBranch: 'feature',
  targetBranch: 'main',
  title: 'a title',
  isDraft: false,
  bringsCommits: false,
  updatedAt: null,
};
const again = { firstSeconds: 10, maxSeconds: 900 };

/** Keeps a delivery as the receiver does; each is about a pull request of its own unless told otherwise. */
async function keep({ database, ownerId }: Stage, change: Partial<PullRequestNews> = {}) {
  const id = systemIds.ordered();
  const kept = await keepDelivery(
    database,
    {
      id,
      ownerId,
      source: 'github',
      deliveryId: id,
      event: 'pull_request',
      action: 'opened',
      bodySha256: '0'.repeat(64),
      bodyBytes: 1,
      news: { ...news, ...change },
      state: 'waiting',
      reason: null,
    },
    3_600,
  );
  assert.equal(kept.state, 'waiting');
  return kept;
}

/** As if so many seconds had passed for all that waits. */
async function letPass({ database }: Stage, seconds: number): Promise<void> {
  await sql`update deliveries set available_at = available_at - make_interval(secs => ${seconds})`.execute(
    database.kysely,
  );
}

/** What makes tasks of deliveries, in a house with a key; `createTask` is called with what it would create. */
async function makeProcess(stage: Stage, createTask?: () => Promise<void>) {
  const created: string[] = [];
  const secret = {
    id: systemIds.ordered(),
    keyId: 'k',
    nonce: Buffer.alloc(12),
    ciphertext: Buffer.alloc(1),
  };
  const key = {
    id: systemIds.ordered(),
    ownerId: stage.ownerId,
    name: 'hub',
    provider: 'github',
    scope: '',
  } as const;
  await insertKey(stage.database, { ...key, secret });
  const other = { ...key, id: systemIds.ordered(), name: 'lab', provider: 'gitlab' } as const;
  await insertKey(stage.database, { ...other, secret: { ...secret, id: systemIds.ordered() } });
  const process = createProcessWebhook({
    database: stage.database,
    createTask: async (_viewer, { idempotencyKey = '', idempotencyRoute = '' }) => {
      await createTask?.();
      const task = newTask(stage, {
        idempotency: { route: idempotencyRoute, key: idempotencyKey, bodyHash: 'hash' },
      });
      const createdAt = await insertTask(stage.database, task);
      assert.ok(createdAt, 'the key was taken');
      created.push(task.taskId);
      return { id: task.taskId, createdAt };
    },
    forgeOf: makeForges({
      github: { apiUrl: 'https://api.github.com' },
      gitlab: { apiUrl: 'https://gitlab.example.com/api/v4' },
    }).forgeOf,
    faults: createFaults(undefined),
    count: () => undefined,
    policy: {
      repositories: { allowFile: false, allowHttp: false, allowSsh: false },
      keyNames: ['hub', 'lab'],
      agent: 'script',
      command: 'true',
    },
  });
  return { created, process };
}

/** Runs the inbox until the test ends. */
function runInbox(t: TestContext, stage: Stage, process: ProcessWebhook) {
  const said: string[] = [];
  const note = (fields: object, message: string): void =>
    void said.push(`${message} ${JSON.stringify(fields)}`);
  const logger: Logger = { debug: note, info: note, warn: note, error: note };
  const inbox = createWebhookInbox({ database: stage.database, process, logger, everyMs: 10 });
  const stopping = new AbortController();
  const ended = inbox.run(stopping.signal);
  t.after(async () => {
    stopping.abort();
    await ended;
  });
  return said;
}

test('a delivery whose request died is dealt with by the inbox, not before its request had its time', async (t) => {
  const stage = await setStage(t);
  const { process, created } = await makeProcess(stage);
  const { id } = await keep(stage);
  assert.equal(await takeWaitingDelivery(stage.database, again), undefined);
  await letPass(stage, 11);
  const said = runInbox(t, stage, process);
  await until('the delivery to be settled', async () => {
    return (await findWebhook(stage.database, id))?.state === 'created';
  });
  assert.deepEqual((await findWebhook(stage.database, id))?.taskId, created[0]);
  assert.equal(created.length, 1);
  assert.ok(said.some((line) => line.startsWith('a webhook that waited became a task')));
});

test('where the database goes away between the two, the sender is told, and the inbox makes the task', async (t) => {
  const stage = await setStage(t);
  let isAway = true;
  const { process, created } = await makeProcess(stage, async () => {
    if (isAway) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  });
  const { receive } = createReceiveWebhook({
    database: stage.database,
    ids: systemIds,
    faults: createFaults(undefined),
    count: () => undefined,
    process,
    ownerId: stage.ownerId,
    secrets: { github: [], gitlab: [new Secret('a token')] },
    dedupSeconds: 3_600,
    reviewDrafts: false,
  });
  const incoming = {
    source: 'gitlab',
    proof: 'a token',
    event: 'Merge Request Hook',
    deliveryId: 'd',
    causeId: '',
    body: Buffer.from(JSON.stringify(mergeRequest())),
    trace: undefined,
  } as const;
  await assert.rejects(receive(incoming), isDatabaseAway);
  assert.deepEqual(await receive(incoming), {
    state: 'deduplicated',
    reason: 'this delivery came before',
    taskId: null,
  });
  isAway = false;
  await letPass(stage, 11);
  runInbox(t, stage, process);
  await until('the task to be made', () => created.length === 1);
});

test('a task that was made before a crash is found again, also where it could not be made any more', async (t) => {
  const stage = await setStage(t);
  const { process, created } = await makeProcess(stage);
  const { id, round } = await keep(stage);
  const delivery = { id, round, attempts: 0, ownerId: stage.ownerId, source: 'github', news } as const;
  const first = await process(delivery);
  await stage.database.kysely
    .updateTable('deliveries')
    .set({ state: 'waiting', task_id: null, settled_at: null })
    .execute();
  await stage.database.kysely.deleteFrom('keys').execute();
  assert.deepEqual(await process(delivery), first);
  assert.equal(created.length, 1);
  assert.equal((await findWebhook(stage.database, id))?.state, 'created');
});

test('what fails without a refusal waits longer each time, what is refused is settled with its reason', async (t) => {
  const stage = await setStage(t);
  const { process } = await makeProcess(stage, () => Promise.reject(new Error('the disk is full')));
  const { id } = await keep(stage);
  await letPass(stage, 10);
  for (const [index, seconds] of [10, 20, 40, 80, 160, 320, 640, 900, 900].entries()) {
    const taken = await takeWaitingDelivery(stage.database, again);
    assert.equal(taken?.attempts, index + 1);
    await assert.rejects(process(taken), /the disk is full/u);
    await letPass(stage, seconds - 1);
    assert.equal(await takeWaitingDelivery(stage.database, again), undefined, `before ${seconds} s`);
    await letPass(stage, 1);
  }
  assert.equal((await findWebhook(stage.database, id))?.state, 'waiting');
  const refusing = await makeProcess(stage, () => Promise.reject(new Refusal('invalid', 'never')));
  const said = runInbox(t, stage, refusing.process);
  await until('the delivery to be refused', async () => {
    return (await findWebhook(stage.database, id))?.state === 'refused';
  });
  assert.equal((await findWebhook(stage.database, id))?.reason, 'never');
  assert.ok(said.some((line) => line.includes('"reason":"never"')));
});

test('what fails for a day is given up, and can be had done again', async (t) => {
  const stage = await setStage(t);
  const { process } = await makeProcess(stage, () => Promise.reject(new Error('the disk is full')));
  const { id } = await keep(stage);
  await stage.database.kysely.updateTable('deliveries').set({ attempts: 99 }).execute();
  await letPass(stage, 11);
  runInbox(t, stage, process);
  await until('the last try', async () => (await findWebhook(stage.database, id))?.attempts === 100);
  assert.equal((await findWebhook(stage.database, id))?.state, 'waiting');
  await letPass(stage, 900);
  await until('the delivery to be given up', async () => {
    return (await findWebhook(stage.database, id))?.state === 'refused';
  });
  assert.match((await findWebhook(stage.database, id))?.reason ?? '', /failed 100 times/u);
});

test('of many who look at once each delivery is taken by one', async (t) => {
  const stage = await setStage(t, 10);
  await Promise.all(Array.from({ length: 5 }, (_, number) => keep(stage, { number: number + 1 })));
  await letPass(stage, 11);
  const taken = await Promise.all(
    Array.from({ length: 20 }, () => takeWaitingDelivery(stage.database, again)),
  );
  const ids = taken.flatMap((delivery) => delivery?.id ?? []);
  assert.equal(new Set(ids).size, ids.length);
  while (ids.length < 5) {
    const late = await takeWaitingDelivery(stage.database, again);
    assert.ok(late);
    ids.push(late.id);
  }
  assert.equal(await takeWaitingDelivery(stage.database, again), undefined);
});

test('a round is settled once, and one that has passed settles nothing', async (t) => {
  const stage = await setStage(t);
  const kept = await keep(stage);
  assert.equal(await settleDelivery(stage.database, kept, { refused: 'one' }), true);
  assert.equal(await settleDelivery(stage.database, kept, { refused: 'two' }), false);
  const redeliver = createRedeliverWebhookService(stage);
  await redeliver({ userId: stage.ownerId, isAdmin: true }, kept.id);
  assert.equal(await settleDelivery(stage.database, kept, { refused: 'three' }), false);
  assert.partialDeepStrictEqual(await findWebhook(stage.database, kept.id), {
    state: 'waiting',
    reason: null,
    round: 2,
  });
  const taken = await takeWaitingDelivery(stage.database, again);
  assert.deepEqual([taken?.id, taken?.round, taken?.news], [kept.id, 2, news]);
});

test('old deliveries go: after 30 days, those that led to a task after a year, those that wait never', async (t) => {
  const stage = await setStage(t);
  await sql`
    insert into deliveries (id, owner_id, source, delivery_id, event, payload, body_sha256, body_bytes, state,
      created_at, taken_at, settled_at)
    select gen_random_uuid(), ${stage.ownerId}, 'github', state || days, 'pull_request', '{}', '', 0, state,
      now() - make_interval(days => days), now() - make_interval(days => days),
      case when state = 'waiting' then null else now() end
    from unnest(array['waiting', 'created', 'skipped', 'ignored', 'refused', 'deduplicated']) state,
      unnest(array[29, 31, 366]) days`.execute(stage.database.kysely);
  assert.equal(await deleteOldWebhooks(stage.database, 3), 3);
  assert.equal(await deleteOldWebhooks(stage.database, 100), 6);
  const rows = await stage.database.kysely
    .selectFrom('deliveries')
    .select('delivery_id')
    .orderBy('delivery_id')
    .execute();
  assert.deepEqual(
    rows.map((row) => row.delivery_id),
    [
      'created29',
      'created31',
      'deduplicated29',
      'ignored29',
      'refused29',
      'skipped29',
      'waiting29',
      'waiting31',
      'waiting366',
    ],
  );
});
