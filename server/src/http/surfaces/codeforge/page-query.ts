import { stated } from '../../documented.ts';
import { optionalText } from '../../schema-parts.ts';

/** The page of a list. Texts, since a query holds nothing else; `list-query.ts` reads them. */
export const pageQuery = {
  limit: optionalText(
    'How many at most; moved into its range.',
    stated({ type: 'integer', minimum: 1, maximum: 200, default: 50 }),
  ),
  offset: optionalText(
    'How many of the newest to leave out.',
    stated({ type: 'integer', minimum: 0, default: 0 }),
  ),
};
