import type { ClaimedRun } from '../store/claim-run.ts';
import { agentOf } from './agent-of.ts';
import type { WorkerContext } from './context.ts';
import { workspaceFolder } from './workspace-folders.ts';

/** The version of the agent's program, asked of it only where its lines did not tell. */
export async function versionOf(context: WorkerContext, run: ClaimedRun): Promise<string | undefined> {
  const agent = agentOf(context, run);
  if (run.agentVersion !== null || agent.abilities.model === undefined) return undefined;
  const place = context.executor.place(workspaceFolder(context.folders, run), run.workspaceNumber);
  return context.versionOf(agent.name, place);
}
