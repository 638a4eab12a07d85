import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { noSpend } from '../domain/spend.ts';
import type {
  Agent,
  AgentCommand,
  AgentEvent,
  AgentExit,
  AgentInput,
  AgentOutcome,
  AgentPlace,
  AgentReading,
  AgentTask,
} from './agent.ts';

/** A run of the program as it was, and what it has to be read as. */
export type AgentRecording = {
  readonly name: string;
  /** What the run was asked beyond the trial's task. */
  readonly task?: Partial<AgentTask>;
  /** Every line of its stdout. */
  readonly lines: readonly string[];
  readonly exit: AgentExit;
  /** Of the outcome, what is held against it. */
  readonly expected:
    | { readonly kind: 'done'; readonly result?: string; readonly structured?: unknown }
    | {
        readonly kind: 'failed';
        readonly code: (AgentOutcome & { readonly kind: 'failed' })['code'];
        readonly retryable?: boolean;
      };
  /** How many lines there are up to the program's last word; undefined: it has none. */
  readonly endsAt?: number;
  /** The tools of its questions, in order; none by default. */
  readonly questions?: readonly string[];
};

export type AgentTrial = {
  readonly agent: Agent;
  /** A task that the agent takes. */
  readonly task: AgentTask;
  readonly recordings: readonly AgentRecording[];
};

/** Where runs of the contract happen, as the program would see it. */
export const contractPlace: AgentPlace = {
  program: '/opt/agent/program',
  tree: '/workspace',
  home: '/home/agent',
  modelUrl: 'http://127.0.0.1:3128/model',
};

const exited: AgentExit = { code: 0, signal: null, errors: '' };
const secret = 'ghp_0123456789abcdefghij';
const trickyPrompt = `a'b"c $(touch /x) \`id\` ${secret}\n--flag`;

/** The lines of a recording that lies beside a test, without the empty rest behind the last one. */
export function recordedLines(file: URL): readonly string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line, index, lines) => line !== '' || index < lines.length - 1);
}

/** What every adapter has to keep of the port's contract, whatever its program. */
export function testAgentContract({ agent, task, recordings }: AgentTrial): void {
  testCommand(agent, task);
  testStrangeLines(agent, task);
  testEnds(agent, task);
  for (const recording of recordings) testRecording(agent, task, recording);
}

function testCommand(agent: Agent, task: AgentTask): void {
  /** The task as it is, and as every variation of it that the agent takes. */
  const variations = [
    {},
    { approvals: 'ask' },
    { partialMessages: true },
    { prompt: '--help' },
    { prompt: 'long '.repeat(60_000) },
    { resume: { id: 'b2c1a0de-0000-4000-8000-000000000000', spent: noSpend } },
    { outputSchema: { type: 'object' } },
    { mcpServers: { one: { transport: 'stdio', command: 'node', args: ['x'], env: { TOKEN: secret } } } },
    { mcpServers: { two: { transport: 'http', url: 'https://mcp.example', headers: { Key: secret } } } },
  ] as const satisfies readonly Partial<AgentTask>[];
  const commands = variations.flatMap((variation) => {
    const varied = { ...task, ...variation };
    return agent.refuse(varied) === undefined ? [agent.command(varied, contractPlace)] : [];
  });

  test(`${agent.name}: takes the task, and says the same of it each time`, () => {
    assert.equal(agent.refuse(task), undefined);
    assert.deepEqual(agent.command(task, contractPlace), agent.command(task, contractPlace));
  });

  test(`${agent.name}: its commands can be given to a process`, () => {
    for (const { argv, env, input } of commands) {
      assert.ok(argv.length > 0);
      for (const text of [...argv, ...Object.keys(env), ...Object.values(env)]) {
        assert.equal(typeof text, 'string');
        assert.ok(!text.includes('\u0000'));
        // Linux takes no longer one. Only prompts with a history, which a script is never given, come near it.
        assert.ok(Buffer.byteLength(text) <= 131_071 || agent.abilities.model === undefined);
      }
      assert.equal(typeof input, 'string');
      for (const name of Object.keys(env)) assert.match(name, /^[A-Za-z_][A-Za-z0-9_]*$/u);
    }
  });

  test(`${agent.name}: its files and session folders lie below the home`, () => {
    const paths = commands.flatMap(({ homeFiles }) => Object.keys(homeFiles ?? {}));
    const { sessionFolders, serversFile } = agent.abilities;
    for (const path of [...paths, ...sessionFolders, ...(serversFile === undefined ? [] : [serversFile])]) {
      assert.ok(!path.startsWith('/') && path !== '');
      assert.ok(path.split('/').every((part) => part !== '' && part !== '.' && part !== '..'));
    }
  });

  test(`${agent.name}: the flag for a schema stands in its command only where a task has one`, () => {
    const flag = agent.abilities.schemaFlag?.flag ?? '--json-schema';
    for (const variation of variations) {
      const varied = { ...task, ...variation };
      if (agent.refuse(varied) !== undefined) continue;
      const isGiven = agent.command(varied, contractPlace).argv.includes(flag);
      const isAsked = 'outputSchema' in variation && agent.abilities.schemaFlag !== undefined;
      assert.equal(isGiven, isAsked);
    }
  });

  test(`${agent.name}: no secret of a tool server stands among the arguments`, () => {
    for (const { argv } of commands) assert.ok(argv.every((argument) => !argument.includes(secret)));
  });

  test(`${agent.name}: tool servers stand in files of its home, and in nothing where there are none`, () => {
    const given = {
      ...task,
      mcpServers: { one: { transport: 'stdio', command: 'node', args: ['x'], env: {} } },
    } as const;
    if (agent.refuse(given) !== undefined || agent.abilities.model === undefined) return;
    const files = (asked: AgentTask) =>
      Object.values(agent.command(asked, contractPlace).homeFiles ?? {}).join('');
    assert.ok(/\bone\b/u.test(files(given)) && files(given).includes('node'));
    assert.doesNotMatch(files(task), /mcp/iu);
    assert.deepEqual(
      agent.command({ ...task, mcpServers: {} }, contractPlace),
      agent.command(task, contractPlace),
    );
  });

  test(`${agent.name}: the prompt reaches it once, as it is, and is run by no shell`, () => {
    const holders = placesOf(agent.command({ ...task, prompt: trickyPrompt }, contractPlace)).filter((text) =>
      text.includes(secret),
    );
    assert.equal(holders.join('').split(secret).length, 2);
    assert.ok(holders[0] === trickyPrompt || holders[0]?.includes(JSON.stringify(trickyPrompt)));
  });
}

