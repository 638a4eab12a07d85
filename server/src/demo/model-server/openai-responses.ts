import type { Conversation, Said, Tool } from './conversation.ts';
import { fieldOf, listField, textField } from '../../lib/json-fields.ts';
import { openaiError, openaiProblem } from './openai-problem.ts';
import { inPieces, madeId, namedFrame, type Frame, type Protocol } from './protocol.ts';
import { scriptedUsage, shownParts, textIn, type Part, type Turn } from './reply.ts';

type Json = Readonly<Record<string, unknown>>;

/** OpenAI's Responses, as `POST /v1/responses` speaks it. */
export const openaiResponses: Protocol = {
  read: (body) => ({
    model: textField(body, 'model'),
    stream: fieldOf(body, 'stream') === true,
    thinks: (fieldOf(body, 'reasoning') ?? null) !== null,
    wantsJson: textField(fieldOf(fieldOf(body, 'text'), 'format'), 'type').startsWith('json'),
    tools: [...listField(body, 'tools'), ...laterTools(body)].flatMap((tool) => toolsIn(tool)),
    history: historyOf(body),
  }),
  frames: framesOf,
  whole: (turn, conversation) =>
    responseOf(conversation, 'completed', shownParts(turn, conversation).map(itemOf)),
  // A stream has begun by the time that the length of the conversation is known.
  problem: (problem, conversation) =>
    problem.overflow === true && conversation.stream
      ? { kind: 'frames', frames: [begun(conversation), failed(conversation, openaiError(problem))] }
      : openaiProblem(problem),
  errorFrame: (conversation) =>
    failed(conversation, { code: 'server_error', message: 'The server had an error while processing.' }),
};

/** Codex gives the tools of some models as an item of the conversation. */
function laterTools(body: unknown): readonly unknown[] {
  const items = listField(body, 'input').filter((item) => textField(item, 'type') === 'additional_tools');
  return items.flatMap((item) => listField(item, 'tools'));
}

/** Tools stand in the list, or in a namespace of the list (an MCP server, say). */
function toolsIn(tool: unknown, namespace?: string): readonly Tool[] {
  const name = textField(tool, 'name');
  const named = { name, ...(namespace === undefined ? {} : { namespace }) };
  switch (textField(tool, 'type')) {
    case 'function':
      return [{ ...named, parameters: fieldOf(tool, 'parameters') }];
    case 'custom':
      // Of the tools that take a text, only Codex's for JavaScript is spoken here.
      return name === 'exec' ? [{ ...named, parameters: undefined, takesCode: true }] : [];
    case 'namespace':
      return listField(tool, 'tools').flatMap((inner) => toolsIn(inner, name));
    default:
      return [];
  }
}

function historyOf(body: unknown): readonly Said[] {
  const input = fieldOf(body, 'input');
  if (typeof input === 'string') return [{ kind: 'user', text: input }];
  return listField(body, 'input').flatMap((item): readonly Said[] => {
    if (textField(item, 'type').endsWith('_output')) return [{ kind: 'tool_result' }];
    if (textField(item, 'role') !== 'user') return [];
    const content = fieldOf(item, 'content');
    const parts = listField(item, 'content').map((part) => textField(part, 'text'));
    return [{ kind: 'user', text: typeof content === 'string' ? content : parts.join('\n') }];
  });
}

function framesOf(turn: Turn, conversation: Conversation): readonly Frame[] {
  const items = shownParts(turn, conversation).map((part) => ({ part, item: itemOf(part) }));
  const done = responseOf(
    conversation,
    'completed',
    items.map(({ item }) => item),
  );
  return [
    begun(conversation, done['id']),
    ...items.flatMap(({ part, item }, index) => itemFrames(part, item, index)),
    namedFrame('response.completed', { response: done }),
  ];
}

function begun(conversation: Conversation, id: unknown = madeId('resp')): Frame {
  return namedFrame('response.created', {
    response: { ...responseOf(conversation, 'in_progress', []), id },
  });
}

function failed(conversation: Conversation, error: Json): Frame {
  const response = responseOf(conversation, 'failed', []);
  return namedFrame('response.failed', { response: { ...response, error } });
}

function responseOf(
  conversation: Conversation,
  status: 'in_progress' | 'completed' | 'failed',
  output: readonly Json[],
): Json {
  return {
    id: madeId('resp'),
    object: 'response',
    created_at: Math.floor(Date.now() / 1000),
    status,
    error: null,
    incomplete_details: null,
    model: conversation.model,
    output,
    usage: status === 'completed' ? usage : null,
  };
}

