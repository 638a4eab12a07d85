/** The tool of one's own that the document registers. */
export const documentedTool = {
  name: 'my-tool',
  type: 'mcp',
  description: 'My custom tool',
  mcp_package: 'my-mcp-server',
  mcp_command: 'npx',
  required_config: [
    { name: 'api_key', description: 'API key', type: 'secret', env_var: 'MY_API_KEY', sensitive: true },
  ],
  capabilities: ['my-feature'],
};

const fetchStep = {
  name: 'fetch_data',
  type: 'fetch',
  config: {
    url: 'https://api.example.com/data/{{.Params.item_id}}',
    method: 'GET',
    outputs: { title: '$.title', body: '$.body' },
  },
};

const taskStep = {
  name: 'fix_it',
  type: 'task',
  config: {
    repo_url: '{{.Params.repo_url}}',
    prompt: 'Fix: {{.Steps.fetch_data.title}}\n\n{{.Steps.fetch_data.body}}',
    provider_key: '{{.Params.provider_key}}',
  },
};

/** A step of each kind, as the document has them. */
export const documentedWorkflow = {
  name: 'my-workflow',
  description: 'Custom workflow',
  steps: [
    fetchStep,
    taskStep,
    {
      name: 'open_pr',
      type: 'action',
      config: { kind: 'create_pr', task_step_ref: 'fix_it', title: 'fix: {{.Steps.fetch_data.title}}' },
    },
  ],
  parameters: [
    { name: 'item_id', required: true },
    { name: 'repo_url', required: true },
    { name: 'provider_key', required: false },
  ],
};
