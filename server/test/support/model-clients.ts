import { fieldOf, listField, textField } from '../../src/lib/json-fields.ts';

/** An answer as a client of a protocol understands it. */
export type Heard = {
  status: number;
  texts: string[];
  thinking: string;
  refusal: string;
  calls: { name: string; namespace: string; input: unknown }[];
  stop: string;
  inputTokens: unknown;
  error: unknown;
  /** The last event of a whole message came. */
  complete: boolean;
  deltas: number;
};

export type Question = {
  readonly prompt: string;
  readonly stream: boolean;
  readonly thinks?: boolean;
  readonly json?: boolean;
  readonly tools?: readonly string[];
  /** How many tools have answered since the prompt. */
  readonly results?: number;
};

export type Client = {
  readonly path: string;
  readonly request: (question: Question) => object;
  readonly event: (heard: Heard, data: unknown, pieces: Map<unknown, string>) => void;
  readonly whole: (heard: Heard, body: unknown) => void;
};

const schema = {
  type: 'object',
  properties: { command: { type: 'string' }, description: { type: 'string' } },
};
const repeated = <Value>(count: number | undefined, value: Value): Value[] =>
  Array.from({ length: count ?? 0 }, () => value);

const messages: Client = {
  path: '/v1/messages?beta=true',
  request: ({ prompt, stream, thinks, results, tools = ['Bash'] }) => ({
    model: 'm',
    stream,
    ...(thinks === true ? { thinking: { type: 'enabled', budget_tokens: 1024 } } : {}),
    tools: tools.map((name) => ({ name, input_schema: schema })),
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'reminder' },
          { type: 'text', text: prompt },
        ],
      },
      ...repeated(results, {
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: 't', content: 'x' }],
      }),
    ],
  }),
  event(heard, data, pieces) {
    const index = fieldOf(data, 'index');
    const block = fieldOf(data, 'content_block');
    const delta = fieldOf(data, 'delta');
    switch (textField(data, 'type')) {
      case 'message_start':
        heard.inputTokens = fieldOf(fieldOf(fieldOf(data, 'message'), 'usage'), 'input_tokens');
        break;
      case 'content_block_start':
        if (textField(block, 'type') === 'tool_use')
          heard.calls.push({ name: textField(block, 'name'), namespace: '', input: {} });
        break;
      case 'content_block_delta':
        heard.deltas += 1;
        pieces.set(
          index,
          (pieces.get(index) ?? '') + textField(delta, 'text') + textField(delta, 'partial_json'),
        );
        heard.thinking += textField(delta, 'thinking');
        break;
      case 'content_block_stop': {
        const call = heard.calls.at(-1);
        const piece = pieces.get(index) ?? '';
        if (call !== undefined && piece.startsWith('{"') && call.name !== '') call.input = JSON.parse(piece);
        else if (piece !== '') heard.texts.push(piece);
        break;
      }
      case 'message_delta':
        heard.stop = textField(delta, 'stop_reason');
        break;
      case 'message_stop':
        heard.complete = true;
        break;
      case 'error':
        heard.error = fieldOf(data, 'error');
        break;
    }
  },
  whole(heard, body) {
    heard.stop = textField(body, 'stop_reason');
    heard.inputTokens = fieldOf(fieldOf(body, 'usage'), 'input_tokens');
    heard.complete = heard.stop !== '';
    for (const block of listField(body, 'content')) {
      heard.thinking += textField(block, 'thinking');
      if (textField(block, 'type') === 'text') heard.texts.push(textField(block, 'text'));
      if (textField(block, 'type') === 'tool_use')
        heard.calls.push({ name: textField(block, 'name'), namespace: '', input: fieldOf(block, 'input') });
    }
  },
};

const responses: Client = {
  path: '/v1/responses',
  request: ({ prompt, stream, thinks, json, results, tools = ['exec_command'] }) => ({
    model: 'm',
    stream,
    ...(thinks === true ? { reasoning: { effort: 'medium', summary: 'auto' } } : {}),
    ...(json === true ? { text: { format: { type: 'json_schema', name: 'answer', schema: {} } } } : {}),
    tools: tools.map((name) => {
      const [space, inner] = name.split('/');
      const tool = {
        type: 'function',
        name: inner ?? space,
        parameters: { properties: { cmd: { type: 'string' } } },
      };
      return inner === undefined ? tool : { type: 'namespace', name: space, tools: [tool] };
    }),
    input: [
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: prompt }] },
      ...repeated(results, { type: 'function_call_output', call_id: 'c', output: 'x' }),
    ],
  }),
  event(heard, data) {
    const type = textField(data, 'type');
    const response = fieldOf(data, 'response');
    if (type.endsWith('.delta')) heard.deltas += 1;
    if (type === 'response.output_item.done') hearItem(heard, fieldOf(data, 'item'));
    if (type === 'response.failed') heard.error = fieldOf(response, 'error');
    if (type !== 'response.completed') return;
    heard.complete = true;
    heard.stop = textField(response, 'status');
    heard.inputTokens = fieldOf(fieldOf(response, 'usage'), 'input_tokens');
  },
  whole(heard, body) {
    for (const item of listField(body, 'output')) hearItem(heard, item);
    heard.stop = textField(body, 'status');
    heard.complete = heard.stop === 'completed';
    heard.inputTokens = fieldOf(fieldOf(body, 'usage'), 'input_tokens');
  },
};

