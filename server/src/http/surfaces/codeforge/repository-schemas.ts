import { Type, type Static } from 'typebox';
import { stated } from '../../documented.ts';
import { moment, optionalText, word } from '../../schema-parts.ts';

export const repositoryPageSizes = { default: 30, max: 100 } as const;
export const listingProviders = ['github', 'gitlab'] as const;

export const listRepositoriesQuery = Type.Object({
  provider_key: optionalText('The name of a stored key.'),
  provider: optionalText(
    'Without `provider_key`: whose token the header `X-Provider-Token` has.',
    stated({ enum: listingProviders }),
  ),
  page: optionalText('From 1 on.', stated({ type: 'integer', minimum: 1, default: 1 })),
  per_page: optionalText(
    'How many at most.',
    stated({
      type: 'integer',
      minimum: 1,
      maximum: repositoryPageSizes.max,
      default: repositoryPageSizes.default,
    }),
  ),
});
export type ListRepositoriesQuery = Static<typeof listRepositoriesQuery>;

export const repositoryList = Type.Object(
  {
    repositories: Type.Array(
      Type.Object(
        {
          name: Type.String({ description: 'The last part of its path.' }),
          full_name: Type.String({ description: 'With its owner.' }),
          clone_url: Type.String({ description: 'For `repo_url` of a task.' }),
          default_branch: Type.String({ description: 'Empty: nothing was pushed yet.' }),
          private: Type.Boolean({ description: 'Whether it is hidden from the public.' }),
          description: Type.String({ description: 'May be empty.' }),
          updated_at: moment('When it changed last.'),
        },
        { title: 'Repository' },
      ),
      { description: 'The one that changed last first.' },
    ),
    count: Type.Integer({ description: 'How many this page has.' }),
    provider: word('Whose they are.', listingProviders),
    page: Type.Integer({ description: 'This page.' }),
    per_page: Type.Integer({ description: 'How many a page has at most.' }),
  },
  { title: 'RepositoryList' },
);
