import { STATUS_CODES } from 'node:http';
import type { FastifySchemaValidationError } from 'fastify/types/schema.js';
import { Type } from 'typebox';
import { Refusal } from '../../../domain/errors.ts';
import type { ErrorForm } from '../../error-body.ts';
import { fourStatuses } from '../../task-overview-schemas.ts';

// The document's own words, and what it leaves open in the same manner.
export const notJson = 'Request body must be JSON';
export const wrongLimit = 'limit must be between 1 and 1000';
export const wrongStatus = `status must be one of ${fourStatuses.join(', ')}`;
const wrongKey = 'Invalid or missing API key';

export function required(field: string): string {
  return `${field} is required`;
}

export function notFound(id: string): string {
  return `Task ${id} not found`;
}

const codebotError = Type.Object(
  {
    error: Type.String({ description: "The status's text." }),
    message: Type.String({ description: 'What is wrong, for people.' }),
  },
  { title: 'CodebotError', description: 'A refusal.' },
);

/** Two fields, whatever is wrong; and of a credential never more than that it is none. */
export const codebotErrors: ErrorForm = {
  schema: codebotError,
  bodyOf: ({ status, message }) => ({
    error: STATUS_CODES[status] ?? 'Error',
    message: status === 401 ? wrongKey : message,
  }),
  messages: {
    400: required('repository_url'),
    401: wrongKey,
    404: notFound('550e8400-e29b-41d4-a716-446655440000'),
    503: 'the queue is full: 100 tasks wait',
  },
};

/** What the schema of a request found: the first of it, since one message has room for one thing. */
export function requestErrors(errors: readonly FastifySchemaValidationError[]): Refusal {
  const [first] = errors;
  return new Refusal('invalid', first === undefined ? 'is invalid' : messageOf(first));
}

function messageOf({ params, instancePath }: FastifySchemaValidationError): string {
  const missing = params['missingProperty'];
  if (typeof missing === 'string') return required(missing);
  const field = instancePath.slice(1);
  if (field === 'limit') return wrongLimit;
  if (field === 'status') return wrongStatus;
  return `${field} must be a string`;
}
