import { sql } from 'kysely';
import { deadlineSeconds } from '../domain/deadlines.ts';
import { reviewEffectKey } from '../domain/effect-state.ts';
import type { EffectState } from '../domain/effect-state.ts';
import type { ReviewResult } from '../domain/review.ts';
import { jsonText } from './append-events.ts';
import type { Database } from './database.ts';
import { secondsFromNow } from './move-run.ts';
import type { ReviewSettlement } from './settle-review.ts';

/** The review that a task has, and the commit that it is about. */
export type KeptReview = {
  readonly runId: string;
  readonly commit: string;
  readonly review: ReviewResult;
};

/** Undefined: the task has none. */
export async function findReview(database: Database, taskId: string): Promise<KeptReview | undefined> {
  const row = await database.kysely
    .selectFrom('tasks')
    .innerJoin('runs', 'runs.id', 'tasks.review_run_id')
    .select(['runs.id as runId', 'runs.commit', 'runs.review'])
    .where('tasks.id', '=', taskId)
    .executeTakeFirst();
  if (row === undefined || row.review === null || row.commit === null) return undefined;
  return { runId: row.runId, commit: row.commit, review: row.review };
}

export type ReviewPostWish = {
  readonly effectId: string;
  readonly taskId: string;
  readonly ownerId: string;
  readonly number: number;
  readonly kept: KeptReview;
};

/**
 * Wants a review posted to a pull request, and gives the effect's id. There is one for each review and pull
 * request: one that is under way, or done, is what a repeated wish gets; one that failed is tried again.
 */
export async function wantReviewPosted(database: Database, wish: ReviewPostWish): Promise<string> {
  const { effectId, taskId, ownerId, number, kept } = wish;
  const payload = { number, commit: kept.commit, review: kept.review, endsTask: false };
  const result = await sql<{ id: string }>`
    insert into effects (id, owner_id, task_id, run_id, kind, key, payload, state, deadline_at)
    values (${effectId}, ${ownerId}, ${taskId}, ${kept.runId}, 'review', ${reviewEffectKey(kept.runId, number)},
      ${jsonText(payload)}::jsonb, 'waiting', ${secondsFromNow(deadlineSeconds.delivering)})
    on conflict (key) do update set
      state = case effects.state when 'failed' then 'waiting' else effects.state end,
      attempts = case effects.state when 'failed' then 0 else effects.attempts end,
      outcome = case effects.state when 'failed' then null else effects.outcome end,
      available_at = case effects.state when 'failed' then now() else effects.available_at end,
      ended_at = case effects.state when 'failed' then null else effects.ended_at end,
      deadline_at = case effects.state when 'failed' then excluded.deadline_at else effects.deadline_at end
    returning id`.execute(database.kysely);
  return result.rows[0]?.id ?? effectId;
}

export type ReviewPostState = {
  readonly state: EffectState;
  /** Where it has ended. */
  readonly outcome: ReviewSettlement | null;
};

/** How far a post is. */
export async function readReviewPost(
  database: Database,
  effectId: string,
): Promise<ReviewPostState | undefined> {
  return database.kysely
    .selectFrom('effects')
    .select(['state', sql<ReviewSettlement | null>`outcome`.as('outcome')])
    .where('id', '=', effectId)
    .executeTakeFirst();
}
