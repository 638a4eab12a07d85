import { Type, type Static } from 'typebox';
import type { TestOutcome } from '../domain/test-outcome.ts';
import { nullable } from './schema-parts.ts';

/** What came of a task's test command, the same in every window that tells it. */
export const testsSchema = Type.Object(
  {
    command: Type.String({ description: 'The command.' }),
    passed: Type.Boolean({ description: 'Whether it ended with 0, within its time.' }),
    exit_code: nullable(Type.Integer(), 'What it ended with; null where it was ended.'),
    reason: Type.String({ description: 'Why it did not pass, for people; empty where it did.' }),
    output: Type.String({ description: 'The end of what it printed: at most 4,000 characters.' }),
    duration_seconds: Type.Number({ description: 'How long it ran.' }),
  },
  { title: 'Tests', description: 'What came of the test command last.' },
);

export function testsBody(tests: TestOutcome): Static<typeof testsSchema> {
  return {
    command: tests.command,
    passed: tests.passed,
    exit_code: tests.exitCode,
    reason: tests.reason,
    output: tests.output,
    duration_seconds: tests.durationSeconds,
  };
}
