import type { ApprovalList, Health, RepositoryList } from './api-types.ts';
import { createApiKeys, type ApiKeys } from './api-keys.ts';
import { createDeliveries, type Deliveries } from './deliveries.ts';
import { createKeys, type Keys } from './keys.ts';
import { createMcpServers, type McpServers } from './mcp.ts';
import type { RequestOptions } from './request-options.ts';
import { createSentry, type Sentry } from './sentry.ts';
import { createTasks, type Tasks } from './tasks.ts';
import { defaultTiming, type Timing } from './timing.ts';
import { createTools, type Tools } from './tools.ts';
import { createTransport, read, type Fetch } from './transport.ts';
import { createWebhooks, type Webhooks } from './webhooks.ts';
import { createWorkflows, type Workflows } from './workflows.ts';
import { createWorkspaces, type Workspaces } from './workspaces.ts';

export type ClientOptions = {
  /** The server's address, such as `http://127.0.0.1:8080`; a path in front of the API is kept. */
  readonly baseUrl: string;
  /** Sent as a bearer token. Without it only `health` answers. */
  readonly token?: string | undefined;
  /** Instead of the global `fetch`. */
  readonly fetch?: Fetch | undefined;
  /** Other limits than the usual ones. */
  readonly timing?: Partial<Timing> | undefined;
};

/** Whose repositories: those that a stored key opens, or a token that is sent along and not kept. */
export type RepositorySource =
  | { readonly key: string }
  | { readonly provider: 'github' | 'gitlab'; readonly token: string };

/** `page` from 1 on; at most 100 a page. */
export type RepositoryPage = { readonly page?: number | undefined; readonly per_page?: number | undefined };

/**
 * The native API of one Slipway server. Every method rejects with `ApiError` when the server refuses, with
 * `ConnectionError` when it cannot be reached, and with the signal's reason. What is safe to repeat (all
 * that only reads, and what is created or instructed, by its idempotency key) is tried again when the
 * connection breaks or a proxy answers 502, 503 or 504; a 429 is waited out. `Retry-After` is honoured up to
 * 30 s.
 */
export type Client = {
  readonly tasks: Tasks;
  readonly keys: Keys;
  readonly apiKeys: ApiKeys;
  readonly sentry: Sentry;
  readonly deliveries: Deliveries;
  readonly webhooks: Webhooks;
  readonly workflows: Workflows;
  readonly mcp: { readonly servers: McpServers };
  readonly tools: Tools;
  readonly workspaces: Workspaces;
  /** A page of the repositories that a token reaches, as its provider orders them. */
  readonly repositories: (
    source: RepositorySource,
    options?: RequestOptions & RepositoryPage,
  ) => Promise<RepositoryList>;
  /** All questions that wait for an answer, oldest first. */
  readonly approvals: (options?: RequestOptions) => Promise<ApprovalList>;
  /** Resolves when the server accepts the token. */
  readonly verify: (options?: RequestOptions) => Promise<void>;
  /** The server's state, also when it is degraded (which it says with a 503). */
  readonly health: (options?: RequestOptions) => Promise<Health>;
};

/** Throws `TypeError` when `baseUrl` is not the address of a server. */
export function createClient(options: ClientOptions): Client {
  const transport = createTransport({
    baseUrl: options.baseUrl,
    token: options.token,
    fetch: options.fetch ?? ((url, init) => fetch(url, init)),
    timing: { ...defaultTiming, ...options.timing },
  });
  return {
    tasks: createTasks(transport),
    keys: createKeys(transport),
    apiKeys: createApiKeys(transport),
    sentry: createSentry(transport),
    deliveries: createDeliveries(transport),
    webhooks: createWebhooks(transport),
    workflows: createWorkflows(transport),
    mcp: { servers: createMcpServers(transport) },
    tools: createTools(transport),
    workspaces: createWorkspaces(transport),
    repositories: (source, { page, per_page, signal } = {}) =>
      transport.json({
        ...read('api/v1/repositories', signal),
        ...('key' in source
          ? { query: { provider_key: source.key, page, per_page } }
          : {
              query: { provider: source.provider, page, per_page },
              headers: { 'x-provider-token': source.token },
            }),
      }),
    approvals: ({ signal } = {}) => transport.json(read('api/v1/approvals', signal)),
    async verify({ signal } = {}) {
      await transport.bytes(read('api/v1/auth/verify', signal));
    },
    health: ({ signal } = {}) => transport.json({ ...read('health', signal), answers: [503] }),
  };
}
