import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createDescribeAgents } from '../compose-agents.ts';
import { composeExecutor } from '../compose-executor.ts';
import { composeHttp } from '../compose-http.ts';
import { layFoundation, startWork } from '../compose.ts';
import type { Config } from '../config.ts';
import { addressFile, keptSecret, tokenFile, type DataFolder } from '../data-folder.ts';
import { aborted } from '../lib/abort.ts';
import type { Logger, ProcessLog } from '../lib/logger.ts';
import { countHeldCredentials } from '../store/credentials.ts';
import { version } from '../version.ts';
import { awaitChanges, type Source } from './await-changes.ts';
import { greetingText } from './greeting.ts';

export type ServeDeps = {
  readonly config: Config;
  readonly dataFolder: string;
  readonly logger: ProcessLog;
  /** Where the first words for people go. */
  readonly print: (line: string) => void;
};

/** A server that runs in this process. Two of them can. */
export type RunningServer = AsyncDisposable & {
  readonly url: string;
  readonly folder: DataFolder;
};

/** The host lacks something that agents need; nothing falls back to less isolation. */
class HostLacks extends Error {}

/** Starts everything; rejects with what is missing or wrong, and then has closed what was open already. */
async function startServer({ config, dataFolder, logger, print }: ServeDeps): Promise<RunningServer> {
  await using stack = new AsyncDisposableStack();
  const foundation = await layFoundation(config, dataFolder, logger, stack);
  const { folder } = foundation;
  const kept = config.http.authToken === undefined ? await keptSecret(folder, 'token') : undefined;
  const token = config.http.authToken ?? kept?.secret;
  if (token === undefined) throw new Error('no administrator token');
  logger.hide(token);
  if (config.worker.workers > 0) {
    await refuseLacks(config, folder, logger);
    const work = await startWork(foundation, stack);
    await work.reconciled;
  }
  let leaving = false;
  const http = composeHttp(
    foundation,
    {
      token,
      version,
      isShuttingDown: () => leaving,
      describeAgents: createDescribeAgents(config),
    },
    stack,
  );
  const url = await http.listen(config.http.host, config.http.port);
  stack.defer(async () => {
    leaving = true;
    await http.close();
  });
  const traces = join(folder.root, addressFile);
  await writeFile(traces, `${JSON.stringify({ url, pid: process.pid })}\n`, { mode: 0o600 });
  stack.defer(() => rm(traces, { force: true }));
  print(
    greetingText({
      version,
      url,
      dataFolder: folder.root,
      made:
        kept?.made === true ? { token: kept.secret.reveal(), file: join(folder.root, tokenFile) } : undefined,
      apiKeys: config.http.apiKeys.length + (await countHeldCredentials(foundation.database, 'api_key')),
    }),
  );
  const owned = stack.move();
  return { url, folder, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Says everything that the executor misses at once, with what mends it. */
export async function refuseLacks(config: Config, folder: DataFolder, logger: Logger): Promise<void> {
  const findings = await composeExecutor(config, folder, logger).check(AbortSignal.timeout(30_000));
  if (findings.length === 0) return;
  const lines = findings.map(({ problem, remedy }) => `  ${problem}\n    ${remedy}`);
  throw new HostLacks(
    `this host cannot run agents with SLIPWAY_ISOLATION=${config.worker.isolation}:\n${lines.join('\n')}`,
  );
}

/** `slipway serve`: runs until the signal is aborted. Living agents stay with their supervisors. */
export async function serve(deps: ServeDeps, signal: AbortSignal): Promise<number> {
  await using server = await startServer(deps);
  await aborted(signal);
  deps.logger.info(
    { url: server.url },
    'stopping; living agents go on for up to a minute and are taken up again',
  );
  return 0;
}

/**
 * The same for who works on the program: ends in good order when its source has changed, too, and then calls
 * `begin`, which replaces this process.
 */
export async function serveAnew(
  deps: ServeDeps,
  { source, begin }: { readonly source: Source; readonly begin: () => never },
  signal: AbortSignal,
): Promise<number> {
  const ending = new AbortController();
  const changed = awaitChanges(source, deps.logger, AbortSignal.any([signal, ending.signal])).then((is) => {
    if (is) ending.abort();
    return is;
  });
  try {
    const code = await serve(deps, AbortSignal.any([signal, ending.signal]));
    if (signal.aborted || !(await changed)) return code;
  } finally {
    // A server that could not start watches nothing.
    ending.abort();
  }
  deps.logger.info({}, 'the source has changed; the server begins anew');
  return begin();
}
