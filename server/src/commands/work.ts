import { layFoundation, startWork } from '../compose.ts';
import { aborted } from '../lib/abort.ts';
import { refuseLacks, type ServeDeps } from './serve.ts';
import { version } from '../version.ts';

/** A worker without a server needs somebody else's database. */
class NoSharedDatabase extends Error {
  constructor() {
    super('slipway work needs DATABASE_URL: the database of the server whose tasks it runs');
  }
}

/** `slipway work`: runs tasks of a server elsewhere until the signal is aborted. */
export async function work(
  { config, dataFolder, logger, print }: ServeDeps,
  signal: AbortSignal,
): Promise<number> {
  if (config.database.url === undefined) throw new NoSharedDatabase();
  await using stack = new AsyncDisposableStack();
  const foundation = await layFoundation(config, dataFolder, logger, stack);
  await refuseLacks(config, foundation.folder, logger);
  await startWork(foundation, stack);
  print(`Slipway ${version} works on ${config.worker.workers} tasks at a time`);
  print(`  data   ${foundation.folder.root}`);
  await aborted(signal);
  return 0;
}
