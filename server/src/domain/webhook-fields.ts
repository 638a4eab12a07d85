import { fieldOf, type JsonObject } from '../lib/json-fields.ts';
import { invalidField } from './errors.ts';

const lineMaxCharacters = 300;
const numberMax = 2_147_483_647;

/** Reads a field that has to be there by its path (`pull_request.head.sha`). Throws Refusal `invalid` by that name. */
export type FieldReader = {
  readonly text: (path: string, maxLength: number) => string;
  readonly commit: (path: string) => string;
  readonly number: (path: string) => number;
};

export function fieldReader(body: JsonObject): FieldReader {
  const text = (path: string, maxLength: number): string => {
    const value = fieldAt(body, path);
    if (value === undefined || value === null || value === '') throw invalidField(path, 'field is required');
    if (typeof value !== 'string') throw invalidField(path, 'must be a string');
    if (value.length > maxLength) throw invalidField(path, 'exceeds maximum length');
    if (!value.isWellFormed() || /\p{Cc}/u.test(value)) {
      throw invalidField(path, 'must be one line of valid Unicode');
    }
    return value;
  };
  return {
    text,
    commit(path) {
      const commit = text(path, 64).toLowerCase();
      if (/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/u.test(commit)) return commit;
      throw invalidField(path, 'must be the id of a commit');
    },
    number(path) {
      const value = fieldAt(body, path);
      if (value === undefined || value === null) throw invalidField(path, 'field is required');
      if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= numberMax) {
        return value;
      }
      throw invalidField(path, 'must be a positive integer');
    },
  };
}

/** The field below objects, by its path; undefined where one of them is missing. */
export function fieldAt(body: JsonObject, path: string): unknown {
  return path.split('.').reduce<unknown>(fieldOf, body);
}

/** A stranger's text as one harmless line; empty where it is none. */
export function lineOf(value: unknown, maxCharacters = lineMaxCharacters): string {
  if (typeof value !== 'string') return '';
  // Cut before it is looked through: a body can have 5 MB.
  const line = value
    .slice(0, maxCharacters * 4)
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim();
  // Where the end falls between the halves of a character, that one goes too.
  return line
    .slice(0, maxCharacters)
    .replace(/[\ud800-\udbff]$/u, '')
    .trimEnd();
}

const moment = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d{1,9})?) ?(Z|UTC|[+-]\d\d:?\d\d)$/u;

/** A time as forges write it (`2024-01-31T12:00:00Z`, `2024-01-31 12:00:00 UTC`), in UTC; null where it is none. */
export function momentOf(value: unknown): string | null {
  const [, date, time, zone] = typeof value === 'string' ? (moment.exec(value) ?? []) : [];
  if (date === undefined || time === undefined || zone === undefined) return null;
  const offset = zone === 'UTC' ? 'Z' : zone.replace(/^([+-]\d\d)(\d\d)$/u, '$1:$2');
  const milliseconds = Date.parse(`${date}T${time}${offset}`);
  return Number.isNaN(milliseconds) ? null : new Date(milliseconds).toISOString();
}
