import type { Secret } from '../lib/secret.ts';

/**
 * Takes secret values out of text that goes to a sink: events, raw lines, logs, errors, callbacks. By value,
 * since nobody knows in which field an agent will print one.
 */
export type Redactor = {
  readonly text: (text: string) => string;
};

/** Shorter values would take ordinary words out of ordinary text. */
const shortestSecret = 8;

/** `secrets` in every form they are known to travel in: as they are, escaped for JSON or a URL, in base64. */
export function createRedactor(secrets: readonly Secret[]): Redactor {
  const forms = new Set<string>();
  for (const secret of secrets) {
    const value = secret.reveal().toWellFormed();
    if (value.length < shortestSecret) continue;
    forms.add(value);
    for (const line of keyLines(value)) forms.add(line);
    forms.add(encodeURIComponent(value));
    forms.add(JSON.stringify(value).slice(1, -1));
    for (const encoding of ['base64', 'base64url'] as const) {
      for (const form of encodedForms(Buffer.from(value), encoding)) forms.add(form);
    }
  }
  if (forms.size === 0) return { text: (text) => text };
  // Longest first: a form that contains another is taken out whole.
  const ordered = [...forms].sort((a, b) => b.length - a.length);
  return {
    text(text) {
      let clean = text;
      for (const form of ordered) if (clean.includes(form)) clean = clean.replaceAll(form, '[secret]');
      return clean;
    },
  };
}

/** A private key's lines between its first and its last: what prints it prints them one by one. */
function keyLines(value: string): readonly string[] {
  const lines = value.split(/\r?\n/u).map((line) => line.trim());
  if (lines.length === 1) return [];
  return lines.filter((line) => line.length >= shortestSecret && !line.startsWith('-----'));
}

/**
 * How the bytes look within a longer text that is encoded as a whole, such as `user:password` for a header:
 * three ways, by how many bytes stand before them. The characters at both ends also hold bits of what stands
 * around, so they are left out.
 */
function encodedForms(bytes: Buffer, encoding: 'base64' | 'base64url'): readonly string[] {
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString(encoding)
      .replace(/=+$/u, '');
    const from = Math.ceil((before * 8) / 6);
    const to = Math.floor(((before + bytes.length) * 8) / 6);
    return text.slice(from, to);
  });
}
