import { once } from 'node:events';
import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { StepOutputs } from '../domain/workflow.ts';
import { withTimeout } from '../lib/abort.ts';
import { answerMaxBytes, type SelectOrder, type Selection } from './select-protocol.ts';
import { StepFailure } from './step-failure.ts';

/** Loading the thread's program takes 60 ms, and far longer on a host that has no time. */
const startWithinMs = 20_000;
const selectWithinMs = 2_000;
/** What a document of 1 MB and all that is found in it need many times over. */
const memory = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 };

/**
 * Takes an answer apart by its step's paths (RFC 9535). One value is that value, several are a list.
 *
 * In a thread of its own, with limits of time and memory: a filter can hold a regular expression that never
 * comes to an end, and a few signs of a path can ask for more values than fit anywhere.
 *
 * @throws StepFailure where the answer is not JSON, a path finds nothing, or a limit is passed; the signal's
 * reason.
 */
export async function selectOutputs(
  json: string,
  outputs: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<StepOutputs> {
  signal.throwIfAborted();
  if (Object.keys(outputs).length === 0) return {};
  if (Buffer.byteLength(json) > answerMaxBytes) throw new StepFailure('the answer is longer than 1 MB');
  const program = join(import.meta.dirname, `select-worker${extname(import.meta.filename)}`);
  const worker = new Worker(program, { env: {}, execArgv: ['--no-warnings'], resourceLimits: memory });
  // Between two waits nobody else listens; the next wait is told by the thread's end.
  worker.on('error', () => {});
  try {
    await nextMessage(worker, withTimeout(signal, startWithinMs));
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    worker.postMessage({ json, outputs } satisfies SelectOrder);
    const selection = (await nextMessage(worker, withTimeout(signal, selectWithinMs))) as Selection;
    if (selection.kind === 'failed') throw new StepFailure(selection.problem);
    return JSON.parse(selection.json) as StepOutputs;
  } catch (error) {
    signal.throwIfAborted();
    throw failureOf(error);
  } finally {
    await worker.terminate();
  }
}

async function nextMessage(worker: Worker, signal: AbortSignal): Promise<unknown> {
  // `once` is refused by an error of the thread, which is how the end of its memory is told.
  const [message] = (await once(worker, 'message', { signal })) as unknown[];
  return message;
}

function failureOf(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if ('code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return new StepFailure('looking for the outputs takes too much memory', { cause: error });
  }
  return isTimeout(error)
    ? new StepFailure('looking for the outputs takes too long', { cause: error })
    : error;
}

function isTimeout(error: Error): boolean {
  return error.name === 'AbortError' && error.cause instanceof Error && error.cause.name === 'TimeoutError';
}
