import type { AgentFailureCode } from '../../domain/failure.ts';
import { objectOf, type JsonObject } from '../../lib/json-fields.ts';
import { numberIn, objectIn, textIn } from './fields.ts';

export type ModelFailure = {
  readonly code: AgentFailureCode;
  readonly message: string;
  readonly retryable: boolean;
};

type Verdict = Pick<ModelFailure, 'code' | 'retryable'>;

const overloaded: Verdict = { code: 'model_overloaded', retryable: true };
const rateLimited: Verdict = { code: 'model_rate_limit', retryable: true };
/** A quota that is used up is not there again in a minute. */
const quotaUsedUp: Verdict = { code: 'model_rate_limit', retryable: false };
const unauthorized: Verdict = { code: 'model_authentication', retryable: false };
const overflow: Verdict = { code: 'context_overflow', retryable: false };
const refused: Verdict = { code: 'model_refused', retryable: false };
const failed: Verdict = { code: 'agent_failed', retryable: false };

/** The app-server's words for why a turn failed, as far as they say more than its message. */
const byWord: Readonly<Record<string, Verdict>> = {
  contextWindowExceeded: overflow,
  sessionBudgetExceeded: { code: 'budget_exceeded', retryable: false },
  usageLimitExceeded: quotaUsedUp,
  rateLimitExceeded: rateLimited,
  flexUnavailable: overloaded,
  serverOverloaded: overloaded,
  policyCapacityUnavailable: overloaded,
  internalServerError: overloaded,
  unauthorized,
  inferenceHookDenied: refused,
  cyberPolicy: refused,
  misalignmentPolicyViolation: refused,
};

/**
 * What the one-shot form says in its message only. In order: a broken stream carries the model's own words
 * behind `stream disconnected`, and those decide.
 */
const byText: readonly (readonly [RegExp, Verdict])[] = [
  [/context window|context[_ ]length|maximum context/iu, overflow],
  [/quota exceeded|insufficient_quota|usage limit/iu, quotaUsedUp],
  [/rate limit/iu, rateLimited],
  [/content_filter|flagged|usage policy|cyber_policy|safety reasons/iu, refused],
  [/high demand|overloaded|at capacity|had an error while processing|internal server error/iu, overloaded],
  [/unauthorized|invalid api key|incorrect api key|missing environment variable/iu, unauthorized],
  [/stream disconnected|connection failed|error sending request|network error|timed? ?out/iu, overloaded],
];

/**
 * Why a turn failed, by the program's message and, where the form has it, its `codexErrorInfo`. 500 comes
 * as a sentence about high demand, the other statuses as `unexpected status 401 …` or `last status: 429 …`.
 */
export function modelFailure(error: JsonObject | undefined): ModelFailure {
  const said = textIn(error, 'message') ?? '';
  const verdict =
    verdictOfInfo(error?.['codexErrorInfo']) ??
    verdictOfStatus(Number(/(?:unexpected status|last status:?) (\d{3})/u.exec(said)?.[1] ?? 0)) ??
    byText.find(([words]) => words.test(said))?.[1] ??
    failed;
  return { ...verdict, message: readable(said) };
}

/** Whether the model took the request for wrong (400): then the answer's JSON is all of the message. */
export function isBadRequest(error: JsonObject | undefined): boolean {
  const said = textIn(error, 'message') ?? '';
  return said.startsWith('{') && toldIn(said) !== undefined;
}

function verdictOfInfo(info: unknown): Verdict | undefined {
  if (typeof info === 'string') return Object.hasOwn(byWord, info) ? byWord[info] : undefined;
  const variant = objectOf(Object.values(objectOf(info) ?? {})[0]);
  return verdictOfStatus(numberIn(variant, 'httpStatusCode') ?? 0);
}

function verdictOfStatus(status: number): Verdict | undefined {
  if (status === 401 || status === 403) return unauthorized;
  if (status === 402) return quotaUsedUp;
  if (status === 429) return rateLimited;
  if (status === 408 || status >= 500) return overloaded;
  return undefined;
}

/** A refused request comes as the answer's JSON; the relay's address tells people nothing. */
function readable(said: string): string {
  const start = said.indexOf('{');
  const told = start === -1 ? undefined : toldIn(said.slice(start));
  const text = (told ?? said).replace(/, url: http:\/\/127\.0\.0\.1:\d+\S*/u, '').trim();
  return text === '' ? 'the turn failed, and codex did not say why' : text;
}

function toldIn(json: string): string | undefined {
  try {
    const body = objectOf(JSON.parse(json));
    return textIn(objectIn(body, 'error'), 'message') ?? textIn(body, 'detail', 'message');
  } catch {
    return undefined;
  }
}
