import { mkdir } from 'node:fs/promises';
import type { Agent, AgentTask } from '../agents/agent.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import { RunFailure } from '../domain/failure.ts';
import type { SupervisorSpec } from '../supervisor/protocol.ts';
import { prestartSupervisor, type WarmSupervisor } from '../supervisor/start.ts';
import type { WorkerContext } from './context.ts';
import { runFolder, supervisorSocket, workspaceFolder } from './workspace-folders.ts';

/** A supervisor that nobody attends ends its sandbox after this time: a restart takes seconds. */
const unattendedMs = 60_000;
/** Between SIGTERM and the end of the sandbox. A cancel has to be over within 3 s. */
export const stopGraceMs = 1_500;

/** Node's start (34 ms with its compile cache) overlaps with fetch and checkout. */
export function warmUp(context: WorkerContext): WarmSupervisor {
  return prestartSupervisor({ compileCacheFolder: context.folders.compileCache });
}

export function agentOf(context: WorkerContext, run: ClaimedRun): Agent {
  const agent = context.agents.get(run.agent);
  if (agent !== undefined) return agent;
  throw new RunFailure({
    code: 'agent_not_started',
    phase: 'infrastructure',
    retryable: false,
    message: `this worker does not have the agent ${run.agent}`,
  });
}

function agentTask(run: ClaimedRun): AgentTask {
  return {
    taskId: run.taskId,
    runId: run.runId,
    iteration: run.iteration,
    prompt: run.prompt,
    ...(run.options.command === undefined ? {} : { command: run.options.command }),
  };
}

/**
 * Hands the agent to a supervisor. Whoever finds a run in `running` without one may do this: the
 * supervisor's file is created exclusively, so one wins and the other leaves.
 */
export async function startAgent(
  context: WorkerContext,
  run: ClaimedRun,
  warm: WarmSupervisor,
): Promise<void> {
  const folder = runFolder(context.folders, run);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const place = context.executor.place(workspaceFolder(context.folders, run), run.workspaceNumber);
  const command = agentOf(context, run).command(agentTask(run));
  const launch = await context.executor.launch(place, command, context.settings.sandbox);
  const spec: SupervisorSpec = {
    folder,
    socket: supervisorSocket(context.folders, run),
    launch,
    input: command.input,
    keepInput: false,
    limits: {
      timeMs: run.timeLeftMs,
      silenceMs: context.settings.silenceMs,
      outputBytes: context.settings.outputBytes,
      memoryBytes: context.settings.sandbox.memoryBytes,
      diskBytes: context.settings.diskBytes,
      diskFolders: [place.tree, place.home],
      unattendedMs,
      graceMs: stopGraceMs,
    },
    ...(context.settings.supervisorFault === undefined ? {} : { fault: context.settings.supervisorFault }),
  };
  const outcome = await warm.start(spec);
  if (outcome === 'taken') await context.executor.release(launch);
  context.faults.reach('start.supervised');
}
