import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commit, mergeRequest, receiveWebhooks } from './webhook-sender.ts';

const about = (attributes: object) => mergeRequest({ object_attributes: attributes });

test('a merge request that is opened makes a review task, with its title in the prompt', async (t) => {
  const { api, gitlab } = await receiveWebhooks(t);
  const { status, json, text } = await gitlab(mergeRequest());
  assert.equal(status, 201, text);
  assert.deepEqual(json, { status: 'created', task_id: json.task_id });
  const task = await api.call('GET', `/api/v1/tasks/${json.task_id}`);
  assert.partialDeepStrictEqual(task.json, {
    repo_url: 'https://gitlab.example.com/group/sub/project.git',
    provider_key: 'lab',
    prompt: 'Review merge request !7: MS-Viewport',
    task_type: 'pr_review',
    config: {
      source_branch: 'ms-viewport',
      target_branch: 'master',
      pr_number: 7,
      output_mode: 'post_comments',
    },
  });
});

test('other events and actions are ignored, and what happens to a merge request that is closed', async (t) => {
  const { gitlab } = await receiveWebhooks(t);
  for (const event of ['Push Hook', 'Tag Push Hook', 'Note Hook', 'Pipeline Hook', 'System Hook']) {
    const { status, json } = await gitlab(mergeRequest(), { 'x-gitlab-event': event });
    assert.deepEqual([status, json], [200, { status: 'ignored', reason: `event ${event} is not handled` }]);
  }
  for (const action of ['close', 'merge', 'approved', 'unapproved', 'approval', 'unapproval']) {
    const { json } = await gitlab(about({ action }));
    assert.deepEqual(json, { status: 'ignored', reason: `action ${action} is not handled` });
  }
  const without = await gitlab(about({ action: undefined }));
  assert.deepEqual(without.json, { status: 'ignored', reason: 'action (none) is not handled' });
  const merged = await gitlab(about({ action: 'update', state: 'merged' }));
  assert.deepEqual(merged.json, { status: 'ignored', reason: 'the merge request is merged' });
});

test('a draft is known by its fields and by its title', async (t) => {
  const { gitlab } = await receiveWebhooks(t);
  const drafts = [
    { draft: true },
    { work_in_progress: true, draft: undefined },
    { title: 'Draft: MS-Viewport' },
    { title: 'WIP: MS-Viewport' },
    { title: '[Draft] MS-Viewport' },
    { title: '(draft) MS-Viewport' },
  ];
  for (const attributes of drafts) {
    const { status, json } = await gitlab(about(attributes));
    assert.deepEqual([status, json], [200, { status: 'skipped', reason: 'it is a draft' }]);
  }
  assert.equal((await gitlab(about({ title: 'Drafting: a table' }))).status, 201);
});

test('an update without commits asks for no second review of them, however long ago the first was', async (t) => {
  const { api, gitlab } = await receiveWebhooks(t);
  const first = await gitlab(mergeRequest());
  await api.database.kysely
    .updateTable('deliveries')
    .set({ taken_at: new Date(Date.now() - 20 * 86_400_000) })
    .execute();
  const labelled = await gitlab(about({ action: 'update' }));
  assert.equal(labelled.status, 200);
  assert.deepEqual([labelled.json.status, labelled.json.task_id], ['deduplicated', first.json.task_id]);
  const pushed = await gitlab(
    about({ action: 'update', oldrev: commit('da'), last_commit: { id: commit('b2') } }),
  );
  assert.equal(pushed.status, 201);
  assert.equal((await gitlab(about({ action: 'reopen' }))).status, 201, 'after the time for repetitions');
});

test('a draft that becomes ready is reviewed, since its commit was not taken up before', async (t) => {
  const { gitlab } = await receiveWebhooks(t);
  assert.equal((await gitlab(about({ draft: true, title: 'Draft: x' }))).json.status, 'skipped');
  assert.equal((await gitlab(about({ action: 'update', title: 'x' }))).status, 201);
});

test('one id of a cause stands for a delivery together with its body', async (t) => {
  const { gitlab } = await receiveWebhooks(t);
  const cause = { 'idempotency-key': '', 'x-gitlab-event-uuid': '13792a34-cac6-4fda-95a8-c58e00a3954e' };
  const [one, other] = [about({ iid: 1 }), about({ iid: 2 })];
  assert.equal((await gitlab(one, cause)).status, 201);
  assert.equal((await gitlab(other, cause)).status, 201, 'a push that moved two merge requests');
  assert.equal((await gitlab(other, cause)).json.reason, 'this delivery came before');
  const nothing = { 'idempotency-key': '' };
  assert.equal((await gitlab(about({ iid: 3 }), nothing)).status, 201);
  assert.equal((await gitlab(about({ iid: 4 }), nothing)).status, 201);
});

test('a title is one line of limited length in the prompt, whatever a stranger wrote', async (t) => {
  const { api, gitlab } = await receiveWebhooks(t);
  const title = `a\u0000b\r\n\u001b[2J\u202ec\ud800 ${'x'.repeat(10_000)}`;
  const { status, json } = await gitlab(about({ title }));
  assert.equal(status, 201);
  const { prompt } = (await api.call('GET', `/api/v1/tasks/${json.task_id}`)).json;
  assert.match(prompt, /^Review merge request !7: a b \[2J c\ufffd x+$/u);
  assert.equal(prompt.length, 'Review merge request !7: '.length + 300);
  const untitled = await gitlab(about({ iid: 8, title: '' }));
  const bare = (await api.call('GET', `/api/v1/tasks/${untitled.json.task_id}`)).json;
  assert.equal(bare.prompt, 'Review merge request !8');
});
