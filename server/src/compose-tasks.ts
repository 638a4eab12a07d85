import type { Foundation } from './compose.ts';
import { systemIds } from './lib/ids.ts';
import type { CreatePullRequestDeps } from './services/create-pull-request.ts';
import { createTaskService } from './services/create-task.ts';

/** What creates tasks: for requests, for webhooks and for the steps of workflows. */
export function composeCreateTask(foundation: Foundation): ReturnType<typeof createTaskService> {
  const { config, database, wakeups } = foundation;
  return createTaskService({
    database,
    wakeups,
    keyRing: foundation.keyRing,
    ids: systemIds,
    faults: foundation.faults,
    agents: foundation.agents,
    forgeOf: foundation.forges.forgeOf,
    telemetry: foundation.telemetry,
    policy: {
      repositories: foundation.repositories,
      defaultAgent: config.agents.defaultAgent,
      scriptCommand: config.agents.scriptCommand,
      timeoutSecondsDefault: config.tasks.timeoutSeconds,
      timeoutSecondsMax: config.tasks.timeoutMaxSeconds,
      tasksPerMinute: config.tasks.perMinute,
      allowPrivate: config.callbacks.allowPrivate,
    },
  });
}

/** What publishing finished tasks needs, for requests and for the steps of workflows. */
export function pullRequestDeps(foundation: Foundation): CreatePullRequestDeps {
  const { config, database, wakeups, faults, findCredential } = foundation;
  const waitMs = config.pullRequests.waitSeconds * 1_000;
  return {
    database,
    wakeups,
    ids: systemIds,
    faults,
    forgeOf: foundation.forges.forgeOf,
    findCredential,
    policy: { ...config.pullRequests, branchPrefix: config.git.branchPrefix, waitMs },
  };
}
