import {
  serverStartSeconds,
  type AgentCommand,
  type AgentPlace,
  type AgentTask,
  type McpServer,
} from '../agent.ts';

/** What of the environment the operator decides. */
export type ClaudeCodeOptions = {
  /** How often the program repeats a failed request by itself; by default it would for minutes, even a 401. */
  readonly modelRetries: number;
  /** The model of tasks that name none. */
  readonly defaultModel?: string;
};

/** Linux takes no argument with more bytes than this. */
const argumentMaxBytes = 131_071;
/** Below the home. */
export const mcpFile = '.slipway/mcp.json';

/**
 * The command line, the environment and the files of a run. The one-shot form has the prompt as an argument
 * and no flag that the task does not need, so that a stand-in with these few flags is as good as the
 * program. With `approvals: 'ask'` both directions are lines of JSON and stdin stays open.
 */
export function claudeCommand(task: AgentTask, place: AgentPlace, options: ClaudeCodeOptions): AgentCommand {
  const asks = task.approvals === 'ask';
  const form = asks ? askForm(task, place) : oneShotForm(task);
  const servers = Object.entries(task.mcpServers ?? {});
  return {
    argv: [place.program, '-p', ...form.argv, ...taskFlags(task), ...mcpFlags(servers.length, place)],
    env: environmentOf(task, place, options),
    ...(servers.length === 0 ? {} : { homeFiles: { [mcpFile]: mcpConfig(servers) } }),
    input: form.input,
    ...(asks ? { keepInput: true } : {}),
  };
}

type Form = { readonly argv: readonly string[]; readonly input: string };

function oneShotForm({ prompt }: AgentTask): Form {
  const flags = ['--output-format', 'stream-json', '--verbose', '--permission-mode', 'bypassPermissions'];
  // As an argument, a prompt that begins with a dash would be read as a flag.
  const byInput = prompt.startsWith('-') || Buffer.byteLength(prompt) > argumentMaxBytes;
  return byInput ? { argv: flags, input: prompt } : { argv: [prompt, ...flags], input: '' };
}

/**
 * Settings of the repository or of the home can allow tools by themselves, and a hook from there answers a
 * permission request before anybody is asked; its `.mcp.json` names programs that are started without a question
 * (all seen with 2.1.330): in this form none is read. That would also leave out the repository's CLAUDE.md, which
 * comes back as that of an additional folder.
 */
function askForm(task: AgentTask, { tree }: AgentPlace): Form {
  return {
    argv: [
      '--output-format',
      'stream-json',
      '--verbose',
      '--input-format',
      'stream-json',
      '--permission-prompt-tool',
      'stdio',
      '--permission-mode',
      'default',
      '--setting-sources',
      '',
      '--strict-mcp-config',
      '--add-dir',
      tree,
    ],
    input: lines([
      {
        type: 'control_request',
        request_id: `initialize-${task.runId}`,
        request: { subtype: 'initialize' },
      },
      { type: 'user', message: { role: 'user', content: [{ type: 'text', text: task.prompt }] } },
    ]),
  };
}

function lines(messages: readonly unknown[]): string {
  return messages.map((message) => `${JSON.stringify(message)}\n`).join('');
}

/** The flags that a task asks for, and only those. */
function taskFlags(task: AgentTask): readonly string[] {
  const flags: string[] = [];
  const add = (flag: string, value: string | undefined): void => {
    if (value !== undefined) flags.push(flag, value);
  };
  add('--model', task.model);
  add('--max-turns', task.maxTurns?.toString());
  if (task.maxBudgetMicrodollars !== undefined) add('--max-budget-usd', dollars(task.maxBudgetMicrodollars));
  add('--append-system-prompt', task.appendSystemPrompt);
  if (task.allowedTools !== undefined && task.allowedTools.length > 0) {
    add('--allowedTools', task.allowedTools.join(','));
  }
  if (task.outputSchema !== undefined) add('--json-schema', JSON.stringify(task.outputSchema));
  add('--resume', task.resume?.id);
  if (task.resume?.fork === true) flags.push('--fork-session');
  // Of a conversation that goes on the id is given; the program refuses another one.
  if (task.resume === undefined || task.resume.fork === true) add('--session-id', task.newSessionId);
  if (task.partialMessages === true) flags.push('--include-partial-messages');
  return flags;
}

/** Never in the exponent form that small numbers print as. The program counts it per process, not per session. */
function dollars(microdollars: number): string {
  return (microdollars / 1_000_000).toFixed(6).replace(/\.?0+$/u, '');
}

function mcpFlags(servers: number, { home }: AgentPlace): readonly string[] {
  return servers === 0 ? [] : ['--mcp-config', `${home}/${mcpFile}`];
}

function mcpConfig(servers: readonly (readonly [string, McpServer])[]): string {
  const entries = servers.map(([name, server]) => {
    const { transport, ...rest } = server;
    return [name, { type: transport, ...rest }] as const;
  });
  return `${JSON.stringify({ mcpServers: Object.fromEntries(entries) }, null, 2)}\n`;
}

function environmentOf(
  task: AgentTask,
  { modelUrl }: AgentPlace,
  { modelRetries, defaultModel }: ClaudeCodeOptions,
): Readonly<Record<string, string>> {
  const hasServers = Object.keys(task.mcpServers ?? {}).length > 0;
  return {
    ANTHROPIC_BASE_URL: modelUrl,
    // The program wants one; the relay puts the real one in its place.
    ANTHROPIC_API_KEY: 'added-by-the-relay',
    ...(defaultModel === undefined ? {} : { ANTHROPIC_MODEL: defaultModel }),
    // Where the sandbox maps its user to 0, the program refuses to go without questions unless told this.
    IS_SANDBOX: '1',
    CLAUDE_CODE_MAX_RETRIES: String(modelRetries),
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
    DISABLE_TELEMETRY: '1',
    DISABLE_ERROR_REPORTING: '1',
    ...(task.approvals === 'ask' ? { CLAUDE_CODE_ADDITIONAL_DIRECTORIES_CLAUDE_MD: '1' } : {}),
    ...(hasServers
      ? {
          // Otherwise the tools of servers hide behind a search that a model has to think of.
          ENABLE_TOOL_SEARCH: 'false',
          // The first turn waits for all of them; seen with 2.1.330.
          MCP_TIMEOUT: String(serverStartSeconds * 1000),
        }
      : {}),
  };
}
