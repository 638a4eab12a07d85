import type { Database } from './database.ts';

/**
 * A duty is taken by moving its next time, in one statement: of all processes that ask at the same moment,
 * the one whose update comes first gets a row back, and the others wait for its row lock and then find the
 * time moved. The first to name a duty makes its row and has it.
 */
const takeDutyText = `
  insert into duties (name, next_at) values ($1, now() + make_interval(secs => $2))
  on conflict (name) do update set next_at = excluded.next_at where duties.next_at <= now()
  returning name`;

/**
 * Whether the caller is to do the duty now; nobody is asked again for `everySeconds`. Whoever takes it and
 * dies leaves it to the next time, so a duty has to be one that may be left out once.
 */
export async function takeDuty(database: Database, name: string, everySeconds: number): Promise<boolean> {
  const rows = await database.statement({ name: 'take-duty', text: takeDutyText }, [name, everySeconds]);
  return rows.length === 1;
}
