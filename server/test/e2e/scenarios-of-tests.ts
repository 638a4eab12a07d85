import assert from 'node:assert/strict';
import { git } from '../../src/demo/example-repository.ts';
import type { Outcome, Scenario } from './scenario.ts';

const named = ({ events }: Outcome, name: string) => events.filter(({ event }) => event.event === name);

/** What the task's test command can do to its task. */
export const testScenarios: readonly Scenario[] = [
  {
    name: 'a test command runs after the agent, where its work is, and what it leaves is in no commit',
    command: 'echo LABEL > made; echo kept > node.log; echo "*.log" >> .gitignore',
    config: { test_command: 'cat made node.log; echo dropping > coverage; echo spoilt > made; git add -A' },
    end: { status: 'completed', commits: 1 },
    also: async (outcome) => {
      const { task, bare, branch, label, output } = outcome;
      assert.equal(task.tests?.passed, true);
      assert.deepEqual([task.tests.exit_code, task.tests.output], [0, `${label}\nkept`]);
      assert.ok(output.includes(label), 'the output of the tests is in the log');
      assert.equal(await git(bare, 'show', `${branch}:made`), `${label}\n`);
      assert.equal(named(outcome, 'tests_finished').length, 1);
    },
  },
  {
    name: 'tests that fail are given back once, what then passes is delivered',
    command: 'case $SLIPWAY_PROMPT in *"test command failed"*) echo LABEL > made;; *) echo no > made;; esac',
    config: { test_command: 'grep LABEL made' },
    end: { status: 'completed', commits: 2 },
    also: (outcome) => {
      assert.deepEqual(
        named(outcome, 'tests_finished').map(({ event }) => (event.data as { passed: boolean }).passed),
        [false, true],
      );
      assert.equal(outcome.task.tests?.passed, true);
    },
  },
  {
    name: 'tests that go on failing stand on the task, and the work is delivered all the same',
    command: 'echo LABEL >> made',
    config: { test_command: 'echo out; echo error >&2; exit 7' },
    end: { status: 'completed', commits: 2 },
    also: (outcome) => {
      const { tests } = outcome.task;
      assert.deepEqual(
        [tests?.passed, tests?.exit_code, tests?.reason, tests?.output],
        [false, 7, 'exit code 7', 'out\nerror'],
      );
      assert.equal(named(outcome, 'tests_given_back').length, 1);
    },
  },
  {
    name: 'an agent that fails at what the tests found loses nothing that was made',
    command: 'case $SLIPWAY_PROMPT in *"test command failed"*) exit 3;; esac; echo LABEL >> made',
    config: { test_command: 'exit 1' },
    end: { status: 'completed', commits: 1 },
    also: (outcome) => {
      assert.deepEqual([outcome.task.tests?.passed, outcome.task.tests?.exit_code], [false, 1]);
      assert.equal(named(outcome, 'tests_given_up').length, 1);
    },
  },
  {
    name: 'tests that hang past the time are ended with all that they started, and count as failed',
    command: 'echo LABEL >> made',
    config: {
      test_command: "setsid sleep 86400.LABEL & trap '' TERM; while :; do echo .; sleep 0.2; done",
      timeout_seconds: 1,
    },
    end: { status: 'completed', commits: 2 },
    also: ({ task }) => {
      assert.deepEqual([task.tests?.exit_code, task.tests?.reason], [null, 'it ran longer than 1s']);
    },
  },
  {
    name: 'tests that destroy the repository of their tree spoil nothing that was made',
    command: 'echo LABEL > made',
    config: { test_command: 'rm -rf .git *; exit 0' },
    end: { status: 'completed', commits: 1 },
    also: async ({ task, bare, branch, label }) => {
      assert.equal(task.tests?.passed, true);
      assert.equal(await git(bare, 'show', `${branch}:made`), `${label}\n`);
    },
  },
];
