import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { processesWith } from '../support/processes.ts';

/** Who wrote the mark of a fault point when it was reached; undefined: it has not been. */
export function readMark(path: string): number | undefined {
  if (!existsSync(path)) return undefined;
  const text = readFileSync(path, 'utf8');
  return text.endsWith('\n') ? Number(text) : undefined;
}

/** The address of the embedded PostgreSQL of a data folder: its socket's folder stands in its pid file. */
export function databaseUrl(data: string): string {
  const socketFolder = postmasterLines(data)[4] ?? '';
  return `postgres://slipway@localhost:5432/slipway?host=${encodeURIComponent(socketFolder)}`;
}

/** The first process of the embedded PostgreSQL of a data folder. */
export function postmasterOf(data: string): number {
  return Number(postmasterLines(data)[0]);
}

function postmasterLines(data: string): readonly string[] {
  return readFileSync(join(data, 'postgres', 'postmaster.pid'), 'utf8').split('\n');
}

/**
 * The supervisors of an installation whose data folder is `data`: those at work, by their files, and the warm
 * ones, by their parent, the process that works on tasks.
 */
export function supervisorsOf(data: string, workingPid: number): readonly number[] {
  const atWork = listFolders(join(data, 'runs')).flatMap((workspace) =>
    listFolders(workspace).map((run) => join(run, 'supervisor.json')),
  );
  const pids = atWork.filter(existsSync).flatMap((path) => {
    const { identity } = JSON.parse(readFileSync(path, 'utf8')) as { identity: { pid: number } };
    return existsSync(`/proc/${identity.pid}`) ? [identity.pid] : [];
  });
  const warm = processesWith('supervisor/main.ts')
    .map((identity) => Number(identity.split(':')[0]))
    .filter((pid) => parentPid(pid) === workingPid);
  return [...new Set([...pids, ...warm])];
}

function parentPid(pid: number): number {
  try {
    return Number(/^PPid:\s+(\d+)/mu.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    return 0;
  }
}

function listFolders(path: string): readonly string[] {
  try {
    return readdirSync(path).map((name) => join(path, name));
  } catch {
    return [];
  }
}
