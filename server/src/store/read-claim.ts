import type { LiveRunState, RunState } from '../domain/run-state.ts';
import type { Claim } from './append-events.ts';
import type { Database } from './database.ts';
import { ownWork, startColumns } from './own-work.ts';

/** What of a claimed run changes while it is held. */
export type ClaimNow = {
  readonly state: LiveRunState;
  readonly outputAt: number;
  readonly exit: unknown;
  readonly baseBranch: string | null;
  readonly baseCommit: string | null;
  readonly headCommit: string | null;
  readonly ownsHead: boolean;
  readonly cancelRequested: boolean;
  readonly waiting: boolean;
  readonly parking: boolean;
  readonly noticesAt: number;
  readonly agentVersion: string | null;
};

/**
 * Where a run stands that this worker believes to hold; undefined when it does not. After a step whose
 * answer got lost with the database's connection, this tells whether the step was done.
 */
export async function readClaim(database: Database, claim: Claim): Promise<ClaimNow | undefined> {
  const rows = await database.statement<ClaimNow & { readonly state: RunState }>(
    {
      name: 'read-claim',
      text: `select run.state, run.output_at as "outputAt", run.exit, workspace.base_branch as "baseBranch",
          workspace.base_commit as "baseCommit", ${startColumns},
          task.cancel_requested_at is not null as "cancelRequested", task.state = 'waiting_for_user' as waiting, run.parking,
          run.notices_at as "noticesAt", run.agent_version as "agentVersion"
        from runs run join tasks task on task.id = run.task_id join workspaces workspace on workspace.id = run.workspace_id
          ${ownWork}
        where run.id = $1 and run.generation = $2 and run.state in ('preparing', 'running', 'collecting')`,
    },
    [claim.runId, claim.generation],
  );
  return rows[0];
}
