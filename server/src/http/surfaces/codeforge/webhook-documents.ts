import { documented } from '../../documented.ts';
import { exampleTaskId } from './document-texts.ts';
import { webhookList } from './webhook-schemas.ts';

const receiverAnswers = {
  200: {
    description:
      'Nothing is to be done: another event or action, a draft, or a commit that was taken up before.',
    example: { status: 'ignored', reason: 'event push is not handled' },
  },
  201: {
    description: 'A review task was made; its review is posted when it is there.',
    example: { status: 'created', task_id: exampleTaskId },
  },
};
const receiverErrors = {
  400: 'The body is no JSON, a field is missing, or no registered key is for the repository.',
  401: 'The signature or the token is missing or wrong.',
  413: 'The body is larger than 5 MiB.',
  503: 'The operator has set no secret, or the database is away.',
};
const noCredential =
  'Needs no credential: the secret proves the sender. A form with the JSON in its field `payload` is taken as well.';

/** What the description says of the routes that forges send webhooks to. */
export const receiverDocuments = {
  github: documented({
    operationId: 'receiveGithubWebhook',
    summary: 'Take a webhook of GitHub',
    description: `\`pull_request\` with the actions \`opened\`, \`synchronize\` and \`reopened\` makes a review task. ${noCredential}`,
    tag: 'Webhooks',
    open: true,
    requestHeaders: {
      'X-Hub-Signature-256': '`sha256=` and the HMAC-SHA256 of the body with the secret, in hexadecimal.',
      'X-GitHub-Event': 'The event.',
      'X-GitHub-Delivery': "The delivery's id: one that comes twice asks for nothing twice.",
    },
    answers: receiverAnswers,
    errors: receiverErrors,
    requestExample: {
      action: 'opened',
      repository: { clone_url: 'https://github.com/org/repo.git' },
      pull_request: {
        number: 42,
        draft: false,
        title: 'Log in with a passkey',
        head: { ref: 'feature/login', sha: 'ec26c3e57ca3a959ca5aad62de7213c562f8c821' },
        base: { ref: 'main' },
      },
    },
  }),
  gitlab: documented({
    operationId: 'receiveGitlabWebhook',
    summary: 'Take a webhook of GitLab',
    description: `\`Merge Request Hook\` with the actions \`open\`, \`update\` and \`reopen\` makes a review task. ${noCredential}`,
    tag: 'Webhooks',
    open: true,
    requestHeaders: {
      'X-Gitlab-Token': 'The secret token.',
      'X-Gitlab-Event': 'The event.',
      'Idempotency-Key': "The delivery's id: one that comes twice asks for nothing twice.",
      'X-Gitlab-Event-UUID': 'Stands for it, together with the body, where there is no `Idempotency-Key`.',
    },
    answers: receiverAnswers,
    errors: receiverErrors,
    requestExample: {
      object_kind: 'merge_request',
      project: { git_http_url: 'https://gitlab.com/org/repo.git' },
      object_attributes: {
        action: 'open',
        iid: 42,
        title: 'Log in with a passkey',
        source_branch: 'feature/login',
        target_branch: 'main',
        last_commit: { id: 'da1560886d4f094c3e6c9ef40349f7d38b5d27d7' },
      },
    },
  }),
};

const exampleRow = {
  id: '0199a3f0-7d3b-7c1e-9b53-0d8a8d2f6b1c',
  source: 'github',
  delivery_id: '72d3162e-cc78-11e3-81ab-4c9367dc0958',
  event: 'pull_request',
  action: 'opened',
  status: 'created',
  reason: null,
  task_id: exampleTaskId,
  repo_url: 'https://github.com/org/repo.git',
  pr_number: 42,
  head_sha: 'ec26c3e57ca3a959ca5aad62de7213c562f8c821',
  received_at: '2026-11-22T03:55:55.994Z',
  settled_at: '2026-11-22T03:55:56.010Z',
};
const noWebhook = 'There is no such webhook.';
const noAdministrator = 'Only administrators see webhooks.';

/** What the description says of the routes of webhooks that came in. */
export const webhookDocuments = {
  list: documented({
    operationId: 'listWebhooks',
    summary: 'List webhooks that came in, newest first',
    description: 'For administrators.',
    tag: 'Webhooks',
    needs: 'administrator',
    answers: {
      200: {
        description: 'A page of them.',
        schema: webhookList,
        example: { webhooks: [exampleRow], total: 1 },
      },
    },
    errors: { 403: noAdministrator },
  }),
  show: documented({
    operationId: 'getWebhook',
    summary: 'Show a webhook that came in',
    description: 'For administrators.',
    tag: 'Webhooks',
    needs: 'administrator',
    answers: {
      200: {
        description: 'The webhook.',
        example: {
          ...exampleRow,
          title: 'Log in with a passkey',
          source_branch: 'feature/login',
          target_branch: 'main',
          draft: false,
          round: 1,
          attempts: 0,
          next_attempt_at: null,
          body_bytes: 21_942,
          body_sha256: '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
        },
      },
    },
    errors: { 403: noAdministrator, 404: noWebhook },
  }),
  redeliver: documented({
    operationId: 'redeliverWebhook',
    summary: 'Make a review of a webhook again',
    description: 'For administrators. Also of a draft, and of a commit that was reviewed before.',
    tag: 'Webhooks',
    needs: 'administrator',
    answers: {
      202: {
        description: 'It is dealt with in a moment.',
        example: { id: exampleRow.id, status: 'waiting' },
      },
    },
    errors: {
      403: noAdministrator,
      404: noWebhook,
      409: 'It is waiting already, or it is about no pull request.',
    },
  }),
};
