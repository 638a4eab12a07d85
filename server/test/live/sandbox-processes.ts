import { readFileSync } from 'node:fs';
import { descendantsOf } from '../../src/lib/process-tree.ts';
import { isSameProcess, type ProcessIdentity } from '../../src/lib/process-identity.ts';

/** A living process of a sandbox, as the host sees it. */
export type SandboxProcess = {
  readonly identity: ProcessIdentity;
  readonly argv: readonly string[];
};

/**
 * All processes below a supervisor. Complete for what lives in its sandbox: what is orphaned there becomes a
 * child of the sandbox's own first process, whatever session or group it is in.
 */
export function processesBelow(supervisorPid: number): readonly SandboxProcess[] {
  return descendantsOf(supervisorPid).map((identity) => ({
    identity,
    argv: readOf(identity, 'cmdline').split('\0').slice(0, -1),
  }));
}

/** Those of them that are alive, described for a message. */
export function stillAlive(processes: readonly SandboxProcess[]): readonly string[] {
  return processes
    .filter(({ identity }) => isSameProcess(identity))
    .map(({ identity, argv }) => `${identity.pid} ${argv.join(' ').slice(0, 120)}`);
}

/** The command line and the environment of each process, one text; what cannot be read is empty. */
export function shownOf(processes: readonly SandboxProcess[]): string {
  return processes
    .map(({ identity }) => `${readOf(identity, 'cmdline')}\n${readOf(identity, 'environ')}`)
    .join('\n');
}

function readOf({ pid }: ProcessIdentity, file: 'cmdline' | 'environ'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}
