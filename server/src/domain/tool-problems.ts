import { isName } from './key.ts';
import { envVarOf, urlProblem } from './resolve-tool.ts';
import { toolSettingTypes, type ToolDefinition, type ToolSetting } from './tool.ts';

/** A tool as its author wrote it: types hold, words and lengths are checked here. Names as documented. */
export type ToolInput = {
  readonly name: string;
  readonly type?: string;
  readonly description?: string;
  readonly version?: string;
  readonly mcp_transport?: string;
  readonly mcp_package?: string;
  readonly mcp_command?: string;
  readonly mcp_args?: readonly string[];
  readonly mcp_url?: string;
  readonly required_config?: readonly ToolSettingInput[];
  readonly optional_config?: readonly ToolSettingInput[];
  readonly capabilities?: readonly string[];
};

export type ToolSettingInput = {
  readonly name: string;
  readonly description?: string;
  readonly type?: string;
  readonly env_var?: string;
  readonly header?: string;
  readonly sensitive?: boolean;
};

/** What a tool may have at most: characters of a text, entries of a list. */
export const toolLimits = { description: 2_000, word: 200, package: 500, arg: 4_096, entries: 64 } as const;

export type CheckedTool =
  | { readonly tool: ToolDefinition }
  | { readonly problems: Readonly<Record<string, string>> };

type Problems = Map<string, string>;
type Transport = ToolDefinition['mcpTransport'];

const required = 'field is required';
const tooLong = 'exceeds maximum length';
const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/u;
const variableName = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/u;

/** Checks a tool that somebody registers and fills in what it leaves out; or says what is wrong, by field. */
export function checkTool(input: ToolInput): CheckedTool {
  const problems: Problems = new Map();
  const transport = transportOf(input, problems);
  checkWords(input, problems);
  checkServer(input, transport, problems);
  const settings = checkSettings(input, transport, problems);
  if (problems.size > 0) return { problems: Object.fromEntries(problems) };
  const text = (name: string, value: string | undefined) => (value ? { [name]: value } : {});
  return {
    tool: {
      name: input.name,
      type: input.type === 'custom' ? 'custom' : 'mcp',
      description: input.description ?? '',
      ...text('version', input.version),
      mcpTransport: transport,
      ...text('mcpPackage', input.mcp_package),
      ...text('mcpCommand', input.mcp_command),
      mcpArgs: input.mcp_args ?? [],
      ...text('mcpUrl', input.mcp_url),
      ...settings,
      capabilities: input.capabilities ?? [],
    },
  };
}

function note(problems: Problems, field: string, problem: string | undefined): void {
  if (problem !== undefined) problems.set(field, problem);
}

function transportOf(input: ToolInput, problems: Problems): Transport {
  const given = input.mcp_transport;
  if (given === 'stdio' || given === 'http') return given;
  if (given) problems.set('mcp_transport', 'must be stdio or http');
  // Who gives an address alone means it.
  return !given && input.mcp_url && !input.mcp_package ? 'http' : 'stdio';
}

function checkWords(input: ToolInput, problems: Problems): void {
  note(problems, 'name', nameProblem(input.name));
  if (input.type && input.type !== 'mcp' && input.type !== 'custom') {
    problems.set('type', `unknown tool type: ${input.type.slice(0, 100)}`);
  }
  note(problems, 'description', lineProblem(input.description, toolLimits.description));
  note(problems, 'version', lineProblem(input.version, toolLimits.word));
  note(problems, 'capabilities', listProblem(input.capabilities, toolLimits.word));
}

function checkServer(input: ToolInput, transport: Transport, problems: Problems): void {
  note(problems, 'mcp_package', wordProblem(input.mcp_package));
  note(problems, 'mcp_command', wordProblem(input.mcp_command));
  note(problems, 'mcp_args', listProblem(input.mcp_args, toolLimits.arg));
  if (input.mcp_url) note(problems, 'mcp_url', urlProblem(input.mcp_url));
  if (transport === 'http' && !input.mcp_url) problems.set('mcp_url', required);
  if (transport === 'stdio' && !input.mcp_package) problems.set('mcp_package', required);
}

