import { numberField, objectField, textField, type JsonObject } from '../../lib/json-fields.ts';

/** What a `stream_event` line adds. */
export type PartialText =
  | { readonly kind: 'delta'; readonly type: 'text' | 'thinking'; readonly text: string }
  /** Part of what the full line, which follows, says again. */
  | { readonly kind: 'repeated' }
  | { readonly kind: 'unknown' };

export type PartialTexts = {
  readonly take: (line: JsonObject) => PartialText;
  /** Whether a block of a full line has been handed out as deltas. Asked once for each block. */
  readonly repeats: (line: JsonObject, type: 'text' | 'thinking', text: string) => boolean;
};

const repeatedEvents = [
  'message_start',
  'content_block_start',
  'content_block_stop',
  'message_delta',
  'message_stop',
  'ping',
];
const repeatedDeltas = ['signature_delta', 'input_json_delta', 'citations_delta'];

/**
 * Text as it is being written comes in deltas, and then a full line says it all again. A block is matched
 * by what it says, not by its place: after a cut stream the program asks again without streaming, and
 * that message is a new one, which must be told.
 */
export function createPartialTexts(): PartialTexts {
  /** By the call that it belongs to (agents within the agent write at the same time) and the block's place. */
  let open: { owner: string; index: number; type: 'text' | 'thinking'; text: string }[] = [];

  const add = (owner: string, event: JsonObject | undefined): PartialText => {
    const delta = objectField(event, 'delta');
    const index = numberField(event, 'index') ?? 0;
    const kind = textField(delta, 'type');
    if (kind !== 'text_delta' && kind !== 'thinking_delta') {
      return { kind: repeatedDeltas.includes(kind) ? 'repeated' : 'unknown' };
    }
    const type = kind === 'text_delta' ? 'text' : 'thinking';
    const text = textField(delta, type);
    const block = open.find((each) => each.owner === owner && each.index === index && each.type === type);
    if (block === undefined) open.push({ owner, index, type, text });
    else block.text += text;
    return { kind: 'delta', type, text };
  };

  return {
    take(line) {
      const event = objectField(line, 'event');
      const owner = textField(line, 'parent_tool_use_id');
      const kind = textField(event, 'type');
      if (kind === 'message_start') open = open.filter((block) => block.owner !== owner);
      if (kind === 'content_block_delta') return add(owner, event);
      return { kind: repeatedEvents.includes(kind) ? 'repeated' : 'unknown' };
    },
    repeats(line, type, text) {
      const owner = textField(line, 'parent_tool_use_id');
      const found = open.find((block) => block.owner === owner && block.type === type && block.text === text);
      open = open.filter((block) => block !== found);
      return found !== undefined;
    },
  };
}
