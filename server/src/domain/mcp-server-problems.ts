import { isName } from './key.ts';
import type { McpServerDefinition, NamedMcpServer } from './mcp-server.ts';
import { urlProblem } from './resolve-tool.ts';

/** A server as its author wrote it: types hold, words and lengths are checked here. Names as documented. */
export type McpServerInput = {
  readonly name: string;
  readonly transport?: string;
  readonly package?: string;
  readonly command?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
};

/** What a server may have at most: characters of a text, entries of a list. */
export const mcpServerLimits = { word: 500, value: 4_096, entries: 64 } as const;

export type CheckedMcpServer =
  | { readonly server: NamedMcpServer }
  | { readonly problems: Readonly<Record<string, string>> };

type Problems = Map<string, string>;

const required = 'field is required';
const tooLong = 'exceeds maximum length';
const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/u;
const variableName = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/u;

/**
 * Checks a server that somebody describes and fills in what they leave out; or says what is wrong, by field. One
 * that is registered is made of a package, a task's own may be a command alone. No message repeats a value.
 */
export function checkMcpServer(
  input: McpServerInput,
  { needsPackage }: { readonly needsPackage: boolean },
): CheckedMcpServer {
  const problems: Problems = new Map();
  note(problems, 'name', nameProblem(input.name));
  const transport = transportOf(input, problems);
  const server =
    transport === 'http' ? checkHttp(input, problems) : checkStdio(input, needsPackage, problems);
  if (problems.size > 0) return { problems: Object.fromEntries(problems) };
  return { server: { name: input.name, server } };
}

function note(problems: Problems, field: string, problem: string | undefined): void {
  if (problem !== undefined) problems.set(field, problem);
}

function nameProblem(name: string): string | undefined {
  if (name === '') return required;
  if (name.length > 100) return tooLong;
  return isName(name) ? undefined : 'must be letters, digits, - or _, and not catalog';
}

function transportOf({ transport }: McpServerInput, problems: Problems): 'stdio' | 'http' {
  if (transport === 'http') return 'http';
  if (transport !== undefined && transport !== '' && transport !== 'stdio') {
    problems.set('transport', 'must be stdio or http');
  }
  return 'stdio';
}

function checkHttp(input: McpServerInput, problems: Problems): McpServerDefinition {
  const { url = '', headers = {} } = input;
  for (const field of ['package', 'command'] as const) {
    if ((input[field] ?? '') !== '') problems.set(field, 'is for stdio servers');
  }
  note(problems, 'url', url === '' ? required : urlProblem(url));
  note(problems, 'headers', entriesProblem(headers, headerName) ?? headersProblem(headers));
  return { transport: 'http', url, headers };
}

/** Two names that differ in case alone are one header. */
function headersProblem(headers: Readonly<Record<string, string>>): string | undefined {
  const names = Object.keys(headers).map((name) => name.toLowerCase());
  if (new Set(names).size < names.length) return 'must name each header once';
  const fits = Object.values(headers).every((value) => /^[\u0020-\u007e]*$/u.test(value));
  return fits ? undefined : 'must have values of printable ASCII';
}

function checkStdio(input: McpServerInput, needsPackage: boolean, problems: Problems): McpServerDefinition {
  const { package: pack = '', command = '', args = [], env = {} } = input;
  if ((input.url ?? '') !== '') problems.set('url', 'is for http servers');
  if (pack === '' && (needsPackage || command === '')) problems.set('package', required);
  note(problems, 'package', wordProblem(pack, mcpServerLimits.word));
  note(problems, 'command', wordProblem(command, mcpServerLimits.word));
  note(problems, 'args', argsProblem(args));
  note(problems, 'env', entriesProblem(env, variableName));
  return {
    transport: 'stdio',
    ...(pack === '' ? {} : { package: pack }),
    ...(command === '' ? {} : { command }),
    args,
    env,
  };
}

/** A package that began with a dash would be an option of the program that fetches it. */
function wordProblem(word: string, most: number): string | undefined {
  if (word.startsWith('-')) return 'must not begin with a dash';
  return textProblem(word, most);
}

function argsProblem(args: readonly string[]): string | undefined {
  if (args.length > mcpServerLimits.entries) return `must have at most ${mcpServerLimits.entries} entries`;
  return args.map((arg) => textProblem(arg, mcpServerLimits.value)).find((problem) => problem !== undefined);
}

function entriesProblem(entries: Readonly<Record<string, string>>, name: RegExp): string | undefined {
  const names = Object.keys(entries);
  if (names.length > mcpServerLimits.entries) return `must have at most ${mcpServerLimits.entries} entries`;
  if (!names.every((each) => name.test(each))) {
    return name === variableName
      ? 'must have names of letters, digits and _, not beginning with a digit'
      : 'must have names that HTTP can carry';
  }
  const problems = Object.values(entries).map((value) => textProblem(value, mcpServerLimits.value));
  return problems.find((problem) => problem !== undefined);
}

function textProblem(text: string, most: number): string | undefined {
  if (text.length > most) return tooLong;
  if (!text.isWellFormed()) return 'must be valid Unicode';
  return text.includes('\u0000') ? 'must not contain NUL characters' : undefined;
}
