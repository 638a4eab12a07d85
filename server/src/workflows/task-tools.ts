import type { McpServerDefinition, NamedMcpServer } from '../domain/mcp-server.ts';
import type { ToolRequest } from '../domain/tool.ts';
import type { JsonObject, JsonValue } from '../domain/workflow.ts';
import { asObject, ownValue } from './check-shape.ts';

/** The tools that a task step asks for. A setting that has become empty is none. */
export function toolsOf(value: JsonValue | undefined): readonly ToolRequest[] {
  return objectsOf(value).map((tool) => ({
    name: textOf(tool, 'name') ?? '',
    config: Object.fromEntries(
      Object.entries(asObject(ownValue(tool, 'config')) ?? {}).flatMap(([name, setting]) =>
        isSetting(setting) ? [[name, setting]] : [],
      ),
    ),
  }));
}

/** The servers that a task step brings. What they may be is checked when the task is created. */
export function serversOf(value: JsonValue | undefined): readonly NamedMcpServer[] {
  return objectsOf(value).map((server) => ({ name: textOf(server, 'name') ?? '', server: serverOf(server) }));
}

function serverOf(server: JsonObject): McpServerDefinition {
  if (textOf(server, 'transport') === 'http') {
    return { transport: 'http', url: textOf(server, 'url') ?? '', headers: textsOf(server, 'headers') };
  }
  const name = textOf(server, 'package');
  const command = textOf(server, 'command');
  const args = ownValue(server, 'args');
  return {
    transport: 'stdio',
    ...(name === undefined ? {} : { package: name }),
    ...(command === undefined ? {} : { command }),
    args: Array.isArray(args) ? args.filter((arg) => typeof arg === 'string') : [],
    env: textsOf(server, 'env'),
  };
}

function objectsOf(value: JsonValue | undefined): readonly JsonObject[] {
  if (!Array.isArray(value)) return [];
  return value.map((entry: JsonValue) => asObject(entry)).filter((entry) => entry !== undefined);
}

function isSetting(value: JsonValue): value is string | number | boolean {
  return (
    typeof value === 'number' || typeof value === 'boolean' || (typeof value === 'string' && value !== '')
  );
}

function textOf(object: JsonObject, name: string): string | undefined {
  const value = ownValue(object, name);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Values by name, without those that have become empty. */
function textsOf(object: JsonObject, name: string): Readonly<Record<string, string>> {
  const entries = Object.entries(asObject(ownValue(object, name)) ?? {});
  return Object.fromEntries(
    entries.flatMap(([key, value]) => (typeof value === 'string' && value !== '' ? [[key, value]] : [])),
  );
}
