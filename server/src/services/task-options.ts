import { isBranchName } from '../domain/branch-name.ts';
import { invalidField } from '../domain/errors.ts';
import { branchMaxLength, modelMaxLength, priorityRange, type TaskOptions } from '../domain/options.ts';

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
  wanted: WantedOptions,
  policy: OptionsPolicy,
  fields: SubmissionFields,
): TaskOptions {
  checkBranch(fields.sourceBranch, wanted.sourceBranch);
  checkBranch(fields.targetBranch, wanted.targetBranch);
  checkPriority(fields.priority, wanted.priority);
  const modelIs = modelProblem(wanted.model);
  if (modelIs !== undefined) throw invalidField(fields.model, modelIs);
  checkTurns(fields.maxTurns, wanted.maxTurns);
  const budget = microdollarsOf(fields.maxBudget, wanted.maxBudgetUsd);
  const { command, sourceBranch, targetBranch, model, maxTurns, approvals } = wanted;
  return {
    agent: wanted.agent ?? policy.defaultAgent,
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
