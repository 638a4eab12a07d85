import type { JsonValue, WorkflowStep } from '../domain/workflow.ts';
import { asObject, ownValue } from './check-shape.ts';
import { headerProblem, labelProblem, readBoolean, readNumber, textProblem } from './field-value.ts';
import { filledMaxBytes } from './fill-template.ts';
import type { FieldRule } from './step-fields.ts';
import { StepFailure } from './step-failure.ts';

/** Reads the fields of one step, filled in and checked. What is missing or has become empty is undefined. */
export type ReadField = {
  /** @throws StepFailure where it has become empty. */
  readonly required: (name: string) => string;
  readonly text: (name: string) => string | undefined;
  readonly number: (name: string) => number | undefined;
  readonly boolean: (name: string) => boolean | undefined;
  /** Without those that have become empty. */
  readonly headers: (name: string) => Readonly<Record<string, string>>;
  readonly labels: (name: string) => readonly string[] | undefined;
  /** With all its texts filled in. */
  readonly json: (name: string) => JsonValue | undefined;
};

type FillText = (text: string, field: string) => string;

type FieldsOfStep = {
  readonly step: WorkflowStep;
  readonly rules: Readonly<Record<string, FieldRule>>;
  readonly fillText: FillText;
};

export function fieldReader({ step, rules, fillText }: FieldsOfStep): ReadField {
  const fail = (field: string, problem: string): never => {
    throw new StepFailure(`${step.name}.${field}: ${problem}`);
  };
  const filled = (name: string): JsonValue | undefined => {
    const value = ownValue(step.config, name);
    return value === undefined ? undefined : fillAll(value, name, fillText);
  };
  const text = (name: string): string | undefined => {
    const value = filled(name);
    const rule = rules[name];
    if (typeof value !== 'string' || rule === undefined || value.trim() === '') return undefined;
    // Blanks around a name or an address come with what was filled in; line breaks are looked for before.
    const used = rule.lines === true || /\p{Cc}/u.test(value) ? value : value.trim();
    const problem = textProblem(used, rule);
    return problem === undefined ? used : fail(name, problem);
  };
  return {
    text,
    required: (name) => text(name) ?? fail(name, 'field is required'),
    number(name) {
      const value = filled(name);
      const rule = rules[name];
      if (rule === undefined || (typeof value !== 'number' && typeof value !== 'string')) return undefined;
      if (typeof value === 'string' && value.trim() === '') return undefined;
      const read = readNumber(value, rule);
      return 'problem' in read ? fail(name, read.problem) : read.number;
    },
    boolean(name) {
      const value = filled(name);
      if (typeof value === 'boolean') return value;
      if (typeof value !== 'string' || value.trim() === '') return undefined;
      return readBoolean(value) ?? fail(name, 'must be true or false');
    },
    headers: (name) => headersOf(filled(name), (header, problem) => fail(`${name}.${header}`, problem)),
    labels: (name) => labelsOf(filled(name), (problem) => fail(name, problem)),
    json(name) {
      const value = filled(name);
      if (value !== undefined && Buffer.byteLength(JSON.stringify(value)) > filledMaxBytes) {
        fail(name, 'becomes longer than 1 MB');
      }
      return value;
    },
  };
}

/** Names are no templates. */
function fillAll(value: JsonValue, field: string, fillText: FillText): JsonValue {
  if (typeof value === 'string') return fillText(value, field);
  if (Array.isArray(value)) {
    return value.map((inner: JsonValue, index) => fillAll(inner, `${field}[${index}]`, fillText));
  }
  const object = asObject(value);
  if (object === undefined) return value;
  return Object.fromEntries(
    Object.entries(object).map(([name, inner]) => [name, fillAll(inner, `${field}.${name}`, fillText)]),
  );
}

function headersOf(
  value: JsonValue | undefined,
  fail: (header: string, problem: string) => never,
): Readonly<Record<string, string>> {
  const headers = Object.entries(asObject(value) ?? {}).flatMap(([name, text]) => {
    if (typeof text !== 'string' || text.trim() === '') return [];
    const problem = headerProblem(text);
    return problem === undefined ? [[name, text.trim()] as const] : fail(name, problem);
  });
  return Object.fromEntries(headers);
}

function labelsOf(
  value: JsonValue | undefined,
  fail: (problem: string) => never,
): readonly string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const labels = value.filter((label): label is string => typeof label === 'string' && label.trim() !== '');
  for (const label of labels) {
    const problem = labelProblem(label);
    if (problem !== undefined) fail(problem);
  }
  return labels.length === 0 ? undefined : labels.map((label) => label.trim());
}
