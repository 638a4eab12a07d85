/** The author and the trailers that the operator configured. */
export type CommitStyle = {
  readonly authorName: string;
  readonly authorEmail: string;
  /** Lines such as `Co-authored-by: Ada <ada@example.com>`. */
  readonly trailers: readonly string[];
};

const subjectMaxLength = 72;

/**
 * The message of the commit that holds what the agent left uncommitted: the prompt's first line as the
 * subject, the rest of a longer first line as the body, then the trailers, the task's own last.
 */
export function commitMessage(prompt: string, taskId: string, style: CommitStyle): string {
  const line =
    prompt
      .split('\n')
      .map((text) => text.trim())
      .find((text) => text !== '') ?? 'Change files';
  const short = line.length <= subjectMaxLength;
  const subject = short ? line : `${line.slice(0, subjectMaxLength - 3).trimEnd()}...`;
  const trailers = [...style.trailers, `Slipway-Task: ${taskId}`];
  return `${[subject, ...(short ? [] : [line]), trailers.join('\n')].join('\n\n')}\n`;
}
