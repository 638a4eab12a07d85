import type { AgentExit, AgentOutcome, AgentTask } from '../agent.ts';
import type { AgentFailureCode } from '../../domain/failure.ts';
import { fieldOf, listField, numberField, textField, type JsonObject } from '../../lib/json-fields.ts';

/** What the lines of a process said about how it went. */
export type ClaudeSaid = {
  /** The true program has begun: from it a line with the result is owed. A stand-in may leave that out. */
  begun: boolean;
  /** The last `result` line. */
  result?: JsonObject;
  /** The program's own message of a request that failed for good, if the model said nothing since. */
  apiError?: JsonObject;
  /** The text of that message. */
  apiErrorText: string;
  /** The last text of the model, not of an agent within the agent. */
  lastText: string;
  /** What the model gave last as the answer by the schema, whether it follows it or not. */
  lastStructured?: unknown;
  /** The last line that was no JSON. */
  lastPlain: string;
};

type Failed = Extract<AgentOutcome, { readonly kind: 'failed' }>;
type Verdict = Pick<Failed, 'code' | 'retryable'>;

/**
 * How the run went. The program's own result line decides: its `is_error`, never its `subtype` (a refused key
 * is a `success` there) nor the exit code, which is 0 after an interrupt. Only where all was well must the
 * exit be a good one too.
 */
export function outcomeOf(task: AgentTask, said: ClaudeSaid, exit: AgentExit): AgentOutcome {
  if (said.result === undefined) return outcomeWithoutResult(task, said, exit);
  if (task.schemaIsWish === true && gaveUpOnSchema(said.result)) return nearlyStructured(said);
  const words = failureWords(said);
  if (words !== undefined) return failed(verdictOf(task, said, `${words}\n${exit.errors}`), words);
  return exit.finished === true || exit.code === 0 ? doneOutcome(task, said, said.result) : badExit(exit);
}

/** What went wrong by the result line, in the program's words; undefined: nothing. */
export function failureWords({ result, apiError }: ClaudeSaid): string | undefined {
  const subtype = textField(result, 'subtype');
  const isError = fieldOf(result, 'is_error');
  if (isError !== true && !(isError === undefined && subtype.startsWith('error'))) return undefined;
  // Its `errors` hold nothing for people then.
  if (textField(result, 'terminal_reason').startsWith('aborted')) return 'the turn was interrupted';
  const errors = listField(result, 'errors').filter((error) => typeof error === 'string');
  return (
    textField(result, 'result') || errors.join('; ') || textField(apiError, 'error') || subtype || 'error'
  );
}

function doneOutcome(task: AgentTask, said: ClaudeSaid, result: JsonObject): AgentOutcome {
  const stopReason = textField(result, 'stop_reason') || textField(result, 'terminal_reason');
  if (stopReason === 'refusal') {
    const words = textField(result, 'result') || 'the model refused to answer';
    return failed({ code: 'model_refused', retryable: false }, words);
  }
  const structured = fieldOf(result, 'structured_output');
  const hasStructured = structured !== undefined && structured !== null;
  if (task.outputSchema !== undefined && !hasStructured && task.schemaIsWish !== true) {
    return failed({ code: 'answer_invalid', retryable: false }, 'the answer does not follow the schema');
  }
  const text = textField(result, 'result') || (hasStructured ? JSON.stringify(structured) : said.lastText);
  return {
    kind: 'done',
    result: text,
    ...(stopReason === '' ? {} : { stopReason }),
    ...(hasStructured ? { structured } : {}),
  };
}

/** The model was told a few times that its answer does not follow the schema. */
function gaveUpOnSchema(result: JsonObject): boolean {
  return textField(result, 'subtype') === 'error_max_structured_output_retries';
}

/** The last of the answers that do not follow the schema: whoever only wished for it may read it all the same. */
function nearlyStructured({ lastStructured, lastText }: ClaudeSaid): AgentOutcome {
  return { kind: 'done', result: lastStructured === undefined ? lastText : JSON.stringify(lastStructured) };
}

