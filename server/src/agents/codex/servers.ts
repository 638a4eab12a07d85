import type { JsonObject } from '../../lib/json-fields.ts';
import type { AgentTask, ServerFailure } from '../agent.ts';
import { textIn } from './fields.ts';

/** What of the program's log is wanted on stderr: its own errors, and servers that did not start. */
export const serverLog = 'error,codex_mcp::rmcp_client=warn';

/** What that brings of servers: never why the program itself ended. */
export const serverLogLine = /^.* WARN codex_mcp::rmcp_client: .*$/gmu;

const reasonMaxLength = 300;
const logLine = /MCP server startup failed server_name="([^"]*)" error=(.*)$/gmu;

/** Of failures by the program's word those of the task's servers, each once. */
export function createServerFailures(
  task: AgentTask,
): (server: string, words: string) => readonly ServerFailure[] {
  const untold = new Set(Object.keys(task.mcpServers ?? {}));
  return (server, words) => (untold.delete(server) ? [{ server, reason: reasonIn(words) }] : []);
}

/** The app-server tells how each server comes along. */
export function failureIn(
  params: JsonObject,
  failures: ReturnType<typeof createServerFailures>,
): readonly ServerFailure[] {
  if (textIn(params, 'status') !== 'failed') return [];
  return failures(textIn(params, 'name') ?? '', textIn(params, 'error') ?? '');
}

/** The one-shot form has no line about it (seen with 0.169); its log has one. */
export function failuresIn(task: AgentTask, errors: string): readonly ServerFailure[] {
  const failures = createServerFailures(task);
  return [...errors.matchAll(logLine)].flatMap(([, server = '', words = '']) => failures(server, words));
}

/** Without what the program says around it, its types and advice about its configuration. */
function reasonIn(words: string): string {
  const [plain = ''] = words
    .replace(/^MCP client for `[^`]*` (?:failed to start: )?(?:MCP startup failed: )?/u, '')
    .replaceAll(/ Send message error Transport \[[^\]]*\] error:/gu, '')
    .split(/\n|, when send|\. Add or adjust/u);
  return plain.trim().slice(0, reasonMaxLength) || 'it did not start';
}
