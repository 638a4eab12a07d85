import {
  isModelKey,
  modelKeyProblem,
  commandMaxBytes,
  promptMaxBytes,
  publishModes,
  urlMaxLength,
  type PublishMode,
} from '../../../domain/options.ts';
import type { TaskKind } from '../../../domain/run-state.ts';
import { Secret } from '../../../lib/secret.ts';
import type { Submission } from '../../../services/create-task.ts';
import type { WantedOptions } from '../../../services/task-options.ts';
import { readTaskReference } from '../../task-reference.ts';
import { invalidFields } from './field-errors.ts';
import { nameProblem } from './name-problem.ts';
import { outputModes, secretMaxBytes, type CreateTaskBody } from './submission-schema.ts';
import { pullRequestNumberProblem } from './pull-request-number.ts';
import { taskServers, taskTools } from './task-servers.ts';
import { taskTypeOf } from './task-types.ts';
import { labelsProblem } from './labels.ts';
import { textProblem } from '../../text-problem.ts';
import { idempotencyKeyProblem } from '../../request-parts.ts';

const defaultKind: TaskKind = 'code';
/** The longest name of an agent that is looked for. */
export const agentMaxBytes = 100;
const ask = 'ask';

/**
 * Reads a submission whose types have been checked. Empty fields count as absent: clients that were
 * generated from the document send all of them.
 *
 * @throws Refusal `invalid` with every wrong field. No message repeats a value that may be secret.
 */
export function parseSubmission(
  body: CreateTaskBody,
  request: { readonly idempotencyKey: string | undefined; readonly rateLimitKey: string },
): Submission {
  const config = body.config ?? {};
  const kind = body.task_type ? taskTypeOf(body.task_type) : defaultKind;
  const fields = new Map<string, string>();
  const check = (name: string, problem: string | undefined): void => {
    if (problem !== undefined) fields.set(name, problem);
  };
  check('repo_url', repositoryUrlProblem(body.repo_url));
  check('prompt', promptProblem(body.prompt));
  if (kind === undefined) check('task_type', `unknown task type: ${body.task_type?.slice(0, 100)}`);
  check('publish', publishProblem(body.publish, kind));
  check('provider_key', body.provider_key ? nameProblem(body.provider_key) : undefined);
  check('callback_url', textProblem(body.callback_url, { maxBytes: urlMaxLength, lines: false }));
  check('access_token', textProblem(body.access_token, { maxBytes: secretMaxBytes, lines: false }));
  check('cli', textProblem(config.cli, { maxBytes: agentMaxBytes, lines: false }));
  check('ai_api_key', aiKeyProblem(config.ai_api_key));
  check('approvals', config.approvals && config.approvals !== ask ? `must be ${ask}` : undefined);
  check('command', textProblem(config.command, { maxBytes: commandMaxBytes, lines: true }));
  check('test_command', testCommandProblem(config.test_command, kind));
  check('labels', labelsProblem(config.labels));
  check('pr_number', numberProblem(config.pr_number, kind));
  check('output_mode', outputModeProblem(config.output_mode, kind));
  check('Idempotency-Key', idempotencyKeyProblem(request.idempotencyKey));
  const mcpServers = taskServers(config.mcp_servers, check);
  const tools = taskTools(config.tools, check);
  if (kind === undefined || fields.size > 0) throw invalidFields(Object.fromEntries(fields));
  return {
    source: 'codeforge',
    kind,
    repositoryUrl: body.repo_url,
    prompt: body.prompt,
    publish: publishOf(body.publish),
    rateLimitKey: request.rateLimitKey,
    ...optionsOf(config),
    ...(body.callback_url ? { callbackUrl: body.callback_url } : {}),
    ...(config.ai_api_key ? { aiKey: new Secret(config.ai_api_key) } : {}),
    ...(body.provider_key ? { providerKey: body.provider_key } : {}),
    ...(body.access_token ? { accessToken: new Secret(body.access_token) } : {}),
    ...workspaceTaskOf(config.workspace_task_id),
    ...(mcpServers.length === 0 ? {} : { mcpServers }),
    ...(tools.length === 0 ? {} : { tools }),
    ...(request.idempotencyKey === undefined ? {} : { idempotencyKey: request.idempotencyKey }),
  };
}

