import { Type, type Static } from 'typebox';
import { branchMaxLength, commandMaxBytes, promptMaxBytes, urlMaxLength } from '../../../domain/options.ts';
import { stated } from '../../documented.ts';
import { optionalText } from '../../schema-parts.ts';
import { fourStatuses } from '../../task-overview-schemas.ts';

export const listLimit = { min: 1, max: 1_000, default: 100 } as const;
export const ticketIdMaxBytes = 200;
export const ticketSummaryMaxBytes = 1_000;

/** Lengths and what texts may hold are `submission.ts`'s, which has the messages for them. */
export const submitBody = Type.Object(
  {
    repository_url: Type.String({
      description: 'The repository, as `repo_url` of the native API.',
      ...stated({ minLength: 1, maxLength: urlMaxLength }),
    }),
    description: Type.String({
      description: `What to do, at most ${promptMaxBytes} bytes.`,
      ...stated({ minLength: 1, maxLength: promptMaxBytes }),
    }),
    ticket_id: optionalText(
      'The id of the ticket that asks for it; shown in the pull request.',
      stated({ maxLength: ticketIdMaxBytes }),
    ),
    ticket_summary: optionalText(
      "The ticket in a few words: the pull request's title, and a part of the branch's name.",
      stated({ maxLength: ticketSummaryMaxBytes }),
    ),
    test_command: optionalText(
      'Run with `sh -c` in the tree when the agent is done; where it fails, the agent is told and goes on.',
      stated({ maxLength: commandMaxBytes }),
    ),
    base_branch: optionalText(
      "The branch to start from, and to which the pull request goes; else the repository's default branch.",
      stated({ maxLength: branchMaxLength }),
    ),
  },
  { title: 'CodebotSubmission', description: 'What a task is made of.' },
);
export type SubmitBody = Static<typeof submitBody>;

export const submitted = Type.Object(
  {
    task_id: Type.String({ description: "The task's id.", format: 'uuid' }),
    status: Type.String({ description: 'Always `pending`.' }),
    message: Type.String({ description: 'For people.' }),
  },
  { title: 'CodebotSubmitted' },
);

export const taskParams = Type.Object({
  id: Type.String({ description: "The task's id; its number and `task-<id>` are taken too." }),
});

/** Texts, since a query holds nothing else; `list-query.ts` reads them. */
export const listQuery = Type.Object({
  status: optionalText('Only tasks that are in this state.', stated({ enum: fourStatuses })),
  limit: optionalText(
    'How many at most.',
    stated({ type: 'integer', minimum: listLimit.min, maximum: listLimit.max, default: listLimit.default }),
  ),
});
