import { createHmac, randomUUID } from 'node:crypto';
import type { ForgeStage } from './forge-stage.ts';

/** The secret of the webhooks that tests send. */
const webhookSecret = 'a secret for webhooks';

/** What a server is told so that it takes the webhooks of both forges. */
export const webhookSettings = {
  SLIPWAY_GITHUB_WEBHOOK_SECRET: webhookSecret,
  SLIPWAY_GITLAB_WEBHOOK_SECRET: webhookSecret,
} as const;

export type WebhookDelivery = {
  /** Below the server's address. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

export type OpenedPull = {
  readonly number: number;
  readonly headCommit: string;
  readonly branch: string;
  readonly title: string;
};

/** What the forge sends when a pull request has been opened, with the fields that are read, signed as it signs. */
export function openedDelivery(
  forge: Pick<ForgeStage, 'name' | 'repositoryUrl'>,
  pull: OpenedPull,
): WebhookDelivery {
  return forge.name === 'github'
    ? githubDelivery(forge.repositoryUrl, pull)
    : gitlabDelivery(forge.repositoryUrl, pull);
}

function githubDelivery(
  repositoryUrl: string,
  { number, headCommit, branch, title }: OpenedPull,
): WebhookDelivery {
  const body = JSON.stringify({
    action: 'opened',
    number,
    pull_request: {
      number,
      title,
      draft: false,
      head: { ref: branch, sha: headCommit },
      base: { ref: 'main' },
    },
    repository: { clone_url: repositoryUrl },
  });
  return {
    path: '/api/v1/webhooks/github',
    headers: {
      'content-type': 'application/json',
      'x-github-event': 'pull_request',
      'x-github-delivery': randomUUID(),
      'x-hub-signature-256': `sha256=${createHmac('sha256', webhookSecret).update(body).digest('hex')}`,
    },
    body,
  };
}

function gitlabDelivery(
  repositoryUrl: string,
  { number, headCommit, branch, title }: OpenedPull,
): WebhookDelivery {
  return {
    path: '/api/v1/webhooks/gitlab',
    headers: {
      'content-type': 'application/json',
      'x-gitlab-event': 'Merge Request Hook',
      'x-gitlab-token': webhookSecret,
      'idempotency-key': randomUUID(),
    },
    body: JSON.stringify({
      object_kind: 'merge_request',
      project: { git_http_url: repositoryUrl },
      object_attributes: {
        iid: number,
        title,
        action: 'open',
        state: 'opened',
        draft: false,
        source_branch: branch,
        target_branch: 'main',
        last_commit: { id: headCommit },
      },
    }),
  };
}
