import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { Logger } from '../../lib/logger.ts';
import { sweepControlGroups, type ControlGroupHost } from '../control-groups.ts';
import type { Executor, Finding } from '../executor.ts';
import { runInSandbox, SandboxNotStarted } from '../run-in-sandbox.ts';
import { findProgram, readOsRelease } from '../system-programs.ts';
import { diagnose, missingInside, missingPrograms, readHostFacts } from './diagnose.ts';

const mebibyte = 1024 * 1024;
const limits = { memoryBytes: 512 * mebibyte, processes: 64, temporaryBytes: 16 * mebibyte };
const timeoutMs = 10_000;
/** No launch takes this long from making its control groups to entering them. */
const abandonedAfterMs = 60_000;

/**
 * Tries the real profile once with a command that does nothing, in a folder of its own where workspaces lie.
 * Returns what is missing, with its remedy; nothing found means that sandboxes come up here.
 */
export async function checkBubblewrap(
  host: {
    readonly executor: Executor;
    readonly stateFolder: string;
    readonly workspaceFolder: string;
    readonly asRoot: boolean;
    readonly controlGroupHost: ControlGroupHost;
    readonly logger: Logger;
  },
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const needed = host.asRoot ? (['bwrap', 'setpriv'] as const) : (['bwrap'] as const);
  const missing = needed.filter((name) => findProgram(name) === undefined);
  if (missing.length > 0) return missingPrograms(missing, readOsRelease());
  sweepControlGroups(host.controlGroupHost, abandonedAfterMs, Date.now());
  const said = await tryOnce(host.executor, host.workspaceFolder, signal);
  if (said.kind === 'well') {
    const { kind } = host.controlGroupHost;
    if (kind === 'none')
      host.logger.info({}, 'no control group can be written: supervisors watch memory themselves');
    return [];
  }
  if (said.kind === 'missing_inside') return said.names.map((name) => missingInside(name, readOsRelease()));
  const facts = {
    ...readHostFacts(),
    osRelease: readOsRelease(),
    folder: said.stderr.includes(host.stateFolder) ? host.stateFolder : host.workspaceFolder,
    uid: said.uid,
  };
  return [diagnose(said.stderr, facts)];
}

type Trial =
  | { readonly kind: 'well' }
  | { readonly kind: 'missing_inside'; readonly names: readonly string[] }
  | { readonly kind: 'failed'; readonly stderr: string; readonly uid: number | undefined };

async function tryOnce(executor: Executor, parent: string, signal: AbortSignal): Promise<Trial> {
  await mkdir(parent, { recursive: true, mode: 0o755 });
  const folder = await mkdtemp(join(parent, 'check-'));
  const place = executor.place(folder, 0);
  try {
    await mkdir(place.tree);
    await executor.handOver(place);
    const script =
      'for name in git socat; do command -v $name >/dev/null || echo $name; done; : >probe; exit 0';
    const result = await runInSandbox(
      executor,
      place,
      { argv: ['/bin/sh', '-c', script], env: {} },
      {
        limits,
        timeoutMs,
        maxOutputBytes: 4096,
        signal,
      },
    );
    const failed = result.timedOut ? `it did not end within ${timeoutMs / 1000} s` : result.stderr;
    if (result.code !== 0 || result.timedOut) return { kind: 'failed', stderr: failed, uid: place.uid };
    const names = result.stdout.split('\n').filter((name) => name !== '');
    return names.length === 0 ? { kind: 'well' } : { kind: 'missing_inside', names };
  } catch (error) {
    if (!(error instanceof SandboxNotStarted)) throw error;
    return { kind: 'failed', stderr: error.message, uid: place.uid };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
