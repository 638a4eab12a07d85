import { objectOf } from '../../../src/lib/json-fields.ts';
import type { Group, Operation, ParameterKind, Parameters } from './parameters.ts';

/**
 * What is wrong with the parameters of a request, by the table; undefined: nothing. Texts of a query stand for
 * numbers and truth values too.
 */
export function checkParameters(
  operation: Operation,
  query: URLSearchParams,
  body: Readonly<Record<string, unknown>>,
): string | undefined {
  for (const [name, value] of query) {
    const problem = checkOne(operation.query, name, value, true);
    if (problem !== undefined) return problem;
  }
  for (const [name, value] of Object.entries(body)) {
    const problem = checkOne(operation.body, name, value, false);
    if (problem !== undefined) return problem;
  }
  const missing = operation.required.filter((name) => !query.has(name) && !Object.hasOwn(body, name));
  if (missing.length > 0) return missing.map((name) => `${name} is missing`).join(', ');
  if (Number(query.get('per_page') ?? 20) > 100) return 'per_page is above 100, which is never given';
  return undefined;
}

function checkOne(table: Parameters, name: string, value: unknown, isText: boolean): string | undefined {
  const kind = Object.hasOwn(table, name) ? table[name] : undefined;
  if (kind === undefined) return `${name} is not a documented parameter`;
  if (typeof kind === 'object' && 'fields' in kind) return checkGroup(kind, name, value);
  if (typeof kind === 'object' && typeof value === 'string' && !kind.includes(value))
    return `${name} does not have a valid value`;
  return isKind(kind, value, isText) ? undefined : `${name} is invalid`;
}

function checkGroup({ fields, required }: Group, name: string, value: unknown): string | undefined {
  const given = objectOf(value);
  if (given === undefined) return `${name} is invalid`;
  const missing = required.filter((field) => !Object.hasOwn(given, field));
  if (missing.length > 0) return missing.map((field) => `${name}[${field}] is missing`).join(', ');
  for (const [field, one] of Object.entries(given)) {
    const problem = checkOne(fields, field, one, false);
    if (problem !== undefined) return `${name}: ${problem}`;
  }
  return undefined;
}

function isKind(kind: Exclude<ParameterKind, Group>, value: unknown, isText: boolean): boolean {
  switch (kind) {
    case 'integer':
      return isText ? /^\d+$/u.test(String(value)) : Number.isInteger(value);
    case 'boolean':
      return isText ? value === 'true' || value === 'false' : typeof value === 'boolean';
    case 'list':
      return (
        typeof value === 'string' || (Array.isArray(value) && value.every((one) => typeof one !== 'object'))
      );
    case 'text':
    default:
      return typeof value === 'string';
  }
}
