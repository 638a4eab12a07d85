import type { NamedMcpServer } from '../../../domain/mcp-server.ts';
import { checkMcpServer } from '../../../domain/mcp-server-problems.ts';
import type { ToolRequest } from '../../../domain/tool.ts';
import type { TaskMcpServerBody } from './mcp-schemas.ts';
import { nameProblem } from './name-problem.ts';
import type { TaskToolBody } from './tool-schemas.ts';

/** Where a problem is noted, by the field's name. */
type Note = (field: string, problem: string) => void;

/** The servers that a task brings, types checked; those with a problem are left out, and it is noted. */
export function taskServers(
  given: readonly TaskMcpServerBody[] | undefined,
  note: Note,
): readonly NamedMcpServer[] {
  return (given ?? []).flatMap((input, index) => {
    const checked = checkMcpServer(input, { needsPackage: false });
    if ('server' in checked) return [checked.server];
    for (const [field, problem] of Object.entries(checked.problems)) {
      note(`mcp_servers[${index}].${field}`, problem);
    }
    return [];
  });
}

/** The tools that a task asks for. Which there are, and what their settings can be, is the service's. */
export function taskTools(given: readonly TaskToolBody[] | undefined, note: Note): readonly ToolRequest[] {
  return (given ?? []).map(({ name, config = {} }, index) => {
    const place = `tools[${index}]`;
    const problem = nameProblem(name);
    if (problem !== undefined) note(`${place}.name`, problem);
    const entries = Object.entries(config).filter((entry): entry is [string, string | number | boolean] => {
      const [setting, value] = entry;
      if (value === null) return false;
      if (['string', 'number', 'boolean'].includes(typeof value)) return true;
      note(`${place}.config.${setting.slice(0, 100)}`, 'must be a text, a number, true or false');
      return false;
    });
    return { name, config: Object.fromEntries(entries) };
  });
}
