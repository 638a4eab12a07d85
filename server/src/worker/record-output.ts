import type { AgentEvent } from '../agents/agent.ts';
import type { NewEvent } from '../domain/event.ts';
import { appendOutputEvents, appendStepOnce } from '../store/append-events.ts';
import { insertOutputBlob } from '../store/owners.ts';
import { readClaim } from '../store/read-claim.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import type { Redactor } from '../secrets/redact.ts';
import type { WorkerContext } from './context.ts';
import { withPatience } from '../store/patience.ts';
import { RunStop } from './run-stop.ts';

/** An event keeps so much of a text; all of a longer one is a blob. */
const previewCharacters = 32_768;

/** What recording needs of the worker. */
type Recording = Pick<WorkerContext, 'database' | 'wakeups' | 'blobs' | 'ids' | 'faults'>;

export type OutputBatch = {
  readonly events: readonly AgentEvent[];
  /** Offsets of the spool, in bytes. */
  readonly from: number;
  readonly to: number;
  readonly redactor: Redactor;
};

/**
 * Appends the events of one batch of lines and moves the offset with them.
 *
 * @throws RunStop `lost` when somebody else holds the run.
 */
export async function recordOutput(
  context: Recording,
  run: ClaimedRun,
  batch: OutputBatch,
  signal: AbortSignal,
): Promise<void> {
  const events: NewEvent[] = [];
  for (const event of batch.events)
    events.push(await storedEvent({ context, run, redactor: batch.redactor, signal }, event));
  const { from, to } = batch;
  const written = await withPatience(signal, () =>
    appendOutputEvents(context.database, run, { from, to }, events),
  );
  if (!written && !(await isRecorded(context, run, batch, signal))) throw new RunStop('lost');
  context.wakeups.wake('stream', run.taskId);
  context.faults.reach('work.appended');
}

/**
 * Whether a batch that was refused is in the record all the same: its first answer was lost with the
 * connection. Only the holder of the claim moves the offset, so an offset at the batch's end is our own work.
 */
async function isRecorded(
  context: Recording,
  run: ClaimedRun,
  batch: OutputBatch,
  signal: AbortSignal,
): Promise<boolean> {
  const now = await withPatience(signal, () => readClaim(context.database, run));
  return now !== undefined && batch.from < batch.to && now.outputAt === batch.to;
}

/**
 * Appends an event of the server's own about a run, once in the run's life.
 *
 * @throws RunStop `lost` when somebody else holds the run.
 */
export async function recordStep(
  context: Recording,
  run: ClaimedRun,
  event: NewEvent,
  signal: AbortSignal,
): Promise<void> {
  const held = await withPatience(signal, () => appendStepOnce(context.database, run, event));
  if (!held) throw new RunStop('lost');
  context.wakeups.wake('stream', run.taskId);
}

async function storedEvent(
  {
    context,
    run,
    redactor,
    signal,
  }: {
    readonly context: Recording;
    readonly run: ClaimedRun;
    readonly redactor: Redactor;
    readonly signal: AbortSignal;
  },
  event: AgentEvent,
): Promise<NewEvent> {
  const content = redactor.text(event.content);
  const output = { type: event.type, agent: run.agent };
  if (content.length <= previewCharacters) {
    const raw = event.raw === undefined ? {} : { raw: redacted(event.raw, redactor) };
    return { type: 'agent_output', data: { ...output, content, ...raw } };
  }
  const bytes = Buffer.from(content, 'utf8');
  const blob = await context.blobs.put(context.ids.ordered(), bytes);
  await withPatience(signal, () => insertOutputBlob(context.database, run.ownerId, blob));
  return {
    type: 'agent_output',
    data: { ...output, content: content.slice(0, previewCharacters), fullBytes: bytes.length },
    blobId: blob.id,
  };
}

function redacted(raw: unknown, redactor: Redactor): unknown {
  const parsed: unknown = JSON.parse(redactor.text(JSON.stringify(raw)));
  return parsed;
}
