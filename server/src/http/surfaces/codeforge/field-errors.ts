import type { FastifySchemaValidationError } from 'fastify/types/schema.js';
import { Refusal } from '../../../domain/errors.ts';

/** Messages by the field's JSON name: its last part, wherever in the body it stands. */
export type FieldErrors = Readonly<Record<string, string>>;

/** Refuses a request by its wrong fields; `prompt: field is required` where there is one. */
export function invalidFields(fields: FieldErrors): Refusal {
  const message = Object.entries(fields).map(([field, problem]) => `${field}: ${problem}`);
  return new Refusal('invalid', message.join('; '), { fields });
}

/** What the schema found, in the document's words. */
export function fieldErrors(errors: readonly FastifySchemaValidationError[]): Refusal {
  const fields: Record<string, string> = {};
  for (const error of errors) fields[fieldOf(error)] ??= messageOf(error);
  return invalidFields(fields);
}

function fieldOf(error: FastifySchemaValidationError): string {
  const missing = error.params['missingProperty'];
  if (typeof missing === 'string') return missing;
  return error.instancePath.slice(error.instancePath.lastIndexOf('/') + 1);
}

function messageOf({ keyword, params, message }: FastifySchemaValidationError): string {
  switch (keyword) {
    case 'required':
      return 'field is required';
    case 'type':
      return `must be ${article(String(params['type']))}`;
    case 'minimum':
      return `must be at least ${String(params['limit'])}`;
    case 'maxLength':
      return 'exceeds maximum length';
    default:
      return message ?? 'is invalid';
  }
}

function article(type: string): string {
  return /^[aeiou]/u.test(type) ? `an ${type}` : `a ${type}`;
}