function placesOf({ argv, env, input, homeFiles }: AgentCommand): readonly string[] {
  return [...argv, ...Object.values(env), input, ...Object.values(homeFiles ?? {})];
}

function testStrangeLines(agent: Agent, task: AgentTask): void {
  test(`${agent.name}: any line at all is an event that keeps it, never an error`, () => {
    const line = fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.json());
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 20 }), (strange) => {
        const lines = strange.map((text) => text.replaceAll('\n', ' '));
        const { events, ended } = agent.reader(task).read(lines);
        for (const each of lines) assert.ok(keeps(events, each), each);
        assert.equal(ended, false);
      }),
    );
  });

  test(`${agent.name}: a line of megabytes is read like any other`, () => {
    const line = JSON.stringify({ type: 'of a later version', data: 'x'.repeat(4_000_000) });
    assert.ok(keeps(agent.reader(task).read([line]).events, line));
  });
}

function keeps(events: readonly AgentEvent[], line: string): boolean {
  return events.some(
    ({ content, raw }) =>
      content.includes(line) || (raw !== undefined && isDeepStrictEqual(raw, parsed(line))),
  );
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function testEnds(agent: Agent, task: AgentTask): void {
  test(`${agent.name}: a program that failed, was killed or said nothing has an outcome in words`, () => {
    const exits: readonly AgentExit[] = [
      { code: 1, signal: null, errors: 'it broke' },
      { code: 127, signal: null, errors: '' },
      { code: null, signal: 'SIGKILL', errors: '' },
    ];
    for (const exit of exits) {
      const outcome = agent.reader(task).outcome(exit);
      assert.ok(outcome.kind === 'failed' && outcome.message !== '');
    }
    assert.ok(['done', 'failed'].includes(agent.reader(task).outcome(exited).kind));
  });
}

function testRecording(agent: Agent, trialTask: AgentTask, recording: AgentRecording): void {
  const task = { ...trialTask, ...recording.task };
  const { lines, exit, expected } = recording;
  const title = `${agent.name}, ${recording.name}`;

  test(`${title}: has the outcome that it had`, () => {
    const { outcome } = readAll(agent, task, { calls: [lines], exit });
    const { kind, ...rest } = expected;
    assert.equal(outcome.kind, kind, JSON.stringify(outcome));
    for (const [name, value] of Object.entries(rest)) {
      assert.deepEqual((outcome as Readonly<Record<string, unknown>>)[name], value);
    }
    assert.ok(outcome.kind === 'done' || (outcome.message !== '' && outcome.message.length <= 2_000));
    assert.ok(outcome.kind === 'done' || !outcome.message.startsWith('CLI execution failed'));
  });

  test(`${title}: how lines are cut into calls changes nothing but how text is folded`, () => {
    const whole = readAll(agent, task, { calls: [lines], exit });
    fc.assert(
      fc.property(fc.array(fc.nat(lines.length), { maxLength: 10 }), (cuts) => {
        assert.deepEqual(readAll(agent, task, { calls: cutAt(lines, cuts), exit }), whole);
      }),
      { numRuns: 25 },
    );
  });

  test(`${title}: it has said its last word at that line, not before`, () => {
    const reader = agent.reader(task);
    const ended = lines.findIndex((line) => reader.read([line]).ended) + 1;
    assert.equal(ended, recording.endsAt ?? 0);
  });

  test(`${title}: the prompt is written once, at the start or when the program is ready for it`, () => {
    const asked = { ...task, prompt: trickyPrompt };
    const { inputs } = agent.reader(asked).read(lines);
    const texts = [...placesOf(agent.command(asked, contractPlace)), ...inputs.map(({ text }) => text)];
    const holders = texts.filter((text) => text.includes(secret));
    assert.ok(holders.every((text) => text === trickyPrompt || text.includes(JSON.stringify(trickyPrompt))));
    const times = holders.join('').split(secret).length - 1;
    assert.ok(times === 1 || (times === 0 && expected.kind === 'failed'), `${times} times`);
  });

  test(`${title}: what it spends is whole, never negative, and named by a model`, () => {
    for (const { model, ...counts } of readAll(agent, task, { calls: [lines], exit }).spend) {
      assert.notEqual(model, '');
      assert.ok(Object.values(counts).every((count) => Number.isSafeInteger(count) && count >= 0));
    }
  });

  test(`${title}: what it wants written has a key each, and every question two answers`, () => {
    const reader = agent.reader(task);
    const { inputs, questions } = reader.read(lines);
    assert.deepEqual(
      questions.map(({ tool }) => tool),
      recording.questions ?? [],
    );
    const allowed = questions.map((each) => reader.answer(each, { allow: true, reason: '' }));
    const denied = questions.map((each) => reader.answer(each, { allow: false, reason: 'not today' }));
    assert.ok(allowed.every((answer, index) => answer.text !== denied[index]?.text));
    assert.deepEqual(keysOf(allowed), keysOf(denied));
    const interrupt = reader.interrupt();
    const all = [...inputs, ...allowed, ...(interrupt === undefined ? [] : [interrupt])];
    assert.equal(new Set(keysOf(all)).size, new Set(all.map(({ key, text }) => `${key} ${text}`)).size);
    for (const { text } of all) assert.match(text, /^(?:[^\n]+\n)*$/u);
    for (const { summary } of questions) assert.ok(summary !== '' && !summary.includes('\n'));
    assert.ok(agent.command(task, contractPlace).keepInput === true || all.length === 0);
  });

  test(`${title}: with any of its lines changed or missing it is read all the same`, () => {
    const change = fc.tuple(fc.nat(Math.max(0, lines.length - 1)), fc.nat(), fc.constantFrom('cut', 'drop'));
    fc.assert(
      fc.property(change, ([index, at, how]) => {
        const changed = lines.flatMap((line, each) => {
          if (each !== index) return [line];
          return how === 'drop' ? [] : [line.slice(0, at % (line.length + 1))];
        });
        assert.ok(readAll(agent, task, { calls: [changed], exit }).outcome.kind.length > 0);
      }),
      { numRuns: 25 },
    );
  });

  test(`${title}: another reader of the same run knows nothing of it`, () => {
    const [first, second] = [agent.reader(task), agent.reader(task)];
    first.read(lines);
    assert.deepEqual(second.outcome(exited), agent.reader(task).outcome(exited));
  });
}

function keysOf(inputs: readonly AgentInput[]): readonly string[] {
  return inputs.map(({ key }) => key);
}

type ReadAll = Omit<AgentReading, 'ended'> & {
  readonly sessions: readonly string[];
  readonly outcome: AgentOutcome;
};

function readAll(
  agent: Agent,
  task: AgentTask,
  { calls, exit }: { readonly calls: readonly (readonly string[])[]; readonly exit: AgentExit },
): ReadAll {
  const reader = agent.reader(task);
  const readings = calls.map((lines) => reader.read(lines));
  return {
    events: unfold(readings.flatMap(({ events }) => events)),
    inputs: readings.flatMap(({ inputs }) => inputs),
    questions: readings.flatMap(({ questions }) => questions),
    spend: readings.flatMap(({ spend }) => spend),
    servers: readings.flatMap(({ servers }) => servers ?? []),
    sessions: readings.flatMap(({ session }) => session ?? []).slice(-1),
    outcome: reader.outcome(exit),
  };
}

function cutAt(lines: readonly string[], cuts: readonly number[]): readonly (readonly string[])[] {
  const edges = [0, ...[...cuts].sort((a, b) => a - b), lines.length];
  return edges.slice(1).map((to, index) => lines.slice(edges[index], to));
}

/** Texts of one type in a row, as one: whether lines or pieces of one are folded is the adapter's to know. */
function unfold(events: readonly AgentEvent[]): readonly AgentEvent[] {
  const unfolded: AgentEvent[] = [];
  for (const event of events) {
    const last = unfolded.at(-1);
    const content = event.raw === undefined ? event.content.replaceAll('\n', '') : event.content;
    if (last?.type === event.type && event.raw === undefined && last.raw === undefined) {
      unfolded[unfolded.length - 1] = { type: event.type, content: `${last.content}${content}` };
    } else {
      unfolded.push({ ...event, content });
    }
  }
  return unfolded;
}
