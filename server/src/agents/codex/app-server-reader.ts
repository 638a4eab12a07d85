import type { AgentReader, AgentTask } from '../agent.ts';
import { interruptOf, newConversation, readResponse, type Draft } from './app-server-conversation.ts';
import { readNotification } from './app-server-notifications.ts';
import { answerQuestion, readRequest } from './app-server-questions.ts';
import { parseLine } from '../../lib/json-fields.ts';
import { textIn } from './fields.ts';
import { outcomeOf } from './turn-outcome.ts';

/**
 * Leads the conversation with `codex app-server`: each line read decides what is written next, so a reader
 * that is given all lines again asks for the same inputs under the same keys. What agents that the agent
 * started say is shown, and what they spend counts; only the task's own turn ends the run.
 */
export function createAppServerReader(task: AgentTask, model: string): AgentReader {
  const conversation = newConversation(task, model);
  return {
    read(lines) {
      const draft: Draft = { events: [], inputs: [], questions: [], spend: [] };
      for (const text of lines) {
        const line = parseLine(text);
        const method = textIn(line, 'method');
        const hasId = line !== undefined && 'id' in line;
        if (line === undefined || (method === undefined && !hasId)) {
          draft.events.push({ type: 'system', content: text });
        } else if (method === undefined) {
          readResponse(conversation, line, draft);
        } else if (hasId) {
          const asked = readRequest(line, conversation.changed, task.approvals === 'ask');
          if (asked.kind === 'question') draft.questions.push(asked.question);
          else draft.inputs.push(asked.input);
          draft.events.push({ type: 'system', content: method, raw: line });
        } else {
          readNotification(conversation, line, draft);
        }
      }
      return { ...draft, ended: conversation.turn.end !== undefined };
    },
    answer: answerQuestion,
    interrupt: () => interruptOf(conversation),
    outcome: (exit) => outcomeOf(conversation.turn, exit, task),
  };
}
