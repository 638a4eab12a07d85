import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { objectOf } from '../../src/lib/json-fields.ts';

type Fenced = { readonly language: string; readonly text: string };

/** A block for the shell, with what the page says that it prints. */
export type Example = { readonly script: string; readonly printed: Fenced | undefined };

const anything = '…';

/** The examples of a page below a heading of the second level. */
export function examplesOf(page: string, heading: string): readonly Example[] {
  const section = new RegExp(`^## ${heading}\\n([^]*?)(?=^## |(?![^]))`, 'mu').exec(page)?.[1];
  assert.ok(section !== undefined, `the page has no section "${heading}"`);
  const fenced = [...section.matchAll(/^```(\w+)\n([^]*?)^```$/gmu)].map(
    ([, language = '', text = '']): Fenced => ({ language, text }),
  );
  const examples = fenced.flatMap(({ language, text }, index) => {
    const below = fenced[index + 1];
    const printed = below?.language === 'text' || below?.language === 'json' ? below : undefined;
    return language === 'sh' ? [{ script: text, printed }] : [];
  });
  assert.ok(examples.length > 0, 'the section has no example');
  return examples;
}

/** Throws where an example has printed something else than its page says. */
export function assertPrinted(output: string, { script, printed }: Example): void {
  if (printed === undefined) return;
  const isSo =
    printed.language === 'json'
      ? isJsonSo(output, printed.text)
      : isTextSo(onOneLine(output), onOneLine(printed.text.replaceAll(/\s*^…$\s*/gmu, anything)));
  assert.ok(isSo, `${script}\nprints\n\n${output}\n\nand the page says\n\n${printed.text}`);
}

function onOneLine(text: string): string {
  return text.trim().replaceAll(/\s+/gu, ' ');
}

function isTextSo(text: string, shown: string): boolean {
  const words = shown
    .split(anything)
    .map((part) => part.replaceAll(/[$()*+./?[\\\]^{|}]/gu, String.raw`\$&`));
  return new RegExp(`^${words.join('.*')}$`, 'su').test(text);
}

/** In any order and form. A line that is `…` alone: there are more fields than are shown. */
function isJsonSo(output: string, shown: string): boolean {
  const alone = /^\s*…,?\s*$/gmu;
  const whole = shown
    .replaceAll(alone, '')
    .replaceAll(/,(?=\s*[\]}])/gu, '')
    .replaceAll(/(?<=[:[,]\s*)…/gu, `"${anything}"`);
  return isValueSo(JSON.parse(output), JSON.parse(whole), alone.test(shown));
}

function isValueSo(value: unknown, shown: unknown, hasMore: boolean): boolean {
  if (shown === anything) return value !== undefined;
  if (typeof shown === 'string') return typeof value === 'string' && isTextSo(value, shown);
  if (Array.isArray(shown)) {
    const entries: unknown = value;
    if (!Array.isArray(entries)) return false;
    if (shown.length === 1 && shown[0] === anything) return true;
    if (entries.length !== shown.length) return false;
    return shown.every((entry, index) => isValueSo(entries[index], entry, hasMore));
  }
  const [fields, wanted] = [objectOf(value), objectOf(shown)];
  if (fields === undefined || wanted === undefined) return isDeepStrictEqual(value, shown);
  const names = Object.keys(wanted);
  if (!hasMore && names.length !== Object.keys(fields).length) return false;
  return names.every((name) => isValueSo(fields[name], wanted[name], hasMore));
}
