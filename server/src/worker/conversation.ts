import type { AgentInput, AgentQuestion, AgentReader, AgentReading } from '../agents/agent.ts';
import type { Answer } from '../store/answers.ts';
import type { Attached } from '../supervisor/attach.ts';

/**
 * What is known of the talk with one living agent, from all the lines it has written. A worker that adopts
 * the agent reads the same lines again and so knows the same; what it then sends once more, the supervisor
 * drops by its key.
 */
export type Conversation = {
  readonly reader: AgentReader;
  /** The agent has said its last word. */
  readonly ended: () => boolean;
  /** It said or did something of its own: a conversation that only failed has not. */
  readonly progressed: () => boolean;
  readonly asks: () => boolean;
  /** Takes in what lines meant. */
  readonly learn: (reading: AgentReading) => void;
  /** A line to a supervisor that has just been attached: tells it everything, and then what is new. */
  readonly lineTo: (supervisor: Attached, exitGraceMs: number) => ConversationLine;
};

export type ConversationLine = {
  /** Sends what the lines so far ask for. */
  readonly speak: () => void;
  /** Sends the answers that were decided, and stops the agent's clocks while one is missing. */
  readonly answer: (answers: readonly Answer[]) => void;
};

export function createConversation(reader: AgentReader): Conversation {
  const inputs: AgentInput[] = [];
  const questions = new Map<string, AgentQuestion>();
  const seen = { ended: false, progressed: false };
  return {
    reader,
    ended: () => seen.ended,
    progressed: () => seen.progressed,
    asks: () => questions.size > 0,
    learn(reading) {
      inputs.push(...reading.inputs);
      for (const question of reading.questions) questions.set(question.requestId, question);
      seen.ended ||= reading.ended;
      seen.progressed ||= reading.events.some(({ type }) => type === 'text' || type === 'tool_use');
    },
    lineTo(supervisor, exitGraceMs) {
      let sent = 0;
      let finished = false;
      const send = ({ key, text, end }: AgentInput): void =>
        supervisor.input({ key, text, end: end === true });
      return {
        speak() {
          for (; sent < inputs.length; sent += 1) {
            const input = inputs[sent];
            if (input !== undefined) send(input);
          }
          if (!seen.ended || finished) return;
          finished = true;
          supervisor.finish(exitGraceMs);
        },
        answer(answers) {
          let waiting = false;
          for (const { requestId, state, reason } of answers) {
            const question = questions.get(requestId);
            if (question === undefined) continue;
            if (state === 'waiting') waiting = true;
            else
              send(reader.answer(question, { allow: state === 'allowed', reason: wordsOf(state, reason) }));
          }
          if (waiting) supervisor.hold();
          else supervisor.go();
        },
      };
    },
  };
}

/** What the agent is told; never empty. */
function wordsOf(state: Answer['state'], reason: string | null): string {
  if (reason !== null && reason !== '') return reason;
  if (state === 'allowed') return 'A person allowed it.';
  return state === 'expired' ? 'Nobody answered in time, so it is denied.' : 'A person denied it.';
}
