import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'node:test';
import { sql } from 'kysely';
import { systemIds } from '../../src/lib/ids.ts';
import {
  createLimitedTaskInserter,
  createTaskInserter,
  findIdempotencyKey,
  type NewTask,
} from '../../src/store/create-task.ts';
import { isDatabaseAway, type Database } from '../../src/store/database.ts';
import { findSecret } from '../../src/store/secrets.ts';
import { addOwner, newTask, setStage, type Stage } from '../support/stored-tasks.ts';

const route = 'tasks';

function keyed(stage: Stage, key: string, more: Partial<NewTask> = {}): NewTask {
  return newTask(stage, { idempotency: { route, key, bodyHash: 'x' }, ...more });
}

function sealed(): NonNullable<NewTask['aiKey']> {
  const bytes = Buffer.from([0, 1, 0xfe, 0xff, 0x5c, 0x78]);
  return { id: systemIds.ordered(), keyId: 'k', nonce: bytes, ciphertext: Buffer.concat([bytes, bytes]) };
}

/** What came of each: stored, its key taken, or refused. */
async function outcomesOf(
  insert: ReturnType<typeof createTaskInserter>,
  tasks: readonly NewTask[],
): Promise<readonly ('stored' | 'taken' | 'refused')[]> {
  const settled = await Promise.allSettled(tasks.map((task) => insert(task)));
  return settled.map((one) => {
    if (one.status === 'rejected') return 'refused';
    return one.value === undefined ? 'taken' : 'stored';
  });
}

/** The ids of the stored tasks by their numbers; asserts that each has all of its rows, once. */
async function storedTasks({ database }: Stage): Promise<readonly string[]> {
  const { rows } = await sql<{ id: string; whole: boolean }>`
    select tasks.id, (select count(*) from runs where task_id = tasks.id and state = 'queued') = 1
      and (select count(*) from events where stream_id = tasks.id and seq = 1 and type = 'task_created') = 1
      and exists (select from streams where streams.id = tasks.id and last_seq = 1) as whole
    from tasks order by number`.execute(database.kysely);
  assert.ok(rows.every((row) => row.whole));
  for (const table of ['workspaces', 'runs', 'events', 'streams'] as const) {
    const row = await database.kysely
      .selectFrom(table)
      .select((all) => all.fn.countAll<number>().as('n'))
      .executeTakeFirstOrThrow();
    assert.equal(row.n, rows.length, table);
  }
  return rows.map((row) => row.id);
}

/** A statement counter around a real database. */
function counted(database: Database) {
  let statements = 0;
  const counting: Database = {
    ...database,
    statement: (hot, values) => {
      statements += 1;
      return database.statement(hot, values);
    },
  };
  return { database: counting, statements: () => statements };
}

test('two hundred at once, keys, secrets and errors mixed: each is stored, or taken, or refused, by itself', async (t) => {
  const stage = await setStage(t, 6);
  const tasks = Array.from({ length: 200 }, (_, index) => {
    const more = {
      ...(index % 3 === 0 ? { accessToken: sealed() } : {}),
      ...(index % 5 === 0 ? { aiKey: sealed() } : {}),
      ...(index % 29 === 7 ? { kind: 'nonsense' as NewTask['kind'] } : {}),
      ...(index % 31 === 5 ? { prompt: 'a NUL: \u0000' } : {}),
    };
    return index % 2 === 0 ? keyed(stage, `key ${index % 25}`, more) : newTask(stage, more);
  });
  const isWrong = (task: NewTask): boolean => task.kind !== 'code' || task.prompt.includes('\u0000');
  const outcomes = await outcomesOf(createTaskInserter(stage.database), tasks);
  const winners = new Map<string, string>();
  for (const [index, task] of tasks.entries()) {
    const key = task.idempotency?.key;
    if (isWrong(task)) {
      assert.ok(outcomes[index] === 'refused' || (key !== undefined && outcomes[index] === 'taken'));
    } else if (key === undefined) {
      assert.equal(outcomes[index], 'stored');
    } else if (outcomes[index] === 'stored') {
      assert.ok(!winners.has(key), `${key} has made two tasks`);
      winners.set(key, task.taskId);
    } else {
      assert.equal(outcomes[index], 'taken');
    }
  }
  assert.equal(winners.size, 25);
  for (const [key, taskId] of winners) {
    const kept = await findIdempotencyKey(stage.database, stage.ownerId, route, key);
    assert.equal(kept?.taskId, taskId);
  }
  const stored = tasks.filter((_, index) => outcomes[index] === 'stored').map((task) => task.taskId);
  assert.deepEqual((await storedTasks(stage)).toSorted(), stored.toSorted());
});

