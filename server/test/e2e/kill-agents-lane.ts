import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createExampleRepository } from '../../src/demo/example-repository.ts';
import { startGitServer } from '../../src/demo/git-server.ts';
import { makeStandInClaude } from '../support/stand-in-claude.ts';
import { processesWith } from '../support/processes.ts';
import type { SlipwaySettings } from '../support/slipway-process.ts';
import { openKillLane, type KillLane } from './kill-lane.ts';

/** A lane with a repository, and the stand-in as its agent. */
export type AgentLane = KillLane & {
  readonly repository: string;
  readonly repositoryUrl: string;
  /** Sandboxes of this installation, or those whose command line has the text. */
  readonly agents: (text?: string) => readonly string[];
};

export async function openAgentLane(settings: SlipwaySettings): Promise<AgentLane> {
  const lane = await openKillLane(async (folder) => ({
    SLIPWAY_SILENCE_SECONDS: '20',
    SLIPWAY_CLAUDE_CODE_PATH: await makeStandInClaude(folder),
    // Nobody listens there: the stand-in asks no model.
    ANTHROPIC_BASE_URL: 'http://127.0.0.1:9',
    ...settings,
  }));
  const repositories = join(lane.folder, 'repositories');
  await mkdir(repositories);
  await createExampleRepository(repositories, 'sum.git');
  const forge = await startGitServer({ root: repositories });
  return {
    ...lane,
    repository: join(repositories, 'sum.git'),
    repositoryUrl: `${forge.url}/sum.git`,
    agents: (text = join(lane.data, 'workspaces')) => processesWith(text),
    async close() {
      await forge.close();
      await lane.close();
    },
  };
}