/** What is left out, empty or 0 takes its default. */
function optionsOf(config: NonNullable<CreateTaskBody['config']>): WantedOptions {
  return {
    ...(config.cli ? { agent: config.cli } : {}),
    ...(config.command ? { command: config.command } : {}),
    ...(config.test_command ? { testCommand: config.test_command } : {}),
    ...(config.timeout_seconds === undefined ? {} : { timeoutSeconds: config.timeout_seconds }),
    ...(config.source_branch ? { sourceBranch: config.source_branch } : {}),
    ...(config.target_branch ? { targetBranch: config.target_branch } : {}),
    ...(config.priority === undefined ? {} : { priority: config.priority }),
    ...(config.ai_model ? { model: config.ai_model } : {}),
    ...(config.max_turns ? { maxTurns: config.max_turns } : {}),
    ...(config.max_budget_usd ? { maxBudgetUsd: config.max_budget_usd } : {}),
    ...(config.approvals ? { approvals: ask } : {}),
    ...(config.partial_messages ? { partialMessages: true } : {}),
    ...(config.draft === undefined ? {} : { draft: config.draft }),
    ...(config.labels === undefined || config.labels.length === 0 ? {} : { labels: config.labels }),
    ...(config.pr_number ? { pullRequestNumber: config.pr_number } : {}),
    ...(config.output_mode === 'post_comments' ? { outputMode: config.output_mode } : {}),
  };
}

/** A prompt's problem in the document's words, also that of a follow-up; undefined: it can be taken. */
export function promptProblem(prompt: string): string | undefined {
  if (prompt.trim() === '') return 'field is required';
  return textProblem(prompt, { maxBytes: promptMaxBytes, lines: true });
}

/** The document's words for what is no address at all; which addresses are taken is the service's. */
function repositoryUrlProblem(url: string): string | undefined {
  if (url === '') return 'field is required';
  if (url.length > urlMaxLength) return 'exceeds maximum length';
  // `git@host:path` is no URL either, but has a message of its own.
  return URL.canParse(url) || url.includes('@') ? undefined : 'must be a valid URL';
}

/** Only code is written; a plan and a review leave the workspace as it was. */
function publishProblem(mode: string | undefined, kind: TaskKind | undefined): string | undefined {
  if (!mode) return undefined;
  const modes: readonly string[] = publishModes;
  if (!modes.includes(mode)) return `must be one of ${modes.join(', ')}`;
  const changes = kind === undefined || kind === 'code';
  return changes || mode === 'manual' ? undefined : `must be manual: a ${kind} task changes nothing`;
}

/** Only of a task that changes something there is work to try. */
function testCommandProblem(command: string | undefined, kind: TaskKind | undefined): string | undefined {
  if (command && kind !== undefined && kind !== 'code') return 'is for code tasks';
  return textProblem(command, { maxBytes: commandMaxBytes, lines: true });
}

/** Of other kinds it is what their review is posted to, where somebody asks for that. */
function numberProblem(number: number | undefined, kind: TaskKind | undefined): string | undefined {
  if (number) return pullRequestNumberProblem(number);
  return kind === 'pr_review' ? 'pr_number is required for pr_review tasks' : undefined;
}

/** Refused where nothing would come of it. */
function outputModeProblem(mode: string | undefined, kind: TaskKind | undefined): string | undefined {
  if (!mode) return undefined;
  const modes: readonly string[] = outputModes;
  if (!modes.includes(mode)) return `must be one of ${modes.join(', ')}`;
  if (mode === 'api_only' || kind === undefined || kind === 'pr_review') return undefined;
  return 'post_comments is for pr_review tasks';
}

/** What is no id of a task is a task that is not there. */
function workspaceTaskOf(id: string | undefined): Pick<Submission, 'workspaceTask'> {
  const workspaceTask = id ? readTaskReference(id) : undefined;
  return workspaceTask === undefined ? {} : { workspaceTask };
}

function publishOf(mode: string | undefined): PublishMode {
  return publishModes.find((known) => known === mode) ?? 'manual';
}

function aiKeyProblem(key: string | undefined): string | undefined {
  const problem = textProblem(key, { maxBytes: secretMaxBytes, lines: false });
  if (problem !== undefined || !key) return problem;
  return isModelKey(key) ? undefined : modelKeyProblem;
}
