import { taskKinds } from '../domain/run-state.ts';
import type { JsonObject, JsonValue, StepOutputs, WorkflowPlan, WorkflowStep } from '../domain/workflow.ts';
import { Secret } from '../lib/secret.ts';
import { asObject, ownValue } from './check-shape.ts';
import { createFiller } from './fill-template.ts';
import { fieldReader, type ReadField } from './read-field.ts';
import { fetchSeconds, stepFields } from './step-fields.ts';
import { StepFailure } from './step-failure.ts';
import type { FetchOrder, PullRequestOrder, StepOrder, TaskOrder } from './step-order.ts';
import { TemplateError } from './template-error.ts';
import type { RepositoryApi } from './template-helpers.ts';
import { parseTemplate, type Reference } from './template.ts';
import { serversOf, toolsOf } from './task-tools.ts';

/** What a step can be filled in with, beside the run's parameters. */
export type RenderScope = {
  /** Of the steps that have completed, by name. */
  readonly steps: ReadonlyMap<string, StepOutputs>;
  readonly repoApi: RepositoryApi;
};

/**
 * Fills in the templates of a step and checks what they have become.
 *
 * @throws StepFailure that names the step and its field.
 */
export function renderStep(plan: WorkflowPlan, position: number, scope: RenderScope): StepOrder {
  const step = plan.definition.steps[position];
  if (step === undefined) throw new StepFailure(`the workflow has no step ${position}`);
  const fill = createFiller({
    valueOf: (reference) => valueOf(reference, plan, scope),
    repositoryApi: scope.repoApi,
  });
  const fillText = (text: string, field: string): string => {
    try {
      return fill(parseTemplate(text));
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      throw new StepFailure(`${step.name}.${field}: ${error.message}`, { cause: error });
    }
  };
  const read = fieldReader({ step, rules: stepFields[step.type], fillText });
  switch (step.type) {
    case 'fetch':
      return fetchOrder(step, read);
    case 'task':
      return taskOrder(step, read);
    case 'action':
      return pullRequestOrder(step, read);
  }
}

/** Undefined where there is none; an optional parameter that was not given is empty. */
function valueOf(reference: Reference, plan: WorkflowPlan, scope: RenderScope): JsonValue | undefined {
  if (reference.of === 'Params') {
    const { name } = reference;
    if (Object.hasOwn(plan.params, name)) return plan.params[name];
    const isOptional = plan.definition.parameters.some((one) => one.name === name && !one.required);
    return isOptional ? '' : undefined;
  }
  const outputs = scope.steps.get(reference.step);
  return outputs !== undefined && Object.hasOwn(outputs, reference.field)
    ? outputs[reference.field]
    : undefined;
}

function fetchOrder(step: WorkflowStep, read: ReadField): FetchOrder {
  return {
    kind: 'fetch',
    url: new URL(read.required('url')).href,
    method: (read.text('method') ?? 'GET').toUpperCase(),
    headers: read.headers('headers'),
    ...given('body', bodyOf(read)),
    ...given('keyName', read.text('key_name')),
    timeoutMs: Math.round((read.number('timeout_seconds') ?? fetchSeconds.default) * 1_000),
    outputs: pathsOf(step.config),
  };
}

function bodyOf(read: ReadField): string | undefined {
  const body = read.json('body');
  if (body === undefined || body === '') return undefined;
  return typeof body === 'string' ? body : JSON.stringify(body);
}

function pathsOf(config: JsonObject): Readonly<Record<string, string>> {
  const paths = Object.entries(asObject(ownValue(config, 'outputs')) ?? {});
  return Object.fromEntries(
    paths.flatMap(([name, path]) => (typeof path === 'string' ? [[name, path]] : [])),
  );
}

function taskOrder(step: WorkflowStep, read: ReadField): TaskOrder {
  const accessToken = read.text('access_token');
  const aiKey = read.text('ai_api_key');
  const taskType = read.text('task_type');
  const outputMode = read.text('output_mode');
  return {
    kind: 'task',
    repositoryUrl: read.required('repo_url'),
    prompt: read.required('prompt'),
    taskKind: taskKinds.find((kind) => kind === taskType) ?? 'code',
    ...given('providerKey', read.text('provider_key')),
    ...given('accessToken', accessToken === undefined ? undefined : new Secret(accessToken)),
    ...given('aiKey', aiKey === undefined ? undefined : new Secret(aiKey)),
    ...given('agent', read.text('cli')),
    ...given('command', read.text('command')),
    ...given('model', read.text('ai_model')),
    ...given('timeoutSeconds', read.number('timeout_seconds')),
    // As everywhere: 0 leaves it open.
    ...given('maxTurns', read.number('max_turns') || undefined),
    ...given('maxBudgetUsd', read.number('max_budget_usd') || undefined),
    ...given('sourceBranch', read.text('source_branch')),
    ...given('targetBranch', read.text('target_branch')),
    ...given('pullRequestNumber', read.number('pr_number')),
    ...(outputMode === 'post_comments' ? { outputMode } : {}),
    ...given('workspaceStep', stepName(step.config, 'workspace_task_ref')),
    ...given('toolKey', read.text('tool_key_ref')),
    tools: toolsOf(read.json('tools')),
    mcpServers: serversOf(read.json('mcp_servers')),
  };
}

function pullRequestOrder(step: WorkflowStep, read: ReadField): PullRequestOrder {
  return {
    kind: 'action',
    taskStep: stepName(step.config, 'task_step_ref') ?? '',
    ...given('title', read.text('title')),
    ...given('description', read.text('description')),
    ...given('targetBranch', read.text('target_branch')),
    ...given('draft', read.boolean('draft')),
    ...given('labels', read.labels('labels')),
  };
}

function stepName(config: JsonObject, field: string): string | undefined {
  const name = ownValue(config, field);
  return typeof name === 'string' && name !== '' ? name : undefined;
}

/** A property where there is a value, and none where there is not. */
function given<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { readonly [Key in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [Key in Name]: Value });
}
