import { CommandError } from './command-error.ts';

/** What people copy from a list or a line of ours: at least this much of an id. */
const minLength = 8;

const pageSize = 200;

/** How far back an abbreviation is looked for: 2,000 of them. */
const maxPages = 10;

type Page = { readonly ids: readonly string[]; readonly total: number };

/** What is looked for: by their name for people, a list of them, and the part of an id that people copy. */
type Things = {
  readonly name: string;
  readonly part: 'beginning' | 'end';
  readonly list: (page: { readonly limit: number; readonly offset: number }) => Promise<Page>;
};

/**
 * The whole id behind what the user typed. Only a part of a UUID is looked up, through the list, newest
 * first; everything else goes to the server as it is. Throws `CommandError` when two ids have that part.
 */
export async function resolveId(given: string, { name, part, list }: Things): Promise<string> {
  const wanted = given.toLowerCase();
  const form = part === 'beginning' ? /^[0-9a-f]{8}(?:-[0-9a-f-]*)?$/u : /^(?:[0-9a-f-]*-)?[0-9a-f]{8,12}$/u;
  if (wanted.length < minLength || wanted.length >= 36 || !form.test(wanted)) return given;
  const found = new Set<string>();
  for (let page = 0; page < maxPages; page += 1) {
    const { ids, total } = await list({ limit: pageSize, offset: page * pageSize });
    for (const id of ids) {
      if (part === 'beginning' ? id.startsWith(wanted) : id.endsWith(wanted)) found.add(id);
    }
    if (ids.length === 0 || (page + 1) * pageSize >= total) break;
  }
  if (found.size > 1) {
    throw new CommandError(
      'usage',
      `${given} is the ${part} of ${found.size} ${name}: ${[...found].join(', ')}`,
    );
  }
  return [...found][0] ?? given;
}
