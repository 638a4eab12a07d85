import { slugOf } from './branch-name.ts';

const slugMaxCharacters = 50;
const titleMaxCharacters = 100;
const cutMark = '...';

/**
 * The branch of a task that came with a ticket: the prefix, what tells the task apart, and the ticket's summary as
 * a slug, where that has a letter.
 */
export function ticketBranch(prefix: string, mark: string, summary: string | undefined): string {
  const slug = slugOf(summary ?? '', slugMaxCharacters);
  return /[a-z]/u.test(slug) ? `${prefix}${mark}/${slug}` : `${prefix}${mark}`;
}

/**
 * The title of such a task's pull request: the summary, else the first line of the description that says
 * anything; on one line, and what is longer than 100 characters cut to 97 and `...`.
 */
export function ticketTitle(summary: string | undefined, description: string): string {
  const lines = [summary ?? '', ...description.split(/[\r\n\u2028\u2029]+/u)];
  const title = lines.map(oneLine).find((line) => line !== '') ?? '';
  const characters = Array.from(title);
  if (characters.length <= titleMaxCharacters) return title;
  return `${characters.slice(0, titleMaxCharacters - cutMark.length).join('')}${cutMark}`;
}

function oneLine(text: string): string {
  return text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
}
