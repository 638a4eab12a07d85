import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { endControlGroups, outOfMemoryKills } from '../lib/control-group.ts';
import { endLaunch, signalLaunch, type EndableLaunch } from '../lib/end-launch.ts';
import type { Faults } from '../lib/faults.ts';
import type { ProcessIdentity } from '../lib/process-identity.ts';
import { spawnLaunch, type LaunchExit, type SpawnedLaunch } from '../lib/spawn-launch.ts';
import { createAgentClock, type AgentClock } from './agent-clock.ts';
import { createAgentInput, type AgentInput } from './agent-input.ts';
import { setUpPipes, type AgentPipes, type RawPipes } from './agent-pipes.ts';
import { openDoor, type Door } from './door.ts';
import { startSpool, type Spool } from './spool.ts';
import { recordExit, reserveExit } from './exit-file.ts';
import { openNotices, type Notices } from './notices.ts';
import {
  errorsFile,
  outputFile,
  type ExitReason,
  type ExitRecord,
  type SupervisorFaultPoint,
  type SupervisorSpec,
  type ToSupervisor,
} from './protocol.ts';
import type { ServedWayOut } from './way-out.ts';
import { watchAttendance, watchDisk, watchProcesses, watchSilence, watchTime } from './watches.ts';

const errorsBytes = 256 * 1024;
/** Together they stay below the three seconds in which nothing of a run may be left. */
const endPatienceMs = 1800;
const drainPatienceMs = 600;

/**
 * Owns one sandbox from its start to its end, in a folder that is already claimed: spawns it, spools what
 * it writes, ends it at a limit, a message or `stop`'s abort, and writes down how it ended. Whatever ended
 * it, everything that it started is gone and the spools are synced before `exit.json` appears.
 *
 * `onReady` is called once the socket listens. Rejects only when the socket cannot be opened.
 */
export async function supervise(
  spec: SupervisorSpec,
  {
    faults,
    pipes,
    stop,
    onReady,
  }: {
    readonly faults: Faults<SupervisorFaultPoint>;
    readonly pipes: Promise<RawPipes>;
    readonly stop: AbortSignal;
    readonly onReady: () => void;
  },
): Promise<void> {
  const startedAt = new Date().toISOString();
  // There from the first moment that anybody can ask for them.
  for (const name of [outputFile, errorsFile]) {
    writeFileSync(join(spec.folder, name), '', { flag: 'wx', mode: 0o600 });
  }
  const decision = createDecision();
  const notices = openNotices(spec.folder, () => door.tellNotices());
  const clock = createAgentClock();
  const sandbox: { living?: LivingSandbox; attendance?: { look: () => void } } = {};
  const early: ToSupervisor[] = [];
  const door = await openDoor(spec.socket, {
    outputBytes: () => sandbox.living?.output.bytes() ?? 0,
    noticeCount: () => notices.count(),
    onMessage(message) {
      if (message.type === 'stop') decision.stop(message.graceMs);
      else if (message.type === 'hold') clock.hold();
      else if (message.type === 'go') clock.go();
      else if (sandbox.living === undefined) early.push(message);
      else sandbox.living.input.take(message);
    },
    onAttendance: () => sandbox.attendance?.look(),
  });
  onReady();
  stop.addEventListener('abort', () => decision.stop(spec.limits.graceMs), { once: true });
  const attendance = watchAttendance(spec.limits, door.attended, decision.end);
  sandbox.attendance = attendance;
  const wayOut = serveWayOut(spec, notices);
  const living = await startAgent(spec, { raw: pipes, wayOut, door, decision, clock }).catch(
    (error: unknown) => notStarted(String(error)),
  );
  if ('spawned' in living) {
    sandbox.living = living;
    for (const message of early) living.input.take(message);
    faults.reach('supervisor.spawned');
  }
  const end = 'spawned' in living ? await seeThrough(living, spec, decision) : living;
  attendance.stop();
  (await wayOut.catch(() => undefined))?.close();
  notices.close();
  faults.reach('supervisor.ended');
  const exit = { ...end, startedAt, endedAt: new Date().toISOString(), heldMs: clock.heldMs() };
  // Two writers of one file: the reserve must be whole before the record is written over it.
  await sandbox.living?.reserved;
  await recordExit(spec.folder, exit, sandbox.living?.errors);
  faults.reach('supervisor.recorded');
  await door.tellExit(exit);
  await endControlGroups(spec.launch.controlGroups);
}

