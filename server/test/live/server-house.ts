import { randomBytes } from 'node:crypto';
import type { Task } from '@slipway/client';
import { startModelServer, type ModelServer } from '../../src/demo/model-server/model-server.ts';
import { openHouse, type House } from '../e2e/scenario-house.ts';
import { startHttpMcpServer, type HttpMcpServer } from './http-mcp-server.ts';
import { findCli, type LiveAgentName } from './installed-clis.ts';

/** An installation of the product that has the agents' real programs and a scripted model. */
export type ServerHouse = House & {
  readonly model: ModelServer;
  /** Where sandboxes may go, beside the model. */
  readonly mcp: HttpMcpServer;
  /** The server's own key to both providers. */
  readonly key: string;
};

/** Undefined where a program is missing. */
export async function openServerHouse(): Promise<ServerHouse | undefined> {
  const claude = findCli('claude-code');
  const codex = findCli('codex');
  if (claude === undefined || codex === undefined) return undefined;
  await using stack = new AsyncDisposableStack();
  const model = await startModelServer();
  stack.defer(() => model.close());
  const mcp = await startHttpMcpServer(madeKey());
  stack.defer(() => mcp[Symbol.asyncDispose]());
  const key = madeKey();
  const house = await openHouse({
    settings: {
      SLIPWAY_CLAUDE_CODE_PATH: claude,
      SLIPWAY_CODEX_PATH: codex,
      ANTHROPIC_API_KEY: key,
      ANTHROPIC_BASE_URL: model.url,
      OPENAI_API_KEY: key,
      OPENAI_BASE_URL: `${model.url}/v1`,
      SLIPWAY_ALLOW_EGRESS: new URL(mcp.url).host,
    },
  });
  stack.defer(() => house[Symbol.asyncDispose]());
  const owned = stack.move();
  return { ...house, model, mcp, key, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** A key that stands nowhere else. */
export const madeKey = (): string => `sk-live-${randomBytes(24).toString('hex')}`;

type Config = NonNullable<Parameters<House['client']['tasks']['create']>[0]['config']>;

/** A task whose branch is pushed by itself; gives its id. */
export async function createTask(
  { client, forge }: House,
  agent: LiveAgentName,
  prompt: string,
  config: Config = {},
): Promise<string> {
  const created = await client.tasks.create({
    repo_url: `${forge.url}/sum.git`,
    prompt,
    publish: 'branch',
    config: { timeout_seconds: 120, ...config, cli: agent },
  });
  return created.id;
}

/** The credentials with which requests came that hold this text. */
export function keysOfRequests({ model }: ServerHouse, text: string): ReadonlySet<string> {
  const asked = model.requests().filter(({ body }) => JSON.stringify(body)?.includes(text));
  return new Set(
    asked.map(({ headers }) =>
      String(headers['x-api-key'] ?? headers.authorization ?? '').replace(/^Bearer /u, ''),
    ),
  );
}

/** What a task has spent so far, as a person sees it. */
export function usageOf({ usage }: Task): { readonly output: number; readonly cost: number } {
  return { output: usage?.output_tokens ?? 0, cost: usage?.cost_usd ?? 0 };
}
