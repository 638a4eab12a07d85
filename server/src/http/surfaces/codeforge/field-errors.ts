import type { FastifySchemaValidationError } from 'fastify/types/schema.js';
import { Refusal } from '../../../domain/errors.ts';

/** Messages by the field's JSON name; what is not at the top by its way there: `list[0].name`. */
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

/** `config` is where most fields are: what stands in it is known by its own name. */
function fieldOf(error: FastifySchemaValidationError): string {
  const missing = error.params['missingProperty'];
  const path = error.instancePath.split('/').slice(1);
  if (typeof missing === 'string') path.push(missing);
  const told = path.length > 1 && path[0] === 'config' ? path.slice(1) : path;
  return told.map((part, at) => (/^\d+$/u.test(part) ? `[${part}]` : at === 0 ? part : `.${part}`)).join('');
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
