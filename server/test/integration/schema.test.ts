import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sql } from 'kysely';
import { effectKinds, effectStates } from '../../src/domain/effect-state.ts';
import { publishModes } from '../../src/domain/options.ts';
import {
  runCauses,
  runKinds,
  taskKinds,
  runQueues,
  runStates,
  runTransitions,
  canRunMove,
  type RunState,
} from '../../src/domain/run-state.ts';
import {
  restingTaskStates,
  taskStates,
  taskTransitions,
  canTaskMove,
  type TaskState,
} from '../../src/domain/task-state.ts';
import { webhookSources, webhookStates } from '../../src/domain/webhook.ts';
import { testDatabase } from '../support/database.ts';
import { setStage, storeTask, type Stage, type StoredTask } from '../support/stored-tasks.ts';

type Column = { readonly type: string; readonly nullable: boolean };

/** The tables as `tables.ts` and its part declare them: by table, by column, the words of the type. */
function declaredTables(): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const store = join(import.meta.dirname, '../../src/store');
  const text = ['tables.ts', 'workflow-tables.ts']
    .map((file) => readFileSync(join(store, file), 'utf8'))
    .join('\n');
  const types = new Map(
    [...text.matchAll(/export type (\w+Table) = \{(.*?)\n?\};/gsu)].map(([, name = '', body = '']) => [
      name,
      body,
    ]),
  );
  const tables = /export type Tables = \{(.*?)\n\};/su.exec(text)?.[1] ?? '';
  return new Map(
    [...tables.matchAll(/(\w+): (\w+);/gu)].map(([, table = '', type = '']) => {
      const columns = [...(types.get(type) ?? '').matchAll(/(\w+): ([^;]+)(?:;|$)/gu)];
      return [table, new Map(columns.map(([, column = '', words = '']) => [column, words.trim()]))];
    }),
  );
}

