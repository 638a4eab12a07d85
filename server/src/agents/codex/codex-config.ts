import { serverStartSeconds, type AgentPlace, type AgentTask, type McpServer } from '../agent.ts';

/** What every run of codex has in common. */
export type CodexOptions = {
  /** How often a request that failed, and a stream that broke, is tried again by the program itself. */
  readonly modelRetries: number;
  /** The model of a task that names none; without it, the one that the program prefers. */
  readonly defaultModel?: string | undefined;
};

/** Where the program keeps all of its own, below the agent's home. */
export const codexFolder = '.codex';

/** The variable that the program takes its key from. It holds a word: the relay puts the key in its place. */
export const keyVariable = 'SLIPWAY_MODEL_KEY';

/**
 * Background work that a run must not have, each seen with 0.169: `plugins` runs `git ls-remote` against
 * github.com at every start, `apps` and `remote_plugin` look for more at the vendor's; a goal keeps a turn
 * from being the last; and without a network, connections are tried for ever, whatever the retries say.
 */
const featuresOff = ['plugins', 'remote_plugin', 'apps', 'goals', 'unbounded_connection_retries'] as const;

/**
 * `config.toml` for one run: all that the program has to know goes in here, so that its command line holds
 * nothing but what the task asks for.
 *
 * `danger-full-access` turns off the program's own sandbox, which cannot nest in ours: with it on, a command
 * can die in it without an event while the turn ends in success. No project is named as trusted, so what a
 * repository has in its own `.codex` is not loaded, while its AGENTS.md is (an entry `untrusted` would
 * leave that out too). Every name was accepted by `--strict-config` of 0.169.
 */
export function codexConfig(task: AgentTask, place: AgentPlace, options: CodexOptions): string {
  const model = task.model ?? options.defaultModel;
  const lines = [
    ...(model === undefined ? [] : [`model = ${quote(model)}`]),
    'model_provider = "slipway"',
    // The app-server is told its policy with the conversation; here only `never` and `on-request` may stand.
    `approval_policy = ${quote(task.approvals === 'ask' ? 'on-request' : 'never')}`,
    'sandbox_mode = "danger-full-access"',
    'check_for_update_on_startup = false',
    ...(task.appendSystemPrompt === undefined
      ? []
      : [`developer_instructions = ${quote(task.appendSystemPrompt)}`]),
    // Left alone, the first turn waits a second for its servers and then does without their tools.
    ...(hasServers(task) ? [`mcp_optional_startup_grace_ms = ${serverStartSeconds * 1000}`] : []),
    ...table('model_providers.slipway', providerLines(place, options)),
    ...table('features', Object.fromEntries(featuresOff.map((name) => [name, false]))),
    ...table('analytics', { enabled: false }),
    ...table('feedback', { enabled: false }),
    ...table('history', { persistence: 'none' }),
    ...table('otel', { exporter: 'none', metrics_exporter: 'none', trace_exporter: 'none' }),
    // What the program's log is asked for is none of the commands' that the agent runs.
    ...(hasServers(task) ? table('shell_environment_policy', { exclude: ['RUST_LOG'] }) : []),
    ...mcpLines(task.mcpServers ?? {}),
  ];
  return `${lines.join('\n')}\n`;
}

function providerLines(place: AgentPlace, options: CodexOptions): Readonly<Record<string, Setting>> {
  return {
    name: 'Slipway',
    base_url: place.modelUrl,
    wire_api: 'responses',
    env_key: keyVariable,
    request_max_retries: options.modelRetries,
    stream_max_retries: options.modelRetries,
    supports_websockets: false,
    requires_openai_auth: false,
  };
}

/** Whether the task brings MCP servers. */
export function hasServers({ mcpServers = {} }: AgentTask): boolean {
  return Object.keys(mcpServers).length > 0;
}

/** Of its own environment the program hands hardly more than `PATH` and `HOME` to a server. */
const proxyVariables = [
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'NODE_USE_ENV_PROXY',
];

type Setting = string | number | boolean | readonly string[] | Readonly<Record<string, string>>;

/** The header has bare names only, or names that the caller quoted. */
function table(header: string, settings: Readonly<Record<string, Setting>>): readonly string[] {
  return ['', `[${header}]`, ...Object.entries(settings).map(([name, value]) => `${name} = ${toml(value)}`)];
}

function mcpLines(servers: Readonly<Record<string, McpServer>>): readonly string[] {
  const taken = new Set<string>();
  return Object.entries(servers).flatMap(([name, server]) =>
    table(`mcp_servers.${quote(freeName(name, taken))}`, mcpSettings(server)),
  );
}

function mcpSettings(server: McpServer): Readonly<Record<string, Setting>> {
  const startup_timeout_sec = serverStartSeconds;
  if (server.transport === 'http')
    return { url: server.url, http_headers: server.headers, startup_timeout_sec };
  const { command, args, env } = server;
  return { command, args, env, env_vars: proxyVariables, startup_timeout_sec };
}

/** A server whose name has anything else in it is left out by the program, with a word on stderr only. */
function freeName(name: string, taken: Set<string>): string {
  const plain = name.replaceAll(/[^A-Za-z0-9_-]/gu, '_') || '_';
  let free = plain;
  for (let number = 2; taken.has(free); number += 1) free = `${plain}_${number}`;
  taken.add(free);
  return free;
}

function toml(value: Setting): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `[${value.map((item) => quote(String(item))).join(', ')}]`;
  const pairs = Object.entries(value).map(([name, text]) => `${quote(name)} = ${quote(text)}`);
  return `{ ${pairs.join(', ')} }`;
}

/**
 * A basic string of TOML: JSON's escapes are a part of TOML's, but for half a surrogate pair, which TOML
 * cannot say, and U+007F, which it wants escaped.
 */
function quote(text: string): string {
  return JSON.stringify(text.toWellFormed()).replaceAll('\u007F', String.raw`\u007F`);
}
