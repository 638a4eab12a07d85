import { textMaxBytes, type FieldRule } from './step-fields.ts';

/** Why a text, with nothing left to fill in, cannot be a field's value; undefined: it can. */
export function textProblem(text: string, rule: FieldRule): string | undefined {
  if (Buffer.byteLength(text) > (rule.maxBytes ?? textMaxBytes)) return 'exceeds maximum length';
  if (!text.isWellFormed()) return 'must be valid Unicode';
  if (text.includes('\u0000')) return 'must not contain NUL characters';
  if (rule.lines !== true && /\p{Cc}/u.test(text)) {
    return 'must not contain line breaks or other control characters';
  }
  return rule.problemOf?.(text);
}

/** The number that a value stands for, in the rule's bounds. */
export function readNumber(
  value: number | string,
  rule: FieldRule,
): { readonly number: number } | { readonly problem: string } {
  if (typeof value === 'string' && !/^-?[0-9]{1,15}(?:\.[0-9]{1,15})?$/u.test(value.trim())) {
    return { problem: 'must be a number' };
  }
  const number = Number(value);
  if (!Number.isFinite(number)) return { problem: 'must be a number' };
  if (rule.isWhole === true && !Number.isSafeInteger(number)) return { problem: 'must be an integer' };
  if (rule.min !== undefined && number < rule.min) return { problem: `must be at least ${rule.min}` };
  if (rule.max !== undefined && number > rule.max) return { problem: `must be at most ${rule.max}` };
  return { number };
}

/** Whether a text says yes or no; undefined: neither. */
export function readBoolean(text: string): boolean | undefined {
  const word = text.trim().toLowerCase();
  if (word === 'true') return true;
  return word === 'false' ? false : undefined;
}

/** Why a header cannot have this value; undefined: it can. */
export function headerProblem(value: string): string | undefined {
  if (Buffer.byteLength(value) > headerMaxBytes) return 'exceeds maximum length';
  return /^[\t\u0020-\u007e\u0080-\u00ff]*$/u.test(value)
    ? undefined
    : 'must not contain line breaks or other characters that a header cannot have';
}

const headerMaxBytes = 8_192;

/** Why a label cannot be taken; undefined: it can. A comma would divide one in GitLab. */
export function labelProblem(label: string): string | undefined {
  return label.length <= labelMaxCharacters && !/[,\p{Cc}\p{Cs}]/u.test(label)
    ? undefined
    : `must have at most ${labelMaxCharacters} characters and no comma`;
}

const labelMaxCharacters = 50;