function outcomeWithoutResult(task: AgentTask, said: ClaudeSaid, exit: AgentExit): AgentOutcome {
  if (exit.signal !== null) return badExit(exit);
  if (exit.code === 0 && !said.begun) return { kind: 'done', result: said.lastText || said.lastPlain };
  const words = said.apiErrorText || exit.errors.trim();
  if (said.apiError !== undefined || sessionIsLost(words)) {
    return failed(verdictOf(task, said, words), said.apiErrorText || lastLine(words));
  }
  if (!said.begun) return badExit(exit);
  const how = exit.code === 0 ? 'left' : `exited with code ${exit.code}`;
  return failed(
    { code: 'agent_crashed', retryable: true },
    withErrors(`the program ${how} without telling a result`, exit),
  );
}

function badExit(exit: AgentExit): AgentOutcome {
  return exit.signal !== null || exit.code === null
    ? failed(
        { code: 'agent_crashed', retryable: true },
        withErrors(`the program was ended by ${exit.signal ?? 'a signal'}`, exit),
      )
    : failed(
        { code: 'agent_failed', retryable: false },
        withErrors(`the program exited with code ${exit.code}`, exit),
      );
}

function withErrors(words: string, exit: AgentExit): string {
  const line = lastLine(exit.errors);
  return line === '' ? words : `${words}: ${line}`;
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.trim() ?? '';
}

/** What the result's own words for an end mean, beside those for a failed request. */
const endings: Readonly<Record<string, AgentFailureCode>> = {
  error_max_turns: 'turns_exceeded',
  max_turns: 'turns_exceeded',
  error_max_budget_usd: 'budget_exceeded',
  budget_exhausted: 'budget_exceeded',
  error_max_structured_output_retries: 'answer_invalid',
  structured_output_retry_exhausted: 'answer_invalid',
  prompt_too_long: 'context_overflow',
  refusal: 'model_refused',
};

function verdictOf(task: AgentTask, { result, apiError }: ClaudeSaid, words: string): Verdict {
  if (sessionIsLost(words)) return { code: 'session_lost', retryable: true };
  for (const name of ['subtype', 'terminal_reason', 'stop_reason']) {
    const code = endings[textField(result, name)];
    if (code !== undefined) return { code, retryable: false };
  }
  if (/prompt is too long/iu.test(words)) return { code: 'context_overflow', retryable: false };
  const status = numberField(result, 'api_error_status') ?? numberField(apiError, 'api_error_status');
  const isApiError = textField(result, 'terminal_reason') === 'api_error' || apiError !== undefined;
  if (status === undefined && !isApiError) return { code: 'agent_failed', retryable: false };
  return requestVerdict(task, status ?? 0, `${textField(apiError, 'error')} ${words}`);
}

/** A request to the model that failed for good. `status` is 0 where there was no answer at all. */
function requestVerdict(task: AgentTask, status: number, words: string): Verdict {
  if (status === 401 || status === 403 || /authentication_failed|billing|credit balance/iu.test(words)) {
    return { code: 'model_authentication', retryable: false };
  }
  if (status === 429 || words.startsWith('rate_limit')) return { code: 'model_rate_limit', retryable: true };
  if (status >= 500 || /^server_error|overloaded/u.test(words)) {
    return { code: 'model_overloaded', retryable: true };
  }
  // The model takes the conversation no more: without it, it may take the task.
  if (status === 400 && task.resume !== undefined) return { code: 'session_lost', retryable: true };
  return { code: 'agent_failed', retryable: false };
}

function sessionIsLost(words: string): boolean {
  return /no conversation found/iu.test(words);
}

/** What a person can do about it, where that is known. */
const advice: Partial<Readonly<Record<AgentFailureCode, string>>> = {
  model_authentication:
    "the model's provider refused the key: check ANTHROPIC_API_KEY of the server, or the task's ai_api_key",
  turns_exceeded: 'allow more with max_turns, or follow up to go on',
  budget_exceeded: 'allow more with max_budget_usd, or follow up to go on',
  context_overflow:
    'the conversation is longer than the model takes: start a new task, or give a smaller one',
};

const messageCharacters = 1_000;

function failed(verdict: Verdict, words: string): Failed {
  // The program takes the relay for a gateway of the user's own, and sends them there.
  const told = words.replace(/\s*(?:If it persists, )?check (?:your inference|the) gateway.*$/isu, '').trim();
  const hint = advice[verdict.code];
  const message = hint === undefined ? told : `${told} (${hint})`;
  return { kind: 'failed', ...verdict, message: message.slice(0, messageCharacters) };
}
