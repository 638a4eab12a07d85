import { randomBytes } from 'node:crypto';
import {
  accessSync,
  constants,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';

import type { SandboxLimits } from './executor.ts';

/** Where this process may make control groups: version 2 where it was delegated, else version 1. */
export type ControlGroupHost =
  | { readonly kind: 'version_2'; readonly parent: string }
  | { readonly kind: 'version_1'; readonly memory: string; readonly pids: string | undefined }
  | { readonly kind: 'none' };

export type ControlGroups = { readonly folders: readonly string[]; readonly memoryBounded: boolean };

const namePrefix = 'slipway-';

/** Processes that a launch needs beside the command's own: the shell it starts from and two of bubblewrap. */
const processesOfOurs = 4;

/**
 * Finds the groups that this process lives in and whether new ones can be made below. Version 2 counts as
 * delegated when the own group, or its parent (a service with `DelegateSubgroup=`), is writable and hands
 * the memory and pids controllers down. `root` stands for `/` in tests.
 */
export function findControlGroups(root = '/'): ControlGroupHost {
  const own = ownGroups(root);
  const mounts = mountedHierarchies(root);
  const unified = own.get('');
  for (const mount of mounts.filter(({ kind }) => kind === 'cgroup2')) {
    if (unified === undefined) break;
    const group = resolve(join(root, mount.path, unified));
    const parent = [group, join(group, '..')].find((folder) => handsDown(folder) && isWritable(folder));
    if (parent !== undefined) return { kind: 'version_2', parent };
  }
  const version1 = (controller: string): string | undefined => {
    const mount = mounts.find(({ kind, options }) => kind === 'cgroup' && options.includes(controller));
    const path = own.get(controller);
    if (mount === undefined || path === undefined) return undefined;
    const folder = resolve(join(root, mount.path, path));
    return isWritable(folder) ? folder : undefined;
  };
  const memory = version1('memory');
  return memory === undefined ? { kind: 'none' } : { kind: 'version_1', memory, pids: version1('pids') };
}

/**
 * Makes the groups of one launch with its limits set; the command enters them by itself. A group whose
 * limit cannot be written is taken back and counts as not there.
 */
export function createControlGroups(host: ControlGroupHost, limits: SandboxLimits): ControlGroups {
  const name = namePrefix + randomBytes(8).toString('hex');
  const processes = String(limits.processes + processesOfOurs);
  if (host.kind === 'none') return { folders: [], memoryBounded: false };
  if (host.kind === 'version_2') {
    const group = createGroup(join(host.parent, name), [
      ['memory.max', String(limits.memoryBytes), 'required'],
      ['memory.swap.max', '0', 'optional'],
      ['pids.max', processes, 'required'],
    ]);
    return { folders: group === undefined ? [] : [group], memoryBounded: group !== undefined };
  }
  const memory = createGroup(join(host.memory, name), [
    ['memory.limit_in_bytes', String(limits.memoryBytes), 'required'],
    // Memory and swap together; exists only where swap is accounted, and must follow the line above.
    ['memory.memsw.limit_in_bytes', String(limits.memoryBytes), 'optional'],
  ]);
  const pids =
    host.pids === undefined
      ? undefined
      : createGroup(join(host.pids, name), [['pids.max', processes, 'required']]);
  return {
    folders: [memory, pids].filter((group) => group !== undefined),
    memoryBounded: memory !== undefined,
  };
}

/**
 * Removes empty groups that a killed process left behind. A young one may belong to a launch that has not
 * entered it yet, hence the age; one with a process in it cannot be removed at all.
 */
export function sweepControlGroups(host: ControlGroupHost, minimumAgeMs: number, now: number): void {
  if (host.kind === 'none') return;
  const parents = host.kind === 'version_2' ? [host.parent] : [host.memory, host.pids];
  for (const parent of parents) {
    if (parent === undefined) continue;
    for (const name of readdirSync(parent).filter((entry) => entry.startsWith(namePrefix))) {
      try {
        const group = join(parent, name);
        if (now - statSync(group).mtimeMs >= minimumAgeMs) rmdirSync(group);
      } catch {
        // In use, or somebody else removed it.
      }
    }
  }
}

/**
 * The shell line that puts the process it runs in into the groups given before `--`, then becomes the rest.
 * The first group costs some 12 ms, in which the kernel waits for all processors; the next ones nothing.
 */
export const enterControlGroups =
  'while [ "$1" != -- ]; do ' +
  'echo 0 >"$1/cgroup.procs" || { echo "cannot enter the control group $1" >&2; exit 126; }; ' +
  'shift; done; shift; exec "$@"';

type Setting = readonly [file: string, value: string, need: 'required' | 'optional'];

function createGroup(folder: string, settings: readonly Setting[]): string | undefined {
  try {
    mkdirSync(folder);
  } catch {
    return undefined;
  }
  for (const [file, value, need] of settings) {
    try {
      writeFileSync(join(folder, file), value);
    } catch {
      if (need === 'optional') continue;
      rmdirSync(folder);
      return undefined;
    }
  }
  return folder;
}

/** Controller → path of the own group; the empty name is version 2. */
function ownGroups(root: string): ReadonlyMap<string, string> {
  const groups = new Map<string, string>();
  for (const line of read(join(root, 'proc/self/cgroup')).split('\n')) {
    const [, controllers, ...path] = line.split(':');
    if (controllers === undefined || path.length === 0) continue;
    for (const controller of controllers.split(',')) groups.set(controller, path.join(':'));
  }
  return groups;
}

function mountedHierarchies(
  root: string,
): readonly { readonly kind: string; readonly path: string; readonly options: readonly string[] }[] {
  return read(join(root, 'proc/self/mounts'))
    .split('\n')
    .flatMap((line) => {
      const [, path, kind, options] = line.split(' ');
      if (path === undefined || kind === undefined || !kind.startsWith('cgroup')) return [];
      return [{ kind, path, options: (options ?? '').split(',') }];
    });
}

function handsDown(folder: string): boolean {
  const controllers = read(join(folder, 'cgroup.subtree_control')).trim().split(' ');
  return controllers.includes('memory') && controllers.includes('pids');
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    accessSync(join(folder, 'cgroup.procs'), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
