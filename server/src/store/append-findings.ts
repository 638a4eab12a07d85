import { sql, type Transaction } from 'kysely';
import type { NewEvent } from '../domain/event.ts';
import type { ModelSpend } from '../domain/spend.ts';
import { liveRunStates } from '../domain/run-state.ts';
import { appendEvents, jsonText, storableText, type Claim } from './append-events.ts';
import type { Database } from './database.ts';
import { falseWhenMoved, rollBack } from './move-run.ts';
import type { Tables } from './tables.ts';

/** What an agent's lines told beside what they said: goes into the record with them, or not at all. */
export type Findings = {
  readonly session: string | undefined;
  readonly version: string | undefined;
  readonly spend: readonly ModelSpend[];
  readonly questions: readonly NewQuestion[];
};

export type NewQuestion = {
  readonly approvalId: string;
  readonly requestId: string;
  readonly tool: string;
  readonly summary: string;
  readonly arguments: unknown;
  readonly argumentsHash: string;
  readonly expiresInSeconds: number;
};

/** A run that waits for a person has its deadline moved by so much: its supervisor keeps the time exactly. */
const questionMarginSeconds = 120;

/**
 * As `appendOutputEvents`, for lines that told more than events: one transaction compares and moves the
 * offset and takes everything in. A question makes the task `waiting_for_user`; one that was answered before
 * the run was parked, asked again by the run that goes on with it, finds that answer and waits for nobody.
 * False: the claim was lost or the offset had moved on; nothing was written.
 */
export async function appendFindings(
  database: Database,
  run: Claim & { readonly taskId: string; readonly ownerId: string },
  offsets: { readonly from: number; readonly to: number },
  batch: { readonly events: readonly NewEvent[]; readonly findings: Findings },
): Promise<boolean> {
  const { findings } = batch;
  return database
    .transaction(async (tx) => {
      // The order of locks: the task before the run.
      if (findings.questions.length > 0) await lockTask(tx, run.taskId);
      const moved = await tx
        .updateTable('runs')
        .set({
          output_at: offsets.to,
          ...(findings.session === undefined ? {} : { session: storableText(findings.session) }),
          ...(findings.version === undefined ? {} : { agent_version: storableText(findings.version) }),
        })
        .where('id', '=', run.runId)
        .where('generation', '=', run.generation)
        .where('output_at', '=', offsets.from)
        .where('state', 'in', [...liveRunStates])
        .executeTakeFirst();
      if (moved.numUpdatedRows !== 1n) return rollBack();
      await insertSpend(tx, run, findings.spend);
      const asked = await insertQuestions(tx, run, findings.questions);
      await appendEvents(tx, run.taskId, run.runId, [...batch.events, ...asked]);
      return true;
    })
    .catch(falseWhenMoved);
}

async function lockTask(tx: Transaction<Tables>, taskId: string): Promise<void> {
  await tx.selectFrom('tasks').select('id').where('id', '=', taskId).forUpdate().execute();
}

async function insertSpend(
  tx: Transaction<Tables>,
  run: Claim & { readonly taskId: string; readonly ownerId: string },
  spend: readonly ModelSpend[],
): Promise<void> {
  for (const row of spend) {
    await sql`
      insert into spend (run_id, seq, task_id, owner_id, session, model, input_tokens, output_tokens,
        cache_read_tokens, cache_write_tokens, microdollars)
      select runs.id, (select count(*) from spend where run_id = runs.id), ${run.taskId}::uuid, ${run.ownerId}::uuid,
        runs.session, ${storableText(row.model)}::text, ${row.inputTokens}::bigint, ${row.outputTokens}::bigint,
        ${row.cacheReadTokens}::bigint, ${row.cacheWriteTokens}::bigint, ${row.microdollars}::bigint
      from runs where id = ${run.runId}`.execute(tx);
  }
}

async function insertQuestions(
  tx: Transaction<Tables>,
  run: Claim & { readonly taskId: string; readonly ownerId: string },
  questions: readonly NewQuestion[],
): Promise<readonly NewEvent[]> {
  const events: NewEvent[] = [];
  let waitSeconds = 0;
  for (const question of questions) {
    const { state, expires_at: expiresAt } = await insertQuestion(tx, run, question);
    if (state !== 'waiting') continue;
    waitSeconds = Math.max(waitSeconds, question.expiresInSeconds);
    events.push({
      type: 'approval_requested',
      data: {
        approvalId: question.approvalId,
        tool: question.tool,
        summary: question.summary,
        expiresAt: expiresAt.toISOString(),
      },
    });
  }
  if (waitSeconds > 0) await beginWaiting(tx, run, waitSeconds);
  return events;
}

/** The row, decided already where the same was asked and answered while the task's run was parked. */
async function insertQuestion(
  tx: Transaction<Tables>,
  run: Claim & { readonly taskId: string; readonly ownerId: string },
  question: NewQuestion,
): Promise<{ readonly state: string; readonly expires_at: Date }> {
  const result = await sql<{ state: string; expires_at: Date }>`
    with answered as (
      select earlier.state, earlier.reason, earlier.decided_by from approvals earlier
        join runs parked on parked.id = earlier.run_id join runs now on now.id = ${run.runId}
      where earlier.task_id = ${run.taskId} and parked.state = 'parked' and now.cause = 'resumed'
        and parked.iteration = now.iteration and earlier.state in ('allowed', 'denied', 'expired')
        and earlier.tool = ${question.tool} and earlier.arguments_hash = ${question.argumentsHash}
        -- An answer is for one question: a run that repeats itself asks again.
        and not exists (select from approvals used where used.run_id = now.id
          and used.tool = earlier.tool and used.arguments_hash = earlier.arguments_hash)
      order by earlier.number desc limit 1
    )
    insert into approvals (id, owner_id, task_id, run_id, request_id, kind, tool, summary, arguments, arguments_hash,
      state, reason, decided_by, decided_at, expires_at)
    select ${question.approvalId}::uuid, ${run.ownerId}::uuid, ${run.taskId}::uuid, ${run.runId}::uuid,
      ${storableText(question.requestId)}::text, 'tool', ${storableText(question.tool)}::text,
      ${storableText(question.summary)}::text, ${jsonText(question.arguments)}::jsonb, ${question.argumentsHash}::text,
      coalesce(answered.state, 'waiting'), answered.reason, answered.decided_by,
      case when answered.state is null then null else now() end,
      now() + make_interval(secs => ${question.expiresInSeconds})
    from (select 1) one left join answered on true
    returning state, expires_at`.execute(tx);
  const row = result.rows[0];
  if (row === undefined) throw new Error('a question was not stored');
  return row;
}

async function beginWaiting(
  tx: Transaction<Tables>,
  run: Claim & { readonly taskId: string },
  seconds: number,
): Promise<void> {
  const later = seconds + questionMarginSeconds;
  await tx
    .updateTable('tasks')
    .set({ state: 'waiting_for_user' })
    .where('id', '=', run.taskId)
    .where('state', '=', 'running')
    .execute();
  await tx
    .updateTable('tasks')
    .set({ deadline_at: sql`greatest(deadline_at, now()) + make_interval(secs => ${later})` })
    .where('id', '=', run.taskId)
    .execute();
  await tx
    .updateTable('runs')
    .set({ deadline_at: sql`deadline_at + make_interval(secs => ${later})` })
    .where('id', '=', run.runId)
    .execute();
}
