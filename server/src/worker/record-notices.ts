import type { NewEvent } from '../domain/event.ts';
import { appendNotices } from '../store/append-notices.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import { withPatience } from '../store/patience.ts';
import { readClaim } from '../store/read-claim.ts';
import { readNotices } from '../supervisor/notices.ts';
import type { WorkerContext } from './context.ts';
import { RunStop } from './run-stop.ts';
import { runFolder } from './workspace-folders.ts';

/**
 * Turns what the way out has to tell into events, each once, also over restarts.
 *
 * @throws RunStop `lost` when somebody else holds the run.
 */
export function createNoticeRecorder(
  context: WorkerContext,
  run: ClaimedRun,
  signal: AbortSignal,
): () => Promise<void> {
  let recorded = run.noticesAt;
  return async () => {
    const notices = await readNotices(runFolder(context.folders, run), recorded);
    if (notices.length === 0) return;
    const events = notices.map(({ host, port, reason }): NewEvent => ({
      type: 'egress_refused',
      data: { host, port, reason },
    }));
    const from = recorded;
    const written = await withPatience(signal, () => appendNotices(context.database, run, from, events));
    recorded += notices.length;
    if (!written) {
      // Done before, when the answer got lost with the connection; or somebody else's run by now.
      const now = await withPatience(signal, () => readClaim(context.database, run));
      if (now?.noticesAt !== recorded) throw new RunStop('lost');
    }
    context.wakeups.wake('stream', run.taskId);
  };
}
