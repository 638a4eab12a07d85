import { Refusal } from '../domain/errors.ts';
import type { Viewer } from '../store/tasks.ts';

/**
 * Refuses who is no administrator. `what` begins the sentence: `API keys`.
 *
 * @throws Refusal `forbidden`
 */
export function requireAdministrator({ isAdmin }: Pick<Viewer, 'isAdmin'>, what: string): void {
  if (!isAdmin) throw new Refusal('forbidden', `${what} are for administrators`);
}
