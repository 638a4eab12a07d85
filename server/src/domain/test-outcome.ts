/** What came of the task's test command. */
export type TestOutcome = {
  readonly command: string;
  /** Exit code 0, within its limits. */
  readonly passed: boolean;
  /** Null: it was ended, and `reason` says why. */
  readonly exitCode: number | null;
  /** For people: `exit code 1`, `it ran longer than 1800s`. Empty where it passed. */
  readonly reason: string;
  /** The end of what it printed. */
  readonly output: string;
  readonly durationSeconds: number;
  /** What was tested. */
  readonly commit: string;
};

/** So much of the output's end stands on the task, in characters; the log has all of it. */
export const testOutputCharacters = 4_000;

/** What the agent is told of tests that failed, word for word. */
export function failedTestsPrompt({ command, reason, output }: TestOutcome): string {
  return [
    `The work is not done yet. The test command failed (${reason}):`,
    command,
    'The end of its output:',
    output === '' ? '(it printed nothing)' : output,
    'Find out why, mend the cause, and leave the tests as strict as they are.',
  ].join('\n\n');
}
