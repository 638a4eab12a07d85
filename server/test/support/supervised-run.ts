import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

import { createBubblewrapExecutor } from '../../src/executors/bubblewrap/bubblewrap-executor.ts';
import type { ControlGroupHost } from '../../src/executors/control-groups.ts';
import { makeTrialFolder, makeTrialPlace, trialLimits } from '../../src/executors/executor.contract.ts';
import type { Executor, Launch, Place, SandboxLimits } from '../../src/executors/executor.ts';
import { isSameProcess } from '../../src/lib/process-identity.ts';
import { attachSupervisor, type Attached } from '../../src/supervisor/attach.ts';
import type { ExitRecord, SupervisorLimits, SupervisorSpec, WayOut } from '../../src/supervisor/protocol.ts';
import { readClaim } from '../../src/supervisor/records.ts';
import { prestartSupervisor } from '../../src/supervisor/start.ts';

const mebibyte = 1024 * 1024;
const second = 1000;

export type RunOptions = {
  readonly input?: string;
  readonly keepInput?: boolean;
  readonly limits?: Partial<SupervisorLimits>;
  readonly sandbox?: Partial<SandboxLimits>;
  readonly fault?: SupervisorSpec['fault'];
  /** Its socket lies in the run's folder, as `out`, and belongs to the sandbox's user. */
  readonly wayOut?: Pick<WayOut, 'relays' | 'allow'>;
  readonly executor?: Executor;
  readonly changeLaunch?: (launch: Launch) => Launch;
};

/** A run prepared for a supervisor: a real sandbox, and a folder for the run. */
export type PreparedRun = { readonly folder: string; readonly place: Place; readonly spec: SupervisorSpec };

export function makeSandboxes(t: TestContext, controlGroupHost?: ControlGroupHost): Executor {
  return createBubblewrapExecutor({
    stateFolder: join(makeTrialFolder(t), 'state'),
    ...(controlGroupHost === undefined ? {} : { controlGroupHost }),
  });
}

/** Prepares a run of one line of shell. After the test its supervisor and its sandbox are ended. */
export async function prepareRun(
  t: TestContext,
  script: string,
  options: RunOptions = {},
): Promise<PreparedRun> {
  const executor = options.executor ?? makeSandboxes(t);
  const place = await makeTrialPlace(t, executor);
  const folder = join(makeTrialFolder(t), 'run');
  mkdirSync(folder);
  const limits = { ...trialLimits, ...options.sandbox };
  const wayOut =
    options.wayOut === undefined ? undefined : { socket: join(folder, 'out'), ...options.wayOut };
  const launch = await executor.launch(
    place,
    { argv: ['/bin/sh', '-c', script], env: {}, ...(wayOut === undefined ? {} : { wayOut }) },
    limits,
  );
  t.after(async () => {
    const claim = readClaim(folder);
    if (claim !== undefined && claim !== 'broken' && isSameProcess(claim.identity)) {
      process.kill(claim.identity.pid, 'SIGKILL');
    }
    await executor.release(launch);
  });
  const spec: SupervisorSpec = {
    folder,
    socket: join(folder, 'socket'),
    launch: options.changeLaunch?.(launch) ?? launch,
    input: options.input ?? '',
    keepInput: options.keepInput ?? false,
    limits: {
      timeMs: 60 * second,
      silenceMs: 60 * second,
      outputBytes: 256 * mebibyte,
      memoryBytes: limits.memoryBytes,
      diskBytes: 256 * mebibyte,
      diskFolders: [place.tree, place.home],
      unattendedMs: 60 * second,
      graceMs: 0,
      ...options.limits,
    },
    ...(options.fault === undefined ? {} : { fault: options.fault }),
    ...(wayOut === undefined
      ? {}
      : { wayOut: { ...wayOut, ...(place.uid === undefined ? {} : { uid: place.uid }) } }),
  };
  return { folder, place, spec };
}

/** Starts a supervisor for a prepared run. */
export function startRun({ spec }: PreparedRun): Promise<'started' | 'taken'> {
  return prestartSupervisor().start(spec);
}

/** Attaches to a run that must be alive. */
export async function attachTo(t: TestContext, { folder }: PreparedRun): Promise<Attached> {
  const attachment = await attachSupervisor(folder, AbortSignal.timeout(20 * second));
  assert.ok(attachment.kind === 'attached', JSON.stringify(attachment));
  t.after(() => attachment.close());
  return attachment;
}

/** Follows a run to its end and gives back how it ended. */
export async function endOf({ folder }: PreparedRun): Promise<ExitRecord> {
  const signal = AbortSignal.timeout(60 * second);
  for (;;) {
    const attachment = await attachSupervisor(folder, signal);
    if (attachment.kind === 'ended') return attachment.exit;
    assert.ok(attachment.kind === 'attached', 'nobody owns the run');
    const { close, messages } = attachment;
    signal.addEventListener('abort', close, { once: true });
    for await (const message of messages) if (message.type === 'exit') break;
    signal.removeEventListener('abort', close);
  }
}

/** Starts a run of one line of shell and follows it to its end. */
export async function runToEnd(
  t: TestContext,
  script: string,
  options: RunOptions = {},
): Promise<{
  readonly exit: ExitRecord;
  readonly run: PreparedRun;
  readonly output: string;
  readonly errors: string;
}> {
  const run = await prepareRun(t, script, options);
  assert.equal(await startRun(run), 'started');
  const exit = await endOf(run);
  return { exit, run, output: spooled(run, 'output'), errors: spooled(run, 'errors') };
}

/** What is in one of the run's spools. */
export function spooled({ folder }: PreparedRun, name: 'output' | 'errors'): string {
  return readFileSync(join(folder, name), 'latin1');
}
