import type { Secret } from './secret.ts';

/**
 * Words from elsewhere for a message: on one line, printable, cut (people read a message in one look), and
 * without the token in any form that an answer could repeat it in.
 */
export function cleanWords(text: string, token: Secret | undefined, maxCharacters = 300): string {
  const words = printable(withoutToken(text, token)).replaceAll(/\s+/gu, ' ').trim();
  return words.length <= maxCharacters ? words : `${words.slice(0, maxCharacters).toWellFormed()}…`;
}

/** The text without the token: as it is, escaped for JSON or a URL, in base64. */
function withoutToken(text: string, token: Secret | undefined): string {
  const value = token?.reveal() ?? '';
  if (value === '') return text;
  const forms = [value, encodeURIComponent(value.toWellFormed()), JSON.stringify(value).slice(1, -1)];
  const encoded = Buffer.from(value).toString('base64').replace(/=+$/u, '');
  return [...forms, encoded].reduce((rest, form) => rest.replaceAll(form, '[secret]'), text);
}

function printable(text: string): string {
  return text.toWellFormed().replaceAll(/[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu, ' ');
}
