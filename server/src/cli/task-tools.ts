import type { Client, TaskToolInput } from '@slipway/client';
import type { Command } from 'commander';
import { CommandError } from './command-error.ts';
import { repeated, type Cli } from './command.ts';
import { recordOf } from './event-lines.ts';
import { readJsonObject } from './read-json.ts';
import { isAsked, readSecret } from './read-secret.ts';
import { printableLine } from './untrusted-text.ts';

type ToolFlags = { readonly tool?: readonly string[]; readonly toolConfig?: string };

/** Adds the flags by which a task asks for tools. Settings may be secret: they come from no command line. */
export function withTools(command: Command): Command {
  return command
    .option('--tool <name>', 'a tool that the agent gets (slipway tools); several times', repeated)
    .option(
      '--tool-config <file>',
      'settings of tools as JSON, {"sentry": {"auth_token": "…"}}; at a terminal, what is missing is asked for',
    );
}

/** The tools that the flags ask for, with their settings; none: undefined. */
export async function readTools(
  cli: Cli,
  client: Client,
  { tool: names = [], toolConfig }: ToolFlags,
): Promise<readonly TaskToolInput[] | undefined> {
  const settings = toolConfig === undefined ? {} : await readJsonObject(cli, toolConfig);
  const unused = Object.keys(settings).find((name) => !names.includes(name));
  if (unused !== undefined) {
    const name = printableLine(unused);
    throw new CommandError('usage', `there are settings for ${name}, but no --tool ${name}`);
  }
  if (names.length === 0) return undefined;
  const tools: TaskToolInput[] = [];
  for (const name of names) {
    const given = recordOf(Object.hasOwn(settings, name) ? settings[name] : {});
    tools.push({ name, config: { ...given, ...(await askMissing(cli, client, name, given)) } });
  }
  return tools;
}

/** Where nobody can be asked, the server refuses what is not complete. */
async function askMissing(
  cli: Cli,
  client: Client,
  name: string,
  given: Readonly<Record<string, unknown>>,
): Promise<Readonly<Record<string, string>>> {
  if (!isAsked(cli)) return {};
  const tool = await client.tools.get(name, { signal: cli.signal });
  const said: [setting: string, value: string][] = [];
  for (const setting of tool.required_config) {
    if (Object.hasOwn(given, setting.name)) continue;
    said.push([
      setting.name,
      (await readSecret(cli, printableLine(`${name} ${setting.name}:`) + ' ')).trim(),
    ]);
  }
  return Object.fromEntries(said);
}
