import type { AgentAnswer, AgentQuestion } from '../../src/agents/agent.ts';
import type { Answer } from '../../src/store/answers.ts';
import type { ConversationLine } from '../../src/worker/conversation.ts';

/** A person's part in a run, kept in memory where the worker has rows. */
export type Answering = {
  readonly ask: (questions: readonly AgentQuestion[]) => void;
  /** Answers go to whoever is attached. */
  readonly attach: (line: ConversationLine) => void;
};

/** Without `answer` nobody ever answers. */
export function createAnswering(
  answer: ((question: AgentQuestion) => AgentAnswer | Promise<AgentAnswer>) | undefined,
): Answering {
  const answers = new Map<string, Answer>();
  let current: ConversationLine | undefined;
  const tell = (): void => current?.answer([...answers.values()]);
  const decide = async (question: AgentQuestion): Promise<void> => {
    const { requestId } = question;
    answers.set(requestId, { requestId, state: 'waiting', reason: null, waitedMs: 0 });
    tell();
    if (answer === undefined) return;
    const { allow, reason } = await answer(question);
    answers.set(requestId, { requestId, state: allow ? 'allowed' : 'denied', reason, waitedMs: 0 });
    tell();
  };
  return {
    ask(questions) {
      for (const question of questions) {
        decide(question).catch(() => {
          // Nobody who answers: the question stays open, and the test sees that it does.
        });
      }
    },
    attach(line) {
      current = line;
      if (answers.size > 0) tell();
    },
  };
}
