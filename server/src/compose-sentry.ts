import { observeSentry } from './compose-telemetry.ts';
import type { Config } from './config.ts';
import type { Meter } from './lib/metrics.ts';
import { createSentry } from './sentry/create-sentry.ts';
import { SentryError } from './sentry/sentry.ts';
import type { SentryAccess } from './services/browse-sentry.ts';
import { version } from './version.ts';

/** Makes the client of the configured Sentry; nothing is asked for anything yet. */
export function composeSentry(
  { sentry: { apiUrl } }: Pick<Config, 'sentry'>,
  meter: Meter,
): Pick<SentryAccess, 'sentry' | 'isSentryError'> {
  return {
    sentry: createSentry({ apiUrl, version, observe: observeSentry(meter) }),
    isSentryError: (error) => error instanceof SentryError,
  };
}
