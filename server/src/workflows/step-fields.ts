import { isBranchName } from '../domain/branch-name.ts';
import { isName } from '../domain/key.ts';
import { branchMaxLength, commandMaxBytes, modelMaxLength, promptMaxBytes } from '../domain/options.ts';
import { parseRepositoryUrl, RepositoryUrlRefused } from '../domain/repository-url.ts';
import { taskKinds } from '../domain/run-state.ts';
import type { WorkflowStepKind } from '../domain/workflow.ts';

/** The longest text of a definition, in bytes, before anything is filled in. */
export const textMaxBytes = promptMaxBytes;

/**
 * What a field of a step's `config` may hold. Texts may have templates in them, and so may a number and a
 * yes or no that is written as a text.
 */
export type FieldRule = {
  readonly form:
    | 'text'
    | 'number'
    | 'boolean'
    /** Values by name. */
    | 'headers'
    | 'labels'
    /** Text, or any JSON whose texts are templates. */
    | 'body'
    /** JSONPath by name. */
    | 'outputs'
    /** The name of an earlier `task` step, without templates. */
    | 'task_step'
    | 'tools'
    | 'mcp_servers';
  readonly isRequired?: boolean;
  /** Whether a sensitive parameter may go into it: it is neither stored in clear nor shown. */
  readonly takesSecrets?: boolean;
  /** Of a text; once it is filled in, too. */
  readonly maxBytes?: number;
  /** Whether it may have several lines. */
  readonly lines?: boolean;
  /** Why a text that is filled in cannot be taken; undefined: it can. */
  readonly problemOf?: (text: string) => string | undefined;
  /** Of a number. */
  readonly min?: number;
  readonly max?: number;
  readonly isWhole?: boolean;
};

const fetchMethods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'] as const;
export const fetchSeconds = { min: 1, max: 60, default: 30 } as const;
const outputModes = ['post_comments', 'api_only'] as const;

const urlMaxBytes = 8_192;
const nameMaxBytes = 100;
const secretMaxBytes = 4_096;
const titleMaxBytes = 10_000;

const fetchFields = {
  url: { form: 'text', isRequired: true, maxBytes: urlMaxBytes, problemOf: urlProblem, takesSecrets: true },
  method: { form: 'text', problemOf: methodProblem },
  headers: { form: 'headers', takesSecrets: true },
  body: { form: 'body', lines: true, takesSecrets: true },
  key_name: { form: 'text', problemOf: nameProblem },
  outputs: { form: 'outputs' },
  timeout_seconds: { form: 'number', min: fetchSeconds.min, max: fetchSeconds.max },
} as const satisfies Readonly<Record<string, FieldRule>>;

const taskFields = {
  repo_url: { form: 'text', isRequired: true, maxBytes: 2_048, problemOf: repositoryProblem },
  prompt: { form: 'text', isRequired: true, maxBytes: promptMaxBytes, lines: true },
  task_type: { form: 'text', problemOf: taskTypeProblem },
  provider_key: { form: 'text', problemOf: nameProblem },
  access_token: { form: 'text', maxBytes: secretMaxBytes, takesSecrets: true },
  ai_api_key: { form: 'text', maxBytes: secretMaxBytes, takesSecrets: true },
  cli: { form: 'text', maxBytes: nameMaxBytes },
  command: { form: 'text', maxBytes: commandMaxBytes, lines: true },
  ai_model: { form: 'text', maxBytes: modelMaxLength },
  timeout_seconds: { form: 'number', min: 1, isWhole: true },
  max_turns: { form: 'number', min: 0, isWhole: true },
  max_budget_usd: { form: 'number', min: 0 },
  source_branch: { form: 'text', maxBytes: branchMaxLength, problemOf: branchProblem },
  target_branch: { form: 'text', maxBytes: branchMaxLength, problemOf: branchProblem },
  pr_number: { form: 'number', min: 1, max: 2_147_483_647, isWhole: true },
  output_mode: { form: 'text', problemOf: outputModeProblem },
  workspace_task_ref: { form: 'task_step' },
  tool_key_ref: { form: 'text', problemOf: nameProblem },
  tools: { form: 'tools', takesSecrets: true },
  mcp_servers: { form: 'mcp_servers', takesSecrets: true },
} as const satisfies Readonly<Record<string, FieldRule>>;

const actionKinds = ['create_pr'] as const;

const actionFields = {
  kind: { form: 'text', isRequired: true, problemOf: actionKindProblem },
  task_step_ref: { form: 'task_step', isRequired: true },
  title: { form: 'text', maxBytes: titleMaxBytes, lines: true },
  description: { form: 'text', maxBytes: 60_000, lines: true },
  target_branch: { form: 'text', maxBytes: branchMaxLength, problemOf: branchProblem },
  draft: { form: 'boolean' },
  labels: { form: 'labels' },
} as const satisfies Readonly<Record<string, FieldRule>>;

/** What each kind of step takes; nothing else is taken. */
export const stepFields: Readonly<Record<WorkflowStepKind, Readonly<Record<string, FieldRule>>>> = {
  fetch: fetchFields,
  task: taskFields,
  action: actionFields,
};

/** What each kind of step leaves for those behind it; a `fetch` its outputs and nothing else. */
export const leftBehind: Readonly<Record<WorkflowStepKind, readonly string[]>> = {
  fetch: [],
  task: ['task_id', 'status', 'result'],
  action: ['pr_url', 'pr_number', 'branch'],
};

function urlProblem(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/u.test(url.protocol)) return 'must be a valid URL';
  if (url.username !== '' || url.password !== '') return 'must not contain a user name or password';
  return /\s/u.test(text) ? 'must not contain blanks' : undefined;
}

/** What is no address of a repository anywhere; which of them the operator allows, the task is asked. */
function repositoryProblem(text: string): string | undefined {
  try {
    parseRepositoryUrl(text, { allowFile: true, allowHttp: true, allowSsh: true });
    return undefined;
  } catch (error) {
    if (error instanceof RepositoryUrlRefused) return error.message;
    throw error;
  }
}

function methodProblem(text: string): string | undefined {
  return oneOfProblem(text.toUpperCase(), fetchMethods);
}

function taskTypeProblem(text: string): string | undefined {
  return taskKinds.some((kind) => kind === text) ? undefined : `unknown task type: ${text.slice(0, 100)}`;
}

function outputModeProblem(text: string): string | undefined {
  return oneOfProblem(text, outputModes);
}

function actionKindProblem(text: string): string | undefined {
  return oneOfProblem(text, actionKinds);
}

function oneOfProblem(text: string, known: readonly string[]): string | undefined {
  return known.includes(text) ? undefined : `must be ${known.length > 1 ? 'one of ' : ''}${known.join(', ')}`;
}

function nameProblem(text: string): string | undefined {
  return isName(text) ? undefined : 'must have 1 to 100 letters, digits, "-" and "_", and not be catalog';
}

function branchProblem(text: string): string | undefined {
  return isBranchName(text) ? undefined : 'is not a valid branch name';
}
