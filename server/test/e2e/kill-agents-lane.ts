import { mkdir, writeFile } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createClient, type Client } from '@slipway/client';
import pg from 'pg';
import { createExampleRepository } from '../../src/demo/example-repository.ts';
import { startGitServer } from '../../src/demo/git-server.ts';
import { makeStandInClaude } from '../support/stand-in-claude.ts';
import { isStopped, processesWith } from '../support/processes.ts';
import {
  readToken,
  startSlipway,
  type SlipwayProcess,
  type SlipwaySettings,
} from '../support/slipway-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { databaseUrl, postmasterOf, supervisorsOf } from './installation-processes.ts';
import { smallLimits } from './scenario-house.ts';

/** One installation that is killed again and again, its forge, and its agent, which is the stand-in. */
export type AgentLane = {
  readonly repository: string;
  readonly repositoryUrl: string;
  /** Sees to a server with a point at which a process is going to stop once it is armed. */
  readonly prepare: (point: string) => Promise<void>;
  /** kill -9 of the server. */
  readonly kill: () => Promise<void>;
  /** From now on the point of the last start counts. Returns the file that tells when it is reached. */
  readonly arm: () => string;
  readonly client: () => Client;
  readonly query: <Row>(text: string, values: readonly unknown[]) => Promise<readonly Row[]>;
  readonly postmaster: () => number;
  readonly supervisors: () => readonly number[];
  /** Sandboxes of this installation, or those whose command line has the text. */
  readonly agents: (text?: string) => readonly string[];
  readonly output: () => string;
  readonly close: () => Promise<void>;
};

export async function openAgentLane(settings: SlipwaySettings): Promise<AgentLane> {
  await using stack = new AsyncDisposableStack();
  const folder = await temporaryFolder({
    after: (leave: () => unknown) => stack.defer(async () => void (await leave())),
  });
  const repositories = join(folder, 'repositories');
  const data = join(folder, 'data');
  for (const path of [repositories, data]) await mkdir(path);
  await createExampleRepository(repositories, 'sum.git');
  const claude = await makeStandInClaude(folder);
  const forge = await startGitServer({ root: repositories });
  stack.defer(() => forge.close());
  let server: SlipwayProcess | undefined;
  stack.defer(() => {
    // Where a case failed, it may still stand at its point.
    if (server !== undefined && isStopped(server.pid)) process.kill(server.pid, 'SIGCONT');
    return server?.stop();
  });
  let port = '0';
  let token = '';
  let mark = '';
  let starts = 0;
  let before = '';
  let prepared = '';
  const owned = stack.move();
  return {
    repository: join(repositories, 'sum.git'),
    repositoryUrl: `${forge.url}/sum.git`,
    async prepare(point) {
      if (server !== undefined && prepared === point) return;
      await server?.kill();
      prepared = point;
      starts += 1;
      mark = join(folder, `mark-${starts}`);
      // A point whose mark exists already is passed.
      await writeFile(mark, '');
      server = await startSlipway('serve', {
        ...smallLimits,
        SLIPWAY_ALLOW_HTTP_REPOSITORIES: 'on',
        SLIPWAY_SILENCE_SECONDS: '20',
        SLIPWAY_CLAUDE_CODE_PATH: claude,
        // Nobody listens there: the stand-in asks no model.
        ANTHROPIC_BASE_URL: 'http://127.0.0.1:9',
        ...settings,
        SLIPWAY_DATA_DIR: data,
        SLIPWAY_PORT: port,
        SLIPWAY_FAULT: `${point}:stop:${mark}`,
      });
      port = new URL(server.url).port;
      token = await readToken(data);
    },
    async kill() {
      before = server?.output() ?? '';
      await server?.kill();
      server = undefined;
    },
    arm() {
      // The next task needs a new mark.
      prepared = '';
      rmSync(mark, { force: true });
      return mark;
    },
    client: () => createClient({ baseUrl: `http://127.0.0.1:${port}`, token }),
    async query<Row>(text: string, values: readonly unknown[]) {
      const connection = new pg.Client({ connectionString: databaseUrl(data) });
      connection.on('error', () => undefined);
      await connection.connect();
      try {
        return (await connection.query(text, [...values])).rows as Row[];
      } finally {
        await connection.end();
      }
    },
    postmaster: () => postmasterOf(data),
    supervisors: () => supervisorsOf(data, server?.pid ?? 0),
    agents: (text = join(data, 'workspaces')) => processesWith(text),
    output: () => `${before}\n--- killed ---\n${server?.output() ?? ''}`,
    close: () => owned.disposeAsync(),
  };
}
