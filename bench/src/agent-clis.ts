import type { Agent } from '../../server/src/agents/agent.ts';
import { createClaudeCodeAgent } from '../../server/src/agents/claude-code/claude-code-agent.ts';
import { createCodexAgent } from '../../server/src/agents/codex/codex-agent.ts';
import { findCli } from '../../server/test/live/installed-clis.ts';
import type { SlipwaySettings } from './slipway-server.ts';

/** A real agent program, and how it is driven with and without a server. */
export type AgentCli = {
  readonly name: 'claude-code' | 'codex';
  readonly title: string;
  /** What its process is called. */
  readonly processName: string;
  /** The server's own adapter: its flags, environment and files are also those of the work by hand. */
  readonly adapter: Agent;
  /** The base of its model, given where the scripted one listens. */
  readonly modelUrl: (server: string) => string;
  /** What a server is told about it. */
  readonly settings: (program: string, modelUrl: string) => SlipwaySettings;
};

/** An agent whose program is on this host. */
export type InstalledCli = AgentCli & { readonly program: string };

/** The server's default, so that both ways have the same. */
const options = { modelRetries: 2 };

const clis: readonly AgentCli[] = [
  {
    name: 'claude-code',
    title: 'Claude Code',
    processName: 'claude',
    adapter: createClaudeCodeAgent(options),
    modelUrl: (server) => server,
    settings: (program, modelUrl) => ({
      SLIPWAY_CLAUDE_CODE_PATH: program,
      ANTHROPIC_BASE_URL: modelUrl,
      ANTHROPIC_API_KEY: 'made-up-key',
    }),
  },
  {
    name: 'codex',
    title: 'Codex',
    processName: 'codex',
    adapter: createCodexAgent(options),
    modelUrl: (server) => `${server}/v1`,
    settings: (program, modelUrl) => ({
      SLIPWAY_CODEX_PATH: program,
      OPENAI_BASE_URL: modelUrl,
      OPENAI_API_KEY: 'made-up-key',
    }),
  },
];

/** The agents whose pinned programs are installed, and the titles of those whose are not. */
export function findClis(): {
  readonly installed: readonly InstalledCli[];
  readonly missing: readonly string[];
} {
  const found = clis.map((cli) => ({ cli, program: findCli(cli.name) }));
  return {
    installed: found.flatMap(({ cli, program }) => (program === undefined ? [] : [{ ...cli, program }])),
    missing: found.flatMap(({ cli, program }) => (program === undefined ? [cli.title] : [])),
  };
}
