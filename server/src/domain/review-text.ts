import { withClosedFence } from './markdown-code.ts';
import { quiet } from './quiet-text.ts';
import {
  worstFirst,
  type Review,
  type ReviewIssue,
  type ReviewResult,
  type Severity,
  type Verdict,
} from './review.ts';

/** A comment on a line, as forges take it. */
export type ReviewComment = { readonly path: string; readonly line: number; readonly body: string };

/** The lines that a difference shows, by the path after the change, as forges tell them. */
export type ShownFiles = ReadonlyMap<
  string,
  { readonly previousPath: string; readonly lines: ReadonlyMap<number, number | undefined> }
>;

/** What is posted of a review. */
export type ReviewPost = {
  readonly comments: readonly ReviewComment[];
  /** The text of the whole, given the comments that the forge did not take on their lines. */
  readonly summary: (refused: readonly ReviewComment[]) => string;
};

/** What more comments would be read by nobody. */
export const commentsMax = 20;
/** GitHub takes 65,536 characters; the forge's own marker, and what it escapes, have room behind these. */
export const summaryMaxCharacters = 60_000;

/**
 * The comments and the summary of a review: the worst findings on the lines that the difference shows, the rest
 * in the summary. `notes` are ours, a sentence each: what readers have to know beside it.
 */
export function reviewPostOf(
  review: ReviewResult,
  diff: { readonly files: ShownFiles },
  notes: readonly string[] = [],
): ReviewPost {
  const { placed, left } = placeComments(review, diff.files);
  return {
    comments: placed.map(({ comment }) => comment),
    summary(refused) {
      const isRefused = ({ path, line, body }: ReviewComment): boolean =>
        refused.some((one) => one.path === path && one.line === line && one.body === body);
      const unplaced = placed.filter(({ comment }) => isRefused(comment)).map(({ issue }) => issue);
      return summaryText({ review, left: worstFirst([...unplaced, ...left]), notes });
    },
  };
}

type PlacedIssue = { readonly issue: ReviewIssue; readonly comment: ReviewComment };

/** Puts the worst findings on their lines, where the difference shows these; `left` is what remains. */
export function placeComments(
  review: Pick<Review, 'issues'>,
  files: ShownFiles,
): { readonly placed: readonly PlacedIssue[]; readonly left: readonly ReviewIssue[] } {
  const placed: PlacedIssue[] = [];
  const left: ReviewIssue[] = [];
  for (const issue of worstFirst(review.issues)) {
    const path = shownPath(issue.file, files);
    const isShown = path !== undefined && files.get(path)?.lines.has(issue.line) === true;
    if (isShown && placed.length < commentsMax) {
      placed.push({ issue, comment: { path, line: issue.line, body: commentText(issue) } });
    } else {
      left.push(issue);
    }
  }
  return { placed, left };
}

/** The path in the difference of what an agent called so: also by its name before, and as git's own headers do. */
function shownPath(file: string, files: ShownFiles): string | undefined {
  for (const name of [file, file.replace(/^[ab]\//u, '')]) {
    if (files.has(name)) return name;
    for (const [path, { previousPath }] of files) if (previousPath === name) return path;
  }
  return undefined;
}

/** One finding, as the comment on its line. */
export function commentText({ severity, description, suggestion }: ReviewIssue): string {
  const words = harmless(description);
  const said = words === '' ? `**${severityWords[severity]}**` : `**${severityWords[severity]}**: ${words}`;
  return suggestion === '' ? said : `${said}\n\n**Suggestion**: ${harmless(suggestion)}`;
}

/** The whole review in Markdown, with the findings of `left`; what is too much is left out, and counted. */
export function summaryText(parts: {
  readonly review: ReviewResult;
  readonly left: readonly ReviewIssue[];
  readonly notes: readonly string[];
}): string {
  const { review, left, notes } = parts;
  const score = review.score === 0 ? '' : `, ${review.score}/10`;
  const head = [
    `### Review: ${verdictWords[review.verdict]}${score}`,
    ...notes.map((note) => `> ${note}`),
    harmless(review.summary),
  ].filter((paragraph) => paragraph !== '');
  const foot = ['---', `Reviewed by ${codeSpan(review.reviewedBy)}`];
  const room =
    summaryMaxCharacters - [...head, ...foot].join('\n\n').length - leftOut(left.length).length - 8;
  const findings = left.length === 0 ? [] : findingsText(left, room);
  return [...head, ...findings, ...foot].join('\n\n');
}

/** As many as there is room for; those who are read last are the least. */
function findingsText(issues: readonly ReviewIssue[], room: number): readonly string[] {
  const items: string[] = [];
  let used = 0;
  for (const issue of issues) {
    const item = listItem(issue);
    used += item.length + 1;
    if (used > room) break;
    items.push(item);
  }
  const more = issues.length - items.length;
  const list = items.length === 0 ? [] : [items.join('\n')];
  return more === 0 ? list : [...list, leftOut(more)];
}

function leftOut(count: number): string {
  return `(${count} more ${count === 1 ? 'finding is' : 'findings are'} left out: this would be too long.)`;
}

function listItem(issue: ReviewIssue): string {
  const { file, line } = issue;
  const place = file === '' ? '' : `${codeSpan(line === 0 ? file : `${file}:${line}`)} `;
  // What belongs to an item stands below its first letter.
  return `- ${place}${commentText(issue).replaceAll('\n', '\n  ')}`;
}

const severityWords: Readonly<Record<Severity, string>> = {
  critical: 'Critical',
  major: 'Major',
  minor: 'Minor',
  suggestion: 'Suggestion',
};

const verdictWords: Readonly<Record<Verdict, string>> = {
  approve: 'approved',
  request_changes: 'changes requested',
  comment: 'comments',
};

/** A name to be copied: nothing in it is Markdown, calls anybody, or ends what it stands in. */
function codeSpan(name: string): string {
  return `\`${name.replaceAll(/[`\p{Cc}]/gu, "'")}\``;
}

/**
 * An agent's words for a place where others see them. A block of code that is called `suggestion` would be
 * applied by one click of a reader; one that is not closed would swallow what follows.
 */
function harmless(text: string): string {
  // Begun at the first sign of a row alone: a text of nothing but signs took a second, quadratically.
  const words = text.replaceAll(/((?<!`)`{3,}|(?<!~)~{3,})[^\S\n]*suggestion\b[^\n]*/giu, '$1text');
  return quiet(withClosedFence(words));
}
