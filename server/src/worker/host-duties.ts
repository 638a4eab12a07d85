import type { Duty } from '../services/housekeeping.ts';
import { sweepBlobs } from '../store/blob-sweep.ts';
import { cleanRunFolders } from './clean-run-folders.ts';
import { cleanScratch } from './clean-scratch.ts';
import { cleanIdleWorkspaces, cleanStrayWorkspaces, type WorkspaceCleaning } from './clean-workspaces.ts';
import { measureMissedWorkspaces } from './measure-workspaces.ts';

export type HostDutiesDeps = WorkspaceCleaning & {
  /** Where blobs lie as files; hosts may share it. */
  readonly blobFolder: string;
};

const minuteMs = 60_000;
const minute = 60;
const tenMinutes = 600;
const hour = 3_600;

/**
 * What each host does for its own disk, for the process that holds the worker's id. In this order: a tree is
 * only removed when no folder of a run says that something may live in it, and a mirror when no tree needs it.
 */
export function hostDuties(deps: HostDutiesDeps): readonly Duty[] {
  const { database, blobFolder: folder, clock, mirrors } = deps;
  const own = (name: string, everySeconds: number, perform: Duty['perform']): Duty => ({
    name: `${name}:${deps.workerId}`,
    everySeconds,
    limitMs: 30 * minuteMs,
    perform,
  });
  return [
    own('run-folders', tenMinutes, (signal) => cleanRunFolders(deps, signal)),
    own('idle-workspaces', minute, (signal) => cleanIdleWorkspaces(deps, signal)),
    own('stray-workspaces', minute, (signal) => cleanStrayWorkspaces(deps, signal)),
    own('unmeasured-workspaces', minute, (signal) => measureMissedWorkspaces(deps, signal)),
    own('scratch', hour, (signal) => cleanScratch(deps, signal)),
    own('mirrors', tenMinutes, (signal) => mirrors.trim(signal).then(() => ({}))),
    own('blobs', hour, (signal) => sweepBlobs({ database, folder, clock }, signal)),
  ];
}
