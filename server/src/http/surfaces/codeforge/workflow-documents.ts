import { documented } from '../../documented.ts';
import { idempotencyText } from './document-texts.ts';
import { workflowBody, workflowList } from './workflow-schemas.ts';

const noWorkflow = 'There is no such workflow.';
const name = 'triage';
const description = 'Looks an item up, has it mended and opens a pull request.';

/** The workflow that stands in the examples. */
const definition = {
  name,
  description,
  steps: [
    {
      name: 'fetch_item',
      type: 'fetch',
      config: {
        url: 'https://tracker.example.com/items/{{.Params.item_id}}',
        outputs: { title: '$.title', body: '$.body' },
      },
    },
    {
      name: 'mend',
      type: 'task',
      config: {
        repo_url: '{{.Params.repo_url}}',
        prompt: 'Mend this: {{.Steps.fetch_item.title}}\n\n{{.Steps.fetch_item.body}}',
        provider_key: '{{.Params.provider_key}}',
      },
    },
    {
      name: 'open_pr',
      type: 'action',
      config: { kind: 'create_pr', task_step_ref: 'mend', title: '{{.Steps.fetch_item.title}}' },
    },
  ],
  parameters: [
    { name: 'item_id', required: true },
    { name: 'repo_url', required: true },
    { name: 'provider_key', required: false },
  ],
};

const createdAt = '2026-02-26T18:38:10.277Z';
const outline = { name, description, builtin: false, created_at: createdAt };

/** What the description says of the routes of workflows. */
export const workflowDocuments = {
  create: documented({
    operationId: 'createWorkflow',
    summary: 'Store a workflow under a name',
    description:
      'Its steps run one after the other: `fetch` makes a request and keeps parts of the answer, `task` creates a task and waits for it, `action` opens a pull request with the work of a task. Texts are templates: `{{.Params.name}}` is a parameter, `{{.Steps.name.field}}` what an earlier step left. Everything that can be known before a run is checked here, and wrong fields are named by their place, such as `steps[1].config.url`. The whole is kept encrypted.',
    tag: 'Workflows',
    needs: 'settings:write',
    requestHeaders: {
      'Idempotency-Key':
        'Any text: marks a request that may be sent again. Where the workflow is there already, the same in every part, the answer is 201 again.',
    },
    requestExample: definition,
    answers: { 201: { description: 'It is stored.', example: { name, message: 'workflow created' } } },
    errors: { 409: 'The name is taken, or that of a built-in workflow.' },
  }),
  list: documented({
    operationId: 'listWorkflows',
    summary: 'List the built-in workflows and those of the caller',
    tag: 'Workflows',
    needs: 'projects:read',
    answers: {
      200: {
        description: 'All of them, without the settings of their steps.',
        schema: workflowList,
        example: {
          workflows: [
            {
              ...outline,
              steps: definition.steps.map((step) => ({ name: step.name, type: step.type })),
              parameters: definition.parameters,
            },
          ],
        },
      },
    },
  }),
  show: documented({
    operationId: 'getWorkflow',
    summary: 'Read a workflow',
    tag: 'Workflows',
    needs: 'projects:read',
    answers: {
      200: {
        description: 'The workflow, with secret values masked.',
        schema: workflowBody,
        example: { ...outline, steps: definition.steps, parameters: definition.parameters },
      },
    },
    errors: { 404: noWorkflow },
  }),
  remove: documented({
    operationId: 'deleteWorkflow',
    summary: 'Delete a workflow',
    description: 'Its runs go on and stay listed: each has a copy of its own.',
    tag: 'Workflows',
    needs: 'settings:write',
    answers: { 200: { description: 'It is gone.', example: { message: 'workflow deleted' } } },
    errors: { 404: noWorkflow, 409: 'It is built in.' },
  }),
  run: documented({
    operationId: 'runWorkflow',
    summary: 'Start a run of a workflow',
    description:
      'A run is one of the tasks that a caller may create in a minute; the tasks of its steps are not.',
    tag: 'Workflows',
    needs: 'runs:start',
    requestHeaders: { 'Idempotency-Key': idempotencyText },
    requestExample: {
      params: { item_id: '17', repo_url: 'https://github.com/ada/app.git', provider_key: 'my-github-key' },
    },
    answers: {
      201: {
        description: 'It is stored, and begins.',
        headers: { Location: 'Where to read it.' },
        example: {
          run_id: '0199a3f0-81c2-7d54-8a1e-5b0c4f1f9a37',
          workflow_name: name,
          status: 'pending',
          created_at: createdAt,
        },
      },
    },
    errors: {
      404: noWorkflow,
      409: 'The idempotency key was used for another run, or the workflow cannot be decrypted any more.',
      429: 'Too many new tasks in the last minute.',
    },
  }),
};
