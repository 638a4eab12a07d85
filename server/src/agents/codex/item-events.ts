import type { AgentEvent } from '../agent.ts';
import { objectOf, listField, type JsonObject } from '../../lib/json-fields.ts';
import { numberIn, objectIn, textIn } from './fields.ts';

export type ItemEvents = {
  /** What an item that began, or is done, says to people. `raw` is the whole line. */
  readonly of: (moment: 'started' | 'completed', item: JsonObject, raw: JsonObject) => readonly AgentEvent[];
};

/** The item's type as the one-shot form writes it: the app-server says `agentMessage` for `agent_message`. */
export function itemType(item: JsonObject): string {
  return (textIn(item, 'type') ?? 'unknown').replaceAll(/[A-Z]/gu, (letter) => `_${letter.toLowerCase()}`);
}

/** What is a tool's doing, and how to say in a few words what it is about to do. */
const tools: Readonly<Record<string, (item: JsonObject) => string>> = {
  command_execution: (item) => textIn(item, 'command') ?? '',
  file_change: describeChanges,
  mcp_tool_call: describeCall,
  dynamic_tool_call: describeCall,
  collab_tool_call: describeCall,
  collab_agent_tool_call: describeCall,
  web_search: (item) => `web_search ${textIn(item, 'query') ?? ''}`.trimEnd(),
  image_generation: () => 'image_generation',
};

/** Whether an item of this type was the work of a tool, so that the model will be asked again after it. */
export function isTool(type: string): boolean {
  return Object.hasOwn(tools, type);
}

/**
 * Items of either form as events. A tool's item becomes `tool_use` when it begins and `tool_result` when it
 * is done; one that was never seen to begin becomes both at its end. What a person or the program itself
 * says in the conversation is told once, when it is complete.
 */
export function createItemEvents(): ItemEvents {
  const begun = new Set<string>();
  return {
    of(moment, item, raw) {
      const type = itemType(item);
      const describe = Object.hasOwn(tools, type) ? tools[type] : undefined;
      if (describe === undefined) return moment === 'completed' ? [saying(type, item, raw)] : [];
      const id = textIn(item, 'id') ?? '';
      const use: AgentEvent = { type: 'tool_use', content: describe(item), raw };
      if (moment === 'started') {
        begun.add(id);
        return [use];
      }
      const result: AgentEvent = { type: 'tool_result', content: resultOf(type, item), raw };
      return begun.delete(id) ? [result] : [use, result];
    },
  };
}

function saying(type: string, item: JsonObject, raw: JsonObject): AgentEvent {
  if (type === 'agent_message') return { type: 'text', content: textIn(item, 'text') ?? '', raw };
  if (type === 'reasoning') return { type: 'thinking', content: reasoningText(item), raw };
  // A warning, wherever it comes: only the end of the turn can be a failure.
  return { type: 'system', content: textIn(item, 'message', 'text') ?? type, raw };
}

/** The whole of a thought, its parts as paragraphs. */
export function reasoningText(item: JsonObject): string {
  const parts = [...listField(item, 'summary'), ...listField(item, 'content')];
  return textIn(item, 'text') ?? parts.filter((part) => typeof part === 'string').join('\n\n');
}

function describeChanges(item: JsonObject): string {
  const changes = listField(item, 'changes').map((change) => {
    const fields = objectOf(change);
    const kind = textIn(objectIn(fields, 'kind'), 'type') ?? textIn(fields, 'kind') ?? 'change';
    return `${kind} ${textIn(fields, 'path') ?? ''}`;
  });
  return `apply_patch ${changes.join(', ')}`;
}

function describeCall(item: JsonObject): string {
  const tool = [textIn(item, 'server', 'namespace'), textIn(item, 'tool')].filter(Boolean).join('.');
  const given = item['arguments'] ?? textIn(item, 'prompt');
  return given === undefined ? tool : `${tool} ${JSON.stringify(given)}`;
}

function resultOf(type: string, item: JsonObject): string {
  const status = textIn(item, 'status') ?? 'completed';
  if (type === 'command_execution') {
    const output = textIn(item, 'aggregated_output', 'aggregatedOutput') ?? '';
    const code = numberIn(item, 'exit_code', 'exitCode');
    if (output !== '') return output;
    return code === undefined ? status : `exit code ${code}`;
  }
  return textIn(objectIn(item, 'error'), 'message') ?? contentTexts(item) ?? status;
}

/** The texts of what an MCP server answered. */
function contentTexts(item: JsonObject): string | undefined {
  const texts = listField(objectIn(item, 'result'), 'content')
    .map((part) => textIn(objectOf(part), 'text'))
    .filter((text) => text !== undefined);
  return texts.length === 0 ? undefined : texts.join('\n');
}
