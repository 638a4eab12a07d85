import type { NamedMcpServer } from './mcp-server.ts';
import type { ToolRequest } from './tool.ts';

/** What a submission asks beyond repository and prompt. Stored with the task; holds no secret. */
export type TaskOptions = {
  readonly timeoutSeconds: number;
  readonly agent: string;
  /** The script agent's command. */
  readonly command?: string;
  readonly sourceBranch?: string;
  readonly targetBranch?: string;
  readonly model?: string;
  readonly maxTurns?: number;
  readonly maxBudgetMicrodollars?: number;
  /** The agent's permission requests wait for a person; without it, it may do all that its sandbox lets it. */
  readonly approvals?: 'ask';
  readonly partialMessages?: boolean;
  /** Of the pull request that the task opens. */
  readonly draft?: boolean;
  readonly labels?: readonly string[];
  /** The pull request's title; without one, the operator's way of titles. */
  readonly pullRequestTitle?: string;
  /** What the task is about where the caller keeps its tickets; shown in the pull request. */
  readonly ticket?: Ticket;
  /** The first name that is tried for the branch; without one, it is made of the prompt. */
  readonly branch?: string;
  /** Run in the sandbox after the agent, in a run of its own. */
  readonly testCommand?: string;
  /** The task fails where its first iteration changes nothing. */
  readonly mustChange?: true;
  /** Of the pull request that a `pr_review` task is about. */
  readonly pullRequestNumber?: number;
  /** The review of a `pr_review` task is posted to its pull request; without it, it is only kept. */
  readonly outputMode?: 'post_comments';
  /** The task in whose workspace this one was to work, where that was still there. */
  readonly workspaceTaskId?: string;
  /** The task's own MCP servers and tools as they are shown: with their secret values masked. */
  readonly mcpServers?: readonly NamedMcpServer[];
  readonly tools?: readonly ToolRequest[];
};

export type Ticket = { readonly id?: string; readonly summary?: string };

/**
 * `manual`: a person publishes. `branch`: the branch is pushed as soon as the work is done. `pull_request`: and
 * a pull request is opened, where the repository lies on a forge that has them.
 */
export const publishModes = ['manual', 'branch', 'pull_request'] as const;
export type PublishMode = (typeof publishModes)[number];

export const promptMaxBytes = 102_400;
export const commandMaxBytes = 32_768;
export const urlMaxLength = 2_048;
export const modelMaxLength = 200;
export const branchMaxLength = 255;
export const priorityRange = { min: -100, max: 100, default: 0 } as const;

/** A key to a model travels in a header of HTTP: letters, digits and signs of ASCII, no blank. */
export function isModelKey(text: string): boolean {
  return /^[\u0021-\u007e]+$/u.test(text);
}

export const modelKeyProblem = 'must be a key: ASCII without blanks';
