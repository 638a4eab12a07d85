import { createHash } from 'node:crypto';
import type { AgentEvent, AgentQuestion, AgentReading } from '../agents/agent.ts';
import type { NewEvent } from '../domain/event.ts';
import { appendOutputEvents, appendStepOnce } from '../store/append-events.ts';
import { appendFindings, type Findings, type NewQuestion } from '../store/append-findings.ts';
import { insertOutputBlob } from '../store/owners.ts';
import { readClaim } from '../store/read-claim.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import type { Redactor } from '../secrets/redact.ts';
import type { WorkerContext } from './context.ts';
import { withPatience } from '../store/patience.ts';
import { RunStop } from './run-stop.ts';

/** An event keeps so much of a text; the whole line of a longer one is a blob. */
const previewCharacters = 32_768;

/** A raw line may be longer than what is shown of it, within reason: then it is a blob too. */
const rawCharacters = 131_072;
const summaryCharacters = 500;
/**
 * A conversation's id becomes an argument of the next run. What runs in a sandbox can write into its agent's
 * output, and an id that begins with a dash would be a flag.
 */
const sessionId = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/u;
/** A question shows so much of its arguments (a file's whole content can be among them). */
const argumentCharacters = 32_768;

/** What recording needs of the worker. */
type Recording = Pick<WorkerContext, 'database' | 'wakeups' | 'blobs' | 'ids' | 'faults'> & {
  readonly settings: Pick<WorkerContext['settings'], 'approvalSeconds'>;
};

export type OutputBatch = {
  readonly reading: AgentReading;
  /** Offsets of the spool, in bytes. */
  readonly from: number;
  readonly to: number;
  readonly redactor: Redactor;
};

/**
 * Appends what one batch of lines meant and moves the offset with it: events, spend, questions.
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
  for (const event of batch.reading.events)
    events.push(await storedEvent({ context, run, redactor: batch.redactor, signal }, event));
  const { from, to, redactor } = batch;
  for (const { server, reason } of batch.reading.servers ?? [])
    events.push({ type: 'mcp_server_failed', data: { server, reason: redactor.text(reason) } });
  const findings = findingsOf(context, batch);
  const written = await withPatience(signal, () =>
    findings === undefined
      ? appendOutputEvents(context.database, run, { from, to }, events)
      : appendFindings(context.database, run, { from, to }, { events, findings }),
  );
  if (!written && !(await isRecorded(context, run, batch, signal))) throw new RunStop('lost');
  context.wakeups.wake('stream', run.taskId);
  if (batch.reading.questions.length > 0) {
    context.faults.reach('question.recorded');
    context.wakeups.wake('answer', run.runId);
  }
  context.faults.reach('work.appended');
}

/** Undefined where the lines told nothing beside events, which is the common case and the quick statement. */
function findingsOf(context: Recording, { reading, redactor }: OutputBatch): Findings | undefined {
  const { version, spend, questions } = reading;
  const session =
    reading.session !== undefined && sessionId.test(reading.session) ? reading.session : undefined;
  if (session === undefined && version === undefined && spend.length === 0 && questions.length === 0) {
    return undefined;
  }
  return {
    session,
    version,
    spend,
    questions: questions.map((question) => newQuestion(context, question, redactor)),
  };
}

function newQuestion(context: Recording, question: AgentQuestion, redactor: Redactor): NewQuestion {
  const text = JSON.stringify(question.arguments ?? null);
  const shown: unknown =
    text.length <= argumentCharacters
      ? question.arguments
      : { cut: true, beginning: text.slice(0, argumentCharacters) };
  return {
    approvalId: context.ids.ordered(),
    requestId: question.requestId,
    tool: question.tool,
    summary: redactor.text(question.summary).slice(0, summaryCharacters),
    arguments: redacted(shown ?? null, redactor),
    argumentsHash: createHash('sha256').update(`${question.tool}\n${text}`).digest('hex'),
    expiresInSeconds: context.settings.approvalSeconds,
  };
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
  const rawText = event.raw === undefined ? undefined : redactor.text(JSON.stringify(event.raw));
  if (content.length <= previewCharacters && (rawText?.length ?? 0) <= rawCharacters) {
    const raw = rawText === undefined ? {} : { raw: JSON.parse(rawText) as unknown };
    return { type: 'agent_output', data: { ...output, content, ...raw } };
  }
  const bytes = Buffer.from(rawText ?? content, 'utf8');
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
