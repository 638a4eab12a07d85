import { isBranchName } from '../domain/branch-name.ts';
import { invalidField } from '../domain/errors.ts';
import {
  branchMaxLength,
  modelMaxLength,
  priorityRange,
  type TaskOptions,
  type Ticket,
} from '../domain/options.ts';

/** What of a submission becomes a task's options. */
export type WantedOptions = {
  /** Undefined: the server's default. */
  readonly agent?: string;
  readonly command?: string;
  /** Clamped to the maximum, not refused. */
  readonly timeoutSeconds?: number;
  readonly sourceBranch?: string;
  readonly targetBranch?: string;
  readonly priority?: number;
  readonly model?: string;
  readonly maxTurns?: number;
  readonly maxBudgetUsd?: number;
  readonly approvals?: 'ask';
  readonly partialMessages?: boolean;
  readonly draft?: boolean;
  readonly labels?: readonly string[];
  readonly pullRequestNumber?: number;
  readonly outputMode?: 'post_comments';
  /** Of the pull request; on one line, not longer than a title may be. */
  readonly pullRequestTitle?: string;
  readonly ticket?: Ticket;
  /** The first name that is tried for the branch, made by the surface of the task's id. */
  readonly branchOf?: (taskId: string) => string;
  readonly testCommand?: string;
  /** The task fails where its first iteration changes nothing. */
  readonly mustChange?: true;
};

/** The fields of a submission under the names that the caller knows them by, for messages. */
export type SubmissionFields = {
  readonly repositoryUrl: string;
  readonly providerKey: string;
  readonly callbackUrl: string;
  readonly agent: string;
  readonly command: string;
  readonly sourceBranch: string;
  readonly targetBranch: string;
  readonly priority: string;
  readonly model: string;
  readonly maxTurns: string;
  readonly maxBudget: string;
  readonly approvals: string;
  readonly partialMessages: string;
  readonly mcpServers: string;
  readonly tools: string;
  readonly outputSchema: string;
  readonly workspaceTask: string;
};

export type OptionsPolicy = {
  readonly timeoutSecondsDefault: number;
  readonly timeoutSecondsMax: number;
  readonly defaultAgent: string;
  /** What the agent `script` runs where a task names nothing; undefined: such a task is refused. */
  readonly scriptCommand?: string | undefined;
};

const turnsMax = 1_000_000;
const budgetMaxUsd = 1_000_000;
const microdollarsPerUsd = 1_000_000;

/**
 * Checks names and ranges and fills in the defaults.
 *
 * @throws Refusal `invalid`, by field.
 */
export function taskOptionsOf(
  taskId: string,
  wanted: WantedOptions,
  { policy, fields }: { readonly policy: OptionsPolicy; readonly fields: SubmissionFields },
): TaskOptions {
  checkBranch(fields.sourceBranch, wanted.sourceBranch);
  checkBranch(fields.targetBranch, wanted.targetBranch);
  checkPriority(fields.priority, wanted.priority);
  const modelIs = modelProblem(wanted.model);
  if (modelIs !== undefined) throw invalidField(fields.model, modelIs);
  checkTurns(fields.maxTurns, wanted.maxTurns);
  const budget = microdollarsOf(fields.maxBudget, wanted.maxBudgetUsd);
  const { sourceBranch, targetBranch, model, maxTurns, approvals, agent = policy.defaultAgent } = wanted;
  const command = wanted.command ?? (agent === 'script' ? policy.scriptCommand : undefined);
  return {
    agent,
    timeoutSeconds: Math.min(wanted.timeoutSeconds ?? policy.timeoutSecondsDefault, policy.timeoutSecondsMax),
    ...(command === undefined ? {} : { command }),
    ...(sourceBranch === undefined ? {} : { sourceBranch }),
    ...(targetBranch === undefined ? {} : { targetBranch }),
    ...(model === undefined ? {} : { model }),
    ...(maxTurns === undefined ? {} : { maxTurns }),
    ...(budget === undefined ? {} : { maxBudgetMicrodollars: budget }),
    ...(approvals === undefined ? {} : { approvals }),
    ...(wanted.partialMessages === true ? { partialMessages: true } : {}),
    ...(wanted.draft === undefined ? {} : { draft: wanted.draft }),
    ...(wanted.labels === undefined ? {} : { labels: wanted.labels }),
    ...(wanted.pullRequestNumber === undefined ? {} : { pullRequestNumber: wanted.pullRequestNumber }),
    ...(wanted.outputMode === undefined ? {} : { outputMode: wanted.outputMode }),
    ...(wanted.pullRequestTitle === undefined ? {} : { pullRequestTitle: wanted.pullRequestTitle }),
    ...(wanted.ticket === undefined ? {} : { ticket: wanted.ticket }),
    ...(wanted.branchOf === undefined ? {} : { branch: wanted.branchOf(taskId) }),
    ...(wanted.testCommand === undefined ? {} : { testCommand: wanted.testCommand }),
    ...(wanted.mustChange === undefined ? {} : { mustChange: wanted.mustChange }),
  };
}

function checkBranch(field: string, branch: string | undefined): void {
  if (branch === undefined) return;
  if (branch.length > branchMaxLength) throw invalidField(field, 'exceeds maximum length');
  if (!isBranchName(branch)) throw invalidField(field, 'is not a valid branch name');
}

function checkPriority(field: string, priority: number | undefined): void {
  const { min, max } = priorityRange;
  if (priority === undefined || (priority >= min && priority <= max)) return;
  throw invalidField(field, `must be between ${min} and ${max}`);
}

/**
 * Why a model's name cannot be taken; undefined: it can, or there is none. It becomes a word of a command line:
 * it must not be read as a flag.
 */
export function modelProblem(model: string | undefined): string | undefined {
  if (model === undefined) return undefined;
  if (model.length > modelMaxLength) return 'exceeds maximum length';
  return /^[^\s\p{C}-][^\s\p{C}]*$/u.test(model) ? undefined : 'is not a valid model name';
}

function checkTurns(field: string, turns: number | undefined): void {
  if (turns === undefined) return;
  if (turns < 1) throw invalidField(field, 'must be at least 1');
  if (turns > turnsMax) throw invalidField(field, `must be at most ${turnsMax}`);
}

function microdollarsOf(field: string, usd: number | undefined): number | undefined {
  if (usd === undefined) return undefined;
  if (usd <= 0) throw invalidField(field, 'must be greater than 0');
  if (usd > budgetMaxUsd) throw invalidField(field, `must be at most ${budgetMaxUsd}`);
  return Math.max(1, Math.round(usd * microdollarsPerUsd));
}
