import { join } from 'node:path';
import type { Client } from '@slipway/client';
import type { Bench } from './case.ts';
import { endSupervisors } from './processes.ts';
import { openForge, type Forge } from './repositories.ts';
import { connectClient, startSlipway, type SlipwayProcess, type SlipwaySettings } from './slipway-server.ts';

/** A server with a data folder of its own, and a git server beside it. */
export type Installation = {
  readonly server: SlipwayProcess;
  readonly client: Client;
  readonly dataFolder: string;
  readonly folder: string;
  readonly forge: Forge;
};

/** Opens both in a new folder; `stack` closes them. */
export async function openInstallation(
  bench: Bench,
  stack: AsyncDisposableStack,
  settings: SlipwaySettings = {},
): Promise<Installation> {
  const folder = await bench.makeFolder('installation');
  const forge = stack.use(await openForge(join(folder, 'repositories'), bench.signal));
  const dataFolder = join(folder, 'data');
  // After the server: a bench that is stopped in the middle leaves an agent that would wait for a minute.
  stack.defer(() => endSupervisors(dataFolder));
  const server = stack.use(await startSlipway('serve', { SLIPWAY_DATA_DIR: dataFolder, ...settings }));
  return { server, client: await connectClient(server, dataFolder), dataFolder, folder, forge };
}
