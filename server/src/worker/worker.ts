import { runQueues, type RunQueue } from '../domain/run-state.ts';
import { waitFor } from '../lib/abort.ts';
import { claimRun, retakeOwnRuns, type ClaimedRun } from '../store/claim-run.ts';
import type { WorkerContext } from './context.ts';
import { withPatience } from '../store/patience.ts';
import type { LeaseKeeper } from './lease-keeper.ts';
import { runAttempt } from './run-attempt.ts';
import { RunStop } from './run-stop.ts';

/** Backstop for wake-ups that got lost. */
const pollMs = 1_000;

export type Worker = {
  /**
   * Takes its own runs back, then claims and runs what is queued until the signal is aborted. Returns when
   * nothing of this process touches a run any more; living agents stay with their supervisors.
   */
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** Resolves when the runs that this worker held when it died are its own again. */
  readonly reconciled: Promise<void>;
  readonly busy: () => number;
};

export function createWorker(context: WorkerContext, leases: LeaseKeeper): Worker {
  const reconciled = Promise.withResolvers<void>();
  let wake = Promise.withResolvers<void>();
  const rouse = (): void => {
    wake.resolve();
    wake = Promise.withResolvers();
  };
  const desk = createDesk(context, leases, rouse);

  const work = async (signal: AbortSignal): Promise<void> => {
    await desk.retake(signal);
    reconciled.resolve();
    while (!signal.aborted) {
      // Taken before the look, so that nothing which comes during it is missed.
      const woken = wake.promise;
      for (const queue of runQueues) {
        await desk.fill(queue, signal).catch(async (error: unknown) => {
          context.logger.warn({ error: String(error) }, 'claiming failed; trying again');
          await desk.retake(signal);
        });
      }
      await waitFor(woken, pollMs, signal);
    }
  };

  return {
    reconciled: reconciled.promise,
    busy: desk.busy,
    async run(signal) {
      const unlisten = context.wakeups.listen((told) => {
        if (told.topic === 'run') rouse();
        if (told.topic === 'cancel') leases.renewNow();
      });
      try {
        await work(signal);
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        unlisten();
        // Nobody waits for what will not come any more.
        reconciled.resolve();
        await desk.emptied();
      }
    },
  };
}

/** The runs that this process is at work on. */
type Desk = {
  /** Takes what the record says is this worker's and nobody attends to: a predecessor's, or a lost answer's. */
  readonly retake: (signal: AbortSignal) => Promise<void>;
  /** Claims until the queue's slots are full or nothing may start. */
  readonly fill: (queue: RunQueue, signal: AbortSignal) => Promise<void>;
  readonly busy: () => number;
  readonly emptied: () => Promise<unknown>;
};

function createDesk(context: WorkerContext, leases: LeaseKeeper, onEnd: () => void): Desk {
  const { settings, database, workerId } = context;
  const live = new Map<string, { readonly queue: RunQueue; waiting: boolean; done: Promise<void> }>();

  const begin = (run: ClaimedRun, shutdown: AbortSignal): void => {
    const held = { queue: run.queue, waiting: false, done: Promise.resolve() };
    live.set(run.runId, held);
    const onWaiting = (waiting: boolean): void => {
      if (held.waiting === waiting) return;
      held.waiting = waiting;
      // The slot is free for another run; what comes back takes one beyond the limit rather than wait again.
      if (waiting) onEnd();
    };
    held.done = attend({ context, leases, run, onWaiting }, shutdown).finally(() => {
      live.delete(run.runId);
      onEnd();
    });
  };

  return {
    async retake(signal) {
      const attended = [...live.keys()];
      const own = await withPatience(signal, () => retakeOwnRuns(database, workerId, attended));
      for (const run of own) begin(run, signal);
    },
    async fill(queue, signal) {
      const busy = [...live.values()].filter((held) => held.queue === queue && !held.waiting).length;
      for (let free = settings.slots[queue] - busy; free > 0; free -= 1) {
        if (signal.aborted) return;
        const run = await claimRun(database, workerId, queue, {
          capabilities: [...context.agents.keys()],
          limits: settings.limits,
        });
        if (run === undefined) return;
        context.faults.reach('claim.claimed');
        context.telemetry.claimed(run);
        context.wakeups.wake('stream', run.taskId);
        begin(run, signal);
      }
    },
    busy: () => live.size,
    emptied: () => Promise.all([...live.values()].map((held) => held.done)),
  };
}

/** One run under its lease: what the keeper learns, and this process's own end, stop it. */
async function attend(
  {
    context,
    leases,
    run,
    onWaiting,
  }: {
    readonly context: WorkerContext;
    readonly leases: LeaseKeeper;
    readonly run: ClaimedRun;
    readonly onWaiting: (waiting: boolean) => void;
  },
  shutdown: AbortSignal,
): Promise<void> {
  const stop = new AbortController();
  const onShutdown = (): void => stop.abort(new RunStop('shutdown'));
  shutdown.addEventListener('abort', onShutdown, { once: true });
  if (shutdown.aborted) onShutdown();
  const letGo = leases.holdRun({
    runId: run.runId,
    generation: run.generation,
    onCancel: () => stop.abort(new RunStop('cancelled')),
    onLost: () => stop.abort(new RunStop('lost')),
  });
  try {
    await runAttempt(context, run, { signal: stop.signal, onWaiting });
  } finally {
    letGo();
    shutdown.removeEventListener('abort', onShutdown);
  }
}
