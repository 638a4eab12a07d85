import { covers, type Ability } from '../domain/ability.ts';
import { Refusal } from '../domain/errors.ts';
import type { Viewer } from '../store/tasks.ts';

/** Who does something, with what their credential may do. */
export type Actor = Viewer & { readonly abilities: readonly string[] };

/**
 * Refuses who has another credential than this takes. What belongs to a task is asked where the task is known, in
 * the service, so that it holds on every surface.
 *
 * @throws Refusal `forbidden`
 */
export function requireAbility({ abilities }: Pick<Actor, 'abilities'>, ability: Ability): void {
  if (!covers(abilities, ability)) throw new Refusal('forbidden', `missing ability: ${ability}`);
}
