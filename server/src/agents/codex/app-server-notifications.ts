import type { AgentEvent } from '../agent.ts';
import { endConversation, exceedTurns, type Conversation, type Draft } from './app-server-conversation.ts';
import { type JsonObject } from '../../lib/json-fields.ts';
import { numberIn, objectIn, textIn } from './fields.ts';
import { isTool, itemType, reasoningText } from './item-events.ts';
import { noSpend } from '../../domain/spend.ts';
import { failureIn } from './servers.ts';
import { createSpendMeter } from './spend-meter.ts';
import type { TurnEnd } from './turn-outcome.ts';

/** One notification: its parameters, and the whole line for the events made of it. */
type Notification = { readonly params: JsonObject; readonly line: JsonObject };
type Handle = (conversation: Conversation, notification: Notification, draft: Draft) => void;

/** What a notification means for the conversation; one that is not known is shown and changes nothing. */
export function readNotification(conversation: Conversation, line: JsonObject, draft: Draft): void {
  const method = textIn(line, 'method') ?? '';
  const params = objectIn(line, 'params') ?? {};
  const handle = Object.hasOwn(known, method) ? known[method] : undefined;
  if (handle !== undefined) {
    handle(conversation, { params, line }, draft);
    return;
  }
  // `error` is a try that failed, be there another one or not: the turn's end says which.
  const error = objectIn(params, 'error');
  const said = [textIn(error, 'message') ?? textIn(params, 'message'), textIn(error, 'additionalDetails')];
  draft.events.push({
    type: 'system',
    content: said.filter((words) => words !== undefined).join(': ') || method,
    raw: line,
  });
}

const known: Readonly<Record<string, Handle>> = {
  'turn/started': turnStarted,
  'item/started': itemStarted,
  'item/completed': itemCompleted,
  'item/agentMessage/delta': (conversation, { params }, draft) => {
    addText(conversation, params, draft, { type: 'text', content: textIn(params, 'delta') ?? '' });
  },
  'item/reasoning/summaryTextDelta': addThought,
  'item/reasoning/textDelta': addThought,
  'item/reasoning/summaryPartAdded': (conversation, { params }, draft) => {
    const isFirst = (numberIn(params, 'summaryIndex') ?? 0) === 0;
    addText(conversation, params, draft, { type: 'thinking', content: isFirst ? '' : '\n\n' });
  },
  'thread/tokenUsage/updated': usageUpdated,
  'turn/completed': turnCompleted,
  'mcpServer/startupStatus/updated': serverUpdated,
};

/** Agents that the agent starts bring up the same servers: who is missing is told once. */
function serverUpdated(conversation: Conversation, { params, line }: Notification, draft: Draft): void {
  const status = `${textIn(params, 'name') ?? 'a server'}: ${textIn(params, 'status') ?? ''}`;
  draft.events.push({ type: 'system', content: `MCP server ${status}`, raw: line });
  const failed = failureIn(params, conversation.serverFailures);
  if (failed.length > 0) draft.servers = [...(draft.servers ?? []), ...failed];
}

function turnStarted(conversation: Conversation, { params, line }: Notification, draft: Draft): void {
  if (isOwn(conversation, params)) {
    conversation.turnId ??= textIn(objectIn(params, 'turn'), 'id');
  }
  draft.events.push({ type: 'system', content: 'turn/started', raw: line });
}

function itemStarted(conversation: Conversation, { params, line }: Notification, draft: Draft): void {
  const item = objectIn(params, 'item') ?? {};
  const type = itemType(item);
  if (type === 'user_message') return;
  if (type === 'file_change') conversation.changed.set(textIn(item, 'id') ?? '', item['changes']);
  if (isOwn(conversation, params) && conversation.limit.itemBegan(isTool(type))) {
    exceedTurns(conversation, draft);
  }
  draft.events.push(...conversation.items.of('started', item, line));
}

/** A message that was told as it was written is not told again. */
function itemCompleted(conversation: Conversation, { params, line }: Notification, draft: Draft): void {
  const item = objectIn(params, 'item') ?? {};
  const type = itemType(item);
  if (type === 'user_message') return;
  const text = type === 'reasoning' ? reasoningText(item) : (textIn(item, 'text') ?? '');
  if (isOwn(conversation, params) && type === 'agent_message') conversation.turn.answer = text;
  const isRepeated = conversation.partial.repeats(textIn(item, 'id') ?? '', text);
  draft.events.push(
    ...(isRepeated
      ? [{ type: 'system', content: type, raw: line } as const]
      : conversation.items.of('completed', item, line)),
  );
}

function addThought(conversation: Conversation, { params }: Notification, draft: Draft): void {
  addText(conversation, params, draft, { type: 'thinking', content: textIn(params, 'delta') ?? '' });
}

/** Pieces in a row become one event. */
function addText(conversation: Conversation, params: JsonObject, draft: Draft, piece: AgentEvent): void {
  if (piece.content === '') return;
  conversation.partial.add(textIn(params, 'itemId') ?? '', piece.content);
  const last = draft.events.at(-1);
  if (last?.type !== piece.type || last.raw !== undefined) draft.events.push(piece);
  else draft.events[draft.events.length - 1] = { ...piece, content: last.content + piece.content };
}

/** Reports of an earlier turn, which a resumed conversation begins with, are neither counted nor spent. */
function usageUpdated(conversation: Conversation, { params, line }: Notification, draft: Draft): void {
  draft.events.push({ type: 'system', content: 'thread/tokenUsage/updated', raw: line });
  const own = isOwn(conversation, params);
  if (own && textIn(params, 'turnId') !== conversation.turnId) return;
  const thread = textIn(params, 'threadId') ?? '';
  const usage = objectIn(params, 'tokenUsage');
  const { meters, task, model } = conversation;
  const meter = meters.get(thread) ?? createSpendMeter(own ? task.resume?.spent : noSpend);
  meters.set(thread, meter);
  const delta = meter.advance(objectIn(usage, 'total') ?? {}, objectIn(usage, 'last'));
  if (delta !== undefined) draft.spend.push({ ...delta, model });
  if (own && conversation.limit.answered()) exceedTurns(conversation, draft);
}

function turnCompleted(conversation: Conversation, { params, line }: Notification, draft: Draft): void {
  if (!isOwn(conversation, params) || conversation.turn.end !== undefined) {
    draft.events.push({ type: 'system', content: 'turn/completed', raw: line });
    return;
  }
  const turn = objectIn(params, 'turn');
  const status = textIn(turn, 'status');
  const error = objectIn(turn, 'error');
  const end: TurnEnd =
    status === 'completed' || status === 'interrupted' ? { kind: status } : { kind: 'failed', error };
  endConversation(conversation, end, draft);
  const { answer, turnsExceeded } = conversation.turn;
  if (end.kind === 'completed') draft.events.push({ type: 'result', content: answer ?? '', raw: line });
  else if (end.kind === 'failed') {
    draft.events.push({ type: 'error', content: textIn(error, 'message') ?? 'the turn failed', raw: line });
  } else {
    draft.events.push({ type: turnsExceeded ? 'error' : 'system', content: 'turn interrupted', raw: line });
  }
}

/** Whether it is about the task's own conversation, not that of an agent which the agent started. */
function isOwn({ threadId }: Conversation, params: JsonObject): boolean {
  const named = textIn(params, 'threadId');
  return named === undefined || threadId === undefined || named === threadId;
}
