/**
 * Why a text cannot be taken; undefined: it can. Half a surrogate pair and NUL can be kept neither in the
 * store nor in an environment; other control characters have no place in what is one line.
 */
export function textProblem(
  text: string | undefined,
  rule: { readonly maxBytes: number; readonly lines: boolean },
): string | undefined {
  if (text === undefined) return undefined;
  if (Buffer.byteLength(text) > rule.maxBytes) return 'exceeds maximum length';
  if (!text.isWellFormed()) return 'must be valid Unicode';
  if (text.includes('\u0000')) return 'must not contain NUL characters';
  if (!rule.lines && /\p{Cc}/u.test(text)) return 'must not contain control characters';
  return undefined;
}
