import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { scriptAgent } from '../../src/agents/script/script-agent.ts';
import { everyAbility } from '../../src/domain/ability.ts';
import { Refusal } from '../../src/domain/errors.ts';
import { createFaults } from '../../src/lib/faults.ts';
import { systemIds } from '../../src/lib/ids.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { Secret } from '../../src/lib/secret.ts';
import { createKeyRing } from '../../src/secrets/key-ring.ts';
import { createTaskService, type CreateTaskPolicy, type Submission } from '../../src/services/create-task.ts';
import { nativeFields } from '../../src/services/native-fields.ts';
import { insertTask } from '../../src/store/create-task.ts';
import { findSecret } from '../../src/store/secrets.ts';
import { createWakeups, type Wake } from '../../src/store/wakeups.ts';
import { makeForges } from '../support/forges.ts';
import { addOwner, eventTypes, newTask, setStage, storeTask, type Stage } from '../support/stored-tasks.ts';

const keyRing = createKeyRing([new Secret('a key for the tests of this file')]);

const submission: Submission = {
  source: 'test',
  kind: 'code',
  repositoryUrl: 'https://forge.example/ada/project.git',
  prompt: 'mend it',
  agent: 'script',
  command: 'true',
  publish: 'manual',
  rateLimitKey: 'ada',
};

/** The service over a database, and what it woke. */
async function makeService(t: TestContext, policy: Partial<CreateTaskPolicy> = {}) {
  const stage = await setStage(t, 10);
  const wakeups = createWakeups(stage.database, 'here', silentLogger);
  const woken: Wake[] = [];
  wakeups.listen((wake) => woken.push(wake));
  const create = createTaskService({
    database: stage.database,
    wakeups,
    keyRing,
    ids: systemIds,
    faults: createFaults(undefined),
    agents: new Map([[scriptAgent.name, scriptAgent]]),
    forgeOf: makeForges().forgeOf,
    policy: {
      repositories: { allowFile: false, allowHttp: false, allowSsh: false },
      defaultAgent: 'script',
      timeoutSecondsDefault: 300,
      timeoutSecondsMax: 1_800,
      tasksPerMinute: 0,
      allowPrivate: [],
      ...policy,
    },
  });
  const owner = { userId: stage.ownerId, isAdmin: true, abilities: everyAbility };
  return {
    stage,
    woken,
    createWith: (abilities: readonly string[], more: Partial<Submission>) =>
      create({ ...owner, abilities }, { ...submission, ...more }, nativeFields),
    create: (more: Partial<Submission> = {}) => create(owner, { ...submission, ...more }, nativeFields),
  };
}

async function countRows({ database }: Stage): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (const table of [
    'idempotency_keys',
    'secrets',
    'workspaces',
    'tasks',
    'streams',
    'events',
    'runs',
  ] as const) {
    const row = await database.kysely
      .selectFrom(table)
      .select((all) => all.fn.countAll<number>().as('n'))
      .executeTakeFirst();
    counts[table] = row?.n ?? 0;
  }
  return counts;
}

const one = { idempotency_keys: 1, secrets: 1, workspaces: 1, tasks: 1, streams: 1, events: 1, runs: 1 };
const refusalOf = (code: Refusal['code']) => (error: unknown) =>
  error instanceof Refusal && error.code === code;

test('what publishes by itself is created by none but credentials that may push', async (t) => {
  const { stage, createWith } = await makeService(t);
  const less = ['projects:*', 'runs:*', 'settings:*', 'git:commit'];
  for (const more of [
    { publish: 'pull_request' },
    { publish: 'branch' },
    { kind: 'pr_review', outputMode: 'post_comments' },
  ] as const) {
    await assert.rejects(createWith(less, more), refusalOf('forbidden'), JSON.stringify(more));
  }
  assert.equal((await countRows(stage))['tasks'], 0);
  await createWith(less, { publish: 'manual' });
  await createWith(['git:push'], { publish: 'pull_request' });
  assert.equal((await countRows(stage))['tasks'], 2);
});

