import type { Config } from './config.ts';
import type { DataFolder } from './data-folder.ts';
import { createBubblewrapExecutor } from './executors/bubblewrap/bubblewrap-executor.ts';
import type { Executor } from './executors/executor.ts';
import { createProcessExecutor } from './executors/process/process-executor.ts';
import type { Logger } from './lib/logger.ts';

/** The executor that the operator chose; nothing falls back to less isolation. */
export function composeExecutor(
  config: Pick<Config, 'worker'>,
  folder: Pick<DataFolder, 'sandbox' | 'workspaces'>,
  logger: Logger,
): Executor {
  switch (config.worker.isolation) {
    case 'bubblewrap':
      return createBubblewrapExecutor({
        stateFolder: folder.sandbox,
        workspaceFolder: folder.workspaces,
        logger,
      });
    case 'process':
      return createProcessExecutor({});
  }
}
