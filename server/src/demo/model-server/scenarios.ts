import { callEnding, callMcp, callShell } from './call-tool.ts';
import type { Tool } from './conversation.ts';
import { say, type Part, type Reply } from './reply.ts';
import { asksForVerdict, scriptedReview } from './scripted-review.ts';

/** What a scenario decides by. */
type Ask = {
  /** Behind the second colon of the marker; empty without one. */
  readonly argument: string;
  /** How many tools have answered since the marker. */
  readonly step: number;
  readonly tools: readonly Tool[];
  readonly wantsJson: boolean;
  /** How many requests with the very same prompt came before this one. */
  readonly earlier: number;
  /** All of the message with the marker. */
  readonly prompt: string | undefined;
};

type Scenario = {
  /** A sentence for people: what the model does. */
  readonly about: string;
  /** What the argument means; without it there is none. */
  readonly argument?: string;
  readonly reply: (ask: Ask) => Reply;
};

const thinking: Part = { kind: 'thinking', text: 'I should look at what was asked first.' };

/** Words, a tool's call, and when it has answered the end. Without a fitting tool it is said so. */
function callOnce(ask: Ask, name: string, call: Part | undefined): Reply {
  if (ask.step > 0) return say(`Done: step ${ask.step} of ${name}.`);
  return calling(call);
}

function calling(call: Part | undefined): Reply {
  if (call === undefined) return say('There is no tool for that.');
  return { kind: 'turn', parts: [thinking, { kind: 'text', chunks: ['I will run ', 'a tool.'] }, call] };
}

function numberOf(text: string, fallback: number): number {
  const value = Number(text);
  return text !== '' && Number.isFinite(value) && value >= 0 ? value : fallback;
}

