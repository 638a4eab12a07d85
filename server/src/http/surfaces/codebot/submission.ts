import { createHash } from 'node:crypto';
import { Refusal } from '../../../domain/errors.ts';
import { branchMaxLength, commandMaxBytes, promptMaxBytes, urlMaxLength } from '../../../domain/options.ts';
import { ticketBranch, ticketTitle } from '../../../domain/ticket-names.ts';
import type { Submission, SubmissionFields } from '../../../services/create-task.ts';
import { idempotencyKeyProblem } from '../../request-parts.ts';
import { textProblem } from '../../text-problem.ts';
import { required } from './codebot-errors.ts';
import { ticketIdMaxBytes, ticketSummaryMaxBytes, type SubmitBody } from './schemas.ts';

/** By which tasks of this window are known. */
export const source = 'codebot';
const timeLimitSeconds = 1_800;
const branchPrefix = 'u/codebot/';
const markCharacters = 7;

/**
 * Reads a submission whose types have been checked. What is blank counts as absent.
 *
 * @throws Refusal `invalid`, which names the first wrong field and repeats nothing of it.
 */
export function parseSubmission(
  body: SubmitBody,
  request: { readonly idempotencyKey: string | undefined; readonly queueLimit: number },
): Submission {
  checkTexts(body);
  const keyProblem = idempotencyKeyProblem(request.idempotencyKey);
  if (keyProblem !== undefined) throw new Refusal('invalid', `Idempotency-Key ${keyProblem}`);
  const [id, summary] = [filled(body.ticket_id), filled(body.ticket_summary)];
  const [test, base] = [filled(body.test_command), filled(body.base_branch)];
  return {
    source,
    kind: 'code',
    repositoryUrl: body.repository_url,
    prompt: body.description,
    publish: 'pull_request',
    timeoutSeconds: timeLimitSeconds,
    mustChange: true,
    pullRequestTitle: ticketTitle(summary, body.description),
    branchOf: (taskId) => ticketBranch(branchPrefix, markOf(taskId), summary),
    ...(id || summary ? { ticket: { ...(id ? { id } : {}), ...(summary ? { summary } : {}) } } : {}),
    ...(test ? { testCommand: test } : {}),
    ...(base ? { sourceBranch: base, targetBranch: base } : {}),
    queueLimit: request.queueLimit,
    ...(request.idempotencyKey === undefined ? {} : { idempotencyKey: request.idempotencyKey }),
  };
}

function filled(text: string | undefined): string | undefined {
  return text?.trim() === '' ? undefined : text;
}

function checkTexts(body: SubmitBody): void {
  for (const field of ['repository_url', 'description'] as const) {
    if (body[field].trim() === '') throw new Refusal('invalid', required(field));
  }
  for (const [field, rule] of Object.entries(rules)) {
    const problem = textProblem(body[field as keyof SubmitBody], rule);
    if (problem !== undefined) throw new Refusal('invalid', `${field} ${problem}`);
  }
}

const rules: Readonly<Record<keyof SubmitBody, Parameters<typeof textProblem>[1]>> = {
  repository_url: { maxBytes: urlMaxLength, lines: false },
  description: { maxBytes: promptMaxBytes, lines: true },
  ticket_id: { maxBytes: ticketIdMaxBytes, lines: false },
  ticket_summary: { maxBytes: ticketSummaryMaxBytes, lines: false },
  test_command: { maxBytes: commandMaxBytes, lines: true },
  base_branch: { maxBytes: branchMaxLength, lines: false },
};

/** Tells the branches of one ticket's tasks apart. */
function markOf(taskId: string): string {
  return createHash('sha256').update(taskId).digest('hex').slice(0, markCharacters);
}

/** The fields that the service names in its refusals; what this window has no field for is the server's own choice. */
export const submissionFields: SubmissionFields = {
  repositoryUrl: 'repository_url',
  sourceBranch: 'base_branch',
  targetBranch: 'base_branch',
  providerKey: 'provider_key',
  callbackUrl: 'callback_url',
  agent: 'agent',
  command: 'command',
  priority: 'priority',
  model: 'model',
  maxTurns: 'max_turns',
  maxBudget: 'max_budget_usd',
  approvals: 'approvals',
  partialMessages: 'partial_messages',
  mcpServers: 'mcp_servers',
  tools: 'tools',
  outputSchema: 'output_schema',
  workspaceTask: 'workspace_task_id',
};
