import { egressList, expandEgress } from './config-egress.ts';
import { apiKey, command, oneLine, oneOf, wholeNumber, apiAddress, type Setting } from './config-setting.ts';
import type { Secret } from './lib/secret.ts';

export type AgentsConfig = {
  /** `path`: a file or a bare name, not yet looked for. `model`: for tasks that name none. */
  readonly claudeCode: { readonly path?: string; readonly model?: string };
  readonly codex: { readonly path?: string; readonly model?: string };
  readonly defaultAgent: 'claude-code' | 'codex' | 'script';
  /** Of the agent `script`, for tasks that name none. */
  readonly scriptCommand: string | undefined;
  /** How often failed tests are given back to the agent. */
  readonly testFixes: number;
  /** The models' addresses, without a slash at the end, and the keys to them. */
  readonly anthropic: { readonly key?: Secret; readonly url: string };
  readonly openai: { readonly key?: Secret; readonly url: string };
  readonly certificatesFile: string | undefined;
  readonly modelRetries: number;
  /** `host`, `*.host`, `host:port` or an address each, in lower case, with presets expanded. */
  readonly allowEgress: readonly string[];
  readonly approvalSeconds: number;
  readonly approvalHoldSeconds: number;
  readonly exitSeconds: number;
};

/** The settings about coding agents, their models and what they may reach. */
export const agentSettings: readonly Setting[] = [
  {
    name: 'SLIPWAY_DEFAULT_AGENT',
    section: 'Agents',
    fallback: 'claude-code',
    about: 'The agent of a task that names none.',
    aliases: ['CODEFORGE_CLI__DEFAULT'],
    check: oneOf('claude-code', 'codex', 'script'),
  },
  {
    name: 'SLIPWAY_SCRIPT_COMMAND',
    section: 'Agents',
    about: 'What the agent `script` runs for a task that names no command of its own.',
    check: command,
  },
  {
    name: 'SLIPWAY_TEST_FIXES',
    section: 'Agents',
    fallback: '1',
    about: 'How often tests that failed are given back to the agent, which goes on with its work; 0: never.',
    check: wholeNumber(0, 10),
  },
  {
    name: 'ANTHROPIC_API_KEY',
    section: 'Agents',
    about:
      "The key that Claude Code's requests are given on their way to the model. It never enters a sandbox; a task may bring its own.",
    secret: true,
    check: apiKey,
  },
  {
    name: 'ANTHROPIC_BASE_URL',
    section: 'Agents',
    fallback: 'https://api.anthropic.com',
    about: 'Where those requests go: the part before `/v1/messages`.',
    check: apiAddress,
  },
  {
    name: 'NODE_EXTRA_CA_CERTS',
    section: 'Agents',
    about: 'A file of certificates to trust on the way to a model, for one behind an address of your own.',
    check: oneLine,
  },
  {
    name: 'SLIPWAY_CLAUDE_CODE_PATH',
    section: 'Agents',
    about:
      'The program of Claude Code, or a name to look for. Unset: `claude` on PATH and in the folders of the system.',
    aliases: ['CODEFORGE_CLI__CLAUDE_CODE__PATH'],
    check: oneLine,
  },
  {
    name: 'SLIPWAY_CLAUDE_CODE_MODEL',
    section: 'Agents',
    about: "The model for tasks that name none. Unset: the program's own choice.",
    check: oneLine,
  },
  {
    name: 'OPENAI_API_KEY',
    section: 'Agents',
    about:
      "The key that Codex's requests are given on their way to the model. It never enters a sandbox; a task may bring its own.",
    secret: true,
    check: apiKey,
  },
  {
    name: 'OPENAI_BASE_URL',
    section: 'Agents',
    fallback: 'https://api.openai.com/v1',
    about: 'Where those requests go: the part before `/responses`.',
    check: apiAddress,
  },
  {
    name: 'SLIPWAY_CODEX_PATH',
    section: 'Agents',
    about:
      'The program of Codex, or a name to look for. Unset: `codex` on PATH and in the folders of the system.',
    aliases: ['CODEFORGE_CLI__CODEX__PATH'],
    check: oneLine,
  },
  {
    name: 'SLIPWAY_CODEX_MODEL',
    section: 'Agents',
    about: "The model for tasks that name none. Unset: the program's own choice.",
    check: oneLine,
  },
  {
    name: 'SLIPWAY_MODEL_RETRIES',
    section: 'Agents',
    fallback: '2',
    about: 'How often an agent repeats a request to its model that failed.',
    check: wholeNumber(0, 20),
  },
  {
    name: 'SLIPWAY_ALLOW_EGRESS',
    section: 'Agents',
    about:
      'Hosts that commands in a sandbox may reach over HTTP and HTTPS, separated by commas: `example.com`, `*.example.com`, `example.com:8443`, an address; without a port, 80 and 443. `packages` stands for the public package registries. Unset: none but the model.',
    check: egressList,
  },
  {
    name: 'SLIPWAY_APPROVAL_SECONDS',
    section: 'Agents',
    fallback: '86400',
    about: 'How long a question of an agent waits for a person; then it is denied.',
    check: wholeNumber(1, 2_592_000),
  },
  {
    name: 'SLIPWAY_APPROVAL_HOLD_SECONDS',
    section: 'Agents',
    fallback: '120',
    about:
      'How long an agent that waits for a person is kept running. Then its run is parked, and goes on in a new process when the answer comes.',
    check: wholeNumber(0, 86_400),
  },
  {
    name: 'SLIPWAY_AGENT_EXIT_SECONDS',
    section: 'Agents',
    fallback: '10',
    about: 'What an agent has to leave after its last word, before its sandbox is ended.',
    check: wholeNumber(1, 600),
  },
];

type Reader = {
  readonly text: (name: string) => string;
  readonly optional: (name: string) => string | undefined;
  readonly number: (name: string) => number;
  readonly secret: (name: string) => Secret | undefined;
};

export function agentsSection({ text, optional, number, secret }: Reader): AgentsConfig {
  const program = (name: string): AgentsConfig['codex'] => {
    const [path, model] = [optional(`${name}_PATH`), optional(`${name}_MODEL`)];
    return { ...(path === undefined ? {} : { path }), ...(model === undefined ? {} : { model }) };
  };
  const api = (name: string): AgentsConfig['openai'] => {
    const key = secret(`${name}_API_KEY`);
    return {
      ...(key === undefined ? {} : { key }),
      url: text(`${name}_BASE_URL`).replace(/\/+$/u, ''),
    };
  };
  const named = text('SLIPWAY_DEFAULT_AGENT');
  return {
    claudeCode: program('SLIPWAY_CLAUDE_CODE'),
    codex: program('SLIPWAY_CODEX'),
    defaultAgent: named === 'codex' || named === 'script' ? named : 'claude-code',
    scriptCommand: optional('SLIPWAY_SCRIPT_COMMAND'),
    testFixes: number('SLIPWAY_TEST_FIXES'),
    anthropic: api('ANTHROPIC'),
    openai: api('OPENAI'),
    certificatesFile: optional('NODE_EXTRA_CA_CERTS'),
    modelRetries: number('SLIPWAY_MODEL_RETRIES'),
    allowEgress: expandEgress(text('SLIPWAY_ALLOW_EGRESS')),
    approvalSeconds: number('SLIPWAY_APPROVAL_SECONDS'),
    approvalHoldSeconds: number('SLIPWAY_APPROVAL_HOLD_SECONDS'),
    exitSeconds: number('SLIPWAY_AGENT_EXIT_SECONDS'),
  };
}
