import type { ApprovalState } from '../domain/approval-state.ts';
import type { DecidedQuestion } from '../domain/follow-up-prompt.ts';
import type { Database } from './database.ts';

/** What was decided about a run's questions, by the agent's own ids of its requests. */
export type Answer = {
  readonly requestId: string;
  readonly state: ApprovalState;
  readonly reason: string | null;
  /** How long it has waited, in milliseconds. */
  readonly waitedMs: number;
};

/** All questions of a run, waiting ones included. */
export async function readAnswers(database: Database, runId: string): Promise<readonly Answer[]> {
  return database.statement<Answer>(
    {
      name: 'read-answers',
      text: `select request_id as "requestId", state, reason,
          (extract(epoch from now() - created_at) * 1000)::float8 as "waitedMs"
        from approvals where run_id = $1 order by number`,
    },
    [runId],
  );
}

/** What was decided while the run before this one, of the same iteration, was parked. */
export async function readDecidedQuestions(
  database: Database,
  run: { readonly taskId: string; readonly iteration: number },
): Promise<readonly DecidedQuestion[]> {
  return database.statement<DecidedQuestion>(
    {
      name: 'read-decided-questions',
      text: `select tool, summary, approvals.state = 'allowed' as allowed, approvals.reason
        from approvals where run_id = (
          select id from runs where task_id = $1 and iteration = $2 and state = 'parked' order by number desc limit 1)
        and approvals.state <> 'waiting' order by approvals.number`,
    },
    [run.taskId, run.iteration],
  );
}
