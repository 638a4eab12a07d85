import type { AgentExit, AgentOutcome, AgentTask } from '../agent.ts';
import type { JsonObject } from '../../lib/json-fields.ts';
import { matchesSchema } from './matches-schema.ts';
import { isBadRequest, modelFailure } from './model-failure.ts';
import { serverLogLine } from './servers.ts';

/** What a reader knows of the one turn of its run. */
export type Turn = {
  /** The program spoke of a conversation or a turn: from then on it owes a last word. */
  begun: boolean;
  end: TurnEnd | undefined;
  /** The last message of the agent; undefined: it said nothing. */
  answer: string | undefined;
  /** The reader broke the turn off because it had asked the model as often as the task allows. */
  turnsExceeded: boolean;
};

export type TurnEnd =
  | { readonly kind: 'completed' | 'interrupted' }
  | { readonly kind: 'failed'; readonly error: JsonObject | undefined }
  /** The conversation could not be opened at all; `lost`: it was to be gone on with. */
  | { readonly kind: 'unopened'; readonly message: string; readonly lost: boolean };

/** A turn of which nothing was heard. */
export function newTurn(): Turn {
  return { begun: false, end: undefined, answer: undefined, turnsExceeded: false };
}

type Failed = Extract<AgentOutcome, { kind: 'failed' }>;

const errorsMaxLength = 500;

/** The outcome by the turn's own word; how the process ended counts where there is none, or against it. */
export function outcomeOf(turn: Turn, exit: AgentExit, task: AgentTask): AgentOutcome {
  const { end } = turn;
  if (end?.kind === 'unopened') return end.lost ? sessionLost(end.message) : agentFailed(end.message);
  if (end?.kind === 'failed') return failedTurn(end.error, task);
  if (end?.kind === 'interrupted') return interrupted(turn, task);
  if (exit.finished !== true && exit.code !== 0) return endedBadly(exit);
  if (end === undefined && turn.begun) {
    return crashed(
      `codex exited with code ${String(exit.code)} in the middle of its turn${lastErrors(exit)}`,
    );
  }
  return answered(turn, task);
}

function failedTurn(error: JsonObject | undefined, task: AgentTask): Failed {
  const failure = modelFailure(error);
  // The model takes the conversation no more: without it, it may take the task.
  const isPoisoned = failure.code === 'agent_failed' && task.resume !== undefined && isBadRequest(error);
  return isPoisoned ? sessionLost(failure.message) : { kind: 'failed', ...failure };
}

function interrupted(turn: Turn, task: AgentTask): Failed {
  return turn.turnsExceeded
    ? failed(
        'turns_exceeded',
        `the model was asked ${String(task.maxTurns)} times without an end of the work`,
      )
    : agentFailed('the turn was interrupted');
}

function endedBadly(exit: AgentExit): Failed {
  if (/thread\/(?:resume|fork) failed|no rollout found/u.test(exit.errors)) {
    return sessionLost(lastLines(exit.errors));
  }
  // From a sandbox the signal comes with the code that a shell would give for it.
  if (exit.signal !== null || exit.code === null)
    return crashed(`codex was ended by ${exit.signal ?? 'a signal'}${lastErrors(exit)}`);
  return agentFailed(`codex exited with code ${exit.code}${lastErrors(exit)}`);
}

function answered(turn: Turn, task: AgentTask): AgentOutcome {
  const result = turn.answer ?? '';
  const done = {
    kind: 'done',
    result,
    ...(turn.end === undefined ? {} : { stopReason: turn.end.kind }),
  } as const;
  if (task.outputSchema === undefined) return done;
  const structured = parseAnswer(result);
  if (structured !== undefined && matchesSchema(structured, task.outputSchema))
    return { ...done, structured };
  return task.schemaIsWish === true
    ? done
    : failed(
        'answer_invalid',
        `the answer is not what the schema asks for: ${result.slice(0, errorsMaxLength)}`,
      );
}

/** The answer as JSON, which has no `undefined`. */
function parseAnswer(answer: string): unknown {
  try {
    return JSON.parse(answer);
  } catch {
    return undefined;
  }
}

function sessionLost(message: string): Failed {
  return { kind: 'failed', code: 'session_lost', message, retryable: true };
}

function agentFailed(message: string): Failed {
  return failed('agent_failed', message);
}

function crashed(message: string): Failed {
  return { kind: 'failed', code: 'agent_crashed', message, retryable: true };
}

function failed(code: Failed['code'], message: string): Failed {
  return { kind: 'failed', code, message, retryable: false };
}

function lastErrors(exit: AgentExit): string {
  const said = lastLines(exit.errors);
  return said === '' ? '' : `: ${said}`;
}

/** The end of stderr in one line. */
function lastLines(errors: string): string {
  const said = errors.replaceAll(serverLogLine, '');
  return said.replaceAll(/\s+/gu, ' ').trim().slice(-errorsMaxLength);
}
