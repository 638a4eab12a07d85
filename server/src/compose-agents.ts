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

/** A program whose file is not in the memory of its host yet takes some seconds to say anything. */
const probeTimeoutMs = 10_000;
const probeLimits = { memoryBytes: 4 * 1024 ** 3, processes: 64, temporaryBytes: 64 * 1024 ** 2 };
/** Claude Code's list of flags has 22 KB. */
const probeMaxBytes = 256 * 1024;

type Host = {
  readonly executor: Executor;
  readonly folder: Pick<DataFolder, 'root' | 'sandbox' | 'workspaces'>;
  readonly logger: Logger;
};

/** The programs of the agents as sandboxes get them. */
export function createAgentPrograms(
  config: Pick<Config, 'agents' | 'programFolders'>,
  host: Host,
): Pick<WorkerContext, 'offerProgram' | 'versionOf' | 'takesSchema'> {
  const { sandbox, root, workspaces } = host.folder;
  const folders = { stateFolder: sandbox, dataFolder: root, workspaceFolder: workspaces };
  const answers = new Map<string, Promise<string | undefined>>();

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

  /** What the program answers, asked once for each version of it; undefined: nothing. Never rejects. */
  const ask = async (
    agent: AgentName,
    place: Place,
    words: readonly string[],
  ): Promise<string | undefined> => {
    const found = findAgentProgram(config, agent);
    if (found.kind === 'missing') return undefined;
    let key = found.realPath;
    try {
      const { mtimeMs, size } = await stat(found.realPath);
      key = [found.realPath, mtimeMs, size, ...words].join(' ');
      const asked =
        answers.get(key) ?? offer(agent, place).then((offered) => askProgram(host, offered, place, words));
      answers.set(key, asked);
      return await asked;
    } catch (error) {
      answers.delete(key);
      host.logger.warn({ agent, words, error: String(error) }, 'a program could not be asked about itself');
      return undefined;
    }
  };

  return {
    offerProgram: offer,
    async versionOf(agent, place) {
      return /\d+(?:\.\d+)+[\w.+-]*/u.exec((await ask(agent, place, ['--version'])) ?? '')?.[0];
    },
    async takesSchema({ name, abilities: { schemaFlag } }, place) {
      if (schemaFlag === undefined) return false;
      const help = (await ask(name, place, schemaFlag.help)) ?? '';
      return help.split(/[^\w-]+/u).includes(schemaFlag.flag);
    },
  };
}

/**
 * Takes 50 to 500 ms, in the sandbox as all that the program does, and in its folder for temporary files: one
 * that does not know these words and begins to work has no tree before it. One that refuses is a normal program
 * without an answer, and is not asked again; rejects where it did not come to that.
 */
async function askProgram(
  { executor }: Host,
  { program, readOnly, pathFolders }: OfferedProgram,
  place: Place,
  words: readonly string[],
): Promise<string | undefined> {
  const argv = ['/bin/sh', '-c', 'cd /tmp && exec "$0" "$@"', program, ...words] as const;
  const done = await runInSandbox(
    executor,
    place,
    { argv, env: {}, readOnly, pathFolders },
    {
      limits: probeLimits,
      timeoutMs: probeTimeoutMs,
      maxOutputBytes: probeMaxBytes,
      signal: AbortSignal.timeout(2 * probeTimeoutMs),
    },
  );
  if (done.timedOut) throw new Error(`no answer within ${probeTimeoutMs / 1000} s`);
  return done.code === 0 ? done.stdout : undefined;
}
