import { sql, type Transaction } from 'kysely';
import type { NewEvent } from '../domain/event.ts';
import { liveRunStates } from '../domain/run-state.ts';
import type { Database } from './database.ts';
import type { Tables } from './tables.ts';

/** What a run's holder knows about its claim: every write about the run compares it. */
export type Claim = { readonly runId: string; readonly generation: number };

/**
 * The agent's output becomes events, once. One statement compares (run, generation, live, offset), moves
 * the offset, takes the numbers and inserts: a batch that is sent twice, or by a worker that lost its
 * lease, inserts nothing. The stream's row is locked by the update before an event draws its id, so ids
 * and numbers rise in commit order and a reader's cursor cannot skip.
 *
 * NOTIFY stays out of this transaction: with it appends were six times slower (1,008/s against 6,605/s).
 */
const appendOutput = {
  name: 'append-output',
  text: `
    with held as (
      update runs set output_at = $4
      where id = $1 and generation = $2 and output_at = $3 and state in ('preparing', 'running', 'collecting')
      returning id, task_id
    ), numbered as (
      update streams set last_seq = last_seq + cardinality($5::text[]) from held
      where streams.id = held.task_id
      returning streams.id as stream_id, streams.last_seq, held.id as run_id
    ), inserted as (
      insert into events (stream_id, seq, run_id, type, data, blob_id)
      select stream_id, last_seq - cardinality($5::text[]) + batch.position, run_id, batch.type, batch.data::jsonb, batch.blob_id
      from numbered, unnest($5::text[], $6::text[], $7::uuid[]) with ordinality as batch(type, data, blob_id, position)
      order by batch.position
    )
    select stream_id from numbered`,
};

/** Returns false when the claim was lost or the offset had moved on: then nothing was written. */
export async function appendOutputEvents(
  database: Database,
  claim: Claim,
  offsets: { readonly from: number; readonly to: number },
  events: readonly NewEvent[],
): Promise<boolean> {
  const rows = await database.statement(appendOutput, [
    claim.runId,
    claim.generation,
    offsets.from,
    offsets.to,
    events.map((event) => event.type),
    events.map((event) => jsonText(event.data)),
    events.map((event) => event.blobId ?? null),
  ]);
  return rows.length === 1;
}

/**
 * Appends an event of the server's own about a live run, once for each run and type: repeated after a lost
 * answer or a restart, it writes nothing. The row's lock keeps a second writer out until the first has
 * committed; the insert is a statement of its own, so that it then sees what the first one wrote.
 * False: the claim was lost.
 */
export async function appendStepOnce(database: Database, claim: Claim, event: NewEvent): Promise<boolean> {
  return database.transaction(async (tx) => {
    const run = await lockHeldRun(tx, claim);
    if (run === undefined) return false;
    const known = await tx
      .selectFrom('events')
      .select('id')
      .where('stream_id', '=', run.task_id)
      .where('run_id', '=', claim.runId)
      .where('type', '=', event.type)
      .limit(1)
      .executeTakeFirst();
    if (known === undefined) await appendEvents(tx, run.task_id, claim.runId, [event]);
    return true;
  });
}

/** Locks a live run's row for its holder; undefined: the claim was lost. */
export async function lockHeldRun(
  tx: Transaction<Tables>,
  claim: Claim,
): Promise<{ readonly task_id: string } | undefined> {
  return tx
    .selectFrom('runs')
    .select('task_id')
    .where('id', '=', claim.runId)
    .where('generation', '=', claim.generation)
    .where('state', 'in', [...liveRunStates])
    .forUpdate()
    .executeTakeFirst();
}

/** Appends within a change of state: the change's transaction owns them. */
export async function appendEvents(
  tx: Transaction<Tables>,
  streamId: string,
  runId: string | null,
  events: readonly NewEvent[],
): Promise<void> {
  if (events.length === 0) return;
  const types = events.map((event) => event.type);
  const data = events.map((event) => jsonText(event.data));
  await sql`
    with numbered as (
      update streams set last_seq = last_seq + ${events.length} where id = ${streamId} returning last_seq
    )
    insert into events (stream_id, seq, run_id, type, data)
    select ${streamId}::uuid, last_seq - ${events.length} + batch.position, ${runId}::uuid, batch.type, batch.data::jsonb
    from numbered, unnest(${types}::text[], ${data}::text[]) with ordinality as batch(type, data, position)
    order by batch.position`.execute(tx);
}

/** Text that PostgreSQL takes: it stores no U+0000 and no lone half of a surrogate pair. */
export function storableText(text: string): string {
  return text.replaceAll('\u0000', '\ufffd').toWellFormed();
}

/** JSON of which every text is storable, the names of fields too. */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'string' ? storableText(item) : item,
  );
  // Names of ours never need it; those out of somebody's answer may.
  return /\\u(?:0000|d[89a-f])/u.test(text) ? JSON.stringify(withStorableNames(JSON.parse(text))) : text;
}

function withStorableNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withStorableNames);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [storableText(name), withStorableNames(inner)]),
  );
}
