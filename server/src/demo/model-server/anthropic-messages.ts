import type { Conversation, Said, Tool } from './conversation.ts';
import { fieldOf, listField, textField } from '../../lib/json-fields.ts';
import { inPieces, madeId, namedFrame, type ErrorAnswer, type Frame, type Protocol } from './protocol.ts';
import { scriptedUsage, shownParts, stopOf, textIn, type Part, type Problem, type Turn } from './reply.ts';

/** Anthropic's Messages, as `POST /v1/messages` speaks it. */
export const anthropicMessages: Protocol = {
  read: (body) => ({
    model: textField(body, 'model'),
    stream: fieldOf(body, 'stream') === true,
    thinks: ['enabled', 'adaptive'].includes(textField(fieldOf(body, 'thinking'), 'type')),
    wantsJson: fieldOf(fieldOf(body, 'output_config'), 'format') !== undefined,
    tools: listField(body, 'tools').map(toolOf),
    history: listField(body, 'messages').flatMap(saidIn),
  }),
  frames: (turn, conversation) => [
    namedFrame('message_start', { message: messageOf(turn, conversation, 'begun') }),
    namedFrame('ping', {}),
    ...shownParts(turn, conversation).flatMap(blockFrames),
    namedFrame('message_delta', {
      delta: { stop_reason: stopReason(turn), stop_sequence: null },
      usage: usage(scriptedUsage.output),
    }),
    namedFrame('message_stop', {}),
  ],
  whole: (turn, conversation) => messageOf(turn, conversation, 'whole'),
  problem: answerProblem,
  errorFrame: () => namedFrame('error', { error: { type: 'api_error', message: 'Internal server error' } }),
};

function toolOf(tool: unknown): Tool {
  return { name: textField(tool, 'name'), parameters: fieldOf(tool, 'input_schema') };
}

/** A user's message is text and what tools have answered, in any order. */
function saidIn(message: unknown): readonly Said[] {
  if (textField(message, 'role') !== 'user') return [];
  const content = fieldOf(message, 'content');
  if (typeof content === 'string') return [{ kind: 'user', text: content }];
  const blocks = listField(message, 'content');
  const results = blocks.filter((block) => textField(block, 'type') === 'tool_result');
  const texts = blocks
    .filter((block) => textField(block, 'type') === 'text')
    .map((block) => textField(block, 'text'));
  const text: readonly Said[] = texts.length === 0 ? [] : [{ kind: 'user', text: texts.join('\n') }];
  return [...results.map((): Said => ({ kind: 'tool_result' })), ...text];
}

function messageOf(turn: Turn, conversation: Conversation, how: 'begun' | 'whole'): unknown {
  const isWhole = how === 'whole';
  return {
    id: madeId('msg'),
    type: 'message',
    role: 'assistant',
    model: conversation.model,
    content: isWhole ? shownParts(turn, conversation).map(wholeBlock) : [],
    stop_reason: isWhole ? stopReason(turn) : null,
    stop_sequence: null,
    // What a message has cost stands at its end: at the beginning there is one token of output.
    usage: usage(isWhole ? scriptedUsage.output : 1),
  };
}

function stopReason(turn: Turn): string {
  return { tool: 'tool_use', refusal: 'refusal', end: 'end_turn' }[stopOf(turn)];
}

function usage(output: number): Readonly<Record<string, unknown>> {
  return {
    input_tokens: scriptedUsage.input,
    cache_creation_input_tokens: scriptedUsage.cacheWrite,
    cache_read_input_tokens: scriptedUsage.cacheRead,
    output_tokens: output,
    service_tier: 'standard',
  };
}

const signature = Buffer.from('scripted').toString('base64');

function wholeBlock(part: Part): Readonly<Record<string, unknown>> {
  switch (part.kind) {
    case 'thinking':
      return { type: 'thinking', thinking: part.text, signature };
    case 'text':
      return { type: 'text', text: textIn(part) };
    case 'refusal':
      return { type: 'text', text: part.text };
    case 'tool':
      return { type: 'tool_use', id: madeId('toolu'), name: part.tool.name, input: part.input };
    case 'unknown':
      return { type: 'hologram', depth: 3 };
  }
}

function blockFrames(part: Part, index: number): readonly Frame[] {
  const whole = wholeBlock(part);
  const around = (empty: Readonly<Record<string, unknown>>, deltas: readonly object[]): readonly Frame[] => [
    namedFrame('content_block_start', { index, content_block: { ...whole, ...empty } }),
    ...deltas.map((delta) => namedFrame('content_block_delta', { index, delta }, true)),
    namedFrame('content_block_stop', { index }),
  ];
  switch (part.kind) {
    case 'thinking':
      return around({ thinking: '', signature: '' }, [
        { type: 'thinking_delta', thinking: part.text },
        { type: 'signature_delta', signature },
      ]);
    case 'text':
      return around(
        { text: '' },
        part.chunks.map((text) => ({ type: 'text_delta', text })),
      );
    case 'refusal':
      return around({ text: '' }, [{ type: 'text_delta', text: part.text }]);
    case 'tool':
      return around(
        { input: {} },
        inPieces(part.input).map((piece) => ({ type: 'input_json_delta', partial_json: piece })),
      );
    case 'unknown':
      return [
        namedFrame('weather_report', { sky: 'clear' }),
        ...around({}, [{ type: 'hologram_delta', depth: 4 }]),
      ];
  }
}

const problems: Readonly<Record<number, readonly [type: string, message: string]>> = {
  400: ['invalid_request_error', 'The request is not valid.'],
  401: ['authentication_error', 'invalid x-api-key'],
  403: ['permission_error', 'Your API key does not have permission to use the specified resource.'],
  404: ['not_found_error', 'Not found'],
  413: ['request_too_large', 'Request exceeds the maximum size'],
  429: ['rate_limit_error', "This request would exceed your organization's rate limit."],
  529: ['overloaded_error', 'Overloaded'],
};

function answerProblem({ status, overflow, message: ours }: Problem): ErrorAnswer {
  const [type, theirs] = problems[status] ?? ['api_error', 'Internal server error'];
  const tooLong = 'prompt is too long: 213462 tokens > 200000 maximum';
  const message = ours ?? (overflow === true ? tooLong : theirs);
  const body = { type: 'error', error: { type, message }, request_id: madeId('req') };
  return { kind: 'body', status, body };
}
