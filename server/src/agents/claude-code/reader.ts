import type {
  AgentEvent,
  AgentInput,
  AgentQuestion,
  AgentReader,
  AgentReading,
  AgentTask,
  ServerFailure,
} from '../agent.ts';
import { blockEvent, blocksOf, systemWords } from './content.ts';
import {
  fieldOf,
  numberField,
  objectField,
  parseLine,
  textField,
  type JsonObject,
} from '../../lib/json-fields.ts';
import { failureWords, outcomeOf, type ClaudeSaid } from './outcome.ts';
import { createPartialTexts, type PartialTexts } from './partial-text.ts';
import { answerTo, interruptOf, questionOf, refusalOf } from './permissions.ts';
import { createServerReader } from './servers.ts';
import { createSpendReader } from './spend.ts';

/** What a call of `read` gathers. */
type Gathered = {
  readonly event: (event: AgentEvent) => void;
  /** Deltas in a row become one event. */
  readonly delta: (type: 'text' | 'thinking', text: string) => void;
  readonly events: () => readonly AgentEvent[];
  readonly inputs: AgentInput[];
  readonly questions: AgentQuestion[];
  readonly spend: AgentReading['spend'][number][];
  readonly servers: ServerFailure[];
  session?: string;
  version?: string;
  ended: boolean;
};

/** What a reader remembers from call to call. */
type Memory = {
  readonly asks: boolean;
  readonly said: ClaudeSaid;
  readonly partial: PartialTexts;
  readonly spendOf: ReturnType<typeof createSpendReader>;
  readonly serversOf: ReturnType<typeof createServerReader>;
  model: string;
  session: string;
};

/** Reads the lines of one process. All that it ever asks to write follows from the task and from the lines. */
export function createClaudeReader(task: AgentTask): AgentReader {
  const memory: Memory = {
    asks: task.approvals === 'ask',
    said: { begun: false, apiErrorText: '', lastText: '', lastPlain: '' },
    partial: createPartialTexts(),
    spendOf: createSpendReader(task.resume?.spent.microdollars ?? 0),
    serversOf: createServerReader(task),
    model: task.model ?? 'unknown',
    session: '',
  };
  return {
    read(lines) {
      const gathered = gather();
      for (const line of lines) takeLine(memory, gathered, line);
      const { inputs, questions, spend, servers, session, version, ended } = gathered;
      return {
        events: gathered.events(),
        inputs,
        questions,
        spend,
        ...(session === undefined ? {} : { session }),
        ...(version === undefined ? {} : { version }),
        ...(servers.length === 0 ? {} : { servers }),
        ended,
      };
    },
    answer: answerTo,
    interrupt: () => (memory.asks ? interruptOf(task.runId) : undefined),
    outcome: (exit) => outcomeOf(task, memory.said, exit),
  };
}

function gather(): Gathered {
  const events: AgentEvent[] = [];
  let type: 'text' | 'thinking' = 'text';
  let open = '';
  const flush = (): void => {
    if (open !== '') events.push({ type, content: open });
    open = '';
  };
  return {
    event(event) {
      flush();
      events.push(event);
    },
    delta(next, text) {
      if (next !== type) flush();
      type = next;
      open += text;
    },
    events() {
      flush();
      return events;
    },
    inputs: [],
    questions: [],
    spend: [],
    servers: [],
    ended: false,
  };
}

function takeLine(memory: Memory, gathered: Gathered, text: string): void {
  const line = parseLine(text);
  if (line === undefined) {
    if (text.trim() !== '') memory.said.lastPlain = text;
    gathered.event({ type: 'system', content: text });
    return;
  }
  switch (textField(line, 'type')) {
    case 'assistant':
      return takeAssistant(memory, gathered, line);
    case 'user':
      return takeUser(gathered, line);
    case 'stream_event':
      return takePartial(memory, gathered, line);
    case 'result':
      return takeResult(memory, gathered, line);
    case 'control_request':
      return takeRequest(memory, gathered, line);
    case 'system':
      return takeSystem(memory, gathered, line);
    default:
      gathered.event({ type: 'system', content: systemWords(line), raw: line });
  }
}

