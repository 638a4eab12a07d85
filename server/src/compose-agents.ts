import { stat } from 'node:fs/promises';
import { agentNames, type Agent, type AgentName } from './agents/agent.ts';
import { createClaudeCodeAgent } from './agents/claude-code/claude-code-agent.ts';
import { createCodexAgent } from './agents/codex/codex-agent.ts';
import { findProgram, type FoundProgram } from './agents/find-program.ts';
import { scriptAgent } from './agents/script/script-agent.ts';
import type { Config } from './config.ts';
import type { DataFolder } from './data-folder.ts';
import { RunFailure } from './domain/failure.ts';
import type { Executor, Place } from './executors/executor.ts';
import { offerProgram, type OfferedProgram } from './executors/offer-program.ts';
import { runInSandbox } from './executors/run-in-sandbox.ts';
import type { Logger } from './lib/logger.ts';
import type { DescribeAgents } from './services/list-agents.ts';
import type { WorkerContext } from './worker/context.ts';

/** Every agent of this version, whether its program is on this host or not. */
export function composeAgents({ agents }: Pick<Config, 'agents'>): ReadonlyMap<AgentName, Agent> {
  const { modelRetries } = agents;
  const model = (name: string | undefined) => (name === undefined ? {} : { defaultModel: name });
  const all = [
    createClaudeCodeAgent({ modelRetries, ...model(agents.claudeCode.model) }),
    createCodexAgent({ modelRetries, ...model(agents.codex.model) }),
    scriptAgent,
  ];
  return new Map(all.map((agent) => [agent.name, agent]));
}

/** The program of an agent on this host. */
export function findAgentProgram(
  config: Pick<Config, 'agents' | 'programFolders'>,
  agent: AgentName,
): FoundProgram {
  const { claudeCode, codex } = config.agents;
  switch (agent) {
    case 'claude-code':
      return findProgram(claudeCode.path, ['claude'], config.programFolders);
    case 'codex':
      return findProgram(codex.path, ['codex'], config.programFolders);
    case 'script':
      return findProgram('/bin/sh', ['sh'], config.programFolders);
  }
}

/** For people who ask which agents there are. */
export function createDescribeAgents(config: Pick<Config, 'agents' | 'programFolders'>): DescribeAgents {
  const { claudeCode, codex, defaultAgent } = config.agents;
  const models: Readonly<Record<AgentName, string | undefined>> = {
    'claude-code': claudeCode.model,
    codex: codex.model,
    script: undefined,
  };
  return async () =>
    agentNames.map((name) => {
      const found = findAgentProgram(config, name);
      return {
        name,
        binaryPath: found.kind === 'found' ? found.path : '',
        defaultModel: models[name] ?? '',
        available: found.kind === 'found',
        isDefault: name === defaultAgent,
      };
    });
}

const versionTimeoutMs = 5_000;
const versionLimits = { memoryBytes: 4 * 1024 ** 3, processes: 64, temporaryBytes: 64 * 1024 ** 2 };

type Host = {
  readonly executor: Executor;
  readonly folder: Pick<DataFolder, 'root' | 'sandbox'>;
  readonly logger: Logger;
};

/** The programs of the agents as sandboxes get them. */
export function createAgentPrograms(
  config: Pick<Config, 'agents' | 'programFolders'>,
  host: Host,
): Pick<WorkerContext, 'offerProgram' | 'versionOf'> {
  const folders = { stateFolder: host.folder.sandbox, dataFolder: host.folder.root };
  const versions = new Map<string, Promise<string | undefined>>();

  const offer: WorkerContext['offerProgram'] = async (agent, place) => {
    // Part of every system, and of every sandbox.
    if (agent === 'script') return { program: '/bin/sh', readOnly: [], pathFolders: [] };
    const found = findAgentProgram(config, agent);
    if (found.kind === 'found') return offerProgram(found, place, folders);
    throw new RunFailure({
      code: 'agent_not_started',
      phase: 'infrastructure',
      retryable: false,
      message: `the program of ${agent} is missing: ${found.problem}; ${found.remedy} (see slipway doctor)`,
    });
  };

  return {
    offerProgram: offer,
    async versionOf(agent, place) {
      const found = findAgentProgram(config, agent);
      if (found.kind === 'missing') return undefined;
      const { mtimeMs, size } = await stat(found.realPath);
      const key = `${found.realPath} ${mtimeMs} ${size}`;
      const asked =
        versions.get(key) ?? offer(agent, place).then((offered) => askVersion(host, offered, place));
      versions.set(key, asked);
      return asked.catch((error: unknown) => {
        host.logger.warn({ agent, error: String(error) }, 'a program could not be asked for its version');
        return undefined;
      });
    },
  };
}

/**
 * Takes 50 to 200 ms, in the sandbox as all that the program does. One that refuses, or does not answer, is a
 * normal program without a version, and is not asked again.
 */
async function askVersion(
  { executor }: Host,
  { program, readOnly, pathFolders }: OfferedProgram,
  place: Place,
): Promise<string | undefined> {
  const done = await runInSandbox(
    executor,
    place,
    { argv: [program, '--version'], env: {}, readOnly, pathFolders },
    {
      limits: versionLimits,
      timeoutMs: versionTimeoutMs,
      maxOutputBytes: 4_096,
      signal: AbortSignal.timeout(2 * versionTimeoutMs),
    },
  );
  return done.code === 0 ? /\d+(?:\.\d+)+[\w.+-]*/u.exec(done.stdout)?.[0] : undefined;
}