test('twenty requests with one key at the same moment make one task', async (t) => {
  const { stage, create } = await makeService(t);
  const all = await Promise.all(
    Array.from({ length: 20 }, () =>
      create({ idempotencyKey: 'once', accessToken: new Secret('ghp_0123456789') }),
    ),
  );
  assert.equal(new Set(all.map((task) => task.id)).size, 1);
  assert.equal(new Set(all.map((task) => task.createdAt.getTime())).size, 1);
  assert.deepEqual(await countRows(stage), one);
});

test('a key that was used for something else is refused, another owner’s key is another key', async (t) => {
  const { stage, create } = await makeService(t);
  const first = await create({ idempotencyKey: 'once' });
  for (const other of [
    { prompt: 'something else' },
    { accessToken: new Secret('ghp_0123456789') },
    { publish: 'branch' as const },
  ]) {
    await assert.rejects(create({ idempotencyKey: 'once', ...other }), refusalOf('idempotency_mismatch'));
  }
  assert.equal((await create({ idempotencyKey: 'once', rateLimitKey: 'another' })).id, first.id);
  const bob = await addOwner(stage, 'bob');
  const idempotency = { route: 'tasks', key: 'once', bodyHash: 'x' };
  assert.ok(await insertTask(stage.database, newTask(stage, { ownerId: bob, idempotency })));
});

test('a task begins with everything it needs, and a worker is told', async (t) => {
  const { stage, woken, create } = await makeService(t);
  const { id } = await create({ timeoutSeconds: 10_000, priority: 7, sourceBranch: 'develop' });
  const task = await stage.database.kysely.selectFrom('tasks').selectAll().executeTakeFirstOrThrow();
  const run = await stage.database.kysely.selectFrom('runs').selectAll().executeTakeFirstOrThrow();
  assert.equal(task.id, id);
  assert.equal(task.state, 'pending');
  assert.deepEqual(task.options, {
    agent: 'script',
    command: 'true',
    timeoutSeconds: 1_800,
    sourceBranch: 'develop',
  });
  assert.equal(run.state, 'queued');
  assert.equal(run.priority, 7);
  assert.equal(run.time_left_ms, 1_800_000);
  assert.equal(run.agent, 'script');
  assert.ok(run.deadline_at !== null && task.deadline_at !== null);
  assert.deepEqual(await eventTypes(stage, id), ['task_created']);
  assert.deepEqual(woken, [{ topic: 'run', id: run.id }]);
});

test('the token is stored sealed to its row and nowhere else', async (t) => {
  const { stage, create } = await makeService(t);
  const { id } = await create({ accessToken: new Secret('ghp_the-token-itself') });
  const task = await stage.database.kysely
    .selectFrom('tasks')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  const sealed = await findSecret(stage.database, task.access_token_id ?? '');
  assert.ok(sealed);
  assert.equal(keyRing.open(sealed.id, sealed).reveal(), 'ghp_the-token-itself');
  assert.throws(() => keyRing.open(id, sealed));
  const run = await stage.database.kysely.selectFrom('runs').selectAll().executeTakeFirstOrThrow();
  const events = await stage.database.kysely.selectFrom('events').selectAll().execute();
  assert.doesNotMatch(JSON.stringify([task, run, events]), /the-token-itself/u);
  assert.ok(!sealed.ciphertext.includes('the-token'));
});

test('the key to the model is a secret of its own, beside the token', async (t) => {
  const { stage, create } = await makeService(t);
  const aiKey = new Secret('sk-the-key-itself');
  await create({ aiKey, accessToken: new Secret('ghp_the-token-itself'), model: 'm', maxBudgetUsd: 0.1 });
  const task = await stage.database.kysely.selectFrom('tasks').selectAll().executeTakeFirstOrThrow();
  const sealed = await findSecret(stage.database, task.ai_key_id ?? '');
  assert.ok(sealed);
  assert.equal(keyRing.open(sealed.id, sealed).reveal(), 'sk-the-key-itself');
  assert.notEqual(task.access_token_id, task.ai_key_id);
  assert.equal((await countRows(stage))['secrets'], 2);
  assert.deepEqual(task.options, {
    agent: 'script',
    command: 'true',
    timeoutSeconds: 300,
    model: 'm',
    maxBudgetMicrodollars: 100_000,
  });
  assert.doesNotMatch(JSON.stringify(task), /the-key-itself/u);
});

