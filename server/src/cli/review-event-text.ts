import type { TaskEvent } from '@slipway/client';
import type { Paint } from './output.ts';
import { countText, verdictStyle, verdictText } from './review-text.ts';

type ReviewEvent = Extract<TaskEvent['event'], `review_${string}` | 'workspace_restored'>;

type Parts = {
  /** A field as a text; empty where it is none. */
  readonly say: (name: string) => string;
  /** The texts of a field that has several. */
  readonly list: (name: string) => readonly string[];
  readonly paint: Paint;
};

const filesNamed = 5;

const texts: { readonly [Event in ReviewEvent]: (parts: Parts) => string } = {
  review_requested: ({ say }) => `a review is wanted (${say('cli')})`,
  review_started: () => 'reviewing',
  review_parsed: (parts) => {
    const outline = `the answer: ${outlineText(parts)}`;
    return parts.say('from') === 'words'
      ? `${outline} (it was no review: its words are the summary)`
      : outline;
  },
  review_completed: (parts) =>
    parts.paint(verdictStyle(parts.say('verdict')), `reviewed: ${outlineText(parts)}`),
  review_failed: ({ say, paint }) => paint('red', `the review failed: ${say('error')}`),
  review_timeout: ({ say, paint }) => paint('red', `the review timed out after ${say('timeout_seconds')} s`),
  review_canceled: ({ paint }) => paint('yellow', 'the review was cancelled'),
  workspace_restored: restoredText,
  review_posted: ({ say, paint }) => {
    const comments = countText(Number(say('comments_posted')), 'comment');
    return paint(
      'green',
      `posted the review to pull request ${say('pr_number')} (${comments} on lines): ${say('review_url')}`,
    );
  },
  review_post_failed: ({ say, paint }) =>
    paint('red', `the review was not posted to pull request ${say('pr_number')}: ${say('error')}`),
};

export function isReviewEvent(event: TaskEvent): event is Extract<TaskEvent, { event: ReviewEvent }> {
  return Object.hasOwn(texts, event.event);
}

/** An event about a review as a line for people. */
export function reviewEventText(event: ReviewEvent, parts: Parts): string {
  return texts[event](parts);
}

function outlineText({ say }: Parts): string {
  const found = countText(Number(say('issues_count')), 'finding');
  return `${verdictText({ verdict: say('verdict'), score: Number(say('score')) })}, ${found}`;
}

function restoredText({ say, list, paint }: Parts): string {
  const files = list('files');
  const more = Math.max(0, files.length - filesNamed) + Number(say('more'));
  const named = files.slice(0, filesNamed).join(', ');
  const rest = more > 0 ? ` and ${more} more` : '';
  // No file is named where the agent left no repository to compare.
  const what =
    named === '' ? 'the tree, which the agent had changed' : `what the agent had changed: ${named}${rest}`;
  return paint('yellow', `put back ${what}`);
}
