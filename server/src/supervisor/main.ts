/**
 * The supervisor program: `node main.ts`, with its `SupervisorSpec` as one line of JSON on stdin. Started
 * early, it has loaded everything when the line comes; an end of input without one ends it.
 *
 * It answers once on stdout, `{"kind":"started"}`, `{"kind":"taken"}` or `{"kind":"failed","message":…}`,
 * and then lets go of its standard streams: from there on it needs nobody.
 */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';

import { createFaults } from '../lib/faults.ts';
import { closeInheritedDescriptors } from '../lib/inherited-descriptors.ts';
import { readJsonLines } from '../lib/json-lines.ts';
import { makePipes } from './agent-pipes.ts';
import { claimFolder } from './claim.ts';
import { wayOutArgument, type SupervisorFaultPoint, type SupervisorSpec } from './protocol.ts';
import { supervise } from './supervise.ts';

/** Linux's `sun_path` less its final NUL; macOS has four bytes less. */
const longestSocketPath = process.platform === 'linux' ? 107 : 103;
const longestSpecBytes = 64 * 1024 * 1024;

process.exitCode = 1;
closeInheritedDescriptors();
// Files of ours are for the server's user; the command sets a mask of its own.
process.umask(0o077);
// A terminal that closes, or a server that went, is no reason to end an agent.
process.on('SIGHUP', () => {});
process.on('SIGINT', () => {});
process.on('SIGPIPE', () => {});
const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());

const pipes = makePipes();
// Whoever needs it imports it again, and hears then why it cannot be.
if (process.argv.includes(wayOutArgument)) import('./way-out.ts').catch(() => {});
const [spec] = await Promise.all([
  readSpec(),
  // Why there are none is told where they are used; until there are, a folder is to be cleaned up.
  pipes.catch(() => {}),
]);
if (spec !== undefined) await run(spec);
process.exit(0);

async function run(spec: SupervisorSpec): Promise<void> {
  const faults = createFaults<SupervisorFaultPoint>(spec.fault);
  try {
    for (const path of [spec.socket, spec.wayOut?.socket ?? '']) {
      if (Buffer.byteLength(path) <= longestSocketPath) continue;
      throw new RangeError(`the path of the socket is longer than ${longestSocketPath} bytes: ${path}`);
    }
    if (!claimFolder(spec)) {
      await answer({ kind: 'taken' });
      return;
    }
  } catch (error) {
    await answer({ kind: 'failed', message: String(error) });
    return;
  }
  faults.reach('supervisor.claimed');
  await supervise(spec, {
    faults,
    pipes,
    stop: stop.signal,
    onReady: () => void answer({ kind: 'started' }).then(() => letGo(spec.folder)),
  });
}

/** The spec, which our own `start.ts` wrote: its shape is trusted. Undefined when there is none. */
async function readSpec(): Promise<SupervisorSpec | undefined> {
  for await (const line of readJsonLines(process.stdin, longestSpecBytes)) return line as SupervisorSpec;
  return undefined;
}

function answer(value: object): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.on('error', () => resolve());
    process.stdout.write(`${JSON.stringify(value)}\n`, () => resolve());
  });
}

/** Puts /dev/null in the place of stdin and stdout, and a log in the run's folder in that of stderr. */
function letGo(folder: string): void {
  for (const [descriptor, path, flags] of [
    [0, '/dev/null', 'r'],
    [1, '/dev/null', 'w'],
    [2, join(folder, 'supervisor.log'), 'a'],
  ] as const) {
    // The lowest free number is the one just closed.
    closeSync(descriptor);
    openSync(path, flags, 0o600);
  }
}