test('where one of its rows cannot be made, none is', async (t) => {
  const { stage } = await makeService(t);
  const known = await storeTask(stage);
  const before = await countRows(stage);
  const accessToken = { id: systemIds.ordered(), ...keyRing.seal('x', new Secret('y')) };
  const idempotency = { route: 'tasks', key: 'k', bodyHash: 'h' };
  const broken = [
    { runId: known.runId },
    { workspaceId: known.workspaceId },
    { traceId: '\u0000' },
    { ownerId: systemIds.random() },
  ];
  for (const wrong of broken) {
    await assert.rejects(insertTask(stage.database, newTask(stage, { accessToken, idempotency, ...wrong })));
  }
  assert.deepEqual(await countRows(stage), before);
});

test('what cannot be a task is refused by its field, before anything is stored', async (t) => {
  const { stage, create } = await makeService(t);
  const wrong: readonly (readonly [Partial<Submission>, string])[] = [
    [{ repositoryUrl: 'file:///etc' }, 'repo_url'],
    [{ repositoryUrl: 'https://user:token@forge.example/x' }, 'repo_url'],
    [{ agent: 'gpt' }, 'cli'],
    [{ command: ' ' }, 'command'],
    [{ sourceBranch: '--upload-pack=x' }, 'source_branch'],
    [{ targetBranch: 'x'.repeat(256) }, 'target_branch'],
    [{ priority: 101 }, 'priority'],
    [{ priority: -101 }, 'priority'],
  ];
  for (const [more, field] of wrong) {
    await assert.rejects(
      create(more),
      (error) => refusalOf('invalid')(error) && Object.keys((error as Refusal).fields ?? {})[0] === field,
    );
  }
  assert.equal((await countRows(stage))['tasks'], 0);
  assert.equal((await countRows(stage))['idempotency_keys'], 0);
});

test('who asks too often is told how long to wait, and a key that is known costs nothing', async (t) => {
  const { create } = await makeService(t, { tasksPerMinute: 2 });
  const first = await create({ idempotencyKey: 'once' });
  await create();
  await assert.rejects(create(), (error) => {
    assert.ok(refusalOf('rate_limited')(error));
    const wait = (error as Refusal).retryAfterSeconds ?? 0;
    return wait >= 1 && wait <= 30;
  });
  assert.equal((await create({ idempotencyKey: 'once' })).id, first.id);
  await create({ rateLimitKey: 'somebody else' });
});

test('many tasks of many repositories at once have one row for each repository', async (t) => {
  const { stage, create } = await makeService(t);
  await Promise.all(
    Array.from({ length: 24 }, (_, index) =>
      create({ repositoryUrl: `https://forge.example/ada/new-${index % 3}.git` }),
    ),
  );
  const rows = await stage.database.kysely.selectFrom('repositories').select('canonical_url').execute();
  assert.equal(rows.filter((row) => row.canonical_url.includes('/new-')).length, 3);
});

/** A task of this service whose workspace was begun, in the repository of `submission`. */
async function begunTask({ stage, create }: Awaited<ReturnType<typeof makeService>>) {
  const { id } = await create();
  const task = await workspaceRow(stage, id);
  await stage.database.kysely
    .updateTable('workspaces')
    .set({ base_commit: 'b'.repeat(40) })
    .where('id', '=', task.workspaceId)
    .execute();
  return { id, ...task };
}

