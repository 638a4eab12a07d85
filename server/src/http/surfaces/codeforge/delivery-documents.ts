import { documented } from '../../documented.ts';
import { deliveryList } from './delivery-schemas.ts';
import { exampleTaskId } from './document-texts.ts';

const exampleRow = {
  id: '0199a3f0-7d3b-4c1e-9b53-0d8a8d2f6b1c',
  task_id: exampleTaskId,
  event: 'task.completed',
  url: 'https://ci.example.com/hooks/slipway',
  status: 'pending',
  attempts: 1,
  last_status: 503,
  last_error: 'the receiver answered 503',
  created_at: '2026-11-22T03:55:55.994Z',
  delivered_at: null,
  next_attempt_at: '2026-11-22T03:56:01.210Z',
};

const noDelivery = 'There is no such delivery.';

/** What the description says of the routes of deliveries. */
export const deliveryDocuments = {
  list: documented({
    operationId: 'listDeliveries',
    summary: 'List callbacks, newest first',
    description: 'Of all tasks that the caller may see.',
    tag: 'Deliveries',
    needs: 'projects:read',
    answers: {
      200: {
        description: 'A page of them.',
        schema: deliveryList,
        example: { deliveries: [exampleRow], total: 1 },
      },
    },
    errors: { 404: 'There is no such task.' },
  }),
  show: documented({
    operationId: 'getDelivery',
    summary: 'Show a callback with its body and attempts',
    tag: 'Deliveries',
    needs: 'projects:read',
    answers: {
      200: {
        description: 'The delivery.',
        example: {
          ...exampleRow,
          body: `{"task_id":"${exampleTaskId}","status":"completed","result":"All green."}`,
          log: [
            { at: '2026-11-22T03:55:56.101Z', status: 503, error: exampleRow.last_error, duration_ms: 12 },
          ],
        },
      },
    },
    errors: { 404: noDelivery },
  }),
  redeliver: documented({
    operationId: 'redeliver',
    summary: 'Send a callback again',
    description: 'One that was delivered or given up, with the same id and body.',
    tag: 'Deliveries',
    needs: 'runs:control',
    answers: { 202: { description: 'It is due.', example: { id: exampleRow.id, status: 'pending' } } },
    errors: { 404: noDelivery, 409: 'It is pending already.' },
  }),
};
