import { isName } from '../../../domain/key.ts';

/** Why this is no name for a key, or for anything else that people name; undefined: it is one. */
export function nameProblem(name: string): string | undefined {
  if (name === '') return 'field is required';
  return isName(name) ? undefined : 'must have 1 to 100 letters, digits, "-" and "_", and not be catalog';
}
