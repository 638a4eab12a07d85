import { callbackBody } from '../domain/callback-body.ts';
import type { FaultPoint } from '../domain/fault-points.ts';
import type { Clock } from '../lib/clock.ts';
import type { Faults } from '../lib/faults.ts';
import { GuardedRequestError, type SendGuarded } from '../lib/guarded-request.ts';
import type { Logger } from '../lib/logger.ts';
import type { Secret } from '../lib/secret.ts';
import {
  readCallbackOutcome,
  settleCallback,
  type CallbackAttempt,
  type CallbackOutcome,
  type CallbackSettlement,
} from '../store/callbacks.ts';
import type { Database } from '../store/database.ts';
import type { EffectOf } from '../store/effects.ts';
import { withPatience } from '../store/patience.ts';
import { signBody, signMessage } from './callback-signature.ts';
import type { EffectHandler } from './outbox.ts';

/** What an attempt has: 10 s to the status, as documented, half of it for the connection. Nobody reads bodies. */
export const callbackLimits = { connectMs: 5_000, totalMs: 10_000, answerBytes: 16_384 } as const;

export type CallbackDeps = {
  readonly database: Database;
  /** With `callbackLimits`, and the operator's list of hosts that are not public. */
  readonly send: SendGuarded;
  /** Undefined: nothing is signed. */
  readonly secret: Secret | undefined;
  /** Between the attempts, of which there is one more. */
  readonly waitSeconds: readonly number[];
  /** Of the product, for `User-Agent`. */
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly faults: Faults<FaultPoint>;
};

type Callback = EffectOf<'callback'>;
/** `isFinal`: nothing was sent, and nothing would be the next time. */
type Attempt = CallbackAttempt & { readonly isDelivered: boolean; readonly isFinal: boolean };

/**
 * Tells a task's `callback_url` how an iteration ended. Its receiver cannot be asked what it has, so it is
 * told at least once: every attempt has the same id, body and signature of the body.
 *
 * An attempt counts when it has come to an end. One that a crash interrupted may have reached nobody: it is
 * made again, and at most as many of them as there are attempts, so that what ends the server over and over
 * does not post for ever.
 */
export function createCallbackHandler(deps: CallbackDeps): EffectHandler<'callback'> {
  const attempts = deps.waitSeconds.length + 1;
  return async (effect, signal) => {
    const before = await withPatience(signal, () => readCallbackOutcome(deps.database, effect.effectId));
    const attempt =
      effect.attempts > 2 * attempts ? interrupted(deps.clock) : await makeAttempt(deps, effect, signal);
    deps.faults.reach('callback.sent');
    const settlement = settlementOf(deps.waitSeconds, before, attempt);
    const isOurs = await withPatience(signal, () => settleCallback(deps.database, effect, settlement));
    deps.faults.reach('callback.settled');
    if (isOurs && settlement.end === 'failed') logFailure(deps.logger, effect, settlement.outcome);
  };
}

async function makeAttempt(deps: CallbackDeps, effect: Callback, signal: AbortSignal): Promise<Attempt> {
  const startedAt = deps.clock.now();
  const body = Buffer.from(callbackBody(effect.payload));
  const headers = headersOf(deps, effect, { body, timestamp: Math.floor(startedAt / 1_000) });
  const ended = (end: Pick<Attempt, 'status' | 'error'>, isFinal = false): Attempt => ({
    at: new Date(startedAt).toISOString(),
    ...end,
    durationMs: Math.max(0, deps.clock.now() - startedAt),
    isDelivered: end.error === null,
    isFinal,
  });
  try {
    const request = { url: effect.payload.url, method: 'POST', headers, body };
    const { status } = await deps.send(request, signal);
    return ended({ status, error: status >= 200 && status < 300 ? null : problemOf(status) });
  } catch (error) {
    if (!(error instanceof GuardedRequestError)) throw error;
    const isRefused = error.kind === 'refused_address';
    const remedy = isRefused ? '; the operator lists such hosts in SLIPWAY_ALLOW_PRIVATE_ADDRESSES' : '';
    return ended({ status: null, error: error.message + remedy }, isRefused);
  }
}

function problemOf(status: number): string {
  const isRedirect = status >= 300 && status < 400;
  return `the receiver answered ${status}${isRedirect ? '; redirects are not followed' : ''}`;
}

function headersOf(
  { secret, version }: CallbackDeps,
  { effectId, payload }: Callback,
  { body, timestamp }: { readonly body: Buffer; readonly timestamp: number },
): Readonly<Record<string, string>> {
  return {
    'Content-Type': 'application/json',
    'User-Agent': `Slipway/${version}`,
    'X-CodeForge-Event': payload.event,
    'X-Trace-ID': payload.traceId,
    'webhook-id': effectId,
    'webhook-timestamp': String(timestamp),
    ...(secret === undefined
      ? {}
      : {
          'X-Signature-256': signBody(secret, body),
          'webhook-signature': signMessage(secret, { id: effectId, timestamp, body }),
        }),
  };
}

function interrupted(clock: Clock): Attempt {
  return {
    at: new Date(clock.now()).toISOString(),
    status: null,
    error: 'given up: too many attempts were interrupted by an end of the server',
    durationMs: 0,
    isDelivered: false,
    isFinal: true,
  };
}

function settlementOf(
  waitSeconds: readonly number[],
  before: CallbackOutcome,
  { isDelivered, isFinal, ...entry }: Attempt,
): CallbackSettlement {
  const tried = before.tried + (isFinal ? 0 : 1);
  const outcome = { tried, log: [...before.log, entry] };
  if (isDelivered) return { outcome, end: 'done' };
  const wait = isFinal ? undefined : waitSeconds[tried - 1];
  return { outcome, end: wait === undefined ? 'failed' : { againInSeconds: wait } };
}

/** Without the address, of which any part may be a secret of its owner's. */
function logFailure(logger: Logger, effect: Callback, { tried, log }: CallbackOutcome): void {
  const { taskId, effectId: deliveryId } = effect;
  logger.warn(
    { taskId, deliveryId, attempts: tried, error: log.at(-1)?.error },
    'a callback could not be delivered',
  );
}
