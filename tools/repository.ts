import { spawn } from 'node:child_process';
import { dirname } from 'node:path';

/** The repository's root: tools work from any folder. */
export const root = dirname(import.meta.dirname);

export type Ended = { readonly code: number; readonly output: string; readonly ms: number };

/** No check, build or package takes this long; what does hangs. */
const timeout = 10 * 60_000;

/**
 * Runs a command, in the repository's root unless told otherwise, to its end and keeps what it said, both
 * streams in their order. One that takes ten minutes is ended, and has failed.
 */
export function runQuietly(file: string, args: readonly string[], cwd: string = root): Promise<Ended> {
  const begun = performance.now();
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    const end = (code: number): void =>
      resolve({ code, output: Buffer.concat(parts).toString('utf8'), ms: performance.now() - begun });
    const child = spawn(file, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], timeout });
    child.stdout.on('data', (part: Buffer) => parts.push(part));
    child.stderr.on('data', (part: Buffer) => parts.push(part));
    child.once('error', (error) => {
      parts.push(Buffer.from(`${error.message}\n`));
      end(127);
    });
    child.once('close', (code) => end(code ?? 1));
  });
}