function words(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${index === 0 ? '' : ' '}word${index + 1}`);
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

function writeFile(ask: Ask, name: string, file: string): Reply {
  const target = quoted(file === '' ? 'hello.txt' : file);
  const command = `printf 'hello from the scripted model\\n' > ${target}`;
  return callOnce(ask, name, callShell(ask.tools, command));
}

/** Two daemons that no wait and no process group reaches; each ends by itself after five minutes. */
function daemons(file: string): string {
  const detached = '</dev/null >/dev/null 2>&1 &';
  return [
    `tick='i=0; while [ $i -lt 3000 ]; do echo tick >> "$0"; i=$((i+1)); sleep 0.1; done'`,
    `setsid sh -c "$tick" ${quoted(file)} ${detached}`,
    `(setsid nohup sh -c "$tick" ${quoted(file)} ${detached}) ; echo daemons started`,
  ].join('\n');
}

/** With the tool for structured answers where there is one (at each step), else as the text. */
function structured(ask: Ask, answer: Readonly<Record<string, unknown>>): Reply {
  const call = callEnding(ask.tools, 'StructuredOutput', answer);
  if (call !== undefined) return { kind: 'turn', parts: [thinking, call] };
  return { kind: 'turn', parts: [thinking, { kind: 'text', chunks: [JSON.stringify(answer)] }] };
}

const beginning: Part = { kind: 'text', chunks: ['This is the beginning of', ' a longer message.'] };

/** All that the scripted model can be asked to do, by the name in the marker `[[scenario:NAME:ARGUMENT]]`. */
export const modelScenarios = {
  text: {
    about: 'Answers with a text.',
    argument: 'how many words, each a delta (default: a short sentence)',
    reply: ({ argument }) =>
      argument === ''
        ? { kind: 'turn', parts: [thinking, { kind: 'text', chunks: ['Done: ', 'a short text.'] }] }
        : { kind: 'turn', parts: [thinking, { kind: 'text', chunks: words(numberOf(argument, 10)) }] },
  },
  write: {
    about: 'Writes a file with a shell command, then says that it is done.',
    argument: 'the file (default: hello.txt)',
    reply: (ask) => writeFile(ask, 'write', ask.argument),
  },
  review: {
    about: 'Asked for a verdict, reviews: one finding, in JSON; asked for anything else, writes the file.',
    argument: 'the file and the line of the finding, or `approve` for none (default: hello.txt:1)',
    reply: (ask) => {
      const { file, review } = scriptedReview(ask.argument);
      if (!asksForVerdict(ask.prompt)) return writeFile(ask, 'review', file);
      return ask.step > 0 ? say('Done: the review is given.') : structured(ask, review);
    },
  },
  'review-block': {
    about: 'The same in words, with the JSON in a fenced block, whatever form was asked for.',
    argument: 'as of `review`',
    reply: (ask) => {
      const { file, review } = scriptedReview(ask.argument);
      if (!asksForVerdict(ask.prompt)) return writeFile(ask, 'review-block', file);
      const block = `\`\`\`json\n${JSON.stringify(review, null, 2)}\n\`\`\``;
      return say(`I have read the changes. My review:\n\n${block}\n\nThat is all.`);
    },
  },
  fix: {
    about: 'Runs a given shell command, then says that it is done.',
    argument: 'the command, in base64url',
    reply: (ask) => {
      const command = Buffer.from(ask.argument, 'base64url').toString('utf8');
      return callOnce(ask, 'fix', callShell(ask.tools, command));
    },
  },
  loop: {
    about: 'Calls a tool again and again, for ever.',
    reply: ({ tools, step }) => calling(callShell(tools, `echo step ${step + 1}`)),
  },
  'slow-tool': {
    about: 'Runs a command that sleeps.',
    argument: 'seconds (default: 300); a fraction tells one sleep from another',
    reply: (ask) => {
      const seconds = numberOf(ask.argument, 300);
      // Claude Code refuses a bare `sleep`.
      const command = `sh -c 'sleep ${seconds}; echo slept'`;
      return callOnce(ask, 'slow-tool', callShell(ask.tools, command, seconds + 60));
    },
  },
  daemon: {
    about: 'Runs a command that leaves two daemons behind, which write to a file ten times a second.',
    argument: 'the file (default: daemon.txt)',
    reply: (ask) => {
      const file = ask.argument === '' ? 'daemon.txt' : ask.argument;
      return callOnce(ask, 'daemon', callShell(ask.tools, daemons(file)));
    },
  },
  hang: {
    about: 'Begins a message, then sends nothing more and keeps the connection.',
    reply: () => ({ kind: 'turn', parts: [beginning], fault: 'hang' }),
  },
  'slow-stream': {
    about: 'Sends a text slowly, a word each 100 ms.',
    argument: 'how many words (default: 20)',
    reply: ({ argument }) => ({
      kind: 'turn',
      parts: [{ kind: 'text', chunks: words(numberOf(argument, 20)) }],
      betweenDeltasMs: 100,
    }),
  },
  burst: {
    about: 'Sends a message of very many small texts at once.',
    argument: 'how many (default: 1000)',
    reply: ({ argument }) => ({
      kind: 'turn',
      parts: Array.from({ length: numberOf(argument, 1000) }, (_, index) => ({
        kind: 'text',
        chunks: [`text ${index + 1}`],
      })),
    }),
  },
  cut: {
    about: 'Breaks the connection in the middle of the message.',
    reply: () => ({ kind: 'turn', parts: [beginning], fault: 'cut' }),
  },
  'error-in-stream': {
    about: "Ends the message in its middle with the provider's error event; not streaming, with a 500.",
    reply: () => ({ kind: 'turn', parts: [beginning], fault: 'error' }),
  },
  status: {
    about: 'Refuses with a status.',
    argument: 'the status (default: 500)',
    reply: ({ argument }) => ({ kind: 'problem', status: statusOf(argument) }),
  },
  overflow: {
    about: "Refuses with the provider's own words for a conversation that is too long.",
    reply: () => ({ kind: 'problem', status: 400, overflow: true }),
  },
  refuse: {
    about: 'The model itself refuses the request.',
    reply: () => ({ kind: 'turn', parts: [{ kind: 'refusal', text: 'I cannot help with that.' }] }),
  },
  mcp: {
    about: 'Calls the MCP tool whose name ends in `ping`, then says that it is done.',
    argument: 'ends of names instead, in the order of the calls, with commas between them',
    reply: (ask) => {
      const endings = ask.argument === '' ? ['ping'] : ask.argument.split(',');
      const next = endings[ask.step];
      return next === undefined
        ? say(`Done: step ${ask.step} of mcp.`)
        : calling(callMcp(ask.tools, next, { text: 'pong-please' }));
    },
  },
  schema: {
    about: 'Gives the structured answer `{"ok":true,"file":"hello.txt"}`.',
    reply: (ask) =>
      ask.step > 0 ? say('Done: the answer is given.') : structured(ask, { ok: true, file: 'hello.txt' }),
  },
  'schema-invalid': {
    about: 'Gives a structured answer that no sensible schema allows, however often it is asked.',
    reply: (ask) => structured(ask, { ok: 'perhaps' }),
  },
  'unknown-event': {
    about: 'Mixes events and content of unknown kinds into the message.',
    reply: () => ({
      kind: 'turn',
      parts: [{ kind: 'unknown' }, { kind: 'text', chunks: ['Done: ', 'known.'] }],
    }),
  },
  flaky: {
    about: 'Is overloaded (529) for the first requests of a prompt, then answers.',
    argument: 'how many requests (default: 1)',
    reply: ({ argument, earlier }) =>
      earlier < numberOf(argument, 1) ? { kind: 'problem', status: 529 } : say('Done: at last.'),
  },
  'slow-first': {
    about: 'Takes its time before the first byte, then answers.',
    argument: 'milliseconds (default: 1000)',
    reply: ({ argument }) => ({ ...say('Done: late.'), firstByteMs: numberOf(argument, 1000) }),
  },
} as const satisfies Readonly<Record<string, Scenario>>;

export type ModelScenarioName = keyof typeof modelScenarios;

/** The answer of a scenario. An unknown name is a 400 that says so: a misspelled test fails by its name. */
export function replyOf(name: string, ask: Ask): Reply {
  const scenario = Object.hasOwn(modelScenarios, name)
    ? modelScenarios[name as ModelScenarioName]
    : undefined;
  if (scenario !== undefined) return scenario.reply(ask);
  return { kind: 'problem', status: 400, message: `There is no scenario called ${name}.` };
}

/** What to put into a prompt. Of `fix`, the argument is the command itself. */
export function scenarioMarker(name: ModelScenarioName, argument?: string | number): string {
  if (argument === undefined) return `[[scenario:${name}]]`;
  const text = String(argument);
  return `[[scenario:${name}:${name === 'fix' ? Buffer.from(text).toString('base64url') : text}]]`;
}

function statusOf(argument: string): number {
  const status = numberOf(argument, 500);
  return Number.isInteger(status) && status >= 400 && status <= 599 ? status : 500;
}
