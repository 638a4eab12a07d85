import { Type, type Static } from 'typebox';
import { modelMaxLength } from '../../../domain/options.ts';
import { severities, verdicts } from '../../../domain/review.ts';
import { stated } from '../../documented.ts';
import { pullRequestNumberMax } from './pull-request-number.ts';
import { optionalText, word } from '../../schema-parts.ts';

/** Types only: lengths and characters are `review-route.ts`'s. */
export const reviewBody = Type.Object(
  {
    cli: optionalText(
      "The agent that reviews: `claude-code`, `codex` or `script`; else the server's for reviews.",
    ),
    model: optionalText(
      "The agent's model; else the operator's choice, else the agent's own.",
      stated({ maxLength: modelMaxLength }),
    ),
  },
  { title: 'ReviewInput' },
);
export type ReviewBody = Static<typeof reviewBody>;

export const reviewAnswer = Type.Object(
  {
    id: Type.String({ description: 'Of the task.', format: 'uuid' }),
    status: word('What the task is at.', ['reviewing']),
  },
  { title: 'ReviewAnswer' },
);

export const postReviewBody = Type.Object(
  {
    pr_number: Type.Optional(
      Type.Integer({
        description:
          "The pull request (merge request). Without it: the task's `config.pr_number`, else the one that the task opened.",
        ...stated({ minimum: 1, maximum: pullRequestNumberMax }),
      }),
    ),
  },
  { title: 'PostReviewInput' },
);

export const postedReview = Type.Object(
  {
    review_url: Type.String({ description: 'Where people find it.' }),
    comments_posted: Type.Integer({ description: 'How many findings stand on lines.', minimum: 0 }),
    pr_number: Type.Integer({ description: 'Of the pull request.' }),
  },
  { title: 'PostedReview' },
);

const issue = Type.Object(
  {
    severity: word('How much it matters.', severities),
    file: Type.String({ description: "From the repository's root; empty where it is about no file." }),
    line: Type.Integer({ description: 'In the file as it is after the change; 0: unknown.', minimum: 0 }),
    description: Type.String({ description: 'What is wrong.' }),
    suggestion: Type.String({ description: 'How to mend it, or empty.' }),
  },
  { title: 'ReviewIssue', description: 'A finding.' },
);

export const reviewResult = Type.Object(
  {
    verdict: word('What the review says of the whole.', verdicts),
    score: Type.Integer({ description: '1 to 10; 0: the agent gave none.', minimum: 0, maximum: 10 }),
    summary: Type.String({ description: 'For people.' }),
    issues: Type.Array(issue, { description: 'What was found.' }),
    auto_fixable: Type.Boolean({ description: 'Whether an agent could mend what was found.' }),
    reviewed_by: Type.String({
      description: 'The agent and its model: `claude-code:claude-sonnet-4-20250514`.',
    }),
    duration_seconds: Type.Number({ description: 'How long it took.', minimum: 0 }),
  },
  { title: 'ReviewResult', description: 'What a review came to.' },
);
