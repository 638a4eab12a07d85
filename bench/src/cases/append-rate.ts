import { join } from 'node:path';
import { sql } from 'kysely';
import type { Bench } from '../case.ts';
import { systemIds } from '../../../server/src/lib/ids.ts';
import { appendOutputEvents } from '../../../server/src/store/append-events.ts';
import { insertTask } from '../../../server/src/store/create-task.ts';
import type { Database } from '../../../server/src/store/database.ts';
import { migrate } from '../../../server/src/store/migrate.ts';
import { ensureAdministrator, ensureRepository, ensureWorker } from '../../../server/src/store/owners.ts';
import { openInstallation } from '../installation.ts';
import { alternate, median, pairedRatio } from '../measure.ts';
import { formatRate, type Row } from '../report.ts';
import { openServerDatabase } from '../slipway-server.ts';

const writers = 8;
const batch = 50;
const databaseName = 'bench';
const migrations = join(import.meta.dirname, '../../../server/migrations');

/**
 * Events into the log: eight writers, each appending batches of 50 of its own run's output one after the
 * other, each batch durable. By hand the same rows go into a table with nothing but a key.
 */
export async function appendRate(bench: Bench): Promise<readonly Row[]> {
  await using stack = new AsyncDisposableStack();
  const place = await openInstallation(bench, stack, { SLIPWAY_WORKERS: '0' });
  const outer = stack.adopt(await openServerDatabase(place.dataFolder, 1), (one) => one.close());
  await sql`create database ${sql.id(databaseName)}`.execute(outer.kysely);
  const database = stack.adopt(await openServerDatabase(place.dataFolder, writers, databaseName), (one) =>
    one.close(),
  );
  const logs = await prepareLogs(database);
  const rounds = bench.quick ? 1 : 5;
  const ms = bench.quick ? 400 : 4_000;
  bench.say(`events into the log: ${rounds} rounds`);
  const byStore = () =>
    rateOf(
      logs.map((log) => log.append),
      ms,
    );
  const byHand = () =>
    rateOf(
      logs.map((log) => log.insertByHand),
      ms,
    );
  const { first, second } = await alternate(rounds, byStore, byHand);
  return [
    {
      what: `events into the log, ${writers} writers, batches of ${batch}`,
      measured: formatRate(median(first)),
      baseline: `bare inserts: ${formatRate(median(second))}`,
      ratio: pairedRatio(first, second),
      budget: '>= 10,000/s',
      met: median(first) >= 10_000,
      figures: { rounds, perSecond: median(first), bareInsertsPerSecond: median(second) },
    },
  ];
}

type Log = { readonly append: () => Promise<void>; readonly insertByHand: () => Promise<void> };

/** A migrated database with a running run for each writer, and a bare table. */
async function prepareLogs(database: Database): Promise<readonly Log[]> {
  const client = await database.connect(() => undefined);
  try {
    await migrate(client, migrations);
  } finally {
    await client.end();
  }
  await sql`create table bare (stream uuid, seq bigint, type text, data jsonb, primary key (stream, seq))`.execute(
    database.kysely,
  );
  const ownerId = await ensureAdministrator(database, systemIds);
  const workerId = systemIds.ordered();
  await ensureWorker(database, { id: workerId, host: 'bench', version: '0' });
  const logs: Log[] = [];
  for (let writer = 0; writer < writers; writer += 1) {
    const runId = await startRun(database, ownerId, workerId);
    logs.push(logOf(database, runId));
  }
  return logs;
}

/** A task whose run is `running` by the record. */
async function startRun(database: Database, ownerId: string, workerId: string): Promise<string> {
  const url = 'https://forge.example/bench/log';
  const runId = systemIds.ordered();
  await insertTask(database, {
    taskId: systemIds.random(),
    workspaceId: systemIds.ordered(),
    runId,
    ownerId,
    repositoryId: await ensureRepository(database, systemIds, url),
    repositoryUrl: url,
    source: 'api',
    kind: 'code',
    prompt: 'Print',
    options: { agent: 'script', timeoutSeconds: 600 },
    publish: 'manual',
    callbackUrl: null,
    providerKey: null,
    accessToken: null,
    traceId: 'bench',
    priority: 0,
    pendingSeconds: 3_600,
    idempotency: null,
  });
  for (const state of ['preparing', 'running']) {
    await sql`update runs set state = ${state}, holder = ${workerId}, generation = 1,
      lease_until = now() + interval '1 hour' where id = ${runId}`.execute(database.kysely);
  }
  return runId;
}

function logOf(database: Database, runId: string): Log {
  const events = Array.from({ length: batch }, (_, line) => ({
    type: 'agent_output' as const,
    data: {
      type: 'text' as const,
      agent: 'script',
      content: `line ${line} of a test run: ok, 12 assertions`,
    },
  }));
  const bytes = 2_000;
  let offset = 0;
  let seq = 0;
  return {
    async append() {
      const to = offset + bytes;
      const written = await appendOutputEvents(
        database,
        { runId, generation: 1 },
        { from: offset, to },
        events,
      );
      if (!written) throw new Error('a batch was refused');
      offset = to;
    },
    async insertByHand() {
      await database.statement(
        {
          name: 'by-hand',
          text: `insert into bare select $1, $2 + position, type, data::jsonb
            from unnest($3::text[], $4::text[]) with ordinality as batch(type, data, position)`,
        },
        [runId, seq, events.map((event) => event.type), events.map((event) => JSON.stringify(event.data))],
      );
      seq += batch;
    },
  };
}

/** Events a second while every writer repeats its batch. */
async function rateOf(writes: readonly (() => Promise<void>)[], ms: number): Promise<number> {
  const begun = performance.now();
  let batches = 0;
  await Promise.all(
    writes.map(async (write) => {
      while (performance.now() - begun < ms) {
        await write();
        batches += 1;
      }
    }),
  );
  return (batches * batch * 1_000) / (performance.now() - begun);
}
