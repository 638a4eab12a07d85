import type { CallbackPayload } from './effect-state.ts';
import { reviewBody } from './review-body.ts';

const microdollarsPerUsd = 1_000_000;

/**
 * The body of a callback: JSON, a function of the payload alone, so that every attempt sends the same. The
 * documented fields are always there; `error` and what is ours only where there is something to tell.
 */
export function callbackBody(payload: CallbackPayload): string {
  const { error, review, changes, branch, pullRequest } = payload;
  return JSON.stringify({
    task_id: payload.taskId,
    status: payload.status,
    result: payload.result ?? '',
    ...(error === null ? {} : { error }),
    changes_summary: changes && {
      files_modified: changes.filesModified,
      files_created: changes.filesCreated,
      files_deleted: changes.filesDeleted,
      diff_stats: `+${changes.insertions} -${changes.deletions}`,
    },
    usage: usageOf(payload),
    // One that was stored before there were reviews has no such field.
    ...(review ? { review_result: reviewBody(review) } : {}),
    trace_id: payload.traceId,
    finished_at: payload.finishedAt,
    iteration: payload.iteration,
    ...(branch === null ? {} : { branch }),
    ...(pullRequest === null ? {} : { pr_number: pullRequest.number, pr_url: pullRequest.url }),
  });
}

/** As a task shows it: tokens from a cache and money where there are any. */
function usageOf({ spend, durationMs }: CallbackPayload) {
  const { cacheReadTokens: read, cacheWriteTokens: written, microdollars } = spend;
  return {
    input_tokens: spend.inputTokens,
    output_tokens: spend.outputTokens,
    duration_seconds: Math.round(durationMs / 1_000),
    ...(read === 0 ? {} : { cache_read_tokens: read }),
    ...(written === 0 ? {} : { cache_write_tokens: written }),
    ...(microdollars === 0 ? {} : { cost_usd: microdollars / microdollarsPerUsd }),
  };
}
