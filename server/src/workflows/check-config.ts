import type { JsonObject, JsonValue, WorkflowStep } from '../domain/workflow.ts';
import {
  asObject,
  checkShape,
  isEmpty,
  ownValue,
  refuseUnknown,
  shortened,
  type Report,
} from './check-shape.ts';
import { headerProblem, labelProblem, readBoolean, readNumber, textProblem } from './field-value.ts';
import { leftBehind, stepFields, textMaxBytes, type FieldRule } from './step-fields.ts';
import { TemplateError } from './template-error.ts';
import { parseTemplate, referencesOf, referenceText, type Reference, type Template } from './template.ts';

/** What the templates of a step can refer to. */
export type KnownNames = {
  readonly parameters: ReadonlySet<string>;
  /** Those of them whose values are secret. */
  readonly sensitive: ReadonlySet<string>;
  /** The steps before this one, by name. */
  readonly earlier: Map<string, WorkflowStep>;
  /** The names of all steps. */
  readonly all: ReadonlySet<unknown>;
};

/** Checks a step's fields, each by its rule, with all templates in them. */
export function checkConfig(step: WorkflowStep, at: string, known: KnownNames, report: Report): void {
  const rules = stepFields[step.type];
  refuseUnknown(step.config, Object.keys(rules), at, report);
  for (const [name, rule] of Object.entries(rules)) {
    const value = ownValue(step.config, name);
    const field = `${at}.${name}`;
    if (isEmpty(value) || value === undefined) {
      if (rule.isRequired === true) report(field, 'field is required');
      continue;
    }
    checkShape(rule, value, field, report);
    if (rule.form === 'task_step') checkTaskStep(value, field, known, report);
    else if (rule.form !== 'outputs') checkTexts(value, field, { rule, step, known, report });
    if (rule.form === 'number' && typeof value === 'number') reportNumber(value, rule, field, report);
  }
}

function checkTaskStep(value: JsonValue, field: string, known: KnownNames, report: Report): void {
  if (typeof value !== 'string') return;
  const problem = earlierStepProblem(value, known);
  if (problem !== undefined) report(field, problem);
  else if (known.earlier.get(value)?.type !== 'task') report(field, `${value} is not a task step`);
}

function earlierStepProblem(name: string, known: KnownNames): string | undefined {
  if (known.earlier.has(name)) return undefined;
  return known.all.has(name)
    ? `step ${shortened(name)} does not come before this one`
    : `there is no step ${shortened(name)}`;
}

type Texts = {
  readonly rule: FieldRule;
  readonly step: WorkflowStep;
  readonly known: KnownNames;
  readonly report: Report;
};

/** Every text of the value, however deep; names are no templates. */
function checkTexts(value: JsonValue, field: string, texts: Texts): void {
  if (typeof value === 'string') checkText(value, field, texts);
  else if (Array.isArray(value)) {
    for (const [index, inner] of value.entries()) checkTexts(inner, `${field}[${index}]`, texts);
  } else {
    for (const [name, inner] of Object.entries(asObject(value) ?? {})) {
      checkTexts(inner, `${field}.${shortened(name)}`, texts);
    }
  }
}

function checkText(text: string, field: string, { rule, known, report }: Texts): void {
  if (Buffer.byteLength(text) > textMaxBytes) {
    report(field, 'exceeds maximum length');
    return;
  }
  if (!text.isWellFormed() || text.includes('\u0000')) {
    report(field, 'must be valid Unicode without NUL');
    return;
  }
  const template = readTemplate(text, field, report);
  if (template === undefined) return;
  const references = referencesOf(template);
  for (const reference of references) {
    reportAny(referenceProblem(reference, known) ?? secretProblem(reference, rule, known), field, report);
  }
  // With something to fill in, it is looked at when that is done.
  if (template.every((part) => typeof part === 'string')) checkPlainText(text, rule, field, report);
}

function readTemplate(text: string, field: string, report: Report): Template | undefined {
  try {
    return parseTemplate(text);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    report(field, error.message);
    return undefined;
  }
}

function checkPlainText(text: string, rule: FieldRule, field: string, report: Report): void {
  switch (rule.form) {
    case 'text':
      reportAny(textProblem(text, rule), field, report);
      return;
    case 'number':
      reportNumber(text, rule, field, report);
      return;
    case 'boolean':
      if (readBoolean(text) === undefined) report(field, 'must be true or false');
      return;
    case 'headers':
      reportAny(headerProblem(text), field, report);
      return;
    case 'labels':
      reportAny(labelProblem(text), field, report);
      return;
    case 'body':
    case 'outputs':
    case 'task_step':
    case 'tools':
    case 'mcp_servers':
      return;
  }
}

function reportNumber(value: number | string, rule: FieldRule, field: string, report: Report): void {
  const read = readNumber(value, rule);
  if ('problem' in read) report(field, read.problem);
}

function reportAny(problem: string | undefined, field: string, report: Report): void {
  if (problem !== undefined) report(field, problem);
}

/** Why a template cannot refer to this; undefined: it can. */
function referenceProblem(reference: Reference, known: KnownNames): string | undefined {
  if (reference.of === 'Params') {
    return known.parameters.has(reference.name)
      ? undefined
      : `${shortened(referenceText(reference))} is no declared parameter`;
  }
  const step = known.earlier.get(reference.step);
  if (step === undefined) return earlierStepProblem(reference.step, known);
  const fields = fieldsOf(step);
  if (fields.includes(reference.field)) return undefined;
  const left = fields.length === 0 ? 'it has no outputs' : `only ${fields.join(', ').slice(0, 500)}`;
  return `step ${step.name} leaves no ${shortened(reference.field)}, ${left}`;
}

/** What goes into a task or a pull request is stored and shown there. */
function secretProblem(reference: Reference, rule: FieldRule, known: KnownNames): string | undefined {
  if (reference.of !== 'Params' || rule.takesSecrets === true || !known.sensitive.has(reference.name)) {
    return undefined;
  }
  return `${shortened(referenceText(reference))} is sensitive, and this would be stored and shown`;
}

function fieldsOf(step: WorkflowStep): readonly string[] {
  const outputs: JsonObject = step.type === 'fetch' ? (asObject(step.config['outputs']) ?? {}) : {};
  return [...new Set([...Object.keys(outputs), ...leftBehind[step.type]])];
}
