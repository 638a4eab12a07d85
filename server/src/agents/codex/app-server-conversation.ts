import type {
  AgentEvent,
  AgentInput,
  AgentQuestion,
  AgentReading,
  AgentTask,
  ServerFailure,
} from '../agent.ts';
import { closeInput, interruptTurn, openThread, requestIds, startTurn } from './app-server-requests.ts';
import { type JsonObject } from '../../lib/json-fields.ts';
import { numberIn, objectIn, textIn } from './fields.ts';
import { createItemEvents, type ItemEvents } from './item-events.ts';
import { createPartialText, type PartialText } from './partial-text.ts';
import { createServerFailures } from './servers.ts';
import type { SpendMeter } from './spend-meter.ts';
import { createTurnLimit, type TurnLimit } from './turn-limit.ts';
import { newTurn, type Turn, type TurnEnd } from './turn-outcome.ts';

/** What one reader knows of the conversation that it leads. */
export type Conversation = {
  readonly task: AgentTask;
  readonly turn: Turn;
  readonly items: ItemEvents;
  readonly limit: TurnLimit;
  readonly partial: PartialText;
  /** By conversation: agents that the agent starts have their own. */
  readonly meters: Map<string, SpendMeter>;
  /** The changes of file-change items by id, which the question about them does not repeat. */
  readonly changed: Map<string, unknown>;
  readonly serverFailures: ReturnType<typeof createServerFailures>;
  model: string;
  threadId: string | undefined;
  turnId: string | undefined;
};

/** A reading while it is being made. */
export type Draft = {
  events: AgentEvent[];
  inputs: AgentInput[];
  questions: AgentQuestion[];
  spend: AgentReading['spend'][number][];
  session?: string;
  version?: string;
  servers?: ServerFailure[];
};

/** A conversation of which no line was read. `model` counts until the program names its own. */
export function newConversation(task: AgentTask, model: string): Conversation {
  return {
    task,
    // The program was started for a conversation: from the first it owes a last word.
    turn: { ...newTurn(), begun: true },
    items: createItemEvents(),
    limit: createTurnLimit(task.maxTurns),
    partial: createPartialText(),
    meters: new Map(),
    changed: new Map(),
    serverFailures: createServerFailures(task),
    model,
    threadId: undefined,
    turnId: undefined,
  };
}

/** The request that breaks the turn off; undefined while there is none, or none any more. */
export function interruptOf({ threadId, turnId, turn }: Conversation): AgentInput | undefined {
  return threadId === undefined || turnId === undefined || turn.end !== undefined
    ? undefined
    : interruptTurn(threadId, turnId);
}

/** Breaks the turn off for having asked the model too often. */
export function exceedTurns(conversation: Conversation, draft: Draft): void {
  const input = interruptOf(conversation);
  if (input === undefined) return;
  conversation.turn.turnsExceeded = true;
  draft.inputs.push(input);
}

/** The last word of the run: the program may leave. */
export function endConversation(conversation: Conversation, end: TurnEnd, draft: Draft): void {
  conversation.turn.end = end;
  draft.inputs.push(closeInput);
}

/** Reads the answer to one of our requests; each makes the next one possible. */
export function readResponse(conversation: Conversation, line: JsonObject, draft: Draft): void {
  const id = numberIn(line, 'id');
  const error = objectIn(line, 'error');
  const result = objectIn(line, 'result');
  if (error !== undefined && id !== requestIds.interrupt) {
    const message = textIn(error, 'message') ?? JSON.stringify(error);
    const lost = id === requestIds.thread && conversation.task.resume !== undefined;
    draft.events.push({ type: 'error', content: message, raw: line });
    endConversation(conversation, { kind: 'unopened', message, lost }, draft);
    return;
  }
  draft.events.push({ type: 'system', content: `response ${String(line['id'])}`, raw: line });
  if (id === requestIds.initialize) initialized(conversation, result, draft);
  if (id === requestIds.thread) opened(conversation, result, draft);
  if (id === requestIds.turn) conversation.turnId ??= textIn(objectIn(result, 'turn'), 'id');
}

/** The program names itself after its client, with its own version: `slipway/0.169.0 (Debian …`. */
function initialized({ task }: Conversation, result: JsonObject | undefined, draft: Draft): void {
  const version = /^[^/]*\/(\S+)/u.exec(textIn(result, 'userAgent') ?? '')?.[1];
  if (version !== undefined) draft.version = version;
  draft.inputs.push(openThread(task));
}

function opened(conversation: Conversation, result: JsonObject | undefined, draft: Draft): void {
  const threadId = textIn(objectIn(result, 'thread'), 'id');
  if (threadId === undefined) {
    const message = 'codex opened a conversation and did not name it';
    endConversation(conversation, { kind: 'unopened', message, lost: false }, draft);
    return;
  }
  conversation.threadId = threadId;
  conversation.model = textIn(result, 'model') ?? conversation.model;
  draft.session = threadId;
  draft.inputs.push(startTurn(conversation.task, threadId));
}
