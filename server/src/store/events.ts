import type { EventType } from '../domain/event.ts';
import type { Database } from './database.ts';

/** An event as it was stored. `id` is what every window shows and resumes from. */
export type StoredEvent = {
  readonly id: number;
  readonly seq: number;
  readonly runId: string | null;
  readonly at: Date;
  readonly type: EventType;
  readonly data: unknown;
  readonly blobId: string | null;
};

/** Events after a cursor, in order, at most `limit`. The caller has seen the stream's task as a viewer. */
export async function readEvents(
  database: Database,
  streamId: string,
  afterId: number,
  limit: number,
): Promise<readonly StoredEvent[]> {
  return database.statement<StoredEvent>(
    {
      name: 'read-events',
      text: `select id, seq, run_id as "runId", at, type, data, blob_id as "blobId"
        from events where stream_id = $1 and id > $2 order by id limit $3`,
    },
    [streamId, afterId, limit],
  );
}

/** The number of the newest event of each of these streams; a stream that does not exist is missing. */
export async function readHeads(
  database: Database,
  streamIds: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await database.statement<{ id: string; seq: number }>(
    { name: 'read-heads', text: 'select id, last_seq as seq from streams where id = any($1::uuid[])' },
    [streamIds],
  );
  return new Map(rows.map((row) => [row.id, row.seq]));
}
