/** GitLab takes no longer title; it counts code points, as Rails does. */
const titleCharacters = 255;

/** Whether GitLab takes a title for that of a draft ("Draft merge requests"). */
function isDraftTitle(title: string): boolean {
  return /^\s*(?:draft:|\[draft\]|\(draft\))/iu.test(title);
}

/** The title with which a merge request is a draft where it is to be one, cut to what GitLab takes. */
export function titleFor(title: string, isDraft: boolean): string {
  const marked = isDraft && !isDraftTitle(title) ? `Draft: ${title}` : title;
  return Array.from(marked).slice(0, titleCharacters).join('');
}

/**
 * The description without quick actions. GitLab does what a line such as `/merge` or `/approve` in it says, with
 * the rights of the token, and the line may come from an agent: a word joiner, which is not seen, stands in front.
 */
export function withoutQuickActions(text: string): string {
  return text.replaceAll(/^([^\S\r\n]*)\/(?=[A-Za-z])/gmu, '$1\u2060/');
}
