import type { WorkflowDefinition } from '../domain/workflow.ts';
import {
  agentFields,
  agentParameters,
  branchFields,
  branchParameters,
  optional,
  repositoryParameter,
  required,
} from './built-in-parameters.ts';

export const codeReview: WorkflowDefinition = {
  name: 'code-review',
  description: 'Has one agent do the work, and then another, or the same, review it in the same workspace.',
  steps: [
    {
      name: 'write_code',
      type: 'task',
      config: {
        repo_url: '{{.Params.repo_url}}',
        prompt: '{{.Params.prompt}}',
        provider_key: '{{.Params.provider_key}}',
        ...agentFields,
        ...branchFields,
      },
    },
    {
      name: 'review_code',
      type: 'task',
      config: {
        repo_url: '{{.Params.repo_url}}',
        task_type: 'review',
        prompt:
          'Work was just finished in this folder; its changes are the last commits of the branch that is checked out, those that no branch of origin has. Judge those changes, and the rest of the repository only as far as they touch it. What had been asked for:\n\n{{.Params.prompt | shorten}}',
        workspace_task_ref: 'write_code',
        provider_key: '{{.Params.provider_key}}',
        cli: '{{firstOf .Params.review_cli .Params.cli}}',
        ai_model: '{{.Params.review_model}}',
        command: '{{firstOf .Params.review_command .Params.command}}',
        ...branchFields,
      },
    },
  ],
  parameters: [
    repositoryParameter,
    required('prompt', 'What to do.'),
    optional('provider_key', 'The stored key for git.'),
    ...agentParameters,
    optional('review_cli', 'The agent that reviews; else cli.'),
    optional('review_model', 'The model of the agent that reviews.'),
    optional('review_command', 'What the agent script runs to review; else command.'),
    ...branchParameters,
  ],
};
