import type { McpServer, McpServerInput } from '@slipway/client';
import { Option, type Command } from 'commander';
import { CommandError } from './command-error.ts';
import { repeated, withConnection, type Cli } from './command.ts';
import type { ConnectionFlags } from './find-server.ts';
import { readNamedValues } from './named-values.ts';
import { tableLines } from './table.ts';
import { printableLine } from './untrusted-text.ts';

type McpFlags = ConnectionFlags & { readonly repo?: string; readonly json?: boolean };
type AddFlags = McpFlags & {
  readonly url?: string;
  readonly header?: readonly string[];
  readonly package?: string;
  readonly command?: string;
  readonly env?: readonly string[];
};

const repositoryFlag = '--repo <url>';

const examples = `
A secret does not belong on a command line. A variable without a value is taken from your environment; else,
and for headers, it is asked for at the terminal, or is all of stdin.

Examples:
  slipway mcp add context7 --url https://mcp.context7.com/mcp --header CONTEXT7_API_KEY
  slipway mcp add files --package @modelcontextprotocol/server-filesystem -- .
  slipway mcp add search --package search-server --command uvx --env SEARCH_TOKEN --env SEARCH_LANG=en
  slipway mcp add docs --url https://docs.example.com/mcp --repo https://example.com/app.git`;

/** `slipway mcp`: the MCP servers that agents get. */
export function addMcp(program: Command, cli: Cli): void {
  const mcp = program
    .command('mcp')
    .summary('register, list and delete MCP servers for agents')
    .description(
      'Servers of the Model Context Protocol that the agents of all tasks get, or of those on one repository. ' +
        'Their secrets are kept encrypted and never given back. Without a word behind it, the servers are listed.',
    );
  addListing(mcp, cli);
  addAdd(mcp, cli);
  addRemove(mcp, cli);
}

function addListing(mcp: Command, cli: Cli): void {
  const command = mcp
    .command('list', { isDefault: true })
    .alias('ls')
    .summary('list the servers of all tasks, or of one repository')
    .description('Lists the servers of all tasks, or those of one repository, without their secrets.')
    .option(repositoryFlag, 'those that only tasks on this repository get')
    .option('--json', 'print one JSON object: {"servers"}');
  withConnection(command).action(async ({ repo, ...flags }: McpFlags) => {
    const { out, signal } = cli;
    const found = await (await cli.connect(flags)).mcp.servers.list({ repo_url: repo }, { signal });
    cli.end('ok');
    if (flags.json === true) return out.json(found);
    if (found.servers.length === 0) return out.note('no MCP servers: slipway mcp add');
    const rows = found.servers.map((server) =>
      [server.name, server.transport, namesOf(server).join(' '), placeOf(server)].map(printableLine),
    );
    for (const line of tableLines(out, ['NAME', 'BY', 'VALUES', 'SERVER'], rows)) await out.line(line);
  });
}

/** What it is given, without the values: those are secret. */
function namesOf({ env = {}, headers = {} }: McpServer): readonly string[] {
  return [...Object.keys(env), ...Object.keys(headers)];
}

function placeOf({ transport, url, command, package: name, args = [] }: McpServer): string {
  if (transport === 'http') return url ?? '';
  return [command, name, ...args].filter((word) => word !== undefined).join(' ');
}

function addAdd(mcp: Command, cli: Cli): void {
  const command = mcp
    .command('add')
    .summary('register a server')
    .description(
      "Registers a server elsewhere (--url), or a program that runs in the agent's sandbox (--package).\n" +
        'For administrators.',
    )
    .argument('<name>', 'letters, digits, - and _')
    .argument('[args...]', 'arguments of the program, behind --')
    .addOption(
      new Option('--url <url>', 'address of a server elsewhere').conflicts(['package', 'command', 'env']),
    )
    .option('--header <name: value>', 'a header of requests to it; several times', repeated)
    .option('--package <name>', 'package of npm (PyPI for uvx, an image for docker), or path of a program')
    .option('--command <program>', 'what runs the package, such as npx, uvx or docker')
    .option('--env <name=value>', "a variable of the program's environment; several times", repeated)
    .option(repositoryFlag, 'only for tasks on this repository')
    .option('--json', "print one JSON object: the server's answer");
  withConnection(command)
    .addHelpText('after', examples)
    .action(async (name: string, args: readonly string[], flags: AddFlags) => {
      const input = await inputOf(cli, name, args, flags);
      const created = await (await cli.connect(flags)).mcp.servers.create(input, { signal: cli.signal });
      if (flags.json === true) await cli.out.json(created);
      else await cli.out.line(`${printableLine(created.message)}: ${printableLine(created.name)}`);
      cli.end('ok');
    });
}

async function inputOf(
  cli: Cli,
  name: string,
  args: readonly string[],
  { url, header = [], env = [], repo, ...flags }: AddFlags,
): Promise<McpServerInput> {
  if (url !== undefined) {
    if (args.length > 0) throw new CommandError('usage', 'a server elsewhere takes no arguments');
    const headers = await readNamedValues(cli, header, { separator: ':' });
    return { name, transport: 'http', url, headers, repo_url: repo };
  }
  if (flags.package === undefined) throw new CommandError('usage', 'give the server by --url or --package');
  if (header.length > 0) throw new CommandError('usage', '--header is for a server by --url');
  const { variable } = cli.deps;
  return {
    name,
    transport: 'stdio',
    package: flags.package,
    command: flags.command,
    args,
    env: await readNamedValues(cli, env, { separator: '=', variable }),
    repo_url: repo,
  };
}

function addRemove(mcp: Command, cli: Cli): void {
  const command = mcp
    .command('rm')
    .summary('delete a server')
    .description('Deletes a server and its secrets. Runs that have begun keep it. For administrators.')
    .argument('<name>', "the server's name")
    .option(repositoryFlag, 'the one of this repository')
    .option('--json', "print one JSON object: the server's answer");
  withConnection(command).action(async (name: string, { repo, ...flags }: McpFlags) => {
    const client = await cli.connect(flags);
    const deleted = await client.mcp.servers.delete(name, { repo_url: repo }, { signal: cli.signal });
    if (flags.json === true) await cli.out.json(deleted);
    else await cli.out.line(`${printableLine(deleted.message)}: ${printableLine(name)}`);
    cli.end('ok');
  });
}
