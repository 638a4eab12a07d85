import type { Agent } from '../agents/agent.ts';
import type { Place } from '../executors/executor.ts';
import type { Secret } from '../lib/secret.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import type { ModelRelay, WayOut } from '../supervisor/protocol.ts';
import type { ModelProvider, WorkerFolders, WorkerSettings } from './context.ts';
import { wayOutSocket } from './workspace-folders.ts';

/** Where a provider's relay begins, as the sandbox asks for it. */
const relayPrefix: Readonly<Record<ModelProvider, string>> = { anthropic: '/anthropic', openai: '/openai' };

/** What the sandbox may send as a credential; none of it goes further. */
const credentialHeaders = ['authorization', 'x-api-key'];

/** What of the worker decides about the way out. */
export type WayOutContext = {
  readonly folders: Pick<WorkerFolders, 'sockets'>;
  readonly settings: Pick<WorkerSettings, 'models' | 'allowEgress'>;
};

/**
 * How the sandbox of a run reaches the outside: the relay to its agent's model, and the hosts that the
 * operator allows. Undefined where it has no reason to.
 */
export function wayOutOf(
  context: WayOutContext,
  run: Pick<ClaimedRun, 'workspaceId' | 'runId' | 'kind'>,
  { agent, place, key }: { readonly agent: Agent; readonly place: Place; readonly key: Secret | undefined },
): WayOut | undefined {
  const { model } = agent.abilities;
  const allow = egressOf(context, run);
  if (model === undefined && allow.length === 0) return undefined;
  return {
    socket: wayOutSocket(context.folders, run),
    ...(place.uid === undefined ? {} : { uid: place.uid }),
    relays: model === undefined ? [] : [relayOf(context, model, key)],
    allow,
  };
}

/**
 * The hosts that a run may reach beside its model. What stands in a pull request is a stranger's: who reads it
 * can be talked into things, and has nobody to tell them to.
 */
export function egressOf(
  { settings }: Pick<WayOutContext, 'settings'>,
  { kind }: Pick<ClaimedRun, 'kind'>,
): readonly string[] {
  return kind === 'pr_review' ? [] : settings.allowEgress;
}

function relayOf({ settings }: WayOutContext, provider: ModelProvider, key: Secret | undefined): ModelRelay {
  const secret = key?.reveal();
  const credential =
    provider === 'anthropic' ? { 'x-api-key': secret } : { authorization: secret && `Bearer ${secret}` };
  const headers = Object.entries(credential).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return {
    prefix: relayPrefix[provider],
    url: settings.models[provider].url,
    headers: Object.fromEntries(headers),
    strip: credentialHeaders,
  };
}

/** The relay's address for the agent. Unused by one that calls no model. */
export function modelUrlOf(agent: Agent, place: Place): string {
  const { model } = agent.abilities;
  return `http://127.0.0.1:${place.wayOutPort}${model === undefined ? '' : relayPrefix[model]}`;
}

/**
 * What programs read to find the proxy: curl only knows the lower-case name, others only the upper-case one. With
 * MCP servers it is told also where no host is allowed: what one of them wants is then refused by name.
 */
export function proxyEnvironment(
  context: Pick<WayOutContext, 'settings'>,
  run: Pick<ClaimedRun, 'kind'>,
  { place, hasServers }: { readonly place: Place; readonly hasServers: boolean },
): Readonly<Record<string, string>> {
  if (egressOf(context, run).length === 0 && !hasServers) return {};
  const proxy = `http://127.0.0.1:${place.wayOutPort}`;
  const none = '127.0.0.1,localhost';
  return {
    HTTP_PROXY: proxy,
    HTTPS_PROXY: proxy,
    NO_PROXY: none,
    http_proxy: proxy,
    https_proxy: proxy,
    no_proxy: none,
    // Node's fetch takes no proxy from the environment without it.
    NODE_USE_ENV_PROXY: '1',
  };
}
