import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Agent, AgentEvent, AgentExit, AgentTask } from './agent.ts';

export type AgentTrial = {
  readonly agent: Agent;
  /** A task that the agent takes. */
  readonly task: AgentTask;
  /** What the program printed in a run that succeeded. */
  readonly lines: readonly string[];
};

const done: AgentExit = { code: 0, signal: null, errors: '' };
const secret = 'ghp_0123456789abcdefghij';

/** What every adapter has to keep of the port's contract, whatever its program. */
export function testAgentContract({ agent, task, lines }: AgentTrial): void {
  test(`${agent.name}: takes the task, and says the same of it each time`, () => {
    assert.equal(agent.refuse(task), undefined);
    assert.deepEqual(agent.command(task), agent.command(task));
  });

  test(`${agent.name}: its command can be given to a process`, () => {
    const { argv, env, input } = agent.command({ ...task, prompt: 'mend "it"\n$HOME `id` \'; rm -rf /' });
    assert.ok(argv.length > 0);
    for (const text of [...argv, ...Object.keys(env), ...Object.values(env), input]) {
      assert.equal(typeof text, 'string');
      assert.ok(!text.includes('\u0000'));
    }
    for (const name of Object.keys(env)) assert.match(name, /^[A-Z_][A-Z0-9_]*$/u);
  });

  test(`${agent.name}: the prompt reaches it as it is and is run by no shell`, () => {
    const prompt = `a'b"c $(touch /x) \`id\` ${secret}\n--flag`;
    const { argv, env, input } = agent.command({ ...task, prompt });
    const places = [...argv, ...Object.values(env), input].filter((text) => text.includes(secret));
    assert.deepEqual([...new Set(places)], [prompt]);
  });

  test(`${agent.name}: how lines are cut into calls changes nothing but how text is folded`, () => {
    const whole = readAll(agent, [lines]);
    fc.assert(
      fc.property(fc.array(fc.nat(lines.length), { maxLength: 10 }), (cuts) => {
        const parts = readAll(agent, cutAt(lines, cuts));
        assert.deepEqual(unfold(parts.events), unfold(whole.events));
        assert.deepEqual(parts.outcome, whole.outcome);
      }),
      { numRuns: 50 },
    );
  });

  test(`${agent.name}: recorded output ends in success`, () => {
    assert.equal(readAll(agent, [lines]).outcome.kind, 'done');
  });

  test(`${agent.name}: any line at all is an event, never an error`, () => {
    const line = fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.json());
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 20 }), (strange) => {
        const { events } = readAll(agent, [strange.map((text) => text.replaceAll('\n', ' '))]);
        assert.ok(events.length > 0);
      }),
    );
  });

  test(`${agent.name}: a program that failed, was killed or said nothing has an outcome in words`, () => {
    const exits: readonly AgentExit[] = [
      { code: 1, signal: null, errors: 'it broke' },
      { code: 127, signal: null, errors: '' },
      { code: null, signal: 'SIGKILL', errors: '' },
    ];
    for (const exit of exits) {
      const outcome = agent.reader().outcome(exit);
      assert.equal(outcome.kind, 'failed');
      assert.ok(outcome.kind === 'failed' && outcome.message.length > 0 && outcome.code !== '');
    }
    assert.ok(['done', 'failed'].includes(agent.reader().outcome(done).kind));
  });

  test(`${agent.name}: two readers know nothing of each other`, () => {
    const [first, second] = [agent.reader(), agent.reader()];
    first.read(lines);
    assert.deepEqual(second.outcome(done), agent.reader().outcome(done));
  });
}

function readAll(agent: Agent, calls: readonly (readonly string[])[]) {
  const reader = agent.reader();
  const events = calls.flatMap((lines) => reader.read(lines));
  return { events, outcome: reader.outcome(done) };
}

function cutAt(lines: readonly string[], cuts: readonly number[]): readonly (readonly string[])[] {
  const edges = [0, ...[...cuts].sort((a, b) => a - b), lines.length];
  return edges.slice(1).map((to, index) => lines.slice(edges[index], to));
}

/** Texts of one type in a row, as one. */
function unfold(events: readonly AgentEvent[]): readonly AgentEvent[] {
  const unfolded: AgentEvent[] = [];
  for (const event of events) {
    const last = unfolded.at(-1);
    if (last?.type === event.type && event.raw === undefined && last.raw === undefined) {
      unfolded[unfolded.length - 1] = { type: event.type, content: `${last.content}\n${event.content}` };
    } else {
      unfolded.push(event);
    }
  }
  return unfolded;
}
