import { sql, type Transaction } from 'kysely';
import type { ApprovalDecision, ApprovalState } from '../domain/approval-state.ts';
import { deadlineSeconds } from '../domain/deadlines.ts';
import { liveRunStates, type RunState } from '../domain/run-state.ts';
import type { TaskState } from '../domain/task-state.ts';
import type { Ids } from '../lib/ids.ts';
import { appendEvents, storableText } from './append-events.ts';
import type { Database } from './database.ts';
import { secondsFromNow } from './move-run.ts';
import { insertResumedRun } from './next-attempt.ts';
import type { Tables } from './tables.ts';

/** What somebody decides about a question; `by` is null where it is the clock. */
export type Decision = {
  readonly approvalId: string;
  readonly decision: ApprovalDecision;
  readonly by: string | null;
  /** For the agent and the record; empty: none was given. */
  readonly reason: string;
  /** For the run that goes on, where the one that asked has been parked. */
  readonly ids: Ids;
};

export type DecisionAnswer =
  | { readonly kind: 'unknown' }
  /** It has been decided before, or its time is up, which is a decision as well. */
  | { readonly kind: 'refused'; readonly state: ApprovalState; readonly decided?: DecidedApproval }
  | { readonly kind: 'decided'; readonly decided: DecidedApproval };

/** Who has to be woken after a decision. */
export type DecidedApproval = {
  readonly approvalId: string;
  readonly taskId: string;
  /** The run that asked. */
  readonly runId: string;
  /** The run that goes on in its place. */
  readonly resumedRunId?: string;
};

const expiredReason = 'nobody answered in time';
/** The task's deadline behind its run's: the run is ended by its own first. */
const taskMarginSeconds = 60;

/**
 * Decides one question, once, and lets go on who waited for it: of two at the same moment the second finds it
 * decided. Locks are taken task, run, approval. A wish to allow that comes after the question's time is
 * refused and the question expires: nothing that was asked for fails open.
 */
export async function decideApproval(database: Database, decision: Decision): Promise<DecisionAnswer> {
  return database.transaction(async (tx) => {
    const asked = await tx
      .selectFrom('approvals')
      .select(['task_id', 'run_id'])
      .where('id', '=', decision.approvalId)
      .executeTakeFirst();
    if (asked === undefined) return { kind: 'unknown' };
    const held = await lockQuestion(tx, { id: decision.approvalId, ...asked });
    if (held.state !== 'waiting') return { kind: 'refused', state: held.state };
    if (!held.overdue) return { kind: 'decided', decided: await settle(tx, held, decision) };
    const expired = { ...decision, decision: 'expired', by: null, reason: expiredReason } as const;
    const decided = await settle(tx, held, expired);
    return decision.decision === 'expired'
      ? { kind: 'decided', decided }
      : { kind: 'refused', state: 'expired', decided };
  });
}

/** Expires one question whose time is up. Undefined: there is none. */
export async function expireApproval(database: Database, ids: Ids): Promise<DecidedApproval | undefined> {
  for (;;) {
    const due = await database.kysely
      .selectFrom('approvals')
      .select('id')
      .where('state', '=', 'waiting')
      .where('expires_at', '<=', sql<Date>`now()`)
      .orderBy('expires_at')
      .limit(1)
      .executeTakeFirst();
    if (due === undefined) return undefined;
    const decision = { decision: 'expired', by: null, reason: expiredReason, ids } as const;
    const answer = await decideApproval(database, { approvalId: due.id, ...decision });
    // Decided by somebody else since it was looked for: it is no longer due, and the next one may be.
    if (answer.kind === 'decided') return answer.decided;
  }
}

/** The questions of a task that has ended are nobody's any more. In a transaction that holds the task's row. */
export async function dropApprovals(tx: Transaction<Tables>, taskId: string): Promise<void> {
  await tx
    .updateTable('approvals')
    .set({ state: 'dropped', decided_at: sql`now()` })
    .where('task_id', '=', taskId)
    .where('state', '=', 'waiting')
    .execute();
}

type HeldQuestion = {
  readonly id: string;
  readonly state: ApprovalState;
  readonly overdue: boolean;
  readonly task: { readonly id: string; readonly state: TaskState };
  readonly run: { readonly id: string; readonly state: RunState };
};

async function lockQuestion(
  tx: Transaction<Tables>,
  asked: { readonly id: string; readonly task_id: string; readonly run_id: string },
): Promise<HeldQuestion> {
  const task = await tx
    .selectFrom('tasks')
    .select(['id', 'state'])
    .where('id', '=', asked.task_id)
    .forUpdate()
    .executeTakeFirstOrThrow();
  const run = await tx
    .selectFrom('runs')
    .select(['id', 'state'])
    .where('id', '=', asked.run_id)
    .forUpdate()
    .executeTakeFirstOrThrow();
  const approval = await tx
    .selectFrom('approvals')
    // Not now(), which is when the transaction began: it may have waited for its locks since.
    .select(['state', sql<boolean>`expires_at <= clock_timestamp()`.as('overdue')])
    .where('id', '=', asked.id)
    .forUpdate()
    .executeTakeFirstOrThrow();
  return { id: asked.id, state: approval.state, overdue: approval.overdue, task, run };
}

async function settle(
  tx: Transaction<Tables>,
  held: HeldQuestion,
  { decision, by, reason, ids }: Omit<Decision, 'approvalId'>,
): Promise<DecidedApproval> {
  const said = storableText(reason);
  await tx
    .updateTable('approvals')
    .set({ state: decision, decided_by: by, decided_at: sql`now()`, reason: said === '' ? null : said })
    .where('id', '=', held.id)
    .execute();
  const data = { approvalId: held.id, decision, reason: said };
  await appendEvents(tx, held.task.id, held.run.id, [{ type: 'approval_decided', data }]);
  const decided = { approvalId: held.id, taskId: held.task.id, runId: held.run.id };
  if (held.task.state !== 'waiting_for_user' || (await stillAsks(tx, held.run.id))) return decided;
  const live: readonly RunState[] = liveRunStates;
  if (live.includes(held.run.state)) {
    await goOn(tx, held);
    return decided;
  }
  if (held.run.state !== 'parked') return decided;
  const resumedRunId = ids.ordered();
  await insertResumedRun(tx, held.run.id, resumedRunId);
  await tx
    .updateTable('tasks')
    .set({ state: 'awaiting_instruction', deadline_at: secondsFromNow(deadlineSeconds.pending) })
    .where('id', '=', held.task.id)
    .execute();
  return { ...decided, resumedRunId };
}

async function stillAsks(tx: Transaction<Tables>, runId: string): Promise<boolean> {
  const other = await tx
    .selectFrom('approvals')
    .select('id')
    .where('run_id', '=', runId)
    .where('state', '=', 'waiting')
    .limit(1)
    .executeTakeFirst();
  return other !== undefined;
}

/** The agent is still there: the task runs again. A task that is being cancelled keeps its short deadline. */
async function goOn(tx: Transaction<Tables>, { task, run }: HeldQuestion): Promise<void> {
  await tx
    .updateTable('tasks')
    .set({
      state: 'running',
      deadline_at: sql`case when cancel_requested_at is not null then deadline_at else
        (select deadline_at + make_interval(secs => ${taskMarginSeconds}) from runs where id = ${run.id}) end`,
    })
    .where('id', '=', task.id)
    .execute();
}
