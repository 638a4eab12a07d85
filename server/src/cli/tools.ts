import type { Tool, ToolInput } from '@slipway/client';
import type { Command } from 'commander';
import { withConnection, type Cli } from './command.ts';
import type { ConnectionFlags } from './find-server.ts';
import { readJsonObject } from './read-json.ts';
import { tableLines } from './table.ts';
import { printable, printableLine } from './untrusted-text.ts';

type ToolFlags = ConnectionFlags & { readonly json?: boolean };

/** `slipway tools`: MCP servers with settings, which tasks ask for by name. */
export function addTools(program: Command, cli: Cli): void {
  const tools = program
    .command('tools')
    .summary('list, show, register and delete tools for agents')
    .description(
      'MCP servers with the settings that they take, which tasks ask for by name (slipway run --tool). ' +
        'Without a word behind it, the tools are listed.',
    );
  addListing(tools, cli);
  addShow(tools, cli);
  addAdd(tools, cli);
  addRemove(tools, cli);
}

function addListing(tools: Command, cli: Cli): void {
  const command = tools
    .command('list', { isDefault: true })
    .alias('ls')
    .summary('list the tools')
    .description(
      'Lists the tools: those of the server, then those that were registered. Settings in [ ] can be left out.',
    )
    .option('--json', 'print one JSON object: {"tools"}');
  withConnection(command).action(async (flags: ToolFlags) => {
    const { out, signal } = cli;
    const found = await (await cli.connect(flags)).tools.list({ signal });
    cli.end('ok');
    if (flags.json === true) return out.json(found);
    const rows = found.tools.map((tool) =>
      [tool.name, settingsOf(tool), tool.description].map(printableLine),
    );
    for (const line of tableLines(out, ['NAME', 'SETTINGS', 'ABOUT'], rows)) await out.line(line);
  });
}

function settingsOf({ required_config: required, optional_config: optional }: Tool): string {
  return [...required.map(({ name }) => name), ...optional.map(({ name }) => `[${name}]`)].join(' ');
}

function addShow(tools: Command, cli: Cli): void {
  const command = tools
    .command('show')
    .summary('show a tool with its settings')
    .description('Shows a tool: the server behind it, and the settings that it takes.')
    .argument('<name>', "the tool's name")
    .option('--json', 'print one JSON object: the tool');
  withConnection(command).action(async (name: string, flags: ToolFlags) => {
    const tool = await (await cli.connect(flags)).tools.get(name, { signal: cli.signal });
    cli.end('ok');
    if (flags.json === true) return cli.out.json(tool);
    for (const line of toolLines(cli, tool)) await cli.out.line(line);
  });
}

function toolLines({ out }: Cli, tool: Tool): readonly string[] {
  const program = [tool.mcp_command, tool.mcp_package, ...tool.mcp_args].filter((word) => word !== undefined);
  const rows: readonly (readonly [name: string, value: string | undefined])[] = [
    ['tool', tool.name],
    ['version', tool.version],
    ['server', tool.mcp_transport === 'http' ? tool.mcp_url : program.join(' ')],
    ['good for', tool.capabilities.join(', ')],
  ];
  const settings = [
    ...tool.required_config.map((setting) => ({ ...setting, need: 'required' })),
    ...tool.optional_config.map((setting) => ({ ...setting, need: 'optional' })),
  ].map(({ name, need, type, description }) => [name, need, type, description].map(printableLine));
  return [
    ...rows
      .filter(([, value]) => value !== undefined && value !== '')
      .map(([name, value = '']) => `${out.paint('dim', name.padEnd(14))}${printableLine(value)}`),
    ...(tool.description === '' ? [] : ['', printable(tool.description).trim()]),
    ...(settings.length === 0 ? [] : ['', ...tableLines(out, ['SETTING', '', 'TYPE', 'ABOUT'], settings)]),
  ];
}

function addAdd(tools: Command, cli: Cli): void {
  const command = tools
    .command('add')
    .summary('register a tool that a file describes')
    .description('Registers a tool. The server says what is wrong with it. For administrators.')
    .argument(
      '<file>',
      'a file with its JSON: {"name", "mcp_package", "required_config", …}; - reads it from stdin',
    )
    .option('--json', "print one JSON object: the server's answer");
  withConnection(command).action(async (file: string, flags: ToolFlags) => {
    // What a definition has to be, the server knows best.
    const input = (await readJsonObject(cli, file)) as ToolInput;
    const created = await (await cli.connect(flags)).tools.create(input, { signal: cli.signal });
    if (flags.json === true) await cli.out.json(created);
    else await cli.out.line(`${printableLine(created.message)}: ${printableLine(created.name)}`);
    cli.end('ok');
  });
}

function addRemove(tools: Command, cli: Cli): void {
  const command = tools
    .command('rm')
    .summary('delete a registered tool')
    .description('Deletes a tool that was registered; those of the server stay. For administrators.')
    .argument('<name>', "the tool's name")
    .option('--json', "print one JSON object: the server's answer");
  withConnection(command).action(async (name: string, flags: ToolFlags) => {
    const deleted = await (await cli.connect(flags)).tools.delete(name, { signal: cli.signal });
    if (flags.json === true) await cli.out.json(deleted);
    else await cli.out.line(`${printableLine(deleted.message)}: ${printableLine(name)}`);
    cli.end('ok');
  });
}
