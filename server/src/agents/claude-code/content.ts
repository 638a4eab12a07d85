import type { AgentEvent } from '../agent.ts';
import { listField, numberField, objectOf, textField, type JsonObject } from '../../lib/json-fields.ts';

/** What one content block of a message means; undefined: nothing that this version knows. */
export function blockEvent(block: JsonObject): Pick<AgentEvent, 'type' | 'content'> | undefined {
  switch (textField(block, 'type')) {
    case 'text':
      return { type: 'text', content: textField(block, 'text') };
    case 'thinking':
      return { type: 'thinking', content: textField(block, 'thinking') };
    case 'tool_use':
    case 'server_tool_use':
      return { type: 'tool_use', content: toolWords(block) };
    case 'tool_result':
      return { type: 'tool_result', content: contentText(block) };
    default:
      return undefined;
  }
}

/** The content of a message as its blocks: some programs write a plain string for one block of text. */
export function blocksOf(message: JsonObject | undefined): readonly JsonObject[] {
  const text = textField(message, 'content');
  if (text !== '') return [{ type: 'text', text }];
  return listField(message, 'content').map((block) => objectOf(block) ?? {});
}

function toolWords(block: JsonObject): string {
  const input = objectOf(block['input']);
  return `${textField(block, 'name')} ${input === undefined ? '' : JSON.stringify(input)}`.trim();
}

function contentText(block: JsonObject): string {
  return blocksOf(block)
    .map((part) => textField(part, 'text') || `[${textField(part, 'type') || 'content'}]`)
    .join('\n');
}

/** A line that is no message, in a few words for people. All of it stands beside them. */
export function systemWords(line: JsonObject): string {
  const type = textField(line, 'type');
  const subtype = textField(line, 'subtype');
  if (type !== 'system') return [type, subtype].filter((word) => word !== '').join(' ') || 'unknown line';
  switch (subtype) {
    case 'init':
      return initWords(line);
    case 'api_retry':
      return retryWords(line);
    case 'permission_denied':
      return `permission denied: ${textField(line, 'tool_name')} ${textField(line, 'message')}`.trim();
    default: {
      const words = ['content', 'message', 'status', 'description'].map((name) => textField(line, name));
      const said = words.find((word) => word !== '');
      return said === undefined ? subtype || 'system' : `${subtype}: ${said}`;
    }
  }
}

/** A tool server that did not start fails no run: it is told here. */
function initWords(line: JsonObject): string {
  const servers = listField(line, 'mcp_servers').map((server) => objectOf(server));
  const missing = servers
    .filter((server) => textField(server, 'status') !== 'connected')
    .map((server) => `${textField(server, 'name')} ${textField(server, 'status')}`);
  return [
    `Claude Code ${textField(line, 'claude_code_version')}`.trim(),
    `model ${textField(line, 'model')}`,
    ...(missing.length === 0 ? [] : [`MCP servers not connected: ${missing.join(', ')}`]),
  ].join(', ');
}

function retryWords(line: JsonObject): string {
  const status = numberField(line, 'error_status');
  const why = [status?.toString() ?? '', textField(line, 'error')].filter((word) => word !== '').join(' ');
  const wait = numberField(line, 'retry_delay_ms');
  return [
    `the request failed (${why || 'unknown'}), retry ${numberField(line, 'attempt') ?? '?'}`,
    ` of ${numberField(line, 'max_retries') ?? '?'}`,
    wait === undefined ? '' : ` in ${Math.round(wait)} ms`,
  ].join('');
}
