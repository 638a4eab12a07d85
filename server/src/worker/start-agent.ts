import { mkdir } from 'node:fs/promises';
import type { Agent, AgentTask } from '../agents/agent.ts';
import type { Place, SandboxCommand } from '../executors/executor.ts';
import type { Secret } from '../lib/secret.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import type { SupervisorSpec, WayOut } from '../supervisor/protocol.ts';
import { prestartSupervisor, type WarmSupervisor } from '../supervisor/start.ts';
import { agentOf } from './agent-of.ts';
import type { WorkerContext } from './context.ts';
import { egressOf, modelUrlOf, proxyEnvironment, wayOutOf } from './way-out.ts';
import { runFolder, supervisorSocket, workspaceFolder } from './workspace-folders.ts';

/** A supervisor that nobody attends ends its sandbox after this time: a restart takes seconds. */
const unattendedMs = 60_000;
/** Between SIGTERM and the end of the sandbox. A cancel has to be over within 3 s. */
export const stopGraceMs = 1_500;

/** Node's start (34 ms with its compile cache) overlaps with fetch and checkout. */
export function warmUp(context: WorkerContext, run: ClaimedRun): WarmSupervisor {
  const { certificatesFile } = context.settings;
  return prestartSupervisor({
    compileCacheFolder: context.folders.compileCache,
    loadWayOut: agentOf(context, run).abilities.model !== undefined || egressOf(context, run).length > 0,
    ...(certificatesFile === undefined ? {} : { certificatesFile }),
  });
}

export type Starting = {
  readonly warm: WarmSupervisor;
  readonly task: AgentTask;
  /** The key to the agent's model: the supervisor adds it outside of the sandbox. */
  readonly key: Secret | undefined;
};

/**
 * Hands the agent to a supervisor. Whoever finds a run in `running` without one may do this: the
 * supervisor's file is created exclusively, so one wins and the other leaves.
 */
export async function startAgent(
  context: WorkerContext,
  run: ClaimedRun,
  { warm, task, key }: Starting,
): Promise<void> {
  const folder = runFolder(context.folders, run);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const place = context.executor.place(workspaceFolder(context.folders, run), run.workspaceNumber);
  const agent = agentOf(context, run);
  const wayOut = wayOutOf(context, run, { agent, place, key });
  const { command, input, keepInput } = await commandOf(context, run, { agent, task, place, wayOut });
  const launch = await context.executor.launch(place, command, context.settings.sandbox);
  const spec: SupervisorSpec = {
    folder,
    socket: supervisorSocket(context.folders, run),
    launch,
    input,
    keepInput,
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
    ...(wayOut === undefined ? {} : { wayOut }),
    ...(context.settings.supervisorFault === undefined ? {} : { fault: context.settings.supervisorFault }),
  };
  const outcome = await warm.start(spec);
  if (outcome === 'taken') await context.executor.release(launch);
  context.faults.reach('start.supervised');
}

type StartCommand = {
  readonly command: SandboxCommand;
  readonly input: string;
  readonly keepInput: boolean;
};

/** The adapter's command, with what the sandbox has to offer it. */
async function commandOf(
  context: WorkerContext,
  run: ClaimedRun,
  what: {
    readonly agent: Agent;
    readonly task: AgentTask;
    readonly place: Place;
    readonly wayOut: WayOut | undefined;
  },
): Promise<StartCommand> {
  const { agent, task, place, wayOut } = what;
  const offered = await context.offerProgram(agent.name, place);
  const hasServers = task.mcpServers !== undefined;
  const { argv, env, homeFiles, input, keepInput } = agent.command(task, {
    program: offered.program,
    tree: place.treeInside,
    home: place.homeInside,
    modelUrl: modelUrlOf(agent, place),
  });
  return {
    command: {
      argv,
      env: {
        TRACEPARENT: context.telemetry.traceparentOf(run),
        ...(wayOut === undefined ? {} : proxyEnvironment(context, run, { place, hasServers })),
        ...env,
      },
      readOnly: offered.readOnly,
      pathFolders: offered.pathFolders,
      homeFiles: { ...leftServers(context), ...homeFiles },
      ...(wayOut === undefined ? {} : { wayOut: { socket: wayOut.socket } }),
    },
    input,
    keepInput: keepInput ?? false,
  };
}

/**
 * What earlier runs here may have left: secrets of MCP servers that this run was not given, so that nothing would take
 * them out of what it prints.
 */
function leftServers({ agents }: WorkerContext): Readonly<Record<string, null>> {
  const files = [...agents.values()].flatMap(({ abilities }) => abilities.serversFile ?? []);
  return Object.fromEntries(files.map((file) => [file, null]));
}
