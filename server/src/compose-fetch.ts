import { composeSentry } from './compose-sentry.ts';
import type { Foundation } from './compose.ts';
import { createOpenFetchKey, type SentryProjectOf } from './effects/fetch-key.ts';
import { createFetchStep, type FetchStep } from './effects/workflow-fetch.ts';
import { version } from './version.ts';
import { StepFailure } from './workflows/step-failure.ts';

/** What does the `fetch` steps of workflows; with a key it goes to the configured providers alone. */
export function composeFetch({
  config,
  database,
  keyRing,
  telemetry,
}: Pick<Foundation, 'config' | 'database' | 'keyRing' | 'telemetry'>): FetchStep {
  const { callbacks, forges, sentry } = config;
  const openKey = createOpenFetchKey({
    database,
    keyRing,
    apiUrls: { github: forges.github.apiUrl, gitlab: forges.gitlab.apiUrl, sentry: sentry.apiUrl },
    sentryProjectOf: sentryProjectOf(composeSentry(config, telemetry.meter)),
  });
  return createFetchStep({ openKey, allowPrivate: callbacks.allowPrivate, version });
}

function sentryProjectOf({ sentry, isSentryError }: ReturnType<typeof composeSentry>): SentryProjectOf {
  return async (token, issue, signal) => {
    try {
      return (await sentry.findIssue(token, issue, signal)).projectSlug;
    } catch (error) {
      throw isSentryError(error) ? new StepFailure(error.message, { cause: error }) : error;
    }
  };
}
