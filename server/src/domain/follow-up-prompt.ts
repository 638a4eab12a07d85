/** What an earlier iteration of a task was asked, and what came of it. */
export type HistoryEntry = {
  readonly iteration: number;
  readonly prompt: string;
  readonly result: string | null;
  /** How it ended, in a word: succeeded, failed, cancelled. */
  readonly state: string;
};

/** All of the history that a prompt carries, in characters. */
export const historyMaxCharacters = 50_000;
/** One text of it: a long answer must not push the other iterations out. */
const entryTextMaxCharacters = 10_000;
const cutMark = '\n[… cut here]';
const leftOutMark = '[earlier iterations are left out]';

/**
 * The prompt of a follow-up for an agent that does not remember: what was asked before and what came of it,
 * then the instruction word for word. Where it is too much, the oldest iterations are left out, with a mark.
 */
export function followUpPrompt(history: readonly HistoryEntry[], prompt: string): string {
  if (history.length === 0) return prompt;
  const entries: string[] = [];
  let room = historyMaxCharacters - leftOutMark.length - 2;
  for (const entry of [...history].sort((a, b) => b.iteration - a.iteration)) {
    const text = entryText(entry);
    if (text.length + 2 > room) {
      entries.unshift(leftOutMark);
      break;
    }
    room -= text.length + 2;
    entries.unshift(text);
  }
  return [
    'You have worked on this task before, in this same working tree; your earlier work is still there. What you were asked, and what you answered:',
    ...entries,
    'Now do this:',
    prompt,
  ].join('\n\n');
}

function entryText({ iteration, prompt, result, state }: HistoryEntry): string {
  const answer = result === null || result === '' ? '(no answer)' : cut(result);
  return `--- Iteration ${iteration} (${state}) ---\nAsked:\n${cut(prompt)}\nAnswered:\n${answer}`;
}

function cut(text: string): string {
  return text.length <= entryTextMaxCharacters ? text : `${text.slice(0, entryTextMaxCharacters)}${cutMark}`;
}

/** A decided question of a run that was put away while it waited. */
export type DecidedQuestion = {
  readonly tool: string;
  readonly summary: string;
  readonly allowed: boolean;
  readonly reason: string | null;
};

/** What a run that goes on with a parked conversation is told. */
export function resumedPrompt(decided: readonly DecidedQuestion[]): string {
  const answers = decided.map(
    ({ tool, summary, allowed, reason }) =>
      `- ${tool}: ${summary}\n  ${allowed ? 'allowed: do it now' : 'denied: do without it'}${reason === null || reason === '' ? '' : ` (${reason})`}`,
  );
  return [
    'You were interrupted while you waited for a permission. The answer has come:',
    ...answers,
    'Go on with the task.',
  ].join('\n');
}