const usage = {
  input_tokens: scriptedUsage.input,
  input_tokens_details: { cached_tokens: scriptedUsage.cacheRead },
  output_tokens: scriptedUsage.output,
  output_tokens_details: { reasoning_tokens: scriptedUsage.reasoning },
  total_tokens: scriptedUsage.input + scriptedUsage.output,
};

function itemOf(part: Part): Json {
  switch (part.kind) {
    case 'thinking':
      return { id: madeId('rs'), type: 'reasoning', summary: [{ type: 'summary_text', text: part.text }] };
    case 'text':
      return messageItem({ type: 'output_text', text: textIn(part), annotations: [] });
    case 'refusal':
      return messageItem({ type: 'refusal', refusal: part.text });
    case 'tool':
      return callItem(part);
    case 'unknown':
      return { id: madeId('holo'), type: 'hologram', depth: 3 };
  }
}

function callItem({ tool, input }: Extract<Part, { readonly kind: 'tool' }>): Json {
  const { name, namespace } = tool;
  const call = {
    status: 'completed',
    call_id: madeId('call'),
    name,
    ...(namespace === undefined ? {} : { namespace }),
  };
  return typeof input === 'string'
    ? { id: madeId('ctc'), type: 'custom_tool_call', ...call, input }
    : { id: madeId('fc'), type: 'function_call', ...call, arguments: JSON.stringify(input) };
}

function messageItem(content: Json): Json {
  return { id: madeId('msg'), type: 'message', status: 'completed', role: 'assistant', content: [content] };
}

function itemFrames(part: Part, item: Json, outputIndex: number): readonly Frame[] {
  const at = { item_id: item['id'], output_index: outputIndex };
  return [
    ...(part.kind === 'unknown' ? [namedFrame('response.weather_report', { sky: 'clear' })] : []),
    namedFrame('response.output_item.added', { output_index: outputIndex, item: emptied(item) }),
    ...contentFrames(part, at),
    namedFrame('response.output_item.done', { output_index: outputIndex, item }),
  ];
}

function emptied(item: Json): Json {
  if ('content' in item) return { ...item, status: 'in_progress', content: [] };
  if ('summary' in item) return { ...item, summary: [] };
  if ('arguments' in item) return { ...item, status: 'in_progress', arguments: '' };
  return 'input' in item ? { ...item, status: 'in_progress', input: '' } : item;
}

function contentFrames(part: Part, at: Json): readonly Frame[] {
  const content = { ...at, content_index: 0 };
  switch (part.kind) {
    case 'thinking': {
      const summary = { ...at, summary_index: 0 };
      const whole = { type: 'summary_text', text: part.text };
      return [
        namedFrame('response.reasoning_summary_part.added', { ...summary, part: { ...whole, text: '' } }),
        namedFrame('response.reasoning_summary_text.delta', { ...summary, delta: part.text }, true),
        namedFrame('response.reasoning_summary_text.done', { ...summary, text: part.text }),
        namedFrame('response.reasoning_summary_part.done', { ...summary, part: whole }),
      ];
    }
    case 'text': {
      const whole = { type: 'output_text', text: textIn(part), annotations: [] };
      return [
        namedFrame('response.content_part.added', { ...content, part: { ...whole, text: '' } }),
        ...part.chunks.map((delta) => namedFrame('response.output_text.delta', { ...content, delta }, true)),
        namedFrame('response.output_text.done', { ...content, text: whole.text }),
        namedFrame('response.content_part.done', { ...content, part: whole }),
      ];
    }
    case 'refusal':
      return [
        namedFrame('response.refusal.delta', { ...content, delta: part.text }, true),
        namedFrame('response.refusal.done', { ...content, refusal: part.text }),
      ];
    case 'tool': {
      const isText = typeof part.input === 'string';
      const event = isText ? 'response.custom_tool_call_input' : 'response.function_call_arguments';
      const pieces = inPieces(part.input);
      const whole = { [isText ? 'input' : 'arguments']: pieces.join('') };
      return [
        ...pieces.map((delta) => namedFrame(`${event}.delta`, { ...at, delta }, true)),
        namedFrame(`${event}.done`, { ...at, ...whole }),
      ];
    }
    case 'unknown':
      return [namedFrame('response.hologram.delta', { ...at, depth: 4 }, true)];
  }
}
