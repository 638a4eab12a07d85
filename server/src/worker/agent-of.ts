import type { Agent } from '../agents/agent.ts';
import { RunFailure } from '../domain/failure.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import type { WorkerContext } from './context.ts';

/** The adapter of a run's agent. Throws RunFailure where this worker does not have it. */
export function agentOf(context: Pick<WorkerContext, 'agents'>, run: Pick<ClaimedRun, 'agent'>): Agent {
  const agent = context.agents.get(run.agent);
  if (agent !== undefined) return agent;
  throw new RunFailure({
    code: 'agent_not_started',
    phase: 'infrastructure',
    retryable: false,
    message: `this worker does not have the agent ${run.agent}`,
  });
}

/**
 * The conversation that this run goes on with: its own task's, with the same agent. Undefined: it begins one, as
 * who reviews finished work always does.
 */
export function sessionOf(agent: Agent, run: ClaimedRun): string | undefined {
  if (agent.abilities.sessionFolders.length === 0 || run.aside) return undefined;
  if (run.sessionAgent !== run.agent || run.sessionTaskId !== run.taskId) return undefined;
  return run.session ?? undefined;
}

/** Whether the run looks at a tree that it must leave as it is. */
export function readsOnly({ kind }: Pick<ClaimedRun, 'kind'>): boolean {
  return kind !== 'code' && kind !== 'test';
}

/** Whether the run's answer is a review. */
export function reviews({ kind }: Pick<ClaimedRun, 'kind'>): boolean {
  return kind === 'review' || kind === 'pr_review';
}
