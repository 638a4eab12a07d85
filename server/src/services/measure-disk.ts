import { diskFullness } from '../lib/disk-usage.ts';
import type { Meter } from '../lib/metrics.ts';
import { remembered } from '../lib/remembered.ts';
import type { Database } from '../store/database.ts';
import { sumWorkspaces } from '../store/workspaces.ts';

/** Sizes change at the ends of runs; the sum is of a table that keeps what has ever been. */
const rememberedMs = 10_000;

/** Lets the meter show the workspaces of all hosts, as they were measured, and how full this host's disk is. */
export function measureDisk(database: Database, meter: Meter, folder: string): void {
  const sums = remembered(rememberedMs, () => sumWorkspaces(database).catch(() => undefined));
  meter.watch(
    {
      type: 'gauge',
      name: 'slipway_workspaces',
      help: "Workspaces that lie on workers' disks.",
    },
    async () => one((await sums())?.count),
  );
  meter.watch(
    {
      type: 'gauge',
      name: 'slipway_workspaces_bytes',
      help: 'What they take there, each as it was measured after its last run.',
    },
    async () => one((await sums())?.bytes),
  );
  meter.watch(
    {
      type: 'gauge',
      name: 'slipway_disk_used_ratio',
      help: "How full the disk of this process's workspaces is, between 0 and 1.",
    },
    () => one(diskFullness(folder)),
  );
}

function one(value: number | undefined) {
  return value === undefined ? [] : [{ labels: {}, value }];
}
