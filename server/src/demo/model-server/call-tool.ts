import type { Tool } from './conversation.ts';
import { fieldOf } from '../../lib/json-fields.ts';
import type { Part } from './reply.ts';

/** The tool that takes a shell command, by the names that clients give it, the likeliest first. */
const shellNames = ['Bash', 'exec_command', 'bash', 'run_shell_command', 'shell', 'shell_command'];

const defaultPatienceSeconds = 10;

/**
 * A call that runs a shell command, with the request's own tool for that; undefined: it has none.
 * `patienceSeconds` is how long the client shall wait for the command before it does something else.
 */
export function callShell(
  tools: readonly Tool[],
  command: string,
  patienceSeconds = defaultPatienceSeconds,
): Part | undefined {
  for (const name of shellNames) {
    const tool = tools.find((candidate) => candidate.name === name);
    if (tool !== undefined) return { kind: 'tool', tool, input: shellInput(tool, command, patienceSeconds) };
  }
  return callCode(tools, shellProgram(command), patienceSeconds);
}

/** A call of the first tool whose name ends so; undefined: there is none. */
export function callEnding(
  tools: readonly Tool[],
  ending: string,
  input: Readonly<Record<string, unknown>>,
): Part | undefined {
  const tool = tools.find((candidate) => candidate.name.endsWith(ending));
  return tool === undefined ? undefined : { kind: 'tool', tool, input };
}

/** The same for an MCP tool, which a client may also keep behind its tool for code. */
export function callMcp(
  tools: readonly Tool[],
  ending: string,
  input: Readonly<Record<string, unknown>>,
): Part | undefined {
  const program = [
    `const tool = ALL_TOOLS.find(({ name }) => name.endsWith(${JSON.stringify(ending)}));`,
    `text(await tools[tool.name](${JSON.stringify(input)}));`,
  ].join('\n');
  return callEnding(tools, ending, input) ?? callCode(tools, program, defaultPatienceSeconds);
}

function callCode(tools: readonly Tool[], program: string, patienceSeconds: number): Part | undefined {
  const tool = tools.find((candidate) => candidate.takesCode === true);
  if (tool === undefined) return undefined;
  const pragma = JSON.stringify({ yield_time_ms: Math.ceil(patienceSeconds * 1000) });
  return { kind: 'tool', tool, input: `// @exec: ${pragma}\n${program}` };
}

/** Codex's `exec_command` answers after 30 s at the latest, with a session to ask again. */
function shellProgram(command: string): string {
  return [
    `let result = await tools.exec_command(${JSON.stringify({ cmd: command, yield_time_ms: 30_000 })});`,
    'text(result.output);',
    'while (result.session_id !== undefined) {',
    "  const more = { session_id: result.session_id, chars: '', yield_time_ms: 30000 };",
    '  result = await tools.write_stdin(more);',
    '  text(result.output);',
    '}',
  ].join('\n');
}

function shellInput(tool: Tool, command: string, patienceSeconds: number): Readonly<Record<string, unknown>> {
  const milliseconds = Math.ceil(patienceSeconds * 1000);
  const inputs = fieldOf(tool.parameters, 'properties');
  const has = (name: string): boolean => fieldOf(inputs, name) !== undefined;
  const patience = has('timeout')
    ? { timeout: milliseconds }
    : has('yield_time_ms')
      ? { yield_time_ms: milliseconds }
      : {};
  if (tool.name === 'exec_command' || (has('cmd') && !has('command'))) return { cmd: command, ...patience };
  const isList = fieldOf(fieldOf(inputs, 'command'), 'type') === 'array';
  const described = has('description') ? { description: 'Run a command' } : {};
  return { command: isList ? ['bash', '-lc', command] : command, ...described, ...patience };
}