/** Loads what serves the way out, and serves it; does neither where the run has none. */
async function serveWayOut({ wayOut }: SupervisorSpec, notices: Notices): Promise<ServedWayOut | undefined> {
  if (wayOut === undefined) return undefined;
  const { openWayOut } = await import('./way-out.ts');
  return openWayOut(wayOut, { onRefused: notices.add });
}

type LivingSandbox = EndableLaunch & {
  readonly spawned: SpawnedLaunch;
  readonly pipes: AgentPipes;
  readonly input: AgentInput;
  readonly output: Spool;
  readonly errors: Spool;
  readonly clock: AgentClock;
  /** On that clock. */
  readonly lastOutputAt: () => number;
  readonly seen: ProcessIdentity[];
  readonly reserved: Promise<void>;
};

async function startAgent(
  spec: SupervisorSpec,
  {
    raw,
    wayOut,
    door,
    decision,
    clock,
  }: {
    readonly raw: Promise<RawPipes>;
    readonly wayOut: Promise<unknown>;
    readonly door: Door;
    readonly decision: Decision;
    readonly clock: AgentClock;
  },
): Promise<LivingSandbox> {
  const [rawPipes] = await Promise.all([raw, wayOut]);
  const pipes = setUpPipes(rawPipes, spec.folder, spec.input, spec.keepInput);
  let lastOutputAt = clock.now();
  const onBytes = (): void => {
    lastOutputAt = clock.now();
    door.tellOutput();
  };
  const onFailure = (error: unknown): void =>
    decision.end('disk_limit', `Its output could not be kept in ${spec.folder}: ${String(error)}.`);
  const full = `It wrote more than ${spec.limits.outputBytes} bytes.`;
  const output = await startSpool(pipes.stdout, join(spec.folder, outputFile), spec.limits.outputBytes, {
    onBytes,
    onFull: () => decision.end('output_limit', full),
    onFailure,
  });
  const errors = await startSpool(pipes.stderr, join(spec.folder, errorsFile), errorsBytes, {
    onBytes,
    onFull: () => {},
    onFailure,
  });
  // The mode of files that the command makes is not the supervisor's affair.
  const spawned = await spawnLaunch(spec.launch, pipes.streams).finally(() => pipes.handedOver());
  pipes.stdin?.on('error', () => {});
  if (spec.input !== '') pipes.stdin?.write(spec.input);
  return {
    spawned,
    pipes,
    input: createAgentInput(pipes.stdin, () => decision.end('finished', '')),
    output,
    errors,
    clock,
    lastOutputAt: () => lastOutputAt,
    seen: [],
    // Meanwhile the agent already runs: to be sure of blocks takes the disk some milliseconds.
    reserved: reserveExit(spec.folder),
    pid: spawned.pid,
    insidePid: spawned.insidePid,
    controlGroups: spec.launch.controlGroups,
  };
}

type End = Omit<ExitRecord, 'startedAt' | 'endedAt' | 'heldMs'>;

/** From a living sandbox to one of which nothing is left but its files. */
async function seeThrough(living: LivingSandbox, spec: SupervisorSpec, decision: Decision): Promise<End> {
  const unwatch = watchAll(living, spec, decision);
  void living.spawned.exited.then(() => decision.end('exited', ''));
  const { reason, detail, graceMs } = await decision.made;
  if (reason === 'stopped' && graceMs > 0) {
    signalLaunch(living, 'SIGTERM');
    await Promise.race([living.spawned.exited, delay(graceMs), decision.hurried]);
  }
  const left = await endLaunch(living, endPatienceMs);
  unwatch();
  const exit = await Promise.race([living.spawned.exited, delay(drainPatienceMs)]);
  await drain(living);
  const stuck = left.length === 0 ? '' : ` Processes that cannot be ended: ${left.join(', ')}.`;
  const judged = judge(exit, reason, detail + stuck, spec);
  return { ...judged, outputBytes: living.output.bytes() };
}

