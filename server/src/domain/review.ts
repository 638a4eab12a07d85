/** What a review says of work as a whole. */
export const verdicts = ['approve', 'request_changes', 'comment'] as const;
export type Verdict = (typeof verdicts)[number];

/** How much a finding matters, the worst first. */
export const severities = ['critical', 'major', 'minor', 'suggestion'] as const;
export type Severity = (typeof severities)[number];

export type ReviewIssue = {
  readonly severity: Severity;
  /** From the repository's root, with `/`; empty where it is about no file. */
  readonly file: string;
  /** From 1, in the file as it is after the change; 0: unknown. */
  readonly line: number;
  readonly description: string;
  /** How to mend it; may be empty. */
  readonly suggestion: string;
};

/** The same findings, the worst before the others; of those that matter alike, in the order that they have. */
export function worstFirst<Issue extends Pick<ReviewIssue, 'severity'>>(
  issues: readonly Issue[],
): readonly Issue[] {
  return issues.toSorted((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity));
}

/** What an agent's answer to a review came to. */
export type Review = {
  readonly verdict: Verdict;
  /** 1 to 10; 0: the agent gave none that could be read. */
  readonly score: number;
  readonly summary: string;
  readonly issues: readonly ReviewIssue[];
  /** Whether an agent could mend what was found. */
  readonly autoFixable: boolean;
};

/** A review as it is kept. */
export type ReviewResult = Review & {
  /** The agent and its model, `claude-code:claude-sonnet-4-20250514`; the agent alone where no model is known. */
  readonly reviewedBy: string;
  readonly durationSeconds: number;
};

/** Which part of an answer a review was read from; `words`: no part of it was one, and all of it is the summary. */
export type ReviewSource = 'structured' | 'text' | 'block' | 'braces' | 'words';
