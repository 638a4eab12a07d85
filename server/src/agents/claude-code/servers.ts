import { fieldOf, objectOf, textField, type JsonObject } from '../../lib/json-fields.ts';
import type { AgentTask, ServerFailure } from '../agent.ts';

/** What a status means, as seen with 2.1.330; it gives no reasons of its own. */
const reasons: ReadonlyMap<string, string> = new Map([
  ['failed', 'it did not start, or could not be reached'],
  ['needs-auth', 'it, or the way out, did not let the agent in (401 or 403)'],
]);

/** Of servers that are there, or still may be. */
const fine: readonly string[] = ['connected', 'pending'];

/** Reads `system/init`, which a process writes before each of its turns: who is missing is told once. */
export function createServerReader(task: AgentTask): (line: JsonObject) => readonly ServerFailure[] {
  const untold = new Set(Object.keys(task.mcpServers ?? {}));
  return (line) => {
    const listed = fieldOf(line, 'mcp_servers');
    if (!Array.isArray(listed)) return [];
    const statuses = new Map(
      listed.map((value: unknown) => {
        const server = objectOf(value);
        return [textField(server, 'name'), textField(server, 'status')];
      }),
    );
    return [...untold].flatMap((server) => {
      const status = statuses.get(server);
      if (status !== undefined && fine.includes(status)) return [];
      untold.delete(server);
      // Names that are the program's own (`workspace`, `computer-use`) it leaves out without a word.
      const reason = status === undefined ? 'the program has left it out' : (reasons.get(status) ?? status);
      return [{ server, reason }];
    });
  };
}
