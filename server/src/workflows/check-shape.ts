import { isName } from '../domain/key.ts';
import type { JsonObject, JsonValue } from '../domain/workflow.ts';
import { pathProblem } from './json-path.ts';
import { ownHeaders } from './own-headers.ts';
import type { FieldRule } from './step-fields.ts';

/** Takes down what is wrong with a field. */
export type Report = (field: string, problem: string) => void;

/**
 * Looks at the form of a field's value. Its texts may still have templates in them, which are looked at aside;
 * which step a reference names is, too.
 */
export function checkShape(rule: FieldRule, value: JsonValue, at: string, report: Report): void {
  switch (rule.form) {
    case 'text':
    case 'task_step':
      if (typeof value !== 'string') report(at, 'must be a string');
      return;
    case 'number':
      if (typeof value !== 'number' && typeof value !== 'string') report(at, 'must be a number');
      return;
    case 'boolean':
      if (typeof value !== 'boolean' && typeof value !== 'string') report(at, 'must be true or false');
      return;
    case 'body':
      if (typeof value !== 'string' && (typeof value !== 'object' || value === null)) {
        report(at, 'must be a string, an object or an array');
      }
      return;
    case 'headers':
      checkHeaders(value, at, report);
      return;
    case 'labels':
      checkTexts(value, at, report);
      return;
    case 'outputs':
      checkOutputs(value, at, report);
      return;
    case 'tools':
      checkEach(value, at, report, (tool, field) => checkTool(tool, field, report));
      return;
    case 'mcp_servers':
      checkEach(value, at, report, (server, field) => checkServer(server, field, report));
      return;
  }
}

const entriesMax = 100;

function checkHeaders(value: JsonValue, at: string, report: Report): void {
  const headers = entriesOf(value, at, report);
  const names = new Set<string>();
  for (const [name, text] of headers) {
    const field = `${at}.${shortened(name)}`;
    const lower = name.toLowerCase();
    if (!/^[\w!#$%&'*+.^`|~-]{1,200}$/u.test(name)) report(field, 'is not the name of a header');
    else if (ownHeaders.has(lower) || lower === '__proto__') report(field, 'cannot be set');
    else if (names.has(lower)) report(field, 'is there twice');
    else if (typeof text !== 'string') report(field, 'must be a string');
    names.add(lower);
  }
}

function checkOutputs(value: JsonValue, at: string, report: Report): void {
  for (const [name, path] of entriesOf(value, at, report)) {
    const field = `${at}.${shortened(name)}`;
    const problem = isFieldName(name)
      ? typeof path === 'string'
        ? pathProblem(path)
        : 'must be a string'
      : 'must have a name of 1 to 100 letters, digits, "-" and "_"';
    if (problem !== undefined) report(field, problem);
  }
}

/** Whether it can be written behind a dot of a template. */
export function isFieldName(text: string): boolean {
  return /^[A-Za-z0-9_-]{1,100}$/u.test(text) && text !== '__proto__';
}

function checkTool(tool: JsonObject, at: string, report: Report): void {
  refuseUnknown(tool, ['name', 'config'], at, report);
  checkName(tool, at, report);
  const config = ownValue(tool, 'config');
  if (config === undefined) return;
  for (const [name, value] of entriesOf(config, `${at}.config`, report)) {
    const isPlain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    if (!isPlain) {
      report(`${at}.config.${shortened(name)}`, 'must be a string, a number, true or false');
    }
  }
}

const serverTexts = ['transport', 'package', 'command', 'url'] as const;

function checkServer(server: JsonObject, at: string, report: Report): void {
  refuseUnknown(server, ['name', ...serverTexts, 'args', 'env', 'headers'], at, report);
  checkName(server, at, report);
  for (const name of serverTexts) {
    const value = ownValue(server, name);
    if (value !== undefined && typeof value !== 'string') report(`${at}.${name}`, 'must be a string');
  }
  const transport = ownValue(server, 'transport');
  if (typeof transport === 'string' && !['', 'stdio', 'http'].includes(transport)) {
    report(`${at}.transport`, 'must be one of stdio, http');
  }
  const isHttp = transport === 'http';
  const needed = isHttp ? ['url'] : ['package', 'command'];
  if (needed.every((name) => isEmpty(ownValue(server, name)))) {
    report(`${at}.${isHttp ? 'url' : 'package'}`, 'field is required');
  }
  const args = ownValue(server, 'args');
  if (args !== undefined) checkTexts(args, `${at}.args`, report);
  for (const name of ['env', 'headers']) {
    const values = ownValue(server, name);
    if (values === undefined) continue;
    for (const [key, value] of entriesOf(values, `${at}.${name}`, report)) {
      if (typeof value !== 'string') report(`${at}.${name}.${shortened(key)}`, 'must be a string');
    }
  }
}

function checkName(value: JsonObject, at: string, report: Report): void {
  const name = ownValue(value, 'name');
  if (isEmpty(name)) report(`${at}.name`, 'field is required');
  else if (typeof name !== 'string' || !isName(name)) {
    report(`${at}.name`, 'must have 1 to 100 letters, digits, "-" and "_", and not be catalog');
  }
}

function checkTexts(value: JsonValue, at: string, report: Report): void {
  if (!Array.isArray(value)) report(at, 'must be an array');
  else if (value.length > entriesMax) report(at, `must have at most ${entriesMax} entries`);
  else if (value.some((entry) => typeof entry !== 'string')) report(at, 'must be an array of strings');
}

function checkEach(
  value: JsonValue,
  at: string,
  report: Report,
  check: (entry: JsonObject, field: string) => void,
): void {
  if (!Array.isArray(value)) report(at, 'must be an array');
  else if (value.length > entriesMax) report(at, `must have at most ${entriesMax} entries`);
  else {
    for (const [index, entry] of value.entries()) {
      const object = asObject(entry);
      if (object === undefined) report(`${at}[${index}]`, 'must be an object');
      else check(object, `${at}[${index}]`);
    }
  }
}

function entriesOf(value: JsonValue, at: string, report: Report): readonly (readonly [string, JsonValue])[] {
  const object = asObject(value);
  if (object === undefined) report(at, 'must be an object');
  const entries = Object.entries(object ?? {});
  if (entries.length <= entriesMax) return entries;
  report(at, `must have at most ${entriesMax} entries`);
  return [];
}

/** Names what is not known, so that a slip of the pen does not pass for a wish. */
export function refuseUnknown(
  object: JsonObject,
  known: readonly string[],
  at: string,
  report: Report,
): void {
  for (const name of Object.keys(object)) {
    if (!known.includes(name)) report(`${at}.${shortened(name)}`, 'is not known');
  }
}

export function asObject(value: JsonValue | undefined): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : undefined;
}

/** Undefined where it is missing or null. */
export function ownValue(object: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(object, name) ? (object[name] ?? undefined) : undefined;
}

export function isEmpty(value: JsonValue | undefined): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
}

export function shortened(name: string): string {
  return name.length > 100 ? `${name.slice(0, 100)}…` : name;
}