test('a batch is one statement: numbers rise as tasks came, and of one key the first wins', async (t) => {
  const stage = await setStage(t, 6);
  const { database, statements } = counted(stage.database);
  const secret = sealed();
  const tasks = Array.from({ length: 40 }, (_, index) =>
    index % 4 === 0
      ? keyed(stage, index % 8 === 0 ? 'b' : 'a', { accessToken: index === 0 ? secret : sealed() })
      : newTask(stage),
  );
  const outcomes = await outcomesOf(createTaskInserter(database), tasks);
  assert.equal(statements(), 1);
  const expected = tasks.filter((_, index) => index % 4 !== 0 || index === 0 || index === 4);
  assert.deepEqual(
    tasks.filter((_, index) => outcomes[index] === 'stored'),
    expected,
  );
  const ids = expected.map((task) => task.taskId);
  assert.deepEqual(await storedTasks(stage), ids);
  const events = await stage.database.kysely.selectFrom('events').select('stream_id').orderBy('id').execute();
  assert.deepEqual(
    events.map((event) => event.stream_id),
    ids,
  );
  const secrets = await stage.database.kysely.selectFrom('secrets').select('id').execute();
  assert.equal(secrets.length, 2);
  assert.deepEqual(await findSecret(stage.database, secret.id), secret);
});

test('one row that the database refuses fails alone, and its key stays free', async (t) => {
  const stage = await setStage(t, 6);
  const insert = createTaskInserter(stage.database);
  const tasks = [
    newTask(stage),
    keyed(stage, 'once', { ownerId: await addOwner(stage, 'bob'), repositoryId: systemIds.random() }),
    keyed(stage, 'once'),
    newTask(stage),
  ];
  assert.deepEqual(await outcomesOf(insert, tasks), ['stored', 'refused', 'stored', 'stored']);
  await assert.rejects(insert(keyed(stage, 'free', { traceId: '\u0000' })), { code: '22P05' });
  assert.ok(await insert(keyed(stage, 'free')));
  assert.equal((await storedTasks(stage)).length, 4);
});

test('servers that are sent the same keys in another order do not stop each other', async (t) => {
  const stage = await setStage(t, 6);
  const keys = Array.from({ length: 50 }, (_, index) => `key ${index}`);
  const outcomes = await Promise.all(
    [keys, keys.toReversed(), keys].map((order) =>
      outcomesOf(
        createTaskInserter(stage.database),
        order.map((key) => keyed(stage, key)),
      ),
    ),
  );
  const flat = outcomes.flat();
  assert.equal(flat.filter((outcome) => outcome === 'stored').length, keys.length);
  assert.equal(flat.filter((outcome) => outcome === 'taken').length, 2 * keys.length);
  assert.equal((await storedTasks(stage)).length, keys.length);
});

test('a connection that breaks in the middle of a batch: all of it is refused, and can be sent again', async (t) => {
  const stage = await setStage(t, 6);
  const insert = createTaskInserter(stage.database);
  const tasks = Array.from({ length: 20 }, (_, index) => keyed(stage, `key ${index}`));
  // Another transaction has one of the keys, so that the batch waits in the middle of its statement.
  const broken = await stage.database.transaction(async (tx) => {
    await sql`insert into idempotency_keys (owner_id, route, key, body_hash, task_id)
      values (${stage.ownerId}, ${route}, 'key 9', 'x', ${systemIds.random()})`.execute(tx);
    const settled = Promise.allSettled(tasks.map((task) => insert(task)));
    await breakWaiting(stage.database);
    const outcomes = await settled;
    await sql`delete from idempotency_keys`.execute(tx);
    return outcomes;
  });
  assert.ok(broken.every((one) => one.status === 'rejected' && isDatabaseAway(one.reason)));
  assert.deepEqual(await storedTasks(stage), []);
  assert.ok((await outcomesOf(insert, tasks)).every((outcome) => outcome === 'stored'));
  assert.equal((await storedTasks(stage)).length, tasks.length);
});

/** Ends the connection that waits for a lock, as soon as there is one. */
async function breakWaiting(database: Database): Promise<void> {
  for (;;) {
    const { rows } = await sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`.execute(database.kysely);
    if (rows.length > 0) return;
    await pause(10);
  }
}

test('an answer that is lost after the flush: nothing is sent twice, and the keys tell what was stored', async (t) => {
  const stage = await setStage(t, 6);
  let isLosing = true;
  const database: Database = {
    ...stage.database,
    async statement(hot, values) {
      const rows = await stage.database.statement<never>(hot, values);
      if (isLosing) throw new Error('Connection terminated unexpectedly');
      return rows;
    },
  };
  const insert = createTaskInserter(database);
  const tasks = Array.from({ length: 20 }, (_, index) => keyed(stage, `key ${index}`));
  assert.ok((await outcomesOf(insert, tasks)).every((outcome) => outcome === 'refused'));
  isLosing = false;
  const again = tasks.map(({ idempotency }) => newTask(stage, { idempotency }));
  assert.ok((await outcomesOf(insert, again)).every((outcome) => outcome === 'taken'));
  assert.deepEqual(
    await storedTasks(stage),
    tasks.map((task) => task.taskId),
  );
});

test('two servers that fill a queue at once stop at its limit, and not before', async (t) => {
  const stage = await setStage(t);
  const servers = [createLimitedTaskInserter(stage.database), createLimitedTaskInserter(stage.database)];
  const asked = Array.from({ length: 15 }, () =>
    servers.map((insert) => insert({ task: newTask(stage), limit: 9 })),
  );
  const answers = await Promise.all(asked.flat());
  assert.equal(answers.filter((answer) => answer instanceof Date).length, 9);
  assert.equal(answers.filter((answer) => answer === 'full').length, 21);
  assert.equal((await storedTasks(stage)).length, 9);
});
