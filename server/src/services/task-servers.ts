import { Refusal } from '../domain/errors.ts';
import { sealableServers, shownServer, type NamedMcpServer } from '../domain/mcp-server.ts';
import type { TaskOptions } from '../domain/options.ts';
import { resolveTool, shownToolRequest } from '../domain/resolve-tool.ts';
import type { ToolRequest } from '../domain/tool.ts';
import { Secret } from '../lib/secret.ts';
import type { Database } from '../store/database.ts';
import type { Viewer } from '../store/tasks.ts';
import { findTool } from './show-tool.ts';
import type { SubmissionFields } from './task-options.ts';

/** What a submission asks its agent to be given. */
export type WantedServers = {
  /** Servers of the task's own, of different names. */
  readonly mcpServers?: readonly NamedMcpServer[];
  /** Tools of different names; a server of the task's own with the name of one stands in its place. */
  readonly tools?: readonly ToolRequest[];
};

export type TaskServers = {
  /** What may be shown of them. */
  readonly options: Pick<TaskOptions, 'mcpServers' | 'tools'>;
  /** All of them, the tools as the servers that they are, as `serversFromSealed` reads it. */
  readonly sealable?: Secret;
};

type Fields = Pick<SubmissionFields, 'mcpServers' | 'tools'>;
type Problems = Map<string, string>;

/** How many servers, and how many tools, a task can ask for. */
const mostPerTask = 20;

/**
 * The servers that a task brings, its tools resolved.
 *
 * @throws Refusal `invalid` by field, with the place in its list; `forbidden` for a command of somebody who is
 * no administrator.
 */
export async function taskServersOf(
  database: Database,
  viewer: Viewer,
  { wanted, fields }: { readonly wanted: WantedServers; readonly fields: Fields },
): Promise<TaskServers> {
  const { mcpServers: own = [], tools: requests = [] } = wanted;
  if (own.length === 0 && requests.length === 0) return { options: {} };
  const problems: Problems = new Map();
  checkList(fields.mcpServers, own, problems);
  checkList(fields.tools, requests, problems);
  throwAny(problems);
  if (!viewer.isAdmin) refuseCommands(fields.mcpServers, own);
  const tools = await resolveAll(database, { requests, field: fields.tools }, problems);
  throwAny(problems);
  const servers = new Map([...tools.map(({ resolved }) => resolved), ...own].map((one) => [one.name, one]));
  return {
    options: {
      ...(own.length === 0
        ? {}
        : { mcpServers: own.map(({ name, server }) => ({ name, server: shownServer(server) })) }),
      ...(tools.length === 0 ? {} : { tools: tools.map(({ shown }) => shown) }),
    },
    sealable: new Secret(sealableServers([...servers.values()])),
  };
}

function checkList(field: string, entries: readonly { readonly name: string }[], problems: Problems): void {
  if (entries.length > mostPerTask) problems.set(field, `must have at most ${mostPerTask} entries`);
  const seen = new Set<string>();
  for (const [index, { name }] of entries.entries()) {
    if (seen.has(name)) problems.set(`${field}[${index}].name`, 'is used twice');
    seen.add(name);
  }
}

function refuseCommands(field: string, own: readonly NamedMcpServer[]): void {
  const index = own.findIndex(({ server }) => server.transport === 'stdio' && server.command !== undefined);
  if (index === -1) return;
  const rule = 'is for administrators to set; a package alone is run with npx';
  throw new Refusal('forbidden', `${field}[${index}].command: ${rule}`);
}

async function resolveAll(
  database: Database,
  { requests, field }: { readonly requests: readonly ToolRequest[]; readonly field: string },
  problems: Problems,
): Promise<readonly { readonly resolved: NamedMcpServer; readonly shown: ToolRequest }[]> {
  const definitions = await Promise.all(requests.map(({ name }) => findTool(database, name)));
  return requests.flatMap((request, index) => {
    const { name, config } = request;
    const definition = definitions[index];
    if (definition === undefined) {
      problems.set(`${field}[${index}].name`, `unknown tool: ${name.slice(0, 100)}`);
      return [];
    }
    const resolved = resolveTool(definition, config);
    if ('server' in resolved) {
      const shown = shownToolRequest(definition, request);
      return [{ resolved: { name, server: resolved.server }, shown }];
    }
    for (const [setting, problem] of Object.entries(resolved.problems)) {
      problems.set(`${field}[${index}].config.${setting}`, problem);
    }
    return [];
  });
}

function throwAny(problems: Problems): void {
  if (problems.size === 0) return;
  const told = [...problems].map(([field, problem]) => `${field}: ${problem}`);
  throw new Refusal('invalid', told.join('; '), { fields: Object.fromEntries(problems) });
}
