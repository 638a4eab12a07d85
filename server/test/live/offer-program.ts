import { randomUUID } from 'node:crypto';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Place } from '../../src/executors/executor.ts';
import { offerProgram, type OfferedProgram } from '../../src/executors/offer-program.ts';
import type { LiveHouse } from './live-house.ts';

/**
 * The agent's program as a sandbox in this place can run it. With a preface, a stand-in prints that to stdout
 * and then becomes the program.
 */
export async function offerToSandbox(
  { subject, folders }: LiveHouse,
  place: Place,
  preface: string | undefined,
): Promise<OfferedProgram> {
  const found = { path: subject.program, realPath: subject.program };
  const offered = await offerProgram(found, place, {
    stateFolder: join(folders.root, 'sandbox'),
    dataFolder: folders.runs,
  });
  if (preface === undefined) return offered;
  const standIn = join(folders.root, `stand-in-${randomUUID()}`);
  await writeFile(standIn, `#!/bin/sh\ncat <<'END'\n${preface}\nEND\nexec ${offered.program} "$@"\n`);
  await chmod(standIn, 0o755);
  return { ...offered, program: standIn, readOnly: [...offered.readOnly, standIn] };
}