/** Which TypeScript type stands for a column's type. */
const kinds: Readonly<Record<string, RegExp>> = {
  uuid: /^string/u,
  text: /^(?:string|'|[A-Z]\w+(?: \||$))/u,
  int2: /number/u,
  int4: /number/u,
  int8: /number/u,
  timestamptz: /Date|Created/u,
  jsonb: /Json</u,
  bytea: /Buffer/u,
  bool: /boolean/u,
  _text: /string\[\]/u,
};

test('the tables of the code are the tables of the database: names, nullability, types', async (t) => {
  const database = await testDatabase(t);
  const rows = await sql<{ table: string; column: string } & Column>`
    select table_name as table, column_name as column, udt_name as type, is_nullable = 'YES' as nullable
    from information_schema.columns where table_schema = 'public' and table_name <> 'migrations'`.execute(
    database.kysely,
  );
  const declared = declaredTables();
  assert.ok(declared.size > 10, 'tables.ts was not understood');
  const names = (pairs: Iterable<readonly [string, string]>) =>
    [...pairs].map((pair) => pair.join('.')).sort();
  assert.deepEqual(
    names(
      [...declared].flatMap(([table, columns]) =>
        [...columns.keys()].map((column) => [table, column] as const),
      ),
    ),
    names(rows.rows.map((row) => [row.table, row.column] as const)),
  );
  for (const { table, column, type, nullable } of rows.rows) {
    const words = declared.get(table)?.get(column) ?? '';
    const inner = /^(?:Generated|GeneratedAlways)<(.*)>$/u.exec(words)?.[1] ?? words;
    assert.match(inner, kinds[type] ?? /^no such type$/u, `${table}.${column} ${type}`);
    assert.equal(/\| null|^NullableJson</u.test(words), nullable, `${table}.${column} may be null`);
  }
});

test('what has a default in the database need not be given by the code, and nothing else', async (t) => {
  const database = await testDatabase(t);
  const rows = await sql<{ table: string; column: string; given: boolean }>`
    select table_name as table, column_name as column,
      column_default is null and is_identity = 'NO' as given
    from information_schema.columns where table_schema = 'public' and table_name <> 'migrations'
      and is_nullable = 'NO'`.execute(database.kysely);
  const declared = declaredTables();
  for (const { table, column, given } of rows.rows) {
    const words = declared.get(table)?.get(column) ?? '';
    assert.equal(!/^(?:Generated|GeneratedAlways)<|^Created$/u.test(words), given, `${table}.${column}`);
  }
});

test('every check on a list of words is the list of the domain', async (t) => {
  const database = await testDatabase(t);
  const rows = await sql<{ table: string; definition: string }>`
    select conrelid::regclass::text as table, pg_get_constraintdef(oid) as definition
    from pg_constraint where contype = 'c' and connamespace = 'public'::regnamespace`.execute(
    database.kysely,
  );
  const wordsOf = (table: string, column: string): readonly string[] => {
    const check = rows.rows.find(
      (row) =>
        row.table === table &&
        new RegExp(String.raw`^CHECK \(\(+${column} = (?:ANY|')`, 'u').test(row.definition),
    );
    return [...(check?.definition ?? '').matchAll(/'([^']+)'/gu)].map(([, word = '']) => word);
  };
  const lists: readonly (readonly [string, string, readonly string[]])[] = [
    ['tasks', 'state', taskStates],
    ['tasks', 'kind', taskKinds],
    ['tasks', 'publish', publishModes],
    ['runs', 'state', runStates],
    ['runs', 'kind', runKinds],
    ['runs', 'cause', runCauses],
    ['runs', 'queue', runQueues],
    ['effects', 'state', effectStates],
    ['effects', 'kind', effectKinds],
    ['deliveries', 'state', webhookStates],
    ['deliveries', 'source', webhookSources],
  ];
  for (const [table, column, words] of lists) {
    assert.deepEqual([...wordsOf(table, column)].sort(), [...words].sort(), `${table}.${column}`);
  }
});

test("the database's arrows are the domain's", async (t) => {
  const database = await testDatabase(t);
  const arrows = (table: Readonly<Record<string, readonly string[]>>) =>
    Object.entries(table)
      .flatMap(([source, targets]) => targets.map((target) => `${source} ${target}`))
      .sort();
  for (const [name, table] of [
    ['task_transitions', taskTransitions],
    ['run_transitions', runTransitions],
  ] as const) {
    const rows = await database.kysely.selectFrom(name).select(['source', 'target']).execute();
    assert.deepEqual(rows.map((row) => `${row.source} ${row.target}`).sort(), arrows(table));
  }
});

/** Tries a change of state on a real row that was put into `from` behind the triggers' back. */
async function allows(
  stage: Stage,
  change: {
    readonly table: 'tasks' | 'runs';
    readonly id: string;
    readonly from: string;
    readonly to: string;
  },
): Promise<boolean> {
  const { table, id, from, to } = change;
  return stage.database
    .transaction(async (tx) => {
      const times = table === 'runs' ? sql`, lease_until = now(), holder = ${stage.workerId}` : sql``;
      await sql`set local session_replication_role = replica`.execute(tx);
      await sql`update ${sql.table(table)} set state = ${from}, deadline_at = now() ${times} where id = ${id}`.execute(
        tx,
      );
      await sql`set local session_replication_role = origin`.execute(tx);
      await sql`update ${sql.table(table)} set state = ${to} where id = ${id}`.execute(tx);
      throw new Allowed();
    })
    .catch((error: unknown) => {
      if (error instanceof Allowed) return true;
      assert.ok(error instanceof Error && 'code' in error && error.code === '23514', String(error));
      return false;
    });
}

class Allowed extends Error {}

/** Triggers can only be put aside by a superuser, which a role for tests need not be. */
async function isSuperuser({ database }: Stage): Promise<boolean> {
  const result = await sql<{
    super: boolean;
  }>`select rolsuper as super from pg_roles where rolname = current_user`.execute(database.kysely);
  return result.rows[0]?.super === true;
}

async function oneTask(stage: Stage): Promise<StoredTask> {
  return storeTask(stage);
}

test('of all changes of a task, the database lets through those of the table', async (t) => {
  const stage = await setStage(t);
  if (!(await isSuperuser(stage))) {
    t.skip('the role of this database is no superuser');
    return;
  }
  const { taskId: id } = await oneTask(stage);
  for (const from of taskStates) {
    for (const to of taskStates) {
      const expected = from === to || canTaskMove(from, to);
      assert.equal(await allows(stage, { table: 'tasks', id, from, to }), expected, `${from} to ${to}`);
    }
  }
});

test('of all changes of a run, the database lets through those of the table, and none of an ended one', async (t) => {
  const stage = await setStage(t);
  if (!(await isSuperuser(stage))) {
    t.skip('the role of this database is no superuser');
    return;
  }
  const { runId: id } = await oneTask(stage);
  const ended: readonly RunState[] = ['succeeded', 'failed', 'cancelled', 'lost', 'parked'];
  for (const from of runStates) {
    for (const to of runStates) {
      const expected = !ended.includes(from) && (from === to || canRunMove(from, to));
      assert.equal(await allows(stage, { table: 'runs', id, from, to }), expected, `${from} to ${to}`);
    }
  }
});

test('an ended run does not change in any column, and cannot be held again', async (t) => {
  const stage = await setStage(t);
  const { runId } = await storeTask(stage);
  const runs = stage.database.kysely.updateTable('runs').where('id', '=', runId);
  await runs.set({ state: 'cancelled', ended_at: sql`now()`, deadline_at: null }).execute();
  for (const change of [
    { result: 'x' },
    { priority: 1 },
    { output_at: 1 },
    { holder: stage.workerId },
    { state: 'cancelled' as const },
  ]) {
    await assert.rejects(runs.set(change).execute(), /has ended as cancelled/u);
  }
});

test('what is not over has a deadline, what is held a holder and a lease', async (t) => {
  const stage = await setStage(t);
  const { taskId, runId } = await storeTask(stage);
  const { kysely } = stage.database;
  const run = kysely.updateTable('runs').where('id', '=', runId);
  const task = kysely.updateTable('tasks').where('id', '=', taskId);
  await assert.rejects(task.set({ deadline_at: null }).execute(), /task_deadline/u);
  await assert.rejects(run.set({ deadline_at: null }).execute(), /run_deadline/u);
  await assert.rejects(run.set({ state: 'preparing' }).execute(), /run_lease/u);
  await assert.rejects(run.set({ state: 'preparing', holder: stage.workerId }).execute(), /run_lease/u);
  const resting: readonly TaskState[] = restingTaskStates;
  const check = await sql<{ definition: string }>`
    select pg_get_constraintdef(oid) as definition from pg_constraint where conname = 'task_deadline'`.execute(
    kysely,
  );
  const named = [...(check.rows[0]?.definition ?? '').matchAll(/'([^']+)'/gu)].map(([, word = '']) => word);
  assert.deepEqual(named.sort(), [...resting].sort());
});

test('a workspace has one live run, whatever a statement tries', async (t) => {
  const stage = await setStage(t);
  const first = await storeTask(stage);
  const second = await storeTask(stage);
  const held = { state: 'preparing', holder: stage.workerId, lease_until: sql<Date>`now()` } as const;
  const { kysely } = stage.database;
  await kysely
    .updateTable('runs')
    .set({ workspace_id: first.workspaceId })
    .where('id', '=', second.runId)
    .execute();
  await kysely.updateTable('runs').set(held).where('id', '=', first.runId).execute();
  await assert.rejects(
    kysely.updateTable('runs').set(held).where('id', '=', second.runId).execute(),
    /one_live_run/u,
  );
});
