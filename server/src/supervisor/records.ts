import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { ProcessIdentity } from '../lib/process-identity.ts';
import {
  exitFile,
  supervisorFile,
  type ExitReason,
  type ExitRecord,
  type FromSupervisor,
  type ToSupervisor,
} from './protocol.ts';

/** What `supervisor.json` says; the control groups are those of the launch, for whoever cleans up after a killed one. */
export type Claim = {
  readonly identity: ProcessIdentity;
  readonly socket: string;
  readonly controlGroups: readonly string[];
};

const exitReasons: readonly ExitReason[] = [
  'exited',
  'finished',
  'stopped',
  'time_limit',
  'silence_limit',
  'output_limit',
  'memory_limit',
  'disk_limit',
  'unattended',
  'not_started',
];

/** Reads the claim of a run's folder: undefined when there is none, `'broken'` when it says nothing usable. */
export function readClaim(folder: string): Claim | 'broken' | undefined {
  const value = readJson(join(folder, supervisorFile));
  if (value === undefined) return undefined;
  const { identity, socket, controlGroups } = fieldsOf(value);
  const { pid, startTime, bootId } = fieldsOf(identity);
  if (typeof socket !== 'string' || typeof pid !== 'number') return 'broken';
  if (typeof startTime !== 'string' || typeof bootId !== 'string') return 'broken';
  const groups = Array.isArray(controlGroups)
    ? controlGroups.filter((group) => typeof group === 'string')
    : [];
  return { identity: { pid, startTime, bootId }, socket, controlGroups: groups };
}

/** How the run in this folder ended; undefined while it has not, or when nobody was left to write it down. */
export function readExit(folder: string): Promise<ExitRecord | undefined> {
  return Promise.resolve(parseExit(readJson(join(folder, exitFile))));
}

/** A message of the supervisor, or undefined for what is none. */
export function parseFromSupervisor(value: unknown): FromSupervisor | undefined {
  const { type, bytes, count, exit } = fieldsOf(value);
  if (type === 'output' && typeof bytes === 'number') return { type, bytes };
  if (type === 'notices' && typeof count === 'number') return { type, count };
  const record = type === 'exit' ? parseExit(exit) : undefined;
  return record === undefined ? undefined : { type: 'exit', exit: record };
}

/** A message of the worker, or undefined for what is none. */
export function parseToSupervisor(value: unknown): ToSupervisor | undefined {
  const { type, graceMs, key, text, end } = fieldsOf(value);
  if (type === 'hold' || type === 'go') return { type };
  if ((type === 'stop' || type === 'finish') && typeof graceMs === 'number') return { type, graceMs };
  if (type !== 'input' || typeof key !== 'string') return undefined;
  if (typeof text === 'string' && typeof end === 'boolean') return { type, key, text, end };
  return undefined;
}

/** An exit record read from a file, a socket or the store; undefined for what is none. */
export function parseExit(value: unknown): ExitRecord | undefined {
  const { reason, code, signal, outputBytes, startedAt, endedAt, heldMs, detail } = fieldsOf(value);
  const known = exitReasons.find((one) => one === reason);
  if (known === undefined || typeof outputBytes !== 'number') return undefined;
  if (typeof startedAt !== 'string' || typeof endedAt !== 'string') return undefined;
  return {
    reason: known,
    code: typeof code === 'number' ? code : null,
    signal: typeof signal === 'string' ? signal : null,
    outputBytes,
    startedAt,
    endedAt,
    ...(typeof heldMs === 'number' ? { heldMs } : {}),
    detail: typeof detail === 'string' ? detail : '',
  };
}

/** The file's JSON; undefined where there is no file, null where it holds none (a power cut can do that). */
function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as unknown;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? undefined : null;
  }
}

function fieldsOf(value: unknown): Readonly<Partial<Record<string, unknown>>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
