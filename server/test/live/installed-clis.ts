import { globSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentName } from '../../src/agents/agent.ts';

/** The folder of the pinned command lines, which `npm run test:live` installs. */
export const cliFolder = join(import.meta.dirname, '../../../tools/agent-clis');

/** The agents that are programs of somebody else. */
export type LiveAgentName = Exclude<AgentName, 'script'>;

const packages: Readonly<
  Record<LiveAgentName, { readonly name: string; readonly binary: readonly string[] }>
> = {
  'claude-code': {
    name: '@anthropic-ai/claude-code',
    binary: ['@anthropic-ai/claude-code-*/claude'],
  },
  codex: {
    name: '@openai/codex',
    binary: ['@openai/codex-*/vendor/*/bin/codex'],
  },
};

/**
 * The native program of an agent, out of its package for this platform: neither the launcher in `.bin`, which
 * leaves the program behind when it is killed, nor what an install script makes. Undefined: not installed.
 */
export function findCli(agent: LiveAgentName): string | undefined {
  const [path] = globSync([...packages[agent].binary], { cwd: join(cliFolder, 'node_modules') }).toSorted();
  return path === undefined ? undefined : realpathSync(join(cliFolder, 'node_modules', path));
}

/** The version that the folder's package.json pins. */
export function pinnedVersion(agent: LiveAgentName): string {
  const manifest = JSON.parse(readFileSync(join(cliFolder, 'package.json'), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  return manifest.dependencies[packages[agent].name] ?? '';
}
