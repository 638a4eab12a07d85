import type { Forges } from '../../../src/compose-forges.ts';
import type { FaultPoint } from '../../../src/domain/fault-points.ts';
import type { RepositoryUrlPolicy } from '../../../src/domain/repository-url.ts';
import type { HttpServices } from '../../../src/http/http-deps.ts';
import { createFaults } from '../../../src/lib/faults.ts';
import { systemIds } from '../../../src/lib/ids.ts';
import type { Meter } from '../../../src/lib/metrics.ts';
import { Secret } from '../../../src/lib/secret.ts';
import { createWebhookCounter } from '../../../src/services/count-webhooks.ts';
import { createListWebhooksService } from '../../../src/services/list-webhooks.ts';
import { createProcessWebhook, type ProcessWebhook } from '../../../src/services/process-webhook.ts';
import { createReceiveWebhook } from '../../../src/services/receive-webhook.ts';
import { createRedeliverWebhookService } from '../../../src/services/redeliver-webhook.ts';
import type { Database } from '../../../src/store/database.ts';

/** What an operator would configure. */
export type WebhookSettings = {
  readonly github: readonly string[];
  readonly gitlab: readonly string[];
  readonly keyNames: readonly string[];
  readonly drafts: boolean;
  readonly dedupSeconds: number;
  readonly agent: string;
  readonly command: string | undefined;
};

const webhookDefaults: WebhookSettings = {
  github: [],
  gitlab: [],
  keyNames: [],
  drafts: false,
  dedupSeconds: 3_600,
  agent: 'script',
  command: 'true',
};

/** The services behind webhooks, and what makes tasks of them. */
export function createWebhookServices(
  parts: {
    readonly database: Database;
    readonly ownerId: string;
    readonly createTask: HttpServices['createTask'];
    readonly forgeOf: Forges['forgeOf'];
    readonly repositories: RepositoryUrlPolicy;
    readonly meter: Meter;
  },
  settings: Partial<WebhookSettings> = {},
): { readonly services: HttpServices['webhooks']; readonly process: ProcessWebhook } {
  const { database, ownerId, createTask, forgeOf, repositories, meter } = parts;
  const { github, gitlab, keyNames, drafts, dedupSeconds, agent, command } = {
    ...webhookDefaults,
    ...settings,
  };
  const faults = createFaults<FaultPoint>(undefined);
  const count = createWebhookCounter(meter);
  const policy = { repositories, keyNames, agent, command };
  const process = createProcessWebhook({ database, createTask, forgeOf, faults, count, policy });
  const secretsOf = (texts: readonly string[]) => texts.map((text) => new Secret(text));
  const receiver = createReceiveWebhook({
    database,
    ids: systemIds,
    faults,
    count,
    process,
    ownerId,
    secrets: { github: secretsOf(github), gitlab: secretsOf(gitlab) },
    dedupSeconds,
    reviewDrafts: drafts,
  });
  return {
    services: {
      ...receiver,
      ...createListWebhooksService({ database }),
      redeliver: createRedeliverWebhookService({ database }),
    },
    process,
  };
}
