import { Type, type Static } from 'typebox';
import { stated } from '../../documented.ts';
import { labelMaxCharacters, labelsMax } from './labels.ts';

export const titleMaxCharacters = 255;
export const descriptionMaxBytes = 65_536;

/** Types only: lengths and characters are `pull-request-route.ts`'s. */
export const createPullRequestBody = Type.Object(
  {
    title: Type.Optional(
      Type.String({
        description: "The title. Without one: the server's template, else the prompt's first 60 characters.",
        ...stated({ maxLength: titleMaxCharacters }),
      }),
    ),
    description: Type.Optional(
      Type.String({
        description: "The text, in Markdown. Without one: the server's template.",
        ...stated({ maxLength: descriptionMaxBytes }),
      }),
    ),
    target_branch: Type.Optional(
      Type.String({
        description:
          "The branch to merge into. Without one: the task's `config.target_branch`, else the repository's default branch.",
        ...stated({ maxLength: 255 }),
      }),
    ),
    draft: Type.Optional(Type.Boolean({ description: 'Open it as a draft.' })),
    labels: Type.Optional(
      Type.Array(Type.String({ ...stated({ maxLength: labelMaxCharacters }) }), {
        description: "Labels, beside the server's own.",
        ...stated({ maxItems: labelsMax }),
      }),
    ),
  },
  { title: 'PullRequestInput' },
);
export type CreatePullRequestBody = Static<typeof createPullRequestBody>;

export const createdPullRequest = Type.Object(
  {
    pr_url: Type.String({ description: 'Where people find it.' }),
    pr_number: Type.Integer({ description: 'Its number in the repository.' }),
    branch: Type.String({ description: "The branch that holds the task's work." }),
  },
  { title: 'CreatedPullRequest' },
);
