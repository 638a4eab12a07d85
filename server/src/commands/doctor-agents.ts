import { findAgentProgram } from '../compose-agents.ts';
import type { Config } from '../config.ts';
import type { Answer, Check } from './host-check.ts';

type ModelAgent = {
  readonly name: 'claude-code' | 'codex';
  readonly install: string;
  readonly pathSetting: string;
  readonly keySetting: string;
  readonly hasPath: boolean;
  readonly hasKey: boolean;
};

/**
 * A check for each agent that calls a model: where its program is, and whether its model's key is set. An
 * agent that is not there is no failure, since a server without any still runs scripts; one that is not where
 * the configuration says is.
 */
export function agentChecks(config: Pick<Config, 'agents' | 'programFolders'>): readonly Check[] {
  return modelAgents(config).map((agent) => ({
    name: agent.name,
    run: () => Promise.resolve(answerFor(agent, config)),
  }));
}

function modelAgents({ agents }: Pick<Config, 'agents'>): readonly ModelAgent[] {
  return [
    {
      name: 'claude-code',
      install: 'npm install -g @anthropic-ai/claude-code',
      pathSetting: 'SLIPWAY_CLAUDE_CODE_PATH',
      keySetting: 'ANTHROPIC_API_KEY',
      hasPath: agents.claudeCode.path !== undefined,
      hasKey: agents.anthropic.key !== undefined,
    },
    {
      name: 'codex',
      install: 'npm install -g @openai/codex',
      pathSetting: 'SLIPWAY_CODEX_PATH',
      keySetting: 'OPENAI_API_KEY',
      hasPath: agents.codex.path !== undefined,
      hasKey: agents.openai.key !== undefined,
    },
  ];
}

function answerFor(agent: ModelAgent, config: Pick<Config, 'agents' | 'programFolders'>): Answer {
  const found = findAgentProgram(config, agent.name);
  const key = agent.hasKey
    ? `${agent.keySetting} is set`
    : `${agent.keySetting} is not set: each task has to bring its own key`;
  if (found.kind === 'found') return { detail: `${found.path}; ${key}`, findings: [] };
  const wrong = { problem: found.problem, remedy: `correct ${agent.pathSetting}, or unset it` };
  if (agent.hasPath) return { detail: key, findings: [wrong] };
  const program = `${found.problem}: tasks for ${agent.name} fail here.`;
  const remedy = `${agent.install} (or, where it is already: ${agent.pathSetting}=/path/to/its/program)`;
  return { detail: key, findings: [], hints: [{ problem: program, remedy }] };
}
