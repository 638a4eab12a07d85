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

const focus = 'Put the weight on this, where something stands here: {{.Params.focus}}';

export const knowledgeUpdate: WorkflowDefinition = {
  name: 'knowledge-update',
  description:
    'Has an agent study a repository, write down what is to be known of it, and open a pull request.',
  steps: [
    {
      name: 'plan_knowledge',
      type: 'task',
      config: {
        repo_url: '{{.Params.repo_url}}',
        task_type: 'plan',
        prompt: `Bring docs/knowledge/ up to date, where new developers and coding agents read what this repository is: overview.md (what it is for, how it is built, run and tested), architecture.md (its parts, how they hang together, how data passes through them), conventions.md (how code is written, named, tested and released here). Study the repository, compare what is written there already, and name what each file has to say, with the files that prove it.\n${focus}`,
        provider_key: '{{.Params.provider_key}}',
        ...agentFields,
        ...branchFields,
      },
    },
    {
      name: 'write_knowledge',
      type: 'task',
      config: {
        repo_url: '{{.Params.repo_url}}',
        prompt: `Write docs/knowledge/overview.md, docs/knowledge/architecture.md and docs/knowledge/conventions.md, or bring them up to date, and change no other file. Write only what you have seen in this repository; leave out what can be read off a file's name.\n${focus}\n\nThe plan for it, which may be wrong in places:\n{{.Steps.plan_knowledge.result | shorten | untrusted}}`,
        workspace_task_ref: 'plan_knowledge',
        provider_key: '{{.Params.provider_key}}',
        ...agentFields,
        ...branchFields,
      },
    },
    {
      name: 'create_pr',
      type: 'action',
      config: {
        kind: 'create_pr',
        task_step_ref: 'write_knowledge',
        title: 'docs: overview, architecture and conventions',
        description: '{{.Steps.write_knowledge.result | shorten}}',
        target_branch: '{{.Params.target_branch}}',
      },
    },
  ],
  parameters: [
    repositoryParameter,
    required('provider_key', 'The stored key for git and the pull request.'),
    optional('focus', 'What to look at above all.'),
    ...agentParameters,
    ...branchParameters,
  ],
};
