import type { JsonValue } from '../domain/workflow.ts';
import { TemplateError } from './template-error.ts';
import { callHelper, type RepositoryApi } from './template-helpers.ts';
import { referenceText, type Action, type Operand, type Reference, type Template } from './template.ts';

/** The longest text that a template may become, in bytes. */
export const filledMaxBytes = 1_048_576;
/** All that one filler may put together, in characters: pipes make long texts that nothing is left of. */
const workMaxCharacters = 8 * filledMaxBytes;

/** Where values come from. */
export type TemplateValues = {
  /** Undefined: there is no such value. */
  readonly valueOf: (reference: Reference) => JsonValue | undefined;
  readonly repositoryApi: RepositoryApi;
};

/** @throws TemplateError that names what is missing. */
export type FillTemplate = (template: Template) => string;

/**
 * Fills in templates that have their values in common. What is filled in is never read as a template again. All
 * of them together may do so much, and no more.
 */
export function createFiller({ valueOf, repositoryApi }: TemplateValues): FillTemplate {
  const texts = new Map<string, string>();
  let work = 0;
  const spend = (text: string): string => {
    work += text.length;
    if (text.length > filledMaxBytes || work > workMaxCharacters) throw tooLong();
    return text;
  };
  const operandText = (operand: Operand): string => {
    if (operand.kind === 'literal') return operand.text;
    const name = referenceText(operand.reference);
    const known = texts.get(name);
    if (known !== undefined) return known;
    const value = valueOf(operand.reference);
    if (value === undefined) throw new TemplateError(`there is no ${name}`);
    const text = spend(textOf(value));
    texts.set(name, text);
    return text;
  };
  const actionText = ({ start, calls }: Action): string => {
    let text = start === undefined ? undefined : operandText(start);
    for (const { helper, operands } of calls) {
      const given = firstText(operands, operandText, text);
      text = spend(callHelper(helper, given, repositoryApi));
    }
    return text ?? '';
  };
  return (template) => {
    let filled = '';
    let bytes = 0;
    for (const part of template) {
      const text = typeof part === 'string' ? part : spend(actionText(part));
      bytes += Buffer.byteLength(text);
      if (bytes > filledMaxBytes) throw tooLong();
      filled += text;
    }
    return filled;
  };
}

/** Of the operands and then what the pipe brought, the first that is not empty. */
function firstText(
  operands: readonly Operand[],
  textOfOperand: (operand: Operand) => string,
  piped: string | undefined,
): string {
  for (const operand of operands) {
    const text = textOfOperand(operand);
    if (text !== '') return text;
  }
  return piped ?? '';
}

function textOf(value: JsonValue): string {
  if (typeof value === 'string') return value;
  if (value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function tooLong(): TemplateError {
  return new TemplateError('becomes longer than 1 MB');
}
