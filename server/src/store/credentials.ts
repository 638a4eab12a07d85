import { sql } from 'kysely';
import type { CredentialKind } from '../domain/ability.ts';
import type { Database } from './database.ts';

/** A credential as lists show it: what it opens things with is not stored. */
export type CredentialRow = {
  readonly id: string;
  readonly name: string;
  readonly ownerLogin: string;
  /** Its last characters, by which people tell one from another. */
  readonly hint: string;
  readonly abilities: readonly string[];
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  /** To within a minute. */
  readonly usedAt: Date | null;
};

export type NewCredential = {
  readonly id: string;
  readonly ownerId: string;
  readonly kind: CredentialKind;
  readonly name: string;
  /** SHA-256. */
  readonly hash: Buffer;
  readonly hint: string;
  readonly abilities: readonly string[];
  readonly createdBy: string;
  /** Undefined: it holds until it is revoked. */
  readonly expiresInDays: number | undefined;
};

/** Stores a credential. Undefined: its owner has one of this name that is not revoked. */
export async function insertCredential(
  database: Database,
  credential: NewCredential,
): Promise<CredentialRow | undefined> {
  const { expiresInDays } = credential;
  const stored = await database.kysely
    .insertInto('credentials')
    .values({
      id: credential.id,
      owner_id: credential.ownerId,
      kind: credential.kind,
      name: credential.name,
      hash: credential.hash,
      hint: credential.hint,
      abilities: [...credential.abilities],
      created_by: credential.createdBy,
      expires_at:
        expiresInDays === undefined ? null : sql<Date>`now() + make_interval(days => ${expiresInDays})`,
    })
    .onConflict((conflict) =>
      conflict.columns(['owner_id', 'kind', 'name']).where('revoked_at', 'is', null).doNothing(),
    )
    .returning('id')
    .executeTakeFirst();
  if (stored === undefined) return undefined;
  return rows(database).where('credentials.id', '=', stored.id).executeTakeFirstOrThrow();
}

/** All of one kind, of all owners, the newest first; those that hold no more among them. */
export async function listCredentials(
  database: Database,
  kind: CredentialKind,
): Promise<readonly CredentialRow[]> {
  return rows(database).where('credentials.kind', '=', kind).orderBy('credentials.number', 'desc').execute();
}

/** A credential that holds. */
export type HeldCredential = {
  readonly id: string;
  readonly ownerId: string;
  readonly abilities: readonly string[];
  /** Its last use was noted less than a minute ago. */
  readonly isNoted: boolean;
};

const heldText = `
  select id, owner_id as "ownerId", abilities, coalesce(used_at > now() - interval '1 minute', false) as "isNoted"
  from credentials
  where hash = $1 and revoked_at is null and (expires_at is null or expires_at > now())`;

/** The credential with this hash; undefined: there is none that is neither revoked nor expired. */
export async function findCredentialByHash(
  database: Database,
  hash: Buffer,
): Promise<HeldCredential | undefined> {
  const found = await database.statement<HeldCredential>({ name: 'find-credential', text: heldText }, [hash]);
  return found[0];
}

/** How many of one kind are neither revoked nor expired. */
export async function countHeldCredentials(database: Database, kind: CredentialKind): Promise<number> {
  const row = await database.kysely
    .selectFrom('credentials')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('kind', '=', kind)
    .where('revoked_at', 'is', null)
    .where((where) => where.or([where('expires_at', 'is', null), where('expires_at', '>', sql<Date>`now()`)]))
    .executeTakeFirstOrThrow();
  return row.count;
}

/** Notes that a credential is in use. */
export async function noteCredentialUse(database: Database, id: string): Promise<void> {
  await database.kysely
    .updateTable('credentials')
    .set({ used_at: sql`now()` })
    .where('id', '=', id)
    .execute();
}

/** Ends a credential for good. Undefined: there is none, or it is revoked already. */
export async function revokeCredential(
  database: Database,
  kind: CredentialKind,
  id: string,
): Promise<Pick<CredentialRow, 'name'> | undefined> {
  return database.kysely
    .updateTable('credentials')
    .set({ revoked_at: sql`now()` })
    .where('id', '=', id)
    .where('kind', '=', kind)
    .where('revoked_at', 'is', null)
    .returning('name')
    .executeTakeFirst();
}

function rows(database: Database) {
  return database.kysely
    .selectFrom('credentials')
    .innerJoin('users', 'users.id', 'credentials.owner_id')
    .select([
      'credentials.id',
      'credentials.name',
      'users.login as ownerLogin',
      'credentials.hint',
      'credentials.abilities',
      'credentials.created_at as createdAt',
      'credentials.expires_at as expiresAt',
      'credentials.revoked_at as revokedAt',
      'credentials.used_at as usedAt',
    ]);
}
