import { waitFor } from '../lib/abort.ts';
import { readAnswers } from '../store/answers.ts';
import { beginParking } from '../store/park-run.ts';
import { withPatience } from '../store/patience.ts';
import type { ConversationLine } from './conversation.ts';
import type { Following } from './follow-agent.ts';

/** Backstop for a wake-up that got lost. */
const pollMs = 1_000;

/**
 * Passes answers on to a living agent as they are decided, and gives its slot back while one is missing. A
 * question that waits longer than a process is kept for has the agent put away: the run is then parked, and
 * goes on with its conversation when the answer comes. Ends with the signal; never rejects.
 */
export async function mindQuestions(
  { context, run, onWaiting }: Following,
  {
    line,
    breakOff,
    signal,
  }: { readonly line: ConversationLine; readonly breakOff: () => void; readonly signal: AbortSignal },
): Promise<void> {
  let woken = Promise.withResolvers<void>();
  const unlisten = context.wakeups.listen(({ topic, id }) => {
    if (topic !== 'answer' || id !== run.runId) return;
    woken.resolve();
    woken = Promise.withResolvers();
  });
  try {
    while (!signal.aborted) {
      // Taken before the look, so that an answer which comes during it is not missed.
      const next = woken.promise;
      const answers = await withPatience(signal, () => readAnswers(context.database, run.runId));
      line.answer(answers);
      if (answers.some(({ state }) => state !== 'waiting')) context.faults.reach('answer.sent');
      const waits = answers.filter(({ state }) => state === 'waiting').map(({ waitedMs }) => waitedMs);
      onWaiting(waits.length > 0);
      if (waits.some((waitedMs) => waitedMs >= context.settings.approvalHoldMs)) {
        await withPatience(signal, () => beginParking(context.database, run));
        context.faults.reach('park.begun');
        breakOff();
        return;
      }
      await waitFor(next, pollMs, signal);
    }
  } catch (error) {
    if (!signal.aborted) {
      // The question stays in the record: the sweeper denies it, or the run's own deadline ends it.
      context.logger.error({ error: String(error), runId: run.runId }, 'answers could not be passed on');
    }
  } finally {
    unlisten();
  }
}
