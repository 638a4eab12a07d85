import { Type, type Static } from 'typebox';
import { webhookSources, webhookStates } from '../../../domain/webhook.ts';
import { stated } from '../../documented.ts';
import { moment, nullable, optionalText, word } from '../../schema-parts.ts';
import { pageQuery } from './page-query.ts';

/** Not looked into: the signature is over the bytes. */
export const webhookInput = Type.Object(
  {},
  { additionalProperties: true, description: 'What the forge sends, byte for byte.' },
);

const taskId = Type.String({ description: 'The review task.', format: 'uuid' });

export const webhookCreated = Type.Object(
  { status: word('Always `created`.', ['created']), task_id: taskId },
  { title: 'WebhookCreated', description: 'A review task was made.' },
);

export const webhookTaken = Type.Object(
  {
    status: word('What came of it.', ['deduplicated', 'skipped', 'ignored']),
    reason: Type.Optional(Type.String({ description: 'Why.' })),
    task_id: Type.Optional(
      Type.String({ description: 'The task of the webhook that stands for this one.', format: 'uuid' }),
    ),
  },
  { title: 'WebhookTaken', description: 'Nothing is to be done.' },
);
export type WebhookTakenBody = Static<typeof webhookTaken>;

export const webhookParams = Type.Object({
  id: Type.String({ description: "The webhook's id.", ...stated({ format: 'uuid' }) }),
});

export const listWebhooksQuery = Type.Object({
  source: optionalText(
    'Only those of this forge; an unknown word finds none.',
    stated({ enum: webhookSources }),
  ),
  status: optionalText(
    'Only those that stand so; an unknown word finds none.',
    stated({ enum: webhookStates }),
  ),
  ...pageQuery,
});

const rowFields = {
  id: Type.String({ description: 'Ours.', format: 'uuid' }),
  source: word('Who sent it.', webhookSources),
  delivery_id: Type.String({ description: "The sender's id; one of ours where it gave none." }),
  event: Type.String({ description: "The event, in the sender's words." }),
  action: nullable(Type.String(), 'What happened, where the event has actions.'),
  status: word('What came of it; `waiting`: it is not dealt with yet.', webhookStates),
  reason: nullable(Type.String(), 'Why.'),
  task_id: nullable(
    Type.String({ format: 'uuid' }),
    'Its review task, or that of the one that stands for it.',
  ),
  repo_url: nullable(Type.String(), 'The repository, where it is about a pull request.'),
  pr_number: nullable(Type.Integer(), 'The pull request or merge request.'),
  head_sha: nullable(Type.String(), 'The commit to be reviewed.'),
  received_at: moment('When it came.'),
  settled_at: nullable(Type.String({ format: 'date-time' }), 'When it was dealt with.'),
};

const webhookRow = Type.Object(rowFields, {
  title: 'WebhookRow',
  description: 'A webhook that came in.',
});
/** Not checked when it is sent. */
export type WebhookRowBody = Static<typeof webhookRow>;

export const webhookList = Type.Object(
  {
    webhooks: Type.Array(webhookRow, { description: 'Newest first.' }),
    total: Type.Integer({ description: 'How many match, on all pages.', minimum: 0 }),
  },
  { title: 'WebhookList' },
);

export const webhookBody = Type.Object(
  {
    ...rowFields,
    title: nullable(Type.String(), "The pull request's title: a stranger's text."),
    source_branch: nullable(Type.String(), 'Where the work is, perhaps in a fork.'),
    target_branch: nullable(Type.String(), 'Where it is to go.'),
    draft: nullable(Type.Boolean(), 'Whether it is a draft.'),
    round: Type.Integer({ description: 'From 1; rises with each redelivery.', minimum: 1 }),
    attempts: Type.Integer({ description: 'Later tries of this round.', minimum: 0 }),
    next_attempt_at: nullable(
      Type.String({ format: 'date-time' }),
      'When it is tried again, while it waits.',
    ),
    body_bytes: Type.Integer({ description: 'How long the body was; it is not kept.', minimum: 0 }),
    body_sha256: Type.String({ description: 'Its digest, in hexadecimal.' }),
  },
  { title: 'Webhook', description: 'A webhook that came in, with what is kept of it.' },
);
export type WebhookBody = Static<typeof webhookBody>;

export const redeliverWebhookAnswer = Type.Object(
  {
    id: Type.String({ description: 'Of the webhook; it stays the same.', format: 'uuid' }),
    status: word('Always `waiting`.', ['waiting']),
  },
  { title: 'RedeliverWebhookAnswer' },
);
