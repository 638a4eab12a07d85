import type { WorkflowDefinition, WorkflowParams } from '../domain/workflow.ts';
import { objectOf } from '../lib/json-fields.ts';

export type ParamsReading =
  | {
      readonly params: WorkflowParams;
      /** The same with sensitive values masked. */
      readonly shown: WorkflowParams;
    }
  | { readonly problem: string; readonly fields?: Readonly<Record<string, string>> };

const valueMaxBytes = 102_400;
const allMaxBytes = 524_288;
export const mask = '***';

/**
 * Reads what a run is given for its workflow's parameters. What is empty counts as not given; what is not given
 * has its default, or is left out.
 */
export function readParams(definition: WorkflowDefinition, given: unknown): ParamsReading {
  const values = given === undefined || given === null ? {} : objectOf(given);
  if (values === undefined) return problems([['params', 'must be an object']]);
  const declared = new Set(definition.parameters.map(({ name }) => name));
  const unknown = Object.keys(values).filter((name) => !declared.has(name));
  if (unknown.length > 0) {
    return problems(
      unknown.slice(0, 20).map((name) => [`params.${name.slice(0, 100)}`, 'is not a parameter']),
    );
  }
  const params: [string, string][] = [];
  const wrong: (readonly [string, string])[] = [];
  for (const parameter of definition.parameters) {
    const { name } = parameter;
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    const read = readValue(value);
    if ('problem' in read) {
      wrong.push([`params.${name}`, read.problem]);
      continue;
    }
    const text = read.text === '' ? parameter.default : read.text;
    if (text !== undefined && text !== '') params.push([name, text]);
    else if (parameter.required) return { problem: `missing required parameter: ${name}` };
  }
  if (wrong.length > 0) return problems(wrong);
  const bytes = params.reduce((sum, [, text]) => sum + Buffer.byteLength(text), 0);
  if (bytes > allMaxBytes) return problems([['params', 'exceeds maximum length']]);
  const sensitive = new Set(definition.parameters.flatMap((one) => (one.sensitive === true ? one.name : [])));
  return {
    params: Object.fromEntries(params),
    shown: Object.fromEntries(params.map(([name, text]) => [name, sensitive.has(name) ? mask : text])),
  };
}

/** Empty where nothing is given. The value itself is never repeated: it may be secret. */
function readValue(value: unknown): { readonly text: string } | { readonly problem: string } {
  if (value === undefined || value === null) return { text: '' };
  if (typeof value === 'boolean' || typeof value === 'number') return { text: String(value) };
  if (typeof value !== 'string') return { problem: 'must be a string' };
  if (Buffer.byteLength(value) > valueMaxBytes) return { problem: 'exceeds maximum length' };
  if (!value.isWellFormed() || value.includes('\u0000')) {
    return { problem: 'must be valid Unicode without NUL' };
  }
  return { text: value };
}

function problems(entries: readonly (readonly [string, string])[]): ParamsReading {
  return {
    problem: entries.map(([field, problem]) => `${field}: ${problem}`).join('; '),
    fields: Object.fromEntries(entries),
  };
}
