import { mkdir, writeFile } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createClient, type Client } from '@slipway/client';
import pg from 'pg';
import { isStopped, until } from '../support/processes.ts';
import {
  readToken,
  startSlipway,
  type SlipwayProcess,
  type SlipwaySettings,
} from '../support/slipway-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { databaseUrl, postmasterOf, readMark, supervisorsOf } from './installation-processes.ts';
import { smallLimits } from './scenario-house.ts';

/** One installation that is killed again and again. */
export type KillLane = {
  readonly folder: string;
  readonly data: string;
  /** Sees to a server with a point at which a process is going to stop once it is armed. */
  readonly prepare: (point: string) => Promise<void>;
  /** A server whose point counts from its start. Returns the file that tells when it is reached. */
  readonly prepareArmed: (point: string) => Promise<string>;
  /** kill -9 of the server. */
  readonly kill: () => Promise<void>;
  /** From now on the point of the last start counts. Returns the file that tells when it is reached. */
  readonly arm: () => string;
  readonly client: () => Client;
  /** The administrator's. */
  readonly token: () => string;
  /** The server's address. */
  readonly url: () => string;
  readonly query: <Row>(text: string, values: readonly unknown[]) => Promise<readonly Row[]>;
  readonly postmaster: () => number;
  readonly supervisors: () => readonly number[];
  readonly output: () => string;
  readonly close: () => Promise<void>;
};

/** `settingsOf`: what the lane's server is told beside small limits; it gets the lane's own folder. */
export async function openKillLane(
  settingsOf: (folder: string) => Promise<SlipwaySettings>,
): Promise<KillLane> {
  await using stack = new AsyncDisposableStack();
  const folder = await temporaryFolder({
    after: (leave: () => unknown) => stack.defer(async () => void (await leave())),
  });
  const data = join(folder, 'data');
  await mkdir(data);
  const settings = await settingsOf(folder);
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
  const start = async (point: string): Promise<void> => {
    const environment = {
      ...smallLimits,
      SLIPWAY_ALLOW_HTTP_REPOSITORIES: 'on',
      ...settings,
      SLIPWAY_DATA_DIR: data,
      SLIPWAY_PORT: port,
      SLIPWAY_FAULT: `${point}:stop:${mark}`,
    };
    // What was left undone may bring it to its point before it listens.
    server = await startSlipway('serve', environment, undefined, () => readMark(mark) !== undefined);
    if (server.url !== '') port = new URL(server.url).port;
    token = await readToken(data);
  };
  const newMark = (): string => {
    starts += 1;
    return join(folder, `mark-${starts}`);
  };
  const owned = stack.move();
  return {
    folder,
    data,
    async prepare(point) {
      if (server !== undefined && prepared === point) return;
      await server?.kill();
      prepared = point;
      mark = newMark();
      // A point whose mark exists already is passed.
      await writeFile(mark, '');
      await start(point);
    },
    async prepareArmed(point) {
      await server?.kill();
      prepared = '';
      mark = newMark();
      await start(point);
      return mark;
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
    token: () => token,
    url: () => `http://127.0.0.1:${port}`,
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
    output: () => `${before}\n--- killed ---\n${server?.output() ?? ''}`,
    close: () => owned.disposeAsync(),
  };
}

/** Waits until a process of the lane stands still at its point, and kills the server. */
export async function killAtMark(lane: KillLane, mark: string, patienceMs = 60_000): Promise<void> {
  const stopped = await until(`${mark} to be reached`, () => readMark(mark), patienceMs);
  await until('the process to stand still', () => isStopped(stopped));
  await lane.kill();
}
