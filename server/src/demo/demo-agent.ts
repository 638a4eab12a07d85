import type { DemoChoice } from '../cli/cli-deps.ts';
import type { Secret } from '../lib/secret.ts';
import { exampleCommand, examplePrompt, fixCommand } from './example-repository.ts';
import { startModelServer, type ModelServer } from './model-server/model-server.ts';
import { scenarioMarker } from './model-server/scenarios.ts';

type CliName = Exclude<DemoChoice['agent'], 'script'>;

type Upstream = { readonly key?: Secret; readonly url: string };

/** What the user's configuration says about agents, and where their programs are. */
export type AgentSettings = {
  readonly claudeCode: { readonly model?: string };
  readonly codex: { readonly model?: string };
  readonly anthropic: Upstream;
  readonly openai: Upstream;
  /** Looks as the server does. */
  readonly findProgram: (
    agent: CliName,
  ) =>
    | { readonly kind: 'found'; readonly path: string }
    | { readonly kind: 'missing'; readonly problem: string };
};

/** How the demo's task is given to its agent. */
export type DemoAgent = {
  readonly prompt: string;
  /** For `slipway run`, behind repository and prompt. */
  readonly flags: readonly string[];
  /** What the server is told beyond its own settings. */
  readonly env: Readonly<Record<string, string>>;
  /** Said before the task begins. */
  readonly note: string | undefined;
  /** The model, where it is ours. Whoever asked for the agent closes it. */
  readonly model: ModelServer | undefined;
};

/** What the demo needs is missing: what, and the command that gets it. */
export class DemoNotReady extends Error {
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'DemoNotReady';
  }
}

type CliFacts = {
  readonly title: string;
  readonly program: string;
  readonly install: string;
  /** How the server's settings are called. */
  readonly names: {
    readonly path: string;
    readonly model: string;
    readonly key: string;
    readonly url: string;
  };
  /** Where a person makes a key. */
  readonly keysPage: string;
  /** What the scripted model's base address has behind its port. */
  readonly modelPath: string;
  readonly settings: (settings: AgentSettings) => { readonly model?: string; readonly upstream: Upstream };
};

const clis: Readonly<Record<CliName, CliFacts>> = {
  'claude-code': {
    title: 'Claude Code',
    program: 'claude',
    install: 'npm install -g @anthropic-ai/claude-code',
    names: {
      path: 'SLIPWAY_CLAUDE_CODE_PATH',
      model: 'SLIPWAY_CLAUDE_CODE_MODEL',
      key: 'ANTHROPIC_API_KEY',
      url: 'ANTHROPIC_BASE_URL',
    },
    keysPage: 'https://console.anthropic.com/settings/keys',
    modelPath: '',
    settings: ({ claudeCode, anthropic }) => ({ ...claudeCode, upstream: anthropic }),
  },
  codex: {
    title: 'Codex',
    program: 'codex',
    install: 'npm install -g @openai/codex',
    names: {
      path: 'SLIPWAY_CODEX_PATH',
      model: 'SLIPWAY_CODEX_MODEL',
      key: 'OPENAI_API_KEY',
      url: 'OPENAI_BASE_URL',
    },
    keysPage: 'https://platform.openai.com/api-keys',
    modelPath: '/v1',
    settings: ({ codex, openai }) => ({ ...codex, upstream: openai }),
  },
};

/**
 * Looks whether the chosen agent can run here, and starts the scripted model if that was chosen.
 *
 * @throws DemoNotReady
 */
export async function prepareAgent(choice: DemoChoice, settings: AgentSettings): Promise<DemoAgent> {
  if (choice.agent === 'script') {
    const flags = ['--agent', 'script', '--command', exampleCommand];
    return { prompt: examplePrompt, flags, env: {}, note: undefined, model: undefined };
  }
  const facts = clis[choice.agent];
  const { upstream, model } = facts.settings(settings);
  const found = settings.findProgram(choice.agent);
  const key = choice.scriptedModel ? undefined : upstream.key;
  const lacksKey = key === undefined && !choice.scriptedModel;
  if (found.kind === 'missing' || lacksKey) {
    throw new DemoNotReady([
      ...(found.kind === 'missing' ? withoutProgram(facts, found.problem) : []),
      ...(lacksKey ? withoutKey(choice.agent, facts) : []),
    ]);
  }
  if (key === undefined) return withScriptedModel(choice.agent, facts, found.path);
  return {
    prompt: examplePrompt,
    flags: ['--agent', choice.agent],
    env: {
      [facts.names.path]: found.path,
      [facts.names.key]: key.reveal(),
      [facts.names.url]: upstream.url,
      ...(model === undefined ? {} : { [facts.names.model]: model }),
    },
    note: `${facts.title} works with your key: what it asks its model is charged to it, some cents.\n`,
    model: undefined,
  };
}

async function withScriptedModel(agent: CliName, facts: CliFacts, path: string): Promise<DemoAgent> {
  const model = await startModelServer();
  return {
    prompt: `${examplePrompt}\n\n${scenarioMarker('fix', fixCommand)}`,
    flags: ['--agent', agent],
    env: {
      [facts.names.path]: path,
      [facts.names.key]: 'made-up-key-of-the-scripted-model',
      [facts.names.url]: `${model.url}${facts.modelPath}`,
    },
    note:
      `${facts.title} is real, its model is not: a script on ${model.url} answers in its place,\n` +
      'and reads what to do from the mark in the prompt.\n',
    model,
  };
}

function withoutProgram({ title, program, install, names }: CliFacts, problem: string): readonly string[] {
  return [
    `${title} is missing: ${problem}. Get it with`,
    `  ${install}`,
    `or name the program: ${names.path}=/path/to/${program}`,
  ];
}

function withoutKey(agent: CliName, { title, names, keysPage }: CliFacts): readonly string[] {
  return [
    `${names.key} is not set: ${title} needs a key to its model, which ${keysPage} gives. Then`,
    `  ${names.key}=… npm run demo -- --agent ${agent}`,
    'or see it without a key, with a script in place of the model:',
    `  npm run demo -- --agent ${agent} --scripted-model`,
  ];
}
