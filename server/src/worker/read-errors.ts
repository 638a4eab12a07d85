import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClaimedRun } from '../store/claim-run.ts';
import { errorsFile } from '../supervisor/protocol.ts';
import type { WorkerContext } from './context.ts';
import { runFolder } from './workspace-folders.ts';

/** What the agent has written to stderr, as far as it was kept; empty where there is none. */
export async function readErrors(
  { folders }: Pick<WorkerContext, 'folders'>,
  run: ClaimedRun,
): Promise<string> {
  return readFile(join(runFolder(folders, run), errorsFile), 'utf8').catch(() => '');
}
