import type { Foundation } from './compose.ts';
import { callbackLimits, createCallbackHandler } from './effects/callback.ts';
import type { EffectHandler } from './effects/outbox.ts';
import { systemClock } from './lib/clock.ts';
import { createGuardedClient } from './lib/guarded-request.ts';
import { version } from './version.ts';

/** What sends callbacks, with the only client that goes to addresses which people name. */
export function composeCallbacks({
  config: { callbacks },
  database,
  logger,
  faults,
}: Foundation): EffectHandler<'callback'> {
  return createCallbackHandler({
    database,
    send: createGuardedClient({ allow: callbacks.allowPrivate, limits: callbackLimits }),
    secret: callbacks.secret,
    waitSeconds: callbacks.waitSeconds,
    version,
    clock: systemClock,
    logger,
    faults,
  });
}
