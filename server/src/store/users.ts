import type { Ids } from '../lib/ids.ts';
import type { Database } from './database.ts';

/** The user of a login; one that nobody has becomes a member's. */
export async function ensureUser(database: Database, ids: Ids, login: string): Promise<string> {
  const known = await findUser(database, login);
  if (known !== undefined) return known;
  await database.kysely
    .insertInto('users')
    .values({ id: ids.ordered(), login, role: 'member' })
    .onConflict((conflict) => conflict.column('login').doNothing())
    .execute();
  const made = await findUser(database, login);
  if (made === undefined) throw new Error('a user vanished while it was made');
  return made;
}

async function findUser(database: Database, login: string): Promise<string | undefined> {
  const row = await database.kysely
    .selectFrom('users')
    .select('id')
    .where('login', '=', login)
    .executeTakeFirst();
  return row?.id;
}
