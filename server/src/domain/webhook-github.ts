import type { JsonObject } from '../lib/json-fields.ts';
import { branchMaxLength, urlMaxLength } from './options.ts';
import { fieldAt, fieldReader, lineOf, momentOf } from './webhook-fields.ts';
import type { WebhookReading } from './webhook.ts';

const handledActions = new Set(['opened', 'synchronize', 'reopened']);

/**
 * Reads a webhook of GitHub: its event by `X-GitHub-Event`, and its body.
 *
 * @throws Refusal `invalid` where a field is missing or wrong that a handled event has, by its path.
 */
export function readGithubWebhook(event: string, body: JsonObject): WebhookReading {
  const action = lineOf(body['action'], 100) || null;
  if (event !== 'pull_request') return { action, ignored: `event ${event} is not handled` };
  if (action === null || !handledActions.has(action)) {
    return { action, ignored: `action ${action ?? '(none)'} is not handled` };
  }
  const field = fieldReader(body);
  return {
    action,
    news: {
      repositoryUrl: field.text('repository.clone_url', urlMaxLength),
      number: field.number('pull_request.number'),
      headCommit: field.commit('pull_request.head.sha'),
      sourceBranch: field.text('pull_request.head.ref', branchMaxLength),
      targetBranch: field.text('pull_request.base.ref', branchMaxLength),
      title: lineOf(fieldAt(body, 'pull_request.title')),
      isDraft: fieldAt(body, 'pull_request.draft') === true,
      bringsCommits: action === 'synchronize',
      updatedAt: momentOf(fieldAt(body, 'pull_request.updated_at')),
    },
  };
}
