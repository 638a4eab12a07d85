import { join } from 'node:path';
import type { Client } from '@slipway/client';
import type { Bench } from './case.ts';
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
  const server = stack.use(await startSlipway('serve', { SLIPWAY_DATA_DIR: dataFolder, ...settings }));
  return { server, client: await connectClient(server, dataFolder), dataFolder, folder, forge };
}
