import type { TaskKind } from '../domain/run-state.ts';
import type { NamedMcpServer } from '../domain/mcp-server.ts';
import type { ToolRequest } from '../domain/tool.ts';
import type { Secret } from '../lib/secret.ts';

/** What a step is to do, with all its templates filled in and its values checked. */
export type StepOrder = FetchOrder | TaskOrder | PullRequestOrder;

/** A request, and what is kept of its answer. */
export type FetchOrder = {
  readonly kind: 'fetch';
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The stored key that is sent along, to its own provider's hosts only. */
  readonly keyName?: string;
  readonly timeoutMs: number;
  /** JSONPath by the name that the value gets. */
  readonly outputs: Readonly<Record<string, string>>;
};

export type TaskOrder = {
  readonly kind: 'task';
  readonly repositoryUrl: string;
  readonly prompt: string;
  readonly taskKind: TaskKind;
  readonly providerKey?: string;
  readonly accessToken?: Secret;
  readonly aiKey?: Secret;
  readonly agent?: string;
  readonly command?: string;
  readonly model?: string;
  readonly timeoutSeconds?: number;
  readonly maxTurns?: number;
  readonly maxBudgetUsd?: number;
  readonly sourceBranch?: string;
  readonly targetBranch?: string;
  readonly pullRequestNumber?: number;
  readonly outputMode?: 'post_comments';
  /** The earlier step in whose task's workspace this one goes on. */
  readonly workspaceStep?: string;
  /** A stored key whose token the tools of its provider get where their settings name none. */
  readonly toolKey?: string;
  readonly tools: readonly ToolRequest[];
  readonly mcpServers: readonly NamedMcpServer[];
};

/** `create_pr`. */
export type PullRequestOrder = {
  readonly kind: 'action';
  /** The earlier step whose task is published. */
  readonly taskStep: string;
  readonly title?: string;
  readonly description?: string;
  readonly targetBranch?: string;
  readonly draft?: boolean;
  readonly labels?: readonly string[];
};
