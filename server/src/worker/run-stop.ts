/**
 * Why a run's work is being broken off, as the reason of its signal.
 * - `cancelled`: a person wants it ended; the record says so.
 * - `lost`: somebody else holds the run now; end what is ours and write nothing.
 * - `shutdown`: this process is leaving; a living agent stays with its supervisor, the record stays as it is.
 */
export class RunStop extends Error {
  readonly kind: 'cancelled' | 'lost' | 'shutdown';

  constructor(kind: 'cancelled' | 'lost' | 'shutdown') {
    super(`the run was stopped: ${kind}`);
    this.kind = kind;
  }
}

/** The stop behind an error that a step threw, whether it threw the reason itself or something caused by it. */
export function stopBehind(error: unknown, signal: AbortSignal): RunStop | undefined {
  if (error instanceof RunStop) return error;
  return signal.aborted && signal.reason instanceof RunStop ? signal.reason : undefined;
}
