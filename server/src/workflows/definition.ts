import { isName } from '../domain/key.ts';
import {
  workflowStepKinds,
  type JsonObject,
  type JsonValue,
  type WorkflowDefinition,
  type WorkflowParameter,
  type WorkflowStep,
  type WorkflowStepKind,
} from '../domain/workflow.ts';
import { checkConfig, type KnownNames } from './check-config.ts';
import { asObject, isEmpty, isFieldName, ownValue, type Report } from './check-shape.ts';

export type DefinitionReading =
  | { readonly definition: WorkflowDefinition }
  /** Messages by the field that they are about, as `steps[1].config.url`. */
  | { readonly fields: Readonly<Record<string, string>> };

const definitionMaxBytes = 524_288;
const depthMax = 30;
const descriptionMaxCharacters = 2_000;
const stepsMax = 50;
const parametersMax = 50;
const parameterMaxBytes = 102_400;
const fieldsMax = 50;

/**
 * Reads a workflow as its author wrote it. All that can be known before it runs is checked here: names, forms,
 * templates, what they refer to, and paths. What is taken fails later only by what is filled in.
 */
export function parseDefinition(body: unknown): DefinitionReading {
  const fields = new Map<string, string>();
  const report: Report = (field, problem) => {
    if (!fields.has(field) && fields.size < fieldsMax) fields.set(field, problem);
  };
  const given = isShallow(body, depthMax) ? asObject(body as JsonValue) : undefined;
  if (given === undefined || Buffer.byteLength(JSON.stringify(given)) > definitionMaxBytes) {
    const problem =
      given === undefined ? 'must be an object that nests no deeper than 30' : 'exceeds maximum length';
    return { fields: { body: problem } };
  }
  const name = readName(ownValue(given, 'name'), report);
  const description = readDescription(ownValue(given, 'description'), 'description', report);
  const parameters = readParameters(ownValue(given, 'parameters'), report);
  const steps = readSteps(ownValue(given, 'steps'), parameters, report);
  if (fields.size > 0) return { fields: Object.fromEntries(fields) };
  return { definition: { name, description, steps, parameters } };
}

/** Found out before anything that calls itself touches it. */
function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((inner) => isShallow(inner, levels - 1));
}

function readName(name: JsonValue | undefined, report: Report): string {
  if (isEmpty(name)) report('name', 'field is required');
  else if (typeof name !== 'string') report('name', 'must be a string');
  else if (isName(name)) return name;
  else report('name', 'must have 1 to 100 letters, digits, "-" and "_", and not be catalog');
  return '';
}

function readDescription(text: JsonValue | undefined, field: string, report: Report): string {
  if (text === undefined) return '';
  if (typeof text !== 'string') report(field, 'must be a string');
  else if (text.length > descriptionMaxCharacters) report(field, 'exceeds maximum length');
  else if (!text.isWellFormed() || text.includes('\u0000'))
    report(field, 'must be valid Unicode without NUL');
  else return text;
  return '';
}

function readParameters(given: JsonValue | undefined, report: Report): readonly WorkflowParameter[] {
  if (given === undefined) return [];
  if (!Array.isArray(given)) report('parameters', 'must be an array');
  else if (given.length > parametersMax) report('parameters', `at most ${parametersMax} parameters`);
  else {
    const names = new Set<string>();
    return given.map((entry: JsonValue, index) => {
      const at = `parameters[${index}]`;
      const parameter = asObject(entry);
      if (parameter === undefined) report(at, 'must be an object');
      const read = readParameter(parameter ?? {}, at, report);
      if (names.has(read.name)) report(`${at}.name`, 'is there twice');
      names.add(read.name);
      return read;
    });
  }
  return [];
}

function readParameter(parameter: JsonObject, at: string, report: Report): WorkflowParameter {
  const name = ownValue(parameter, 'name');
  const isFine = typeof name === 'string' && /^\w{1,100}$/u.test(name) && name !== '__proto__';
  if (isEmpty(name)) report(`${at}.name`, 'field is required');
  else if (!isFine) report(`${at}.name`, 'must have 1 to 100 letters, digits and "_"');
  const description = readDescription(ownValue(parameter, 'description'), `${at}.description`, report);
  const fallback = readDefault(ownValue(parameter, 'default'), `${at}.default`, report);
  return {
    name: isFine ? name : '',
    required: readFlag(ownValue(parameter, 'required'), `${at}.required`, report),
    ...(description === '' ? {} : { description }),
    ...(fallback === undefined ? {} : { default: fallback }),
    ...(readFlag(ownValue(parameter, 'sensitive'), `${at}.sensitive`, report) ? { sensitive: true } : {}),
  };
}

function readFlag(value: JsonValue | undefined, field: string, report: Report): boolean {
  if (value !== undefined && typeof value !== 'boolean') report(field, 'must be true or false');
  return value === true;
}

function readDefault(value: JsonValue | undefined, field: string, report: Report): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'object') {
    report(field, 'must be a string');
    return undefined;
  }
  const text = String(value);
  if (Buffer.byteLength(text) > parameterMaxBytes) report(field, 'exceeds maximum length');
  if (!text.isWellFormed() || text.includes('\u0000')) report(field, 'must be valid Unicode without NUL');
  return text;
}

function readSteps(
  given: JsonValue | undefined,
  parameters: readonly WorkflowParameter[],
  report: Report,
): readonly WorkflowStep[] {
  if (!Array.isArray(given) || given.length === 0) {
    report('steps', given === undefined ? 'field is required' : 'must be an array of 1 to 50 steps');
    return [];
  }
  if (given.length > stepsMax) {
    report('steps', `at most ${stepsMax} steps`);
    return [];
  }
  const all = new Set(given.map((step: JsonValue) => ownValue(asObject(step) ?? {}, 'name')));
  const known: KnownNames = {
    parameters: new Set(parameters.map(({ name }) => name)),
    sensitive: new Set(parameters.filter(({ sensitive }) => sensitive === true).map(({ name }) => name)),
    earlier: new Map(),
    all,
  };
  return given.map((entry: JsonValue, index) => {
    const at = `steps[${index}]`;
    const step = readStep(asObject(entry), at, report);
    const isTwice = known.earlier.has(step.name);
    if (isTwice && step.name !== '') report(`${at}.name`, 'is there twice');
    checkConfig(step, `${at}.config`, known, report);
    if (!isTwice) known.earlier.set(step.name, step);
    return step;
  });
}

function readStep(step: JsonObject | undefined, at: string, report: Report): WorkflowStep {
  if (step === undefined) report(at, 'must be an object');
  const given = step ?? {};
  const name = ownValue(given, 'name');
  const isFine = typeof name === 'string' && isFieldName(name);
  if (isEmpty(name)) report(`${at}.name`, 'field is required');
  else if (!isFine) report(`${at}.name`, 'must have 1 to 100 letters, digits, "-" and "_"');
  const config = ownValue(given, 'config');
  const object = asObject(config);
  if (object === undefined) {
    report(`${at}.config`, config === undefined ? 'field is required' : 'must be an object');
  }
  return {
    name: isFine ? name : '',
    type: readKind(ownValue(given, 'type'), `${at}.type`, report),
    config: object ?? {},
  };
}

function readKind(type: JsonValue | undefined, field: string, report: Report): WorkflowStepKind {
  const kind = workflowStepKinds.find((known) => known === type);
  if (isEmpty(type)) report(field, 'field is required');
  else if (kind === undefined) report(field, `must be one of ${workflowStepKinds.join(', ')}`);
  return kind ?? 'fetch';
}
