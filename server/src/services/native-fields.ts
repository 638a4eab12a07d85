import type { SubmissionFields } from './task-options.ts';

/** What the native API calls the fields of a submission; the steps of workflows call them the same. */
export const nativeFields: SubmissionFields = {
  repositoryUrl: 'repo_url',
  providerKey: 'provider_key',
  callbackUrl: 'callback_url',
  agent: 'cli',
  command: 'command',
  sourceBranch: 'source_branch',
  targetBranch: 'target_branch',
  priority: 'priority',
  model: 'ai_model',
  maxTurns: 'max_turns',
  maxBudget: 'max_budget_usd',
  approvals: 'approvals',
  partialMessages: 'partial_messages',
  mcpServers: 'mcp_servers',
  tools: 'tools',
  outputSchema: 'output_schema',
  workspaceTask: 'workspace_task_id',
};
