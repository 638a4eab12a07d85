import type { AgentSession, AgentTask, McpServer } from '../agents/agent.ts';
import { reviewSchema } from '../domain/review-prompt.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import { withPatience } from '../store/patience.ts';
import { readSessionSpend } from '../store/spend.ts';
import { agentOf, reviews, sessionOf } from './agent-of.ts';
import { promptOf } from './agent-prompt.ts';
import type { WorkerContext } from './context.ts';
import { workspaceFolder } from './workspace-folders.ts';

/** What the agent is asked, the same for every process that works on the run. */
export async function agentTaskOf(
  context: WorkerContext,
  run: ClaimedRun,
  {
    servers,
    signal,
  }: { readonly servers: Readonly<Record<string, McpServer>>; readonly signal: AbortSignal },
): Promise<AgentTask> {
  const resume = await resumeOf(context, run, signal);
  return {
    taskId: run.taskId,
    runId: run.runId,
    iteration: run.iteration,
    kind: run.kind,
    prompt: await promptOf(context, run, resume !== undefined, signal),
    ...optionsOf(context, run),
    ...(resume === undefined ? {} : { resume }),
    ...(Object.keys(servers).length === 0 ? {} : { mcpServers: servers }),
    ...(await schemaOf(context, run)),
  };
}

/**
 * What the task asks of its agent. Of a review of its work that is another agent, its model and limits mean
 * nothing; and a review asks nobody: whatever it does is thrown away.
 */
function optionsOf(context: WorkerContext, run: ClaimedRun): Partial<AgentTask> {
  const { options } = run;
  const isOwn = run.agent === options.agent;
  if (run.kind === 'test') return { command: options.testCommand ?? '' };
  const command = run.aside ? (context.settings.reviewCommand ?? options.command) : options.command;
  const model = run.model ?? (isOwn ? options.model : undefined);
  return {
    ...(command === undefined ? {} : { command }),
    ...(model === undefined ? {} : { model }),
    ...(!isOwn || options.maxTurns === undefined ? {} : { maxTurns: options.maxTurns }),
    ...(!isOwn || options.maxBudgetMicrodollars === undefined
      ? {}
      : { maxBudgetMicrodollars: options.maxBudgetMicrodollars }),
    ...(run.aside || options.approvals === undefined ? {} : { approvals: options.approvals }),
    ...(!isOwn || options.partialMessages === undefined ? {} : { partialMessages: options.partialMessages }),
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

/** A review's form, for programs that can be bound to one; whatever they then answer is read all the same. */
async function schemaOf(
  context: WorkerContext,
  run: ClaimedRun,
): Promise<Pick<AgentTask, 'outputSchema' | 'schemaIsWish'>> {
  if (!reviews(run)) return {};
  const place = context.executor.place(workspaceFolder(context.folders, run), run.workspaceNumber);
  const takesIt = await context.takesSchema(agentOf(context, run), place);
  return takesIt ? { outputSchema: reviewSchema, schemaIsWish: true } : {};
}
