import type { EffectState } from '../domain/effect-state.ts';
import type { Database } from './database.ts';

/** The state that an effect is in now; undefined: there is no such effect. */
export async function readEffectState(
  database: Database,
  effectId: string,
): Promise<EffectState | undefined> {
  const query = database.kysely.selectFrom('effects').select('state').where('id', '=', effectId);
  return (await query.executeTakeFirst())?.state;
}