async function workspaceRow({ database }: Stage, taskId: string) {
  return database.kysely
    .selectFrom('tasks')
    .innerJoin('runs', 'runs.task_id', 'tasks.id')
    .select(['tasks.number', 'tasks.options', 'tasks.workspace_id as workspaceId', 'runs.queue'])
    .select('runs.workspace_id as runWorkspaceId')
    .where('tasks.id', '=', taskId)
    .executeTakeFirstOrThrow();
}

test('a task works where another has worked, by its id or its number, and begins nothing there anew', async (t) => {
  const service = await makeService(t);
  const first = await begunTask(service);
  const before = await countRows(service.stage);
  for (const workspaceTask of [{ id: first.id }, { number: first.number }]) {
    const { id } = await service.create({ workspaceTask });
    const { workspaceId, runWorkspaceId, options } = await workspaceRow(service.stage, id);
    assert.deepEqual([workspaceId, runWorkspaceId], [first.workspaceId, first.workspaceId]);
    assert.equal(options.workspaceTaskId, first.id);
  }
  const after = await countRows(service.stage);
  assert.deepEqual([after['workspaces'], after['tasks']], [before['workspaces'], (before['tasks'] ?? 0) + 2]);
});

test('in the place of a workspace that is not there, or of a pull request, there is a new one', async (t) => {
  const service = await makeService(t);
  const { database } = service.stage;
  const notBegun = await service.create();
  const expired = await begunTask(service);
  await database.kysely
    .updateTable('workspaces')
    .set({ expires_at: new Date(0) })
    .where('id', '=', expired.workspaceId)
    .execute();
  const begun = await begunTask(service);
  const reviewed = await begunTask(service);
  await database.kysely
    .updateTable('tasks')
    .set({ kind: 'pr_review' })
    .where('id', '=', reviewed.id)
    .execute();
  const made = [
    await service.create({ workspaceTask: { id: notBegun.id } }),
    await service.create({ workspaceTask: { id: expired.id } }),
    await service.create({ workspaceTask: { id: begun.id }, kind: 'pr_review', pullRequestNumber: 7 }),
    await service.create({ workspaceTask: { id: reviewed.id } }),
    await service.create({ workspaceTask: { id: systemIds.random() } }),
    await service.create({ workspaceTask: { number: 999_999 } }),
  ];
  const rows = await Promise.all(made.map(({ id }) => workspaceRow(service.stage, id)));
  assert.equal(new Set(rows.map(({ workspaceId }) => workspaceId)).size, made.length);
  for (const taken of [expired, begun, reviewed])
    assert.ok(rows.every(({ workspaceId }) => workspaceId !== taken.workspaceId));
});

test('the workspace of somebody else and of another repository are refused in the same words', async (t) => {
  const service = await makeService(t);
  const { stage, create } = service;
  const stranger = await addOwner(stage, 'bea');
  const theirs = await storeTask(stage, { ownerId: stranger });
  const own = await begunTask(service);
  const before = await countRows(stage);
  const elsewhere = 'https://forge.example/ada/other.git';
  const asked: Partial<Submission>[] = [
    { workspaceTask: { id: theirs.taskId } },
    { workspaceTask: { id: own.id }, repositoryUrl: elsewhere },
  ];
  for (const more of asked) {
    await assert.rejects(create(more), (error: unknown) => {
      assert.ok(error instanceof Refusal && error.code === 'invalid');
      assert.deepEqual(error.fields, { workspace_task_id: 'must be a task of yours in the same repository' });
      return true;
    });
  }
  assert.deepEqual(await countRows(stage), before);
  await create({ workspaceTask: { id: own.id }, repositoryUrl: 'https://FORGE.example/ada/project' });
});

test('what only reviews waits in a queue of its own', async (t) => {
  const { stage, create } = await makeService(t);
  const queues = [];
  for (const kind of ['code', 'plan', 'review', 'pr_review'] as const) {
    const { id } = await create({ kind, pullRequestNumber: 7 });
    queues.push((await workspaceRow(stage, id)).queue);
  }
  assert.deepEqual(queues, ['tasks', 'tasks', 'reviews', 'reviews']);
});
