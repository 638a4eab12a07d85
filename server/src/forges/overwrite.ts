import type { PullRequestRequest } from './forge.ts';

/**
 * What of title and body has to be written to a pull request that was found: what was asked to be, and is not
 * there already. Forges turn line ends round and cut blanks off.
 */
export function textsToWrite(
  wish: Pick<PullRequestRequest, 'title' | 'body' | 'overwrite'>,
  present: { readonly title: string; readonly body: string },
): { readonly title?: string; readonly body?: string } {
  const isWanted = (part: 'title' | 'body'): boolean =>
    wish.overwrite.includes(part) && plain(wish[part]) !== plain(present[part]);
  return {
    ...(isWanted('title') ? { title: wish.title } : {}),
    ...(isWanted('body') ? { body: wish.body } : {}),
  };
}

function plain(text: string): string {
  return text.replaceAll('\r\n', '\n').trim();
}
