import { readdirSync, readFileSync } from 'node:fs';
import { identifyProcess } from '../../src/lib/process-identity.ts';
import { delay } from '../../src/lib/abort.ts';

/**
 * The processes of the host whose command line holds a text, as `pid:start time`; not their children, which
 * carry the same command line between fork and exec.
 */
export function processesWith(text: string): readonly string[] {
  return readdirSync('/proc')
    .filter(
      (name) =>
        /^\d+$/u.test(name) &&
        commandLine(name).includes(text) &&
        !commandLine(parentOf(name)).includes(text),
    )
    .flatMap((name) => {
      const identity = identifyProcess(Number(name));
      return identity === undefined ? [] : [`${identity.pid}:${identity.startTime}`];
    });
}

function commandLine(pid: string): string {
  return readProcess(pid, 'cmdline');
}

function parentOf(pid: string): string {
  return /^PPid:\s+(\d+)/mu.exec(readProcess(pid, 'status'))?.[1] ?? '0';
}

function readProcess(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

/** Whether the process is stopped by a signal. */
export function isStopped(pid: number): boolean {
  return /^State:\s+T/mu.test(readProcess(String(pid), 'status'));
}

/** Looks every 10 ms until `look` gives something; throws what was waited for when it takes too long. */
export async function until<Value>(
  what: string,
  look: () => Value | undefined | false | Promise<Value | undefined | false>,
  patienceMs = 20_000,
): Promise<Value> {
  const patience = AbortSignal.timeout(patienceMs);
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (patience.aborted) throw new Error(`waited ${patienceMs} ms for ${what}`);
    await delay(10, AbortSignal.timeout(60_000));
  }
}
