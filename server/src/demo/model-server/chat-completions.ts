import type { Conversation, Said, Tool } from './conversation.ts';
import { fieldOf, listField, textField } from '../../lib/json-fields.ts';
import { openaiError, openaiProblem } from './openai-problem.ts';
import { inPieces, madeId, type Frame, type Protocol } from './protocol.ts';
import { scriptedUsage, stopOf, textIn, type Part, type Turn } from './reply.ts';

type Json = Readonly<Record<string, unknown>>;

/** OpenAI's Chat Completions, as `POST /v1/chat/completions` speaks it. It has no thinking. */
export const chatCompletions: Protocol = {
  read: (body) => ({
    model: textField(body, 'model'),
    stream: fieldOf(body, 'stream') === true,
    thinks: false,
    wantsJson: textField(fieldOf(body, 'response_format'), 'type').startsWith('json'),
    tools: listField(body, 'tools').map(toolOf),
    history: listField(body, 'messages').flatMap(saidIn),
  }),
  frames: framesOf,
  whole: (turn, conversation) => ({
    ...headOf(conversation, 'chat.completion'),
    choices: [{ index: 0, message: messageOf(turn), logprobs: null, finish_reason: finishReason(turn) }],
    usage,
  }),
  problem: openaiProblem,
  errorFrame: () => frame({ error: openaiError({ kind: 'problem', status: 500 }) }),
};

function toolOf(tool: unknown): Tool {
  const description = fieldOf(tool, 'function');
  return { name: textField(description, 'name'), parameters: fieldOf(description, 'parameters') };
}

function saidIn(message: unknown): readonly Said[] {
  const role = textField(message, 'role');
  if (role === 'tool') return [{ kind: 'tool_result' }];
  if (role !== 'user') return [];
  const content = fieldOf(message, 'content');
  const parts = listField(message, 'content').map((part) => textField(part, 'text'));
  return [{ kind: 'user', text: typeof content === 'string' ? content : parts.join('\n') }];
}

function framesOf(turn: Turn, conversation: Conversation, body: unknown): readonly Frame[] {
  const head = headOf(conversation, 'chat.completion.chunk');
  const chunk = (delta: Json, isDelta: boolean, finish: string | null = null): Frame =>
    frame({ ...head, choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }] }, isDelta);
  const wantsUsage = fieldOf(fieldOf(body, 'stream_options'), 'include_usage') === true;
  return [
    chunk({ role: 'assistant', content: '' }, false),
    ...turn.parts.flatMap((part) => deltasOf(part).map((delta) => chunk(delta, true))),
    chunk({}, false, finishReason(turn)),
    ...(wantsUsage ? [frame({ ...head, choices: [], usage })] : []),
    { text: 'data: [DONE]\n\n', isDelta: false },
  ];
}

/** Events have no name here: what is unknown is a field. */
function deltasOf(part: Part): readonly Json[] {
  switch (part.kind) {
    case 'thinking':
      return [];
    case 'text':
      return part.chunks.map((content) => ({ content }));
    case 'refusal':
      return [{ refusal: part.text }];
    case 'tool': {
      const [first, second] = inPieces(part.input);
      const { name } = part.tool;
      return [
        { tool_calls: [{ index: 0, ...callOf(part), function: { name, arguments: first } }] },
        { tool_calls: [{ index: 0, function: { arguments: second } }] },
      ];
    }
    case 'unknown':
      return [{ hologram: { depth: 3 } }];
  }
}

function callOf(part: Extract<Part, { readonly kind: 'tool' }>): Json {
  const { name } = part.tool;
  return { id: madeId('call'), type: 'function', function: { name, arguments: JSON.stringify(part.input) } };
}

function messageOf(turn: Turn): Json {
  const texts = turn.parts.flatMap((part) => (part.kind === 'text' ? [textIn(part)] : []));
  const calls = turn.parts.flatMap((part) => (part.kind === 'tool' ? [callOf(part)] : []));
  const refusal = turn.parts.find((part) => part.kind === 'refusal')?.text ?? null;
  return {
    role: 'assistant',
    content: texts.length === 0 ? null : texts.join(''),
    refusal,
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
}

/** A refusal is the content's: the provider stops as after any other message. */
function finishReason(turn: Turn): string {
  return stopOf(turn) === 'tool' ? 'tool_calls' : 'stop';
}

function headOf(conversation: Conversation, object: string): Json {
  const created = Math.floor(Date.now() / 1000);
  return { id: madeId('chatcmpl'), object, created, model: conversation.model };
}

function frame(data: Json, isDelta = false): Frame {
  return { text: `data: ${JSON.stringify(data)}\n\n`, isDelta };
}

const usage = {
  prompt_tokens: scriptedUsage.input,
  prompt_tokens_details: { cached_tokens: scriptedUsage.cacheRead },
  completion_tokens: scriptedUsage.output,
  completion_tokens_details: { reasoning_tokens: scriptedUsage.reasoning },
  total_tokens: scriptedUsage.input + scriptedUsage.output,
};
