import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from 'pg';

/** Any number that nobody else takes: the session lock under which one process migrates. */
const migrationLock = 7_302_114;
const oldestServerVersion = 150_000;

export class MigrationError extends Error {}

/**
 * Brings the database to the newest of the numbered files, each in its own transaction, under an advisory
 * lock, so that servers which start together migrate once. Returns the names of what was applied.
 *
 * @throws MigrationError when PostgreSQL is older than 15, a file was changed after it was applied, or the
 * database was migrated by a newer Slipway than this one.
 */
export async function migrate(client: Client, folder: string): Promise<readonly string[]> {
  const version = await client.query<{ version: number }>(
    `select current_setting('server_version_num')::int as version`,
  );
  refuseOldServer(version.rows[0]?.version ?? 0);
  await client.query('set statement_timeout = 0');
  await client.query('select pg_advisory_lock($1)', [migrationLock]);
  try {
    return await applyMissing(client, folder);
  } finally {
    await client.query('select pg_advisory_unlock($1)', [migrationLock]);
  }
}

/**
 * `version` as PostgreSQL gives it in `server_version_num`: 150004 is 15.4.
 *
 * @throws MigrationError
 */
export function refuseOldServer(version: number): void {
  if (version >= oldestServerVersion) return;
  throw new MigrationError(
    `this is PostgreSQL ${Math.floor(version / 10_000)}; 15 or newer is needed: point DATABASE_URL at one`,
  );
}

async function applyMissing(client: Client, folder: string): Promise<readonly string[]> {
  await client.query(
    'create table if not exists migrations (name text primary key, sha256 text not null, applied_at timestamptz not null default now())',
  );
  const files = (await readdir(folder)).filter((name) => /^\d{4}_.*\.sql$/u.test(name)).sort();
  const rows = await client.query<{ name: string; sha256: string }>('select name, sha256 from migrations');
  const applied = new Map(rows.rows.map((row) => [row.name, row.sha256]));
  const unknown = [...applied.keys()].filter((name) => !files.includes(name));
  if (unknown.length > 0) {
    throw new MigrationError(
      `the database was migrated by a newer Slipway (${unknown.join(', ')}); start that version, or restore a backup`,
    );
  }
  const done: string[] = [];
  for (const name of files) {
    const text = await readFile(join(folder, name), 'utf8');
    const known = applied.get(name);
    if (known === undefined) {
      await applyOne(client, name, text);
      done.push(name);
    } else if (known !== digest(text)) {
      throw new MigrationError(`migration ${name} was changed after it was applied; add a new one instead`);
    }
  }
  return done;
}

async function applyOne(client: Client, name: string, text: string): Promise<void> {
  await client.query('begin');
  try {
    await client.query(text);
    await client.query('insert into migrations (name, sha256) values ($1, $2)', [name, digest(text)]);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw new MigrationError(
      `migration ${name} failed: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    );
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
