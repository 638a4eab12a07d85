/** Who sends webhooks; also the name of the forge. */
export const webhookSources = ['github', 'gitlab'] as const;
export type WebhookSource = (typeof webhookSources)[number];

/**
 * How a delivery stands. `waiting`: stored, and a review is to be made of it. `deduplicated`: another one stands
 * for it. `skipped`: it is about a draft, or older than what is known. `refused`: no review could be made.
 */
export const webhookStates = ['waiting', 'created', 'deduplicated', 'skipped', 'ignored', 'refused'] as const;
export type WebhookState = (typeof webhookStates)[number];

/** What a delivery says of a pull request (or merge request) whose work may have to be reviewed. Untrusted. */
export type PullRequestNews = {
  /** To clone from, as the forge writes it. */
  readonly repositoryUrl: string;
  readonly number: number;
  readonly headCommit: string;
  /** In the repository that it comes from, which may be a fork. */
  readonly sourceBranch: string;
  readonly targetBranch: string;
  /** One line; empty where the delivery has none. */
  readonly title: string;
  readonly isDraft: boolean;
  /** False: something else changed, or it is not told. */
  readonly bringsCommits: boolean;
  /** When the pull request changed last, ISO 8601 in UTC; null where the delivery does not tell. */
  readonly updatedAt: string | null;
};

/** A delivery that was understood. */
export type WebhookReading =
  | { readonly action: string | null; readonly ignored: string }
  | { readonly action: string; readonly news: PullRequestNews };

/** The pull request, by one text: deliveries about the same one are judged one after the other. */
export function subjectOf(source: WebhookSource, news: PullRequestNews): string {
  return `${source} ${news.repositoryUrl}#${news.number}`;
}

/** The prompt of the task, in the document's words. The title is a stranger's text: one line of limited length. */
export function reviewPrompt(source: WebhookSource, { number, title }: PullRequestNews): string {
  if (source === 'github') return `Review pull request #${number}`;
  return `Review merge request !${number}${title === '' ? '' : `: ${title}`}`;
}
