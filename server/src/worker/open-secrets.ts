import type { McpServer } from '../agents/agent.ts';
import type { Secret } from '../lib/secret.ts';
import type { GrowingRedactor } from '../secrets/growing-redactor.ts';
import type { Redactor } from '../secrets/redact.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import { withPatience } from '../store/patience.ts';
import { agentOf } from './agent-of.ts';
import type { WorkerContext } from './context.ts';
import { openServers } from './mcp-servers.ts';

export type OpenedSecrets = {
  /** Knows all of them. */
  readonly redactor: Redactor;
  /** The key to the agent's model: the task's own where it is for that provider, else the server's. */
  readonly modelKey: Secret | undefined;
  /** What the agent is given beside its own tools. */
  readonly servers: Readonly<Record<string, McpServer>>;
};

/** Opens all that a run may need, and has the redactor hide it from then on. */
export async function openSecrets(
  context: WorkerContext,
  { run, redactor }: { readonly run: ClaimedRun; readonly redactor: GrowingRedactor },
  signal: AbortSignal,
): Promise<OpenedSecrets> {
  const open = async (id: string | null): Promise<Secret | undefined> =>
    id === null ? undefined : withPatience(signal, () => context.openSecret(id));
  const { model } = agentOf(context, run).abilities;
  const own = await open(run.aiKeyId);
  // Given for the task's own agent: a review can be another one's, whose model is another provider's.
  const isForIt = context.agents.get(run.options.agent)?.abilities.model === model;
  const servers = model === undefined ? undefined : context.settings.models[model].key;
  const modelKey = isForIt ? (own ?? servers) : servers;
  const { providerKey, ownerId } = run;
  const named =
    providerKey === null
      ? undefined
      : await withPatience(signal, () => context.openKey(ownerId, providerKey));
  const tools = await openServers(context, run, signal);
  const all = [
    await open(run.accessTokenId),
    named,
    own,
    modelKey,
    ...tools.secrets,
    ...context.settings.forgeTokens,
  ];
  for (const secret of all) {
    if (secret !== undefined) redactor.hide(secret);
  }
  return { redactor, modelKey, servers: tools.servers };
}
