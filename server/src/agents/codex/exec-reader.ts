import type { AgentEvent, AgentReader, AgentReading, AgentTask } from '../agent.ts';
import { parseLine, type JsonObject } from '../../lib/json-fields.ts';
import { objectIn, textIn } from './fields.ts';
import { createItemEvents, itemType } from './item-events.ts';
import { failuresIn } from './servers.ts';
import { createSpendMeter } from './spend-meter.ts';
import { newTurn, outcomeOf } from './turn-outcome.ts';

type Draft = { -readonly [Key in keyof AgentReading]: AgentReading[Key] } & {
  events: AgentEvent[];
  spend: AgentReading['spend'][number][];
};

/**
 * Reads `codex exec --json`. Only `turn.failed` is a failure: `error` lines and items are warnings or
 * tries that will be made again. Failed turns report no usage; the next turn's totals include it.
 */
export function createExecReader(task: AgentTask, model: string): AgentReader {
  const turn = newTurn();
  const items = createItemEvents();
  const meter = createSpendMeter(task.resume?.spent);

  const known: Readonly<Record<string, (line: JsonObject, draft: Draft) => void>> = {
    'thread.started': (line, draft) => {
      turn.begun = true;
      const session = textIn(line, 'thread_id');
      if (session !== undefined) draft.session = session;
      draft.events.push({ type: 'system', content: 'thread.started', raw: line });
    },
    'turn.started': (line, draft) => {
      turn.begun = true;
      draft.events.push({ type: 'system', content: 'turn.started', raw: line });
    },
    'item.started': (line, draft) => {
      draft.events.push(...items.of('started', objectIn(line, 'item') ?? {}, line));
    },
    'item.completed': (line, draft) => {
      const item = objectIn(line, 'item') ?? {};
      if (itemType(item) === 'agent_message') turn.answer = textIn(item, 'text') ?? '';
      draft.events.push(...items.of('completed', item, line));
    },
    'turn.completed': (line, draft) => {
      turn.end = { kind: 'completed' };
      const delta = meter.advance(objectIn(line, 'usage') ?? {});
      if (delta !== undefined) draft.spend.push({ ...delta, model });
      draft.events.push({ type: 'result', content: turn.answer ?? '', raw: line });
    },
    'turn.failed': (line, draft) => {
      const error = objectIn(line, 'error');
      turn.end = { kind: 'failed', error };
      draft.events.push({ type: 'error', content: textIn(error, 'message') ?? 'turn.failed', raw: line });
    },
    error: (line, draft) => {
      draft.events.push({ type: 'system', content: textIn(line, 'message') ?? 'error', raw: line });
    },
  };

  return {
    read(lines) {
      const draft: Draft = { events: [], inputs: [], questions: [], spend: [], ended: false };
      for (const line of lines) {
        const fields = parseLine(line);
        const type = textIn(fields, 'type') ?? '';
        const handle = Object.hasOwn(known, type) ? known[type] : undefined;
        if (fields !== undefined && handle !== undefined) handle(fields, draft);
        else draft.events.push({ type: 'system', content: line });
      }
      draft.ended = turn.end !== undefined;
      return draft;
    },
    // This form asks nothing.
    answer: (question) => ({ key: `answer:${question.requestId}`, text: '' }),
    interrupt: () => undefined,
    serversIn: (errors) => failuresIn(task, errors),
    outcome: (exit) => outcomeOf(turn, exit, task),
  };
}
