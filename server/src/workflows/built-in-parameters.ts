import type { JsonObject, WorkflowParameter } from '../domain/workflow.ts';

/** One that a run cannot do without. */
export function required(name: string, description: string): WorkflowParameter {
  return { name, required: true, description };
}

export function optional(name: string, description: string): WorkflowParameter {
  return { name, required: false, description };
}

export const repositoryParameter = required('repo_url', 'The repository.');

/** Which agent does the work, and where; left out, the server and the repository decide. */
export const agentParameters: readonly WorkflowParameter[] = [
  optional('cli', 'The agent: claude-code, codex or script.'),
  optional('ai_model', "The agent's model."),
  optional('command', 'What the agent script runs.'),
];

export const branchParameters: readonly WorkflowParameter[] = [
  optional('source_branch', 'The branch to start from.'),
  optional('target_branch', 'The branch that the work is meant for.'),
];

/** The fields of a task step that those parameters become. */
export const agentFields: JsonObject = {
  cli: '{{.Params.cli}}',
  ai_model: '{{.Params.ai_model}}',
  command: '{{.Params.command}}',
};

export const branchFields: JsonObject = {
  source_branch: '{{.Params.source_branch}}',
  target_branch: '{{.Params.target_branch}}',
};
