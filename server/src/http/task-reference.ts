import { Refusal } from '../domain/errors.ts';
import type { TaskReference } from '../services/show-task.ts';

const uuid = /^(?:task-)?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/iu;
const number = /^[1-9]\d{0,14}$/u;

/**
 * A task's id as it stands in a path: a UUID, `task-` and a UUID, or the task's number.
 *
 * @throws Refusal `not_found` for everything else, as for a task that does not exist.
 */
export function parseTaskReference(text: string): TaskReference {
  const reference = readTaskReference(text);
  if (reference === undefined) throw new Refusal('not_found', 'task not found');
  return reference;
}

/** The same wherever else an id stands; undefined: it is none. */
export function readTaskReference(text: string): TaskReference | undefined {
  const id = uuid.exec(text)?.[1];
  if (id !== undefined) return { id: id.toLowerCase() };
  return number.test(text) ? { number: Number(text) } : undefined;
}
