import { isHelperName, takesManyTexts, type HelperName } from './template-helpers.ts';
import { TemplateError } from './template-error.ts';

/** A parameter of the run, or a field that an earlier step left. */
export type Reference =
  | { readonly of: 'Params'; readonly name: string }
  | { readonly of: 'Steps'; readonly step: string; readonly field: string };

export type Operand =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'reference'; readonly reference: Reference };

/** A helper with the operands that are written behind it; what a pipe brings comes last. */
export type HelperCall = { readonly helper: HelperName; readonly operands: readonly Operand[] };

/** What stands between two pairs of braces: a value, or a helper's, and the helpers that it is piped through. */
export type Action = { readonly start?: Operand; readonly calls: readonly HelperCall[] };

/** A text that was read once: words as they are, and actions in whose place values go. */
export type Template = readonly (string | Action)[];

/**
 * Reads a template. There are values and helpers, and nothing that repeats, chooses or nests: what a template
 * does is in proportion to its length.
 *
 * @throws TemplateError with the place.
 */
export function parseTemplate(text: string): Template {
  const parts: (string | Action)[] = [];
  let at = 0;
  let trimsNext = false;
  for (;;) {
    const opens = text.indexOf('{{', at);
    const words = text.slice(at, opens === -1 ? undefined : opens);
    const trimmed = trimsNext ? words.trimStart() : words;
    if (opens === -1) {
      if (trimmed !== '') parts.push(trimmed);
      return parts;
    }
    const { action, end, trimsBefore, trimsAfter } = readAction(text, opens);
    const kept = trimsBefore ? trimmed.trimEnd() : trimmed;
    if (kept !== '') parts.push(kept);
    parts.push(action);
    at = end;
    trimsNext = trimsAfter;
  }
}

/** Every value that a template asks for. */
export function referencesOf(template: Template): readonly Reference[] {
  return template.flatMap((part) => {
    if (typeof part === 'string') return [];
    const operands = [
      ...(part.start === undefined ? [] : [part.start]),
      ...part.calls.flatMap((call) => call.operands),
    ];
    return operands.flatMap((operand) => (operand.kind === 'reference' ? [operand.reference] : []));
  });
}

/** As it is written in a template. */
export function referenceText(reference: Reference): string {
  return reference.of === 'Params'
    ? `.Params.${reference.name}`
    : `.Steps.${reference.step}.${reference.field}`;
}

type Token =
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'operand'; readonly operand: Operand }
  | { readonly kind: 'pipe' };

type Reading = {
  readonly action: Action;
  /** Behind the braces. */
  readonly end: number;
  readonly trimsBefore: boolean;
  readonly trimsAfter: boolean;
};

// Sticky: each looks at one place only, so that reading a text takes time in proportion to its length.
const opening = /\{\{(-(?=\s))?\s*/uy;
const closing = /(\s-)?\}\}/uy;
const blank = /\s/uy;
const word = /[A-Za-z][A-Za-z0-9]*/uy;
const path = /\.[A-Za-z0-9_.-]+/uy;
const literal = /"(?:[^"\\\n]|\\["\\nt])*"/uy;

function readAction(text: string, opens: number): Reading {
  const begun = matchAt(opening, text, opens);
  const tokens: Token[] = [];
  let at = opens + (begun?.[0].length ?? 2);
  for (;;) {
    const closed = matchAt(closing, text, at);
    if (closed !== undefined) {
      return {
        action: actionOf(tokens, () => placeOf(text, opens)),
        end: at + closed[0].length,
        trimsBefore: begun?.[1] !== undefined,
        trimsAfter: closed[1] !== undefined,
      };
    }
    const space = matchAt(blank, text, at);
    if (space === undefined) {
      const { token, length } = readToken(text, at, opens);
      tokens.push(token);
      at += length;
    } else {
      at += space[0].length;
    }
  }
}

function readToken(text: string, at: number, opens: number): { token: Token; length: number } {
  if (text[at] === '|') return { token: { kind: 'pipe' }, length: 1 };
  const helper = matchAt(word, text, at)?.[0];
  if (helper !== undefined) return { token: { kind: 'word', text: helper }, length: helper.length };
  const quoted = matchAt(literal, text, at)?.[0];
  if (quoted !== undefined) {
    const said = quoted.slice(1, -1).replaceAll(/\\(.)/gu, (_all, sign: string) => escapes[sign] ?? sign);
    return {
      token: { kind: 'operand', operand: { kind: 'literal', text: said } },
      length: quoted.length,
    };
  }
  const dotted = matchAt(path, text, at)?.[0];
  if (dotted !== undefined) {
    const reference = referenceOf(dotted);
    if (reference === undefined) {
      throw new TemplateError(
        `${shortened(dotted)} is no value: write .Params.name or .Steps.step.field (${placeOf(text, at)})`,
      );
    }
    return { token: { kind: 'operand', operand: { kind: 'reference', reference } }, length: dotted.length };
  }
  const what =
    at >= text.length ? 'an action is not closed' : 'an action has a sign that means nothing there';
  throw new TemplateError(`${what} (${placeOf(text, at >= text.length ? opens : at)})`);
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t' };

function referenceOf(dotted: string): Reference | undefined {
  const [, of, ...names] = dotted.split('.');
  const [first = '', second = ''] = names;
  if (first === '') return undefined;
  if (of === 'Params' && names.length === 1) return { of, name: first };
  if (of === 'Steps' && names.length === 2 && second !== '') return { of, step: first, field: second };
  return undefined;
}

function actionOf(tokens: readonly Token[], place: () => string): Action {
  const commands: Token[][] = [[]];
  for (const token of tokens) {
    if (token.kind === 'pipe') commands.push([]);
    else commands.at(-1)?.push(token);
  }
  let start: Operand | undefined;
  const calls: HelperCall[] = [];
  for (const [index, command] of commands.entries()) {
    const [first, ...rest] = command;
    if (first === undefined) throw new TemplateError(`an action is empty (${place()})`);
    if (first.kind === 'operand' && index === 0 && rest.length === 0) start = first.operand;
    else calls.push(callOf(command, index > 0, place));
  }
  return { ...(start === undefined ? {} : { start }), calls };
}

function callOf(command: readonly Token[], isPiped: boolean, place: () => string): HelperCall {
  const [first, ...rest] = command;
  if (first?.kind !== 'word') {
    const problem = isPiped ? 'only a helper can stand behind "|"' : 'two values stand side by side';
    throw new TemplateError(`${problem} (${place()})`);
  }
  const helper = first.text;
  if (!isHelperName(helper)) {
    throw new TemplateError(`there is no helper ${shortened(helper)} (${place()})`);
  }
  const operands = rest.flatMap((token) => (token.kind === 'operand' ? [token.operand] : []));
  if (operands.length !== rest.length) {
    throw new TemplateError(`a helper takes values, not helpers: use "|" (${place()})`);
  }
  const given = operands.length + (isPiped ? 1 : 0);
  if (given === 1 || (given > 1 && takesManyTexts(helper))) return { helper, operands };
  throw new TemplateError(`${helper} takes ${takesManyTexts(helper) ? 'values' : 'one value'} (${place()})`);
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}

function placeOf(text: string, at: number): string {
  const before = text.slice(0, at).split('\n');
  return `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`;
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
