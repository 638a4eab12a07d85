import { Refusal } from '../domain/errors.ts';
import type { HttpDeps } from './http-deps.ts';

/** From the wish to stop on nothing new is begun: the caller's next try finds another server, or the next one. */
export function refuseWhileStopping({
  isShuttingDown,
  closing,
}: Pick<HttpDeps, 'isShuttingDown'> & { readonly closing: AbortSignal }): void {
  if (!isShuttingDown() && !closing.aborted) return;
  throw new Refusal('unavailable', 'the server is shutting down', { retryAfterSeconds: 5 });
}