/** Starts every watch; returns what ends them. */
function watchAll(living: LivingSandbox, { limits, launch }: SupervisorSpec, { end }: Decision): () => void {
  const disk = new AbortController();
  // Rejects with the abort and nothing else: every file system error in it counts as an empty folder.
  watchDisk(limits, end, disk.signal).catch(() => {});
  const watches = [
    watchTime(limits, living.clock, end),
    watchSilence(limits, living.clock, living.lastOutputAt, end),
    () => disk.abort(),
  ];
  if (!launch.memoryBounded) {
    const remember = (processes: readonly ProcessIdentity[]): void => {
      living.seen.splice(0, living.seen.length, ...mergeByPid(living.seen, processes));
    };
    watches.push(watchProcesses(living.pid, limits, remember, end));
  }
  return () => watches.forEach((stop) => stop());
}

function mergeByPid(
  older: readonly ProcessIdentity[],
  newer: readonly ProcessIdentity[],
): readonly ProcessIdentity[] {
  // Bounded: what ended long ago is of no use, and a run may start a million processes.
  const kept = older.slice(-4096);
  return [...new Map([...kept, ...newer].map((identity) => [identity.pid, identity])).values()];
}

async function drain({ output, errors, pipes }: LivingSandbox): Promise<void> {
  const read = Promise.all([output.drained, errors.drained]);
  await Promise.race([read, delay(drainPatienceMs)]);
  for (const stream of [pipes.stdin, pipes.stdout, pipes.stderr]) stream?.destroy();
  await read;
  await output.close();
  await errors.close();
}

function judge(
  exit: LaunchExit | void,
  reason: ExitReason,
  detail: string,
  spec: SupervisorSpec,
): Omit<End, 'outputBytes'> {
  const { code, signal } = { code: null, signal: null, ...exit };
  if (reason !== 'exited') return { reason, code, signal, detail };
  if (exit?.kind === 'not_started') {
    const { outputBytes: _, ...end } = notStarted(readFileSync(join(spec.folder, errorsFile), 'utf8'));
    return { ...end, code };
  }
  const kills = outOfMemoryKills(spec.launch.controlGroups);
  if (kills === 0) return { reason, code, signal, detail };
  const memory = `${Math.round(spec.limits.memoryBytes / 1024 / 1024)} MiB`;
  const killed = `The kernel ended ${kills} of its processes: together they needed more than ${memory}.`;
  return {
    reason: signal === 'SIGKILL' ? 'memory_limit' : reason,
    code,
    signal,
    detail: `${killed}${detail}`,
  };
}

function notStarted(detail: string): End {
  return { reason: 'not_started', code: null, signal: null, outputBytes: 0, detail: detail.trim() };
}

type Decision = {
  readonly end: (reason: ExitReason, detail: string) => void;
  readonly stop: (graceMs: number) => void;
  /** How it ends: the first reason stands. */
  readonly made: Promise<{ readonly reason: ExitReason; readonly detail: string; readonly graceMs: number }>;
  /** A second word while the command still has its grace: resolves when that is over early. */
  readonly hurried: Promise<void>;
};

function createDecision(): Decision {
  const made = Promise.withResolvers<Awaited<Decision['made']>>();
  const hurried = Promise.withResolvers<void>();
  let decided = false;
  const decide = (reason: ExitReason, detail: string, graceMs: number): void => {
    if (decided && reason !== 'exited' && graceMs === 0) hurried.resolve();
    decided = true;
    made.resolve({ reason, detail, graceMs });
  };
  return {
    end: (reason, detail) => decide(reason, detail, 0),
    stop: (graceMs) => decide('stopped', '', Math.max(0, graceMs)),
    made: made.promise,
    hurried: hurried.promise,
  };
}
