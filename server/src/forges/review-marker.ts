/**
 * Says which review a text belongs to, where nobody sees it: forges render no HTML comment. `part`: which of a
 * review's comments it is, at a forge that posts them one by one, in letters and digits; undefined: the review
 * as a whole.
 */
export function reviewMarker(marker: string, part?: string): string {
  return `<!-- slipway ${marker}${part === undefined ? '' : ` ${part}`} -->`;
}

/**
 * Which part of a review a text is, by the marker that it begins with: empty for the review as a whole, undefined
 * for what is none of it. What quotes a marker does not begin with it.
 */
export function markedPart(marker: string, text: string): string | undefined {
  const [, of, part = ''] = /^<!-- slipway (\S+)(?: (\S+))? -->/u.exec(text) ?? [];
  return of === marker ? part : undefined;
}

/**
 * A text with its marker before it: behind it, a code block that is left open would show it, and a text that is
 * cut would lose it. The text is cut to `longest` characters (UTF-16 units), marker included.
 */
export function markText(mark: string, text: string, longest: number): string {
  const whole = `${mark}\n\n${text}`;
  return whole.length <= longest ? whole : `${whole.slice(0, longest - 1).toWellFormed()}…`;
}
