import { sql } from 'kysely';
import type { NewEvent } from '../domain/event.ts';
import type { Failure } from '../domain/failure.ts';
import { appendEvents, jsonText } from './append-events.ts';
import type { Database } from './database.ts';
import { endEffect, type EffectOf } from './effects.ts';
import { goOnWithInstructions } from './go-on.ts';
import { falseWhenMoved, rollBack } from './move-run.ts';
import { tellOfEnd } from './tell-of-end.ts';

export type PullRequestSettlement =
  | {
      readonly kind: 'open';
      readonly number: number;
      readonly url: string;
      readonly base: string;
      readonly how: 'opened' | 'found';
      /** Why the forge did not take the labels; undefined: it did. */
      readonly labelsRefused: string | undefined;
    }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** What became of a pull request, and the task with it, in one transaction. False: the lease is lost. */
export async function settlePullRequest(
  database: Database,
  effect: EffectOf<'pull_request'>,
  settlement: PullRequestSettlement,
): Promise<boolean> {
  return database
    .transaction(async (tx) => {
      const moved = await tx
        .updateTable('tasks')
        .set({
          ...(settlement.kind === 'failed'
            ? { state: 'failed' as const, failure: jsonText(settlement.failure) }
            : {
                state: 'pr_created' as const,
                pull_request_number: settlement.number,
                pull_request_url: settlement.url,
              }),
          finished_at: sql<Date>`now()`,
          deadline_at: null,
        })
        .where('id', '=', effect.taskId)
        .where('state', '=', 'creating_pr')
        .executeTakeFirst();
      if (moved.numUpdatedRows !== 1n) return rollBack();
      await endEffect(tx, effect, {
        state: settlement.kind === 'failed' ? 'failed' : 'done',
        outcome: settlement,
      });
      await appendEvents(tx, effect.taskId, effect.runId, settlementEvents(effect, settlement));
      await tellOfEnd(tx, effect.taskId);
      if (settlement.kind === 'open') await goOnWithInstructions(tx, effect.taskId);
      return true;
    })
    .catch(falseWhenMoved);
}

function settlementEvents(
  { payload }: EffectOf<'pull_request'>,
  settlement: PullRequestSettlement,
): readonly NewEvent[] {
  if (settlement.kind === 'failed') return [{ type: 'task_failed', data: { failure: settlement.failure } }];
  const { number, url, base, how, labelsRefused } = settlement;
  const data = { number, url, base, branch: payload.branch };
  const refused: readonly NewEvent[] =
    labelsRefused === undefined
      ? []
      : [{ type: 'labels_refused', data: { labels: payload.labels, reason: labelsRefused } }];
  if (payload.known !== null && payload.known !== number) {
    return [...refused, { type: 'pull_request_replaced', data: { ...data, before: payload.known } }];
  }
  const type = how === 'found' && payload.known === number ? 'pull_request_updated' : 'pull_request_opened';
  return [...refused, { type, data }];
}
