import type { Agent, AgentSession, AgentTask } from '../agents/agent.ts';
import { RunFailure } from '../domain/failure.ts';
import { followUpPrompt, resumedPrompt } from '../domain/follow-up-prompt.ts';
import { readDecidedQuestions } from '../store/answers.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import { readHistory } from '../store/history.ts';
import { withPatience } from '../store/patience.ts';
import { readSessionSpend } from '../store/spend.ts';
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

/** The conversation that this run goes on with; undefined: it begins one. */
export function sessionOf(agent: Agent, run: ClaimedRun): string | undefined {
  if (agent.abilities.sessionFolders.length === 0 || run.sessionAgent !== run.agent) return undefined;
  return run.session ?? undefined;
}

/**
 * What the agent is asked, the same for every process that works on the run. A first prompt is passed word
 * for word; an agent that does not remember the earlier iterations is told of them.
 */
export async function agentTaskOf(
  context: WorkerContext,
  run: ClaimedRun,
  signal: AbortSignal,
): Promise<AgentTask> {
  const { options } = run;
  const resume = await resumeOf(context, run, signal);
  return {
    taskId: run.taskId,
    runId: run.runId,
    iteration: run.iteration,
    prompt: await promptOf(context, run, resume !== undefined, signal),
    ...(options.command === undefined ? {} : { command: options.command }),
    ...(options.model === undefined ? {} : { model: options.model }),
    ...(options.maxTurns === undefined ? {} : { maxTurns: options.maxTurns }),
    ...(options.maxBudgetMicrodollars === undefined
      ? {}
      : { maxBudgetMicrodollars: options.maxBudgetMicrodollars }),
    ...(options.approvals === undefined ? {} : { approvals: options.approvals }),
    ...(options.partialMessages === undefined ? {} : { partialMessages: options.partialMessages }),
    ...(resume === undefined ? {} : { resume }),
  };
}

async function resumeOf(
  context: WorkerContext,
  run: ClaimedRun,
  signal: AbortSignal,
): Promise<AgentSession | undefined> {
  const id = sessionOf(agentOf(context, run), run);
  if (id === undefined) return undefined;
  const spent = await withPatience(signal, () => readSessionSpend(context.database, run, id));
  return { id, spent };
}

async function promptOf(
  context: WorkerContext,
  run: ClaimedRun,
  remembers: boolean,
  signal: AbortSignal,
): Promise<string> {
  // Whichever attempt goes on with a conversation that was put away: it ends at the question.
  if (remembers && run.parkedBefore > 0) {
    const decided = await withPatience(signal, () => readDecidedQuestions(context.database, run));
    return resumedPrompt(decided);
  }
  // A script has its command: what it was told before is nothing to it.
  const reads = agentOf(context, run).abilities.model !== undefined;
  if (remembers || run.iteration === 1 || !reads) return run.prompt;
  const history = await withPatience(signal, () => readHistory(context.database, run.taskId, run.iteration));
  return followUpPrompt(history, run.prompt);
}
