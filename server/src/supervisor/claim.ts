import { linkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { identifyProcess } from '../lib/process-identity.ts';
import { supervisorFile, type SupervisorSpec } from './protocol.ts';
import type { Claim } from './records.ts';

/**
 * Makes a run's folder this process's own by creating `supervisor.json`, with its content already inside.
 * False when somebody was there before, alive or not. Throws the file system's error.
 */
export function claimFolder({ folder, socket, launch }: SupervisorSpec): boolean {
  const identity = identifyProcess(process.pid);
  if (identity === undefined) throw new Error('This process cannot find itself in /proc.');
  const claim: Claim = { identity, socket, controlGroups: launch.controlGroups };
  const draft = join(folder, `${supervisorFile}.${process.pid}`);
  writeFileSync(draft, `${JSON.stringify(claim)}\n`, { mode: 0o600 });
  try {
    // Unlike rename, link fails when the name is taken.
    linkSync(draft, join(folder, supervisorFile));
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}
