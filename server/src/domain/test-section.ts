import { codeBlock } from './markdown-code.ts';
import { quiet } from './quiet-text.ts';
import type { TestOutcome } from './test-outcome.ts';

const commandCharacters = 1_000;
const reasonCharacters = 300;
const outputLines = 40;
/** With what has to stand around them; of lines that would be longer together, the last characters. */
const outputCharacters = 4_000;

/** What came of a task's tests, in Markdown: the outcome, the command and, of tests that failed, how the output ends. */
export function testSection(outcome: TestOutcome): string {
  const { command, passed, reason, output, durationSeconds, commit } = outcome;
  // A pull request keeps its text when a later commit comes to its branch: it has to say what was tested.
  const took = `at ${commit.slice(0, 12)} after ${durationSeconds} s`;
  const words = quiet(reason.replaceAll(/[\s\p{Cc}<>]+/gu, ' ').slice(0, reasonCharacters)).trim();
  const verdict = passed ? `The tests passed ${took}:` : `**The tests failed** ${took} (${words}):`;
  const parts = [verdict, codeBlock(beginningOf(command))];
  const end = endOf(output);
  if (!passed && end !== '') {
    parts.push('<details>\n<summary>The end of the output</summary>', codeBlock(end), '</details>');
  }
  return parts.join('\n\n');
}

function beginningOf(command: string): string {
  return command.length <= commandCharacters ? command : `${command.slice(0, commandCharacters)}\n[…]`;
}

function endOf(output: string): string {
  const lines = output.trimEnd().split('\n').slice(-outputLines).join('\n');
  return lines.length <= outputCharacters ? lines : `[…]${lines.slice(-outputCharacters)}`;
}
