import type { Foundation } from './compose.ts';
import { systemClock } from './lib/clock.ts';
import { diskFullness } from './lib/disk-usage.ts';
import type { Duty } from './services/housekeeping.ts';
import type { HttpServices } from './http/http-deps.ts';
import { createDeleteWorkspaceService } from './services/delete-workspace.ts';
import { createListWorkspacesService } from './services/list-workspaces.ts';
import type { WorkerContext } from './worker/context.ts';
import { hostDuties } from './worker/host-duties.ts';
import { createLeftoverKeeper } from './worker/keep-leftover.ts';
import { mindWorkspaces } from './worker/mind-workspaces.ts';

const megabyte = 1024 * 1024;

export type WorkspaceKeeping = {
  readonly duties: readonly Duty[];
  /** The loop that sees to single workspaces at once. */
  readonly mind: (signal: AbortSignal) => Promise<void>;
};

/** What keeps this host's disk in order. */
export function composeWorkspaceKeeping(
  { config, folder }: Foundation,
  context: WorkerContext,
): WorkspaceKeeping {
  const { days, totalMb, diskWarningPercent, diskCriticalPercent } = config.workspaces;
  const deps = {
    ...context,
    clock: systemClock,
    blobFolder: folder.blobs,
    workspaceDays: days,
    keepLeftover: createLeftoverKeeper(context),
    maxBytes: totalMb === 0 ? Infinity : totalMb * megabyte,
    warningFullness: diskWarningPercent / 100,
    criticalFullness: diskCriticalPercent / 100,
    fullness: () => diskFullness(folder.workspaces),
  };
  return { duties: hostDuties(deps), mind: (signal) => mindWorkspaces(deps, signal) };
}

export function composeWorkspaceServices({
  config,
  database,
  wakeups,
}: Foundation): Pick<HttpServices, 'workspaces'> {
  return {
    workspaces: {
      list: createListWorkspacesService({ database, days: config.workspaces.days }),
      remove: createDeleteWorkspaceService({ database, wakeups }),
    },
  };
}
