import type { McpServerDefinition } from './mcp-server.ts';

/** A server as an agent is told of it: a program with its words, or an address. */
export type McpLaunch =
  | {
      readonly transport: 'stdio';
      readonly command: string;
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
    }
  | Extract<McpServerDefinition, { readonly transport: 'http' }>;

/** What runs a server, in a home as its agent sees it: a program that starts it knows no `~`. */
export function launchOf(definition: McpServerDefinition, home: string): McpLaunch {
  if (definition.transport === 'http') return definition;
  const { args, env } = definition;
  const [command, ...words] = programOf(definition).map((word) => atHome(word, home));
  return { transport: 'stdio', command: command ?? '', args: [...words, ...args], env };
}

function programOf({
  package: pack,
  command,
  env,
}: Extract<McpServerDefinition, { readonly transport: 'stdio' }>): readonly string[] {
  if (pack === undefined) return command === undefined ? [] : [command];
  if (command === undefined) return isPath(pack) ? [pack] : ['npx', '-y', pack];
  switch (command.slice(command.lastIndexOf('/') + 1)) {
    // Nobody is there to be asked whether a package may be fetched.
    case 'npx':
      return [command, '-y', pack];
    // A container has an environment of its own: names are enough to take the values over.
    case 'docker':
      return [command, 'run', '-i', '--rm', ...Object.keys(env).flatMap((name) => ['-e', name]), pack];
    default:
      return [command, pack];
  }
}

/** A program of the sandbox; names of packages have a slash only behind their scope. */
function isPath(pack: string): boolean {
  return pack === '~' || (pack.includes('/') && !pack.startsWith('@'));
}

function atHome(word: string, home: string): string {
  return word.startsWith('~/') ? `${home}${word.slice(1)}` : word;
}
