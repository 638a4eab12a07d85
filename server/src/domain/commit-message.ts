/** The author and the trailers that the operator configured. */
export type CommitStyle = {
  readonly authorName: string;
  readonly authorEmail: string;
  /** Lines such as `Co-authored-by: Ada <ada@example.com>`. */
  readonly trailers: readonly string[];
};

const subjectMaxLength = 72;
/** A prompt may have 100 KB in one line; whoever wants all of it finds it with the task. */
const bodyMaxLength = 4_000;

/**
 * The message of the commit that holds what the agent left uncommitted: the prompt's first line as the
 * subject; where that is too long for one, it is cut there and stands in the body; then the trailers, the
 * task's own last.
 */
export function commitMessage(prompt: string, taskId: string, style: CommitStyle): string {
  const line =
    prompt
      .split('\n')
      .map((text) => text.trim())
      .find((text) => text !== '') ?? 'Change files';
  const subject = cut(line, subjectMaxLength);
  const trailers = [...style.trailers, `Slipway-Task: ${taskId}`];
  const paragraphs = [subject, ...(subject === line ? [] : [cut(line, bodyMaxLength)]), trailers.join('\n')];
  return `${paragraphs.join('\n\n')}\n`;
}

/** At most so many UTF-16 units, marked by dots where something is missing; a surrogate pair stays whole. */
function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const kept = text.slice(0, maxLength - 3);
  const whole = /[\ud800-\udbff]$/.test(kept) ? kept.slice(0, -1) : kept;
  return `${whole.trimEnd()}...`;
}
