import { randomBytes } from 'node:crypto';
import type { Conversation } from './conversation.ts';
import type { Problem, Turn } from './reply.ts';

/** One server-sent event, as it is written. */
export type Frame = {
  readonly text: string;
  /** It carries a piece of the model's message: pauses come before such a frame, faults behind one. */
  readonly isDelta: boolean;
};

/** How a provider says that something is wrong. */
export type ErrorAnswer =
  | { readonly kind: 'body'; readonly status: number; readonly body: unknown }
  | { readonly kind: 'frames'; readonly frames: readonly Frame[] };

/** A provider's language: reads its requests and writes its answers. Pure, but for the ids it makes up. */
export type Protocol = {
  readonly read: (body: unknown) => Conversation;
  /** The message as a stream, from its first event to its last. */
  readonly frames: (turn: Turn, conversation: Conversation, body: unknown) => readonly Frame[];
  /** The message in one piece. */
  readonly whole: (turn: Turn, conversation: Conversation) => unknown;
  readonly problem: (problem: Problem, conversation: Conversation) => ErrorAnswer;
  /** What ends a stream in its middle. */
  readonly errorFrame: (conversation: Conversation) => Frame;
};

/** An id of the kind that providers hand out: `msg_…`. */
export function madeId(prefix: string): string {
  return `${prefix}_${randomBytes(12).toString('hex')}`;
}

/** An event with its name, and its name again as `type`, the way both providers of named events do it. */
export function namedFrame(type: string, data: Readonly<Record<string, unknown>>, isDelta = false): Frame {
  return { text: `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`, isDelta };
}

/** A tool's input in two pieces: clients have to put together what arrives in any cut. */
export function inPieces(input: Readonly<Record<string, unknown>> | string): readonly [string, string] {
  const text = typeof input === 'string' ? input : JSON.stringify(input);
  const middle = Math.ceil(text.length / 2);
  return [text.slice(0, middle), text.slice(middle)];
}
