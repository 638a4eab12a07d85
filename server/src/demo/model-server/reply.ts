import type { Conversation, Tool } from './conversation.ts';

/** A piece of the model's message. */
export type Part =
  | { readonly kind: 'thinking'; readonly text: string }
  /** Each chunk is a delta of its own. */
  | { readonly kind: 'text'; readonly chunks: readonly string[] }
  /** The input is a text where the tool takes code. */
  | { readonly kind: 'tool'; readonly tool: Tool; readonly input: Readonly<Record<string, unknown>> | string }
  | { readonly kind: 'refusal'; readonly text: string }
  /** A kind of content, and events, that no client knows. */
  | { readonly kind: 'unknown' };

/** A message of the model, and how it is sent. */
export type Turn = {
  readonly kind: 'turn';
  readonly parts: readonly Part[];
  /** Before the first byte. */
  readonly firstByteMs?: number;
  /** Before each delta. */
  readonly betweenDeltasMs?: number;
  /** What happens behind the first delta; where the answer is no stream, in place of it. */
  readonly fault?: 'hang' | 'cut' | 'error';
};

/** An answer that is an error; `overflow`: the conversation is longer than the model takes. */
export type Problem = {
  readonly kind: 'problem';
  readonly status: number;
  readonly overflow?: boolean;
  /** In place of the provider's own words. */
  readonly message?: string;
};

export type Reply = Turn | Problem;

/** What every message of the scripted model costs, in tokens: a ledger can be checked against it. */
export const scriptedUsage = {
  input: 1200,
  cacheWrite: 50,
  cacheRead: 300,
  output: 42,
  reasoning: 7,
} as const;

/** A message of one text, in one delta. */
export function say(text: string): Turn {
  return { kind: 'turn', parts: [{ kind: 'text', chunks: [text] }] };
}

/** What of a message its reader gets to see: thinking only where it was asked for. */
export function shownParts(turn: Turn, conversation: Pick<Conversation, 'thinks'>): readonly Part[] {
  return conversation.thinks ? turn.parts : turn.parts.filter((part) => part.kind !== 'thinking');
}

/** The whole text of a part of text. */
export function textIn(part: Extract<Part, { readonly kind: 'text' }>): string {
  return part.chunks.join('');
}

/** Why the model stopped, in our own words. */
export function stopOf(turn: Turn): 'tool' | 'refusal' | 'end' {
  if (turn.parts.some((part) => part.kind === 'tool')) return 'tool';
  return turn.parts.some((part) => part.kind === 'refusal') ? 'refusal' : 'end';
}