function hearItem(heard: Heard, item: unknown): void {
  for (const part of listField(item, 'summary')) heard.thinking += textField(part, 'text');
  for (const part of listField(item, 'content')) {
    heard.refusal += textField(part, 'refusal');
    if (textField(part, 'type') === 'output_text') heard.texts.push(textField(part, 'text'));
  }
  if (textField(item, 'type') !== 'function_call') return;
  const input: unknown = JSON.parse(textField(item, 'arguments'));
  heard.calls.push({ name: textField(item, 'name'), namespace: textField(item, 'namespace'), input });
}

const chat: Client = {
  path: '/v1/chat/completions',
  request: ({ prompt, stream, json, results, tools = ['bash'] }) => ({
    model: 'm',
    stream,
    stream_options: { include_usage: true },
    ...(json === true ? { response_format: { type: 'json_schema', json_schema: {} } } : {}),
    tools: tools.map((name) => ({ type: 'function', function: { name, parameters: schema } })),
    messages: [
      { role: 'system', content: 'be kind' },
      { role: 'user', content: prompt },
      ...repeated(results, { role: 'tool', tool_call_id: 'c', content: 'x' }),
    ],
  }),
  event(heard, data, pieces) {
    const [choice] = listField(data, 'choices');
    const delta = fieldOf(choice, 'delta');
    const text = textField(delta, 'content');
    const [call] = listField(delta, 'tool_calls');
    if (text !== '') heard.texts = [`${heard.texts.join('')}${text}`];
    if (text !== '' || call !== undefined) heard.deltas += 1;
    heard.refusal += textField(delta, 'refusal');
    heard.stop += textField(choice, 'finish_reason');
    heard.error ??= fieldOf(data, 'error');
    heard.inputTokens ??= fieldOf(fieldOf(data, 'usage'), 'prompt_tokens');
    if (call === undefined) return;
    const described = fieldOf(call, 'function');
    const name = textField(described, 'name') || (heard.calls.at(-1)?.name ?? '');
    const piece = (pieces.get('call') ?? '') + textField(described, 'arguments');
    pieces.set('call', piece);
    heard.calls = [{ name, namespace: '', input: piece.endsWith('}') ? JSON.parse(piece) : piece }];
  },
  whole(heard, body) {
    const [choice] = listField(body, 'choices');
    const message = fieldOf(choice, 'message');
    heard.stop = textField(choice, 'finish_reason');
    heard.complete = heard.stop !== '';
    heard.refusal = textField(message, 'refusal');
    heard.inputTokens = fieldOf(fieldOf(body, 'usage'), 'prompt_tokens');
    if (textField(message, 'content') !== '') heard.texts.push(textField(message, 'content'));
    for (const call of listField(message, 'tool_calls')) {
      const described = fieldOf(call, 'function');
      const input: unknown = JSON.parse(textField(described, 'arguments'));
      heard.calls.push({ name: textField(described, 'name'), namespace: '', input });
    }
  },
};

/** The clients of the protocols that the scripted model speaks. */
export const modelClients = { messages, responses, chat };
/** Asks in a protocol; a broken connection rejects. */
export async function askModel(url: string, client: Client, question: Question): Promise<Heard> {
  const response = await fetch(`${url}${client.path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer made-up' },
    body: JSON.stringify(client.request(question)),
    signal: AbortSignal.timeout(20_000),
  });
  const heard: Heard = {
    status: response.status,
    texts: [],
    thinking: '',
    refusal: '',
    calls: [],
    stop: '',
    inputTokens: undefined,
    error: undefined,
    complete: false,
    deltas: 0,
  };
  const text = await response.text();
  if (response.headers.get('content-type') !== 'text/event-stream') {
    const body: unknown = JSON.parse(text);
    heard.error = fieldOf(body, 'error') ?? undefined;
    if (heard.error === undefined) client.whole(heard, body);
    return heard;
  }
  const pieces = new Map<unknown, string>();
  for (const frame of text.split('\n\n').filter((part) => part !== '')) {
    const data = frame.replace(/^event: .*\n/u, '').replace(/^data: /u, '');
    if (data === '[DONE]') heard.complete = true;
    else client.event(heard, JSON.parse(data), pieces);
  }
  return heard;
}
