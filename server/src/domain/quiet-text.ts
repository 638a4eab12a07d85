/** Not seen, and not a part of any name: what it stands in is none that a forge knows. */
const joiner = '\u2060';

/**
 * Markdown that nobody has read yet, made harmless for a place where others see it. It looks the same, but it
 * calls nobody (`@`), refers to no issue or pull request (`#1`, `!1`, `GH-1`, their addresses), which could
 * close it, loads no picture, which would tell its owner who reads, and what was in its address, and begins
 * nothing in HTML that hides or swallows what follows. It does so in what Markdown shows as code too.
 */
export function quiet(text: string): string {
  return (
    text
      .replaceAll(/@(?=[\p{L}\p{N}_\\-])|[#!](?=[\d\\])/gu, `$&${joiner}`)
      .replaceAll(/\bGH-(?=\d)/giu, `$&${joiner}`)
      .replaceAll(/\/(?:issues|pull|merge_requests|work_items)\/(?=\d)/gu, `$&${joiner}`)
      // `&#64;octocat` and `&commat;octocat` are shown, and found, as `@octocat`.
      .replaceAll(/&(?=#|(?:commat|num|excl|lt|sol);)/giu, `$&${joiner}`)
      .replaceAll('![', `!${joiner}[`)
      .replaceAll(/<(?=[!?]|(?:img|image|picture|source|video|audio)\b)/giu, `$&${joiner}`)
      .replaceAll(/<(?=\/?(?:pre|script|style|textarea)\b)/giu, `$&${joiner}`)
      .replaceAll('-->', `--${joiner}>`)
  );
}
