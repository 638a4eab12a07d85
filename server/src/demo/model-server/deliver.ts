import { aborted, delay } from '../../lib/abort.ts';
import type { Answer } from './answer.ts';
import type { Conversation } from './conversation.ts';
import { madeId, type Frame, type Protocol } from './protocol.ts';
import type { Problem, Reply, Turn } from './reply.ts';

export type Delivery = {
  readonly answer: Answer;
  readonly protocol: Protocol;
  readonly conversation: Conversation;
  readonly body: unknown;
  /** Before the first byte, beside what the scenario takes. */
  readonly latencyMs: number;
};

/** `cut`: the connection has to be broken now, by who owns it. */
export type Delivered = 'sent' | 'cut';

/**
 * Sends a reply, at its pace and with its faults. A message that hangs ends when its connection is gone;
 * rejects with the signal's reason where that comes in the middle of anything else.
 */
export async function deliver(delivery: Delivery, reply: Reply): Promise<Delivered> {
  const { answer, conversation, latencyMs } = delivery;
  const pause = latencyMs + (reply.kind === 'turn' ? (reply.firstByteMs ?? 0) : 0);
  if (pause > 0) await delay(pause, answer.signal);
  answer.header('request-id', madeId('req'));
  if (reply.kind === 'problem') return refuse(delivery, reply);
  return conversation.stream ? stream(delivery, reply) : sendWhole(delivery, reply);
}

async function refuse({ answer, protocol, conversation }: Delivery, problem: Problem): Promise<Delivered> {
  const words = protocol.problem(problem, conversation);
  if (words.kind === 'frames') {
    answer.begin();
    await write(answer, words.frames);
    answer.end();
    return 'sent';
  }
  // Who is told to come back shall do so at once.
  if (words.status === 429) answer.header('retry-after', '0');
  answer.json(words.status, words.body);
  return 'sent';
}

async function sendWhole(delivery: Delivery, turn: Turn): Promise<Delivered> {
  const { answer, protocol, conversation } = delivery;
  if (turn.fault === 'cut') return 'cut';
  if (turn.fault === 'error') return refuse(delivery, { kind: 'problem', status: 500 });
  if (turn.fault === 'hang') await aborted(answer.signal);
  else answer.json(200, protocol.whole(turn, conversation));
  return 'sent';
}

async function stream({ answer, protocol, conversation, body }: Delivery, turn: Turn): Promise<Delivered> {
  const frames = protocol.frames(turn, conversation, body);
  answer.begin();
  if (turn.fault === undefined) {
    await write(answer, frames, turn.betweenDeltasMs);
    answer.end();
    return 'sent';
  }
  await write(answer, frames.slice(0, frames.findIndex((frame) => frame.isDelta) + 1));
  if (turn.fault === 'cut') return 'cut';
  if (turn.fault === 'hang') {
    await aborted(answer.signal);
    return 'sent';
  }
  await write(answer, [protocol.errorFrame(conversation)]);
  answer.end();
  return 'sent';
}

/** Without a pause between deltas, all of them leave at once. */
async function write(answer: Answer, frames: readonly Frame[], betweenDeltasMs = 0): Promise<void> {
  if (betweenDeltasMs === 0) {
    await answer.write(frames.map(({ text }) => text).join(''));
    return;
  }
  for (const frame of frames) {
    if (frame.isDelta) await delay(betweenDeltasMs, answer.signal);
    await answer.write(frame.text);
  }
}
