import type { McpServerDefinition } from './mcp-server.ts';
import { urlMaxLength } from './options.ts';
import type { ToolDefinition, ToolRequest, ToolSetting } from './tool.ts';

/** The longest text that a setting can be given, in bytes. */
const toolValueMaxBytes = 4_096;

const required = 'field is required';
const mask = '***';

type Given = ToolRequest['config'][string];
type Value = { readonly setting: ToolSetting; readonly text: string };

/** The server that a tool with its settings is, or what is wrong with them, by their names. */
export type ResolvedTool =
  | { readonly server: McpServerDefinition }
  | { readonly problems: Readonly<Record<string, string>> };

/** Makes an MCP server of a tool. No message repeats a value. An empty text counts as not given. */
export function resolveTool(definition: ToolDefinition, config: ToolRequest['config']): ResolvedTool {
  const problems = new Map<string, string>();
  const values: Value[] = [];
  for (const { setting, isRequired } of settingsOf(definition)) {
    const given = Object.hasOwn(config, setting.name) ? config[setting.name] : undefined;
    if (given === undefined || given === '') {
      if (isRequired) problems.set(setting.name, required);
      continue;
    }
    const problem = valueProblem(definition, setting, given);
    if (problem === undefined) values.push({ setting, text: String(given) });
    else problems.set(setting.name, problem);
  }
  for (const name of Object.keys(config)) {
    if (settingOf(definition, name) === undefined) problems.set(name.slice(0, 100), unknownIn(definition));
  }
  return problems.size > 0
    ? { problems: Object.fromEntries(problems) }
    : { server: serverOf(definition, values) };
}

/** The request as it may be shown: of a setting that is sensitive, or that the tool does not have, no value. */
export function shownToolRequest(definition: ToolDefinition, { name, config }: ToolRequest): ToolRequest {
  const shown = Object.entries(config).map(([key, value]): [string, Given] => {
    const setting = settingOf(definition, key);
    return [key, setting === undefined || isSensitive(setting) ? mask : value];
  });
  return { name, config: Object.fromEntries(shown) };
}

/** A secret is sensitive whatever else is said of it. */
function isSensitive(setting: ToolSetting): boolean {
  return setting.sensitive || setting.type === 'secret';
}

function settingsOf(definition: ToolDefinition) {
  const { requiredConfig, optionalConfig } = definition;
  return [
    ...requiredConfig.map((setting) => ({ setting, isRequired: true })),
    ...optionalConfig.map((setting) => ({ setting, isRequired: false })),
  ];
}

function settingOf(
  { requiredConfig, optionalConfig }: ToolDefinition,
  name: string,
): ToolSetting | undefined {
  const isIt = (setting: ToolSetting): boolean => setting.name === name;
  return requiredConfig.find(isIt) ?? optionalConfig.find(isIt);
}

function unknownIn(definition: ToolDefinition): string {
  const known = settingsOf(definition).map(({ setting }) => setting.name);
  return known.length === 0
    ? `unknown setting: ${definition.name} has none`
    : `unknown setting: ${definition.name} has ${known.join(', ')}`;
}

function valueProblem(definition: ToolDefinition, setting: ToolSetting, given: Given): string | undefined {
  const text = String(given);
  if (Buffer.byteLength(text) > toolValueMaxBytes) return 'exceeds maximum length';
  if (!text.isWellFormed()) return 'must be valid Unicode';
  if (text.includes('\u0000')) return 'must not contain NUL characters';
  const problem = typeProblem(setting, given);
  if (problem !== undefined || definition.mcpTransport === 'stdio') return problem;
  return /^[\u0020-\u007e]*$/u.test(text) ? undefined : 'must be printable ASCII: it is sent as a header';
}

function typeProblem({ type }: ToolSetting, given: Given): string | undefined {
  switch (type) {
    case 'string':
    case 'secret':
      return typeof given === 'string' ? undefined : 'must be a string';
    case 'url':
      return typeof given === 'string' ? urlProblem(given) : 'must be a string';
    case 'int':
      return isInteger(given) ? undefined : 'must be an integer';
    case 'bool':
      return /^(?:true|false)$/u.test(String(given)) ? undefined : 'must be true or false';
  }
}

/** Templates give texts alone, so a number's text is as good as the number. */
function isInteger(given: Given): boolean {
  if (typeof given === 'string') return /^-?[0-9]{1,16}$/u.test(given) && Number.isSafeInteger(Number(given));
  return Number.isSafeInteger(given);
}

/** Why this is no address on the web that a server can be told; undefined: it is one. */
export function urlProblem(text: string): string | undefined {
  if (text.length > urlMaxLength) return 'exceeds maximum length';
  const url = URL.parse(text);
  const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:';
  if (url === null || !isWeb || /[\s\p{Cc}]/u.test(text)) return 'must be a valid URL';
  const hasUser = url.username !== '' || url.password !== '';
  return hasUser ? 'must not contain a user name or password' : undefined;
}

function serverOf(definition: ToolDefinition, values: readonly Value[]): McpServerDefinition {
  const { mcpTransport, mcpPackage, mcpCommand, mcpArgs, mcpUrl } = definition;
  if (mcpTransport === 'http') {
    const headers = values.map(({ setting, text }) => headerOf(setting.header ?? 'Authorization', text));
    return { transport: 'http', url: mcpUrl ?? '', headers: Object.fromEntries(headers) };
  }
  const env = values.map(({ setting, text }) => [setting.envVar ?? envVarOf(setting.name), text] as const);
  return {
    transport: 'stdio',
    ...(mcpPackage === undefined ? {} : { package: mcpPackage }),
    ...(mcpCommand === undefined ? {} : { command: mcpCommand }),
    args: mcpArgs,
    env: Object.fromEntries(env),
  };
}

/** A token alone is a bearer's; who writes the scheme has chosen it. */
function headerOf(header: string, text: string): readonly [string, string] {
  const isBare = header.toLowerCase() === 'authorization' && !/^\S+ +\S/u.test(text);
  return [header, isBare ? `Bearer ${text}` : text];
}

/** The variable that a setting becomes where nobody names one. */
export function envVarOf(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}