function checkSettings(
  input: ToolInput,
  transport: Transport,
  problems: Problems,
): Pick<ToolDefinition, 'requiredConfig' | 'optionalConfig'> {
  const { required_config: needed = [], optional_config: free = [] } = input;
  const given = [
    ...needed.map((setting, index) => ({ setting, field: `required_config[${index}]` })),
    ...free.map((setting, index) => ({ setting, field: `optional_config[${index}]` })),
  ];
  if (given.length > toolLimits.entries) {
    const field = needed.length > toolLimits.entries ? 'required_config' : 'optional_config';
    problems.set(field, `must have at most ${toolLimits.entries} entries`);
    return { requiredConfig: [], optionalConfig: [] };
  }
  const secrets = given.filter(({ setting }) => setting.type === 'secret' && !setting.header);
  const names = new Set<string>();
  const places = new Set<string>();
  const settings = given.map(({ setting, field }) => {
    const isOneSecret = secrets.length === 1 && secrets[0]?.setting === setting;
    const checked = checkSetting(setting, { field, transport, isOneSecret }, problems);
    noteRepeat(names, setting.name, () => problems.set(`${field}.name`, 'is used twice'));
    const place = transport === 'http' ? checked.header?.toLowerCase() : checked.envVar;
    const placeField = `${field}.${transport === 'http' ? 'header' : 'env_var'}`;
    if (place) noteRepeat(places, place, () => problems.set(placeField, 'is used twice'));
    return checked;
  });
  return { requiredConfig: settings.slice(0, needed.length), optionalConfig: settings.slice(needed.length) };
}

function noteRepeat(seen: Set<string>, name: string, refuse: () => unknown): void {
  if (seen.has(name)) refuse();
  seen.add(name);
}

/** Of stdio a setting is a variable, of http a header; what it would be of the other is kept where it is given. */
function checkSetting(
  input: ToolSettingInput,
  about: { readonly field: string; readonly transport: Transport; readonly isOneSecret: boolean },
  problems: Problems,
): ToolSetting {
  const { field, transport, isOneSecret } = about;
  const type = toolSettingTypes.find((known) => known === (input.type || 'string'));
  note(problems, `${field}.name`, nameProblem(input.name));
  note(problems, `${field}.description`, lineProblem(input.description, toolLimits.description));
  if (type === undefined) problems.set(`${field}.type`, `must be one of ${toolSettingTypes.join(', ')}`);
  const envVar = input.env_var || (transport === 'stdio' ? envVarOf(input.name) : undefined);
  if (envVar !== undefined && !variableName.test(envVar) && !problems.has(`${field}.name`)) {
    problems.set(`${field}.env_var`, 'must be the name of an environment variable');
  }
  const header = input.header || (transport === 'http' && isOneSecret ? 'Authorization' : undefined);
  if (header === undefined && transport === 'http') problems.set(`${field}.header`, required);
  if (header !== undefined && !headerName.test(header)) {
    problems.set(`${field}.header`, 'must be the name of an HTTP header');
  }
  return {
    name: input.name,
    description: input.description ?? '',
    type: type ?? 'string',
    ...(envVar === undefined ? {} : { envVar }),
    ...(header === undefined ? {} : { header }),
    sensitive: input.sensitive === true || type === 'secret',
  };
}

function nameProblem(name: string): string | undefined {
  if (name === '') return required;
  return isName(name) ? undefined : 'must have 1 to 100 letters, digits, "-" and "_", and not be catalog';
}

/** A package that began with a dash would be an option of the program that fetches it. */
function wordProblem(word: string | undefined): string | undefined {
  if (word?.startsWith('-') === true) return 'must not begin with a dash';
  return lineProblem(word, toolLimits.package);
}

function lineProblem(text: string | undefined, maxLength: number): string | undefined {
  if (text === undefined) return undefined;
  if (text.length > maxLength) return tooLong;
  if (!text.isWellFormed()) return 'must be valid Unicode';
  return /\p{Cc}/u.test(text) ? 'must not contain control characters' : undefined;
}

function listProblem(texts: readonly string[] | undefined, maxLength: number): string | undefined {
  if (texts === undefined) return undefined;
  if (texts.length > toolLimits.entries) return `must have at most ${toolLimits.entries} entries`;
  return texts.map((text) => lineProblem(text, maxLength)).find((problem) => problem !== undefined);
}