/** One line is a message, or one block of it. What the program itself says of a failed request is no text of the model's. */
function takeAssistant(memory: Memory, gathered: Gathered, line: JsonObject): void {
  const { said, partial } = memory;
  const message = objectField(line, 'message');
  const blocks = blocksOf(message);
  const texts = blocks.map((block) => textField(block, 'text')).filter((text) => text !== '');
  if (fieldOf(line, 'is_api_error_message') === true || textField(message, 'model') === '<synthetic>') {
    said.apiError = line;
    said.apiErrorText = texts.join('\n') || textField(line, 'error') || 'the request to the model failed';
    gathered.event({ type: 'error', content: said.apiErrorText, raw: line });
    return;
  }
  delete said.apiError;
  said.apiErrorText = '';
  // Agents within the agent write too; the answer is the outer one's.
  const isOuter = textField(line, 'parent_tool_use_id') === '';
  if (texts.length > 0 && isOuter) said.lastText = texts.join('\n');
  const structured = blocks.findLast((block) => textField(block, 'name') === 'StructuredOutput');
  if (structured !== undefined && isOuter) said.lastStructured = fieldOf(structured, 'input');
  if (blocks.length === 0) gathered.event({ type: 'system', content: systemWords(line), raw: line });
  for (const block of blocks) {
    const event = blockEvent(block);
    const streams = event?.type === 'text' || event?.type === 'thinking' ? event.type : undefined;
    const repeated = streams !== undefined && partial.repeats(line, streams, event?.content ?? '');
    gathered.event(
      event === undefined || repeated
        ? { type: 'system', content: repeated ? 'message' : textField(block, 'type') || 'message', raw: line }
        : { ...event, raw: line },
    );
  }
}

/** What was sent to the model: results of tools, and words of the program's own. */
function takeUser(gathered: Gathered, line: JsonObject): void {
  const blocks = blocksOf(objectField(line, 'message'));
  if (blocks.length === 0) gathered.event({ type: 'system', content: systemWords(line), raw: line });
  for (const block of blocks) {
    const event = blockEvent(block);
    gathered.event(
      event?.type === 'tool_result'
        ? { ...event, raw: line }
        : { type: 'system', content: event?.content ?? 'user', raw: line },
    );
  }
}

function takePartial(memory: Memory, gathered: Gathered, line: JsonObject): void {
  const part = memory.partial.take(line);
  if (part.kind === 'delta') gathered.delta(part.type, part.text);
  if (part.kind === 'unknown') gathered.event({ type: 'system', content: systemWords(line), raw: line });
}

/** The last word of a turn. A process may go on with another turn and have a last word again: that one counts. */
function takeResult(memory: Memory, gathered: Gathered, line: JsonObject): void {
  memory.said.result = line;
  const failure = failureWords(memory.said);
  gathered.event(
    failure === undefined
      ? { type: 'result', content: textField(line, 'result'), raw: line }
      : { type: 'error', content: failure, raw: line },
  );
  gathered.spend.push(...memory.spendOf(line, memory.model));
  // A resume that found nothing repeats the id that it was given.
  if (failure === undefined) takeSession(memory, gathered, line);
  gathered.ended = true;
  if (memory.asks) gathered.inputs.push({ key: 'end', text: '', end: true });
}

function takeRequest(memory: Memory, gathered: Gathered, line: JsonObject): void {
  const question = memory.asks ? questionOf(line) : undefined;
  const subtype = textField(objectField(line, 'request'), 'subtype');
  const words = question === undefined ? `request: ${subtype}` : `${question.tool}: ${question.summary}`;
  gathered.event({ type: 'system', content: words, raw: line });
  const requestId = textField(line, 'request_id');
  if (question !== undefined) gathered.questions.push(question);
  else if (memory.asks && requestId !== '') gathered.inputs.push(refusalOf(requestId));
}

function takeSystem(memory: Memory, gathered: Gathered, line: JsonObject): void {
  const subtype = textField(line, 'subtype');
  // A counter that comes many times a message and says nothing that stays.
  if (subtype === 'thinking_tokens' && numberField(line, 'estimated_tokens') !== undefined) return;
  if (subtype === 'init') {
    const version = textField(line, 'claude_code_version');
    if (version !== '') {
      memory.said.begun = true;
      gathered.version = version;
    }
    memory.model = textField(line, 'model') || memory.model;
    gathered.servers.push(...memory.serversOf(line));
    takeSession(memory, gathered, line);
  }
  gathered.event({ type: 'system', content: systemWords(line), raw: line });
}

function takeSession(memory: Memory, gathered: Gathered, line: JsonObject): void {
  const session = textField(line, 'session_id');
  if (session === '' || session === memory.session) return;
  memory.session = session;
  gathered.session = session;
}
