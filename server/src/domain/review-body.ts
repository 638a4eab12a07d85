import type { ReviewResult } from './review.ts';

/** A review in the documented words: as a task shows it, and as a callback tells it. */
export function reviewBody(review: ReviewResult) {
  return {
    verdict: review.verdict,
    score: review.score,
    summary: review.summary,
    issues: review.issues.map(({ severity, file, line, description, suggestion }) => ({
      severity,
      file,
      line,
      description,
      suggestion,
    })),
    auto_fixable: review.autoFixable,
    reviewed_by: review.reviewedBy,
    duration_seconds: review.durationSeconds,
  };
}
