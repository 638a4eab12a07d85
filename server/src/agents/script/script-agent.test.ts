import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import type { AgentExit, AgentOutcome } from '../agent.ts';
import { contractPlace, testAgentContract } from '../agent.contract.ts';
import { scriptAgent } from './script-agent.ts';

const task = { taskId: 'task-1', runId: 'run-1', iteration: 2, prompt: 'mend it', command: 'true' };

testAgentContract({
  agent: scriptAgent,
  task,
  recordings: [
    {
      name: 'a script that succeeds',
      lines: ['building', '', '{"type":"result"}', 'x'.repeat(20_000), '  indented', 'done'],
      exit: { code: 0, signal: null, errors: '' },
      expected: { kind: 'done' },
    },
    {
      name: 'a script that fails',
      lines: ['building', 'no such file'],
      exit: { code: 1, signal: null, errors: '' },
      expected: { kind: 'failed', code: 'agent_failed', retryable: false },
    },
    {
      name: 'a script that says nothing',
      lines: [],
      exit: { code: 0, signal: null, errors: '' },
      expected: { kind: 'done', result: '' },
    },
  ],
});

/** Runs the command as the supervisor would, without a sandbox. */
function run(command: string, prompt = 'mend it') {
  const { argv, env } = scriptAgent.command({ ...task, command, prompt }, contractPlace);
  const [file, ...args] = argv;
  return spawnSync(file, args, { env: { PATH: '/usr/bin:/bin', ...env }, encoding: 'utf8', cwd: '/' });
}

function outcomeOf(lines: readonly string[], exit: Partial<AgentExit> = {}): AgentOutcome {
  const reader = scriptAgent.reader(task);
  reader.read(lines);
  return reader.outcome({ code: 0, signal: null, errors: '', ...exit });
}

test('a task without a command is none for a script', () => {
  const { command: _command, ...without } = task;
  for (const refused of [without, { ...task, command: '' }, { ...task, command: ' \n\t' }]) {
    assert.equal(scriptAgent.refuse(refused)?.field, 'command');
  }
});

test('a promise to ask first is refused, and what is about a model is let be', () => {
  assert.equal(scriptAgent.refuse({ ...task, approvals: 'ask' })?.field, 'approvals');
  assert.equal(scriptAgent.refuse({ ...task, model: 'any', maxTurns: 3, partialMessages: true }), undefined);
});

test('a command finds prompt, task, iteration and what it is run for in its environment', () => {
  const done = run(
    'printf "%s|%s|%s|%s" "$SLIPWAY_PROMPT" "$SLIPWAY_TASK_ID" "$SLIPWAY_ITERATION" "$SLIPWAY_RUN_KIND"',
    'a\n$b "c"',
  );
  assert.equal(done.stdout, 'a\n$b "c"|task-1|2|code');
  const { env } = scriptAgent.command({ ...task, kind: 'pr_review' }, contractPlace);
  assert.equal(env['SLIPWAY_RUN_KIND'], 'pr_review');
});

test('what goes to stderr is read in its place among the rest', () => {
  const done = run('echo one; echo two >&2; echo three');
  assert.equal(done.stdout, 'one\ntwo\nthree\n');
  assert.equal(done.stderr, '');
});

test("the command's exit code and signal are the program's own", () => {
  assert.equal(run('exit 42').status, 42);
  assert.equal(run('kill -TERM $$').signal, 'SIGTERM');
  assert.equal(run('no-such-program').status, 127);
});

test('a command of many lines is one script', () => {
  assert.equal(run('for i in 1 2\ndo\n  echo $i\ndone\n# the end').stdout, '1\n2\n');
});

test('the result is what was printed last, at most 2,000 characters of it', () => {
  assert.deepEqual(outcomeOf(['first', 'last', '']), { kind: 'done', result: 'first\nlast' });
  const long = outcomeOf(Array.from({ length: 1_000 }, (_, index) => `line ${index}`));
  assert.ok(long.kind === 'done' && long.result.length <= 2_000 && long.result.endsWith('line 999'));
  assert.deepEqual(outcomeOf([]), { kind: 'done', result: '' });
});

test('of a plan or a review all that was printed is the result, a megabyte at most', () => {
  const lines = Array.from({ length: 100 }, (_, index) => `${index} ${'x'.repeat(1_000)}`);
  for (const kind of ['plan', 'review', 'pr_review'] as const) {
    const reader = scriptAgent.reader({ ...task, kind });
    for (const line of lines) reader.read([line]);
    const outcome = reader.outcome({ code: 0, signal: null, errors: '' });
    assert.equal(outcome.kind === 'done' && outcome.result, lines.join('\n'));
    for (let round = 0; round < 50; round += 1) reader.read(lines);
    const long = reader.outcome({ code: 0, signal: null, errors: '' });
    assert.ok(long.kind === 'done' && long.result.length <= 1_000_000 && long.result.endsWith('xxx'));
  }
});

test('a failure says how the script ended and what it said last', () => {
  assert.deepEqual(outcomeOf(['compiling', 'error: no such file'], { code: 2 }), {
    kind: 'failed',
    code: 'agent_failed',
    message: 'the script exited with code 2; its last line: error: no such file',
    retryable: false,
  });
  const killed = outcomeOf([], { code: null, signal: 'SIGSEGV' });
  assert.ok(killed.kind === 'failed' && killed.message.endsWith('the script was ended by SIGSEGV'));
  const chatty = outcomeOf(['y'.repeat(10_000)], { code: 1 });
  assert.ok(chatty.kind === 'failed' && chatty.message.length < 700);
});

test('lines are folded into events of bounded size, and none is cut', () => {
  const lines = Array.from({ length: 5_000 }, (_, index) => `line ${index}`);
  const { events } = scriptAgent.reader(task).read(lines);
  assert.ok(
    events.length > 1 && events.every((event) => event.content.length <= 16_384 && event.type === 'text'),
  );
  assert.equal(events.map((event) => event.content).join('\n'), lines.join('\n'));
  const long = 'z'.repeat(1_000_000);
  assert.deepEqual(
    scriptAgent
      .reader(task)
      .read(['a', long, 'b'])
      .events.map((event) => event.content.length),
    [1, 1_000_000, 1],
  );
});
