import { textField, objectField, type JsonObject } from '../lib/json-fields.ts';
import { branchMaxLength, urlMaxLength } from './options.ts';
import { fieldAt, fieldReader, lineOf, momentOf } from './webhook-fields.ts';
import type { WebhookReading } from './webhook.ts';

const handledActions = new Set(['open', 'update', 'reopen']);

/**
 * Reads a webhook of GitLab: its event by `X-Gitlab-Event`, and its body.
 *
 * @throws Refusal `invalid` where a field is missing or wrong that a handled event has, by its path.
 */
export function readGitlabWebhook(event: string, body: JsonObject): WebhookReading {
  const about = objectField(body, 'object_attributes');
  const action = lineOf(about?.['action'], 100) || null;
  if (event !== 'Merge Request Hook') return { action, ignored: `event ${event} is not handled` };
  if (action === null || !handledActions.has(action)) {
    return { action, ignored: `action ${action ?? '(none)'} is not handled` };
  }
  // A label can be put on what was merged long ago.
  const state = lineOf(about?.['state'], 100);
  if (state !== '' && state !== 'opened') return { action, ignored: `the merge request is ${state}` };
  const field = fieldReader(body);
  const title = lineOf(about?.['title']);
  return {
    action,
    news: {
      repositoryUrl: field.text('project.git_http_url', urlMaxLength),
      number: field.number('object_attributes.iid'),
      headCommit: field.commit('object_attributes.last_commit.id'),
      sourceBranch: field.text('object_attributes.source_branch', branchMaxLength),
      targetBranch: field.text('object_attributes.target_branch', branchMaxLength),
      title,
      isDraft:
        fieldAt(body, 'object_attributes.draft') === true ||
        fieldAt(body, 'object_attributes.work_in_progress') === true ||
        saysDraft(title),
      // There only where the update is a push.
      bringsCommits: textField(about, 'oldrev') !== '',
      updatedAt: momentOf(about?.['updated_at']),
    },
  };
}

/** `Draft: …`, `[Draft] …`, `(Draft) …`, and `WIP` in the same ways, which GitLab wrote before. */
function saysDraft(title: string): boolean {
  return /^(?:(?:draft|wip):|\[(?:draft|wip)\]|\((?:draft|wip)\))/iu.test(title);
}
