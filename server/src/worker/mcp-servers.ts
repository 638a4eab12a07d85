import type { AgentReader, McpServer, ServerFailure } from '../agents/agent.ts';
import { launchOf } from '../domain/mcp-launch.ts';
import {
  secretValuesOf,
  serversFromSealed,
  type McpServerDefinition,
  type NamedMcpServer,
} from '../domain/mcp-server.ts';
import type { Place } from '../executors/executor.ts';
import { Secret } from '../lib/secret.ts';
import type { Redactor } from '../secrets/redact.ts';
import { appendServerFailures } from '../store/append-server-failures.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import { findMcpServersFor } from '../store/mcp-servers.ts';
import { withPatience } from '../store/patience.ts';
import { agentOf } from './agent-of.ts';
import type { WorkerContext } from './context.ts';
import { readErrors } from './read-errors.ts';
import { RunStop } from './run-stop.ts';
import { workspaceFolder } from './workspace-folders.ts';

/** What of the worker decides about servers. */
export type ServersContext = Pick<
  WorkerContext,
  'database' | 'wakeups' | 'agents' | 'folders' | 'openSecret' | 'logger'
> & { readonly executor: Pick<WorkerContext['executor'], 'place'> };

/** What the agent of a run is given. */
export type OpenedServers = {
  readonly servers: Readonly<Record<string, McpServer>>;
  /** What its words must not show. */
  readonly secrets: readonly Secret[];
};

const unopened = 'what is stored of it could not be opened';

/**
 * Opens the servers of a run: those for all repositories, those for its own and those of its task, of which the
 * later stand in the place of the earlier by name. What does not open is left out, with an event.
 */
export async function openServers(
  context: ServersContext,
  run: ClaimedRun,
  signal: AbortSignal,
): Promise<OpenedServers> {
  // Who calls no model has nobody to offer tools to.
  if (agentOf(context, run).abilities.model === undefined) return { servers: {}, secrets: [] };
  const stored = await withPatience(signal, () => findMcpServersFor(context.database, run.repositoryId));
  const sealed = stored.map(({ name, secretId }) => ({ names: [name], secretId }));
  if (run.mcpSecretId !== null) sealed.push({ names: ownNames(run), secretId: run.mcpSecretId });
  const definitions = new Map<string, McpServerDefinition>();
  const failed: ServerFailure[] = [];
  for (const { names, secretId } of sealed) {
    const opened = await openSealed(context, secretId, signal);
    for (const { name, server } of opened ?? []) definitions.set(name, server);
    if (opened === undefined) failed.push(...names.map((server) => ({ server, reason: unopened })));
  }
  await recordFailures(context, run, failed, signal);
  const place = context.executor.place(workspaceFolder(context.folders, run), run.workspaceNumber);
  const launches = [...definitions].map(
    ([name, server]) => [name, launchOf(server, place.homeInside)] as const,
  );
  return {
    servers: Object.fromEntries(launches),
    secrets: [...definitions.values()].flatMap((server) => secretsIn(server, place)),
  };
}

/** The names of what the task brought, by what is shown of it. */
function ownNames({ options }: ClaimedRun): string[] {
  return [...(options.tools ?? []), ...(options.mcpServers ?? [])].map(({ name }) => name);
}

async function openSealed(
  context: ServersContext,
  secretId: string,
  signal: AbortSignal,
): Promise<readonly NamedMcpServer[] | undefined> {
  try {
    const text = await withPatience(signal, () => context.openSecret(secretId));
    return serversFromSealed(text.reveal());
  } catch (error) {
    if (signal.aborted) throw error;
    // The name of the error alone: its message could quote what was opened.
    const { name } = error instanceof Error ? error : { name: 'unknown' };
    context.logger.warn({ error: name, secretId }, 'the secret of an MCP server could not be opened');
    return undefined;
  }
}

/** Folders of the sandbox stand in half of what an agent says, and in settings of servers: they are no secret. */
function secretsIn(server: McpServerDefinition, place: Place): readonly Secret[] {
  const isFolder = (value: string): boolean =>
    [place.treeInside, place.homeInside].some((folder) => value === folder || value.startsWith(`${folder}/`));
  return secretValuesOf(server)
    .filter((value) => !isFolder(value))
    .map((value) => new Secret(value));
}

/** Tells what the agent's log has of servers that are not there for it. */
export async function recordLoggedFailures(
  context: ServersContext,
  run: ClaimedRun,
  { reader, redactor }: { readonly reader: AgentReader; readonly redactor: Redactor },
  signal: AbortSignal,
): Promise<void> {
  if (reader.serversIn === undefined) return;
  const failed = reader.serversIn(redactor.text(await readErrors(context, run)));
  await recordFailures(context, run, failed, signal);
}

/** @throws RunStop `lost` when somebody else holds the run. */
async function recordFailures(
  context: ServersContext,
  run: ClaimedRun,
  failed: readonly ServerFailure[],
  signal: AbortSignal,
): Promise<void> {
  if (failed.length === 0) return;
  const held = await withPatience(signal, () => appendServerFailures(context.database, run, failed));
  if (!held) throw new RunStop('lost');
  context.wakeups.wake('stream', run.taskId);
}
