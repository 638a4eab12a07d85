import { Type, type Static } from 'typebox';
import { stated } from '../../documented.ts';
import { moment, nullable, optionalText, word } from '../../schema-parts.ts';
import { pageQuery } from './page-query.ts';

/** How a delivery stands, in this document's words. */
export const deliveryStatuses = ['pending', 'delivered', 'failed'] as const;
export type DeliveryStatus = (typeof deliveryStatuses)[number];

export const deliveryParams = Type.Object({
  id: Type.String({ description: "The delivery's id.", ...stated({ format: 'uuid' }) }),
});

export const listDeliveriesQuery = Type.Object({
  task_id: optionalText('Only those of this task: its UUID, `task-` and the UUID, or its number.'),
  status: optionalText(
    'Only those that stand so; an unknown word finds none.',
    stated({ enum: deliveryStatuses }),
  ),
  ...pageQuery,
});

const rowFields = {
  id: Type.String({ description: 'The same at every attempt: the header `webhook-id`.', format: 'uuid' }),
  task_id: Type.String({ description: 'Whose end is told.', format: 'uuid' }),
  event: word('What is told.', ['task.completed', 'task.failed']),
  url: Type.String({ description: 'Where it goes, without the query, which may hold a secret.' }),
  status: word('How it stands.', deliveryStatuses),
  attempts: Type.Integer({
    description: 'How many have come to an end since it was asked for, or asked for again.',
    minimum: 0,
  }),
  last_status: nullable(Type.Integer(), 'The status that the receiver answered last, where it did.'),
  last_error: nullable(Type.String(), 'Why the last attempt failed, where it did.'),
  created_at: moment('When the task ended.'),
  delivered_at: nullable(Type.String({ format: 'date-time' }), 'When it was taken.'),
  next_attempt_at: nullable(Type.String({ format: 'date-time' }), 'When it is due, while it waits.'),
};

const deliveryRow = Type.Object(rowFields, {
  title: 'DeliveryRow',
  description: 'A callback that was sent or is to be sent.',
});
/** Not checked when it is sent. */
export type DeliveryRowBody = Static<typeof deliveryRow>;

export const deliveryList = Type.Object(
  {
    deliveries: Type.Array(deliveryRow, { description: 'Newest first.' }),
    total: Type.Integer({ description: 'How many match, on all pages.', minimum: 0 }),
  },
  { title: 'DeliveryList' },
);

const attempt = Type.Object(
  {
    at: moment('When it began.'),
    status: nullable(Type.Integer(), "The receiver's answer."),
    error: nullable(Type.String(), 'Why it failed.'),
    duration_ms: Type.Integer({ description: 'How long it took.', minimum: 0 }),
  },
  { title: 'DeliveryAttempt' },
);

export const deliveryBody = Type.Object(
  {
    ...rowFields,
    body: Type.String({ description: 'What is sent, byte for byte: JSON.' }),
    log: Type.Array(attempt, { description: 'The newest 20 attempts, oldest first.' }),
  },
  { title: 'Delivery', description: 'A callback with its body and attempts.' },
);
export type DeliveryBody = Static<typeof deliveryBody>;

export const redeliverAnswer = Type.Object(
  {
    id: Type.String({ description: 'Of the delivery; it stays the same.', format: 'uuid' }),
    status: word('Always `pending`.', deliveryStatuses),
  },
  { title: 'RedeliverAnswer' },
);
