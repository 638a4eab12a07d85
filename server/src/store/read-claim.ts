import type { LiveRunState, RunState } from '../domain/run-state.ts';
import type { Claim } from './append-events.ts';
import type { Database } from './database.ts';

/** What of a claimed run changes while it is held. */
export type ClaimNow = {
  readonly state: LiveRunState;
  readonly outputAt: number;
  readonly exit: unknown;
  readonly baseCommit: string | null;
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
      text: `select runs.state, runs.output_at as "outputAt", runs.exit, workspaces.base_commit as "baseCommit",
          tasks.cancel_requested_at is not null as "cancelRequested", tasks.state = 'waiting_for_user' as waiting, runs.parking,
          runs.notices_at as "noticesAt", runs.agent_version as "agentVersion"
        from runs join tasks on tasks.id = runs.task_id join workspaces on workspaces.id = runs.workspace_id
        where runs.id = $1 and runs.generation = $2 and runs.state in ('preparing', 'running', 'collecting')`,
    },
    [claim.runId, claim.generation],
  );
  return rows[0];
}
