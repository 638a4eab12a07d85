import assert from 'node:assert/strict';
import { test } from 'node:test';
import published from '@octokit/webhooks-examples' with { type: 'json' };
import { parsePrometheusText, valueOf } from '../../support/prometheus-text.ts';
import { commit, githubPath, kept, pullRequest, receiveWebhooks, signature } from './webhook-sender.ts';

type Example = { readonly action?: string; readonly pull_request?: { readonly draft?: boolean } };
// The package says that it exports the list as `default`; its main file is the list.
const examples = published as unknown as readonly {
  readonly name: string;
  readonly examples: readonly Example[];
}[];

const taken = new Set(['opened', 'synchronize', 'reopened']);

test('every published example of GitHub is answered: reviewed, a repetition, or ignored with the reason', async (t) => {
  const { api, github } = await receiveWebhooks(t);
  const seen: Record<string, number> = {};
  let firstTask: string | undefined;
  for (const { name, examples: ofEvent } of examples) {
    for (const example of ofEvent) {
      const { status, json, text } = await github(example, { 'x-github-event': name });
      const isHandled = name === 'pull_request' && taken.has(example.action ?? '');
      seen[json.status] = (seen[json.status] ?? 0) + 1;
      if (!isHandled) {
        const reason =
          name === 'pull_request'
            ? `action ${example.action} is not handled`
            : `event ${name} is not handled`;
        assert.deepEqual([status, json], [200, { status: 'ignored', reason }], text);
      } else if (firstTask === undefined) {
        assert.deepEqual([status, json.status], [201, 'created'], text);
        firstTask = json.task_id;
      } else {
        // All of them are about one commit of one pull request.
        assert.equal(status, 200, text);
        assert.deepEqual([json.status, json.task_id], ['deduplicated', firstTask], text);
      }
    }
  }
  const total = examples.reduce((sum, event) => sum + event.examples.length, 0);
  assert.equal(examples.length, 58);
  assert.deepEqual(seen, { created: 1, deduplicated: 6, ignored: total - 7 });
  const { json } = await api.call('GET', `/api/v1/tasks/${firstTask}`);
  assert.partialDeepStrictEqual(json, {
    repo_url: 'https://github.com/Codertocat/Hello-World.git',
    provider_key: 'hub',
    prompt: 'Review pull request #2',
    task_type: 'pr_review',
    config: {
      cli: 'script',
      source_branch: 'changes',
      target_branch: 'master',
      pr_number: 2,
      output_mode: 'post_comments',
    },
  });
  assert.equal((await api.call('GET', '/api/v1/tasks')).json.total, 1);
});

test('each example of a handled action makes a review where it is the first of its commit', async (t) => {
  const { github } = await receiveWebhooks(t);
  const handled = examples
    .filter(({ name }) => name === 'pull_request')
    .flatMap((event) => event.examples)
    .filter(({ action }) => taken.has(action ?? ''));
  assert.equal(handled.length, 7);
  for (const [index, example] of handled.entries()) {
    const repository = { clone_url: `https://github.com/ada/engine-${index}.git` };
    const { status, text } = await github({ ...example, repository });
    assert.equal(status, 201, text);
  }
});

test('a draft is skipped, and reviewed where the operator wants that', async (t) => {
  const draft = pullRequest({ pull_request: { draft: true } });
  const { api, github } = await receiveWebhooks(t);
  const skipped = await github(draft);
  assert.deepEqual([skipped.status, skipped.json], [200, { status: 'skipped', reason: 'it is a draft' }]);
  assert.equal((await kept(api))[0].status, 'skipped');
  const wanting = await receiveWebhooks(t, { webhooks: { drafts: true } });
  assert.equal((await wanting.github(draft)).status, 201);
});

test('the same commit of the same pull request is reviewed once within the time, by whatever delivery', async (t) => {
  const { api, github } = await receiveWebhooks(t);
  const first = await github(pullRequest());
  const again = await github(pullRequest({ action: 'reopened' }));
  assert.deepEqual(
    [again.status, again.json],
    [
      200,
      {
        status: 'deduplicated',
        reason: 'this commit of the pull request was taken up before',
        task_id: first.json.task_id,
      },
    ],
  );
  const others = [
    pullRequest({ action: 'synchronize', pull_request: { head: { ref: 'x', sha: commit('b2') } } }),
    pullRequest({ pull_request: { number: 43 } }),
    pullRequest({ repository: { clone_url: 'https://github.com/ada/other.git' } }),
  ];
  for (const other of others) assert.equal((await github(other)).status, 201);
  await api.database.kysely
    .updateTable('deliveries')
    .set({ taken_at: new Date(Date.now() - 3_601_000) })
    .execute();
  const later = await github(pullRequest({ action: 'reopened' }));
  assert.equal(later.status, 201);
  assert.notEqual(later.json.task_id, first.json.task_id);
});

test('without a time for repetitions every delivery of a commit makes a review', async (t) => {
  const { github } = await receiveWebhooks(t, { webhooks: { dedupSeconds: 0 } });
  assert.equal((await github(pullRequest())).status, 201);
  assert.equal((await github(pullRequest())).status, 201);
});

test('a delivery that is sent again under its id is known, and one that was refused is tried anew', async (t) => {
  const { api, github } = await receiveWebhooks(t, { webhooks: { keyNames: ['later'] } });
  const id = { 'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958' };
  const refused = await github(pullRequest(), id);
  assert.equal(refused.status, 400);
  assert.equal(
    refused.json.message,
    'no key of SLIPWAY_REVIEW_KEY_NAME can be used: later is not registered',
  );
  const added = await api.call('POST', '/api/v1/keys', {
    body: { name: 'later', provider: 'github', token: 'a-token' },
  });
  assert.equal(added.status, 201);
  const created = await github(pullRequest(), id);
  assert.equal(created.status, 201, created.text);
  const { status, json } = await github(pullRequest(), id);
  assert.deepEqual(
    [status, json],
    [200, { status: 'deduplicated', reason: 'this delivery came before', task_id: created.json.task_id }],
  );
  const rows = await kept(api);
  assert.deepEqual(
    rows.map((row: { status: string; task_id: string }) => [row.status, row.task_id]),
    [['created', created.json.task_id]],
  );
});

test('twenty deliveries at the same moment make one task: with one id, and with twenty', async (t) => {
  const { api, github } = await receiveWebhooks(t);
  for (const [number, idOf] of [
    [1, () => 'the-same'],
    [2, (index: number) => `another-${index}`],
  ] as const) {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        github(pullRequest({ pull_request: { number } }), { 'x-github-delivery': idOf(index) }),
      ),
    );
    const statuses = answers.map(({ status }) => status).toSorted((one, other) => one - other);
    assert.deepEqual(statuses, [...Array.from({ length: 19 }, () => 200), 201]);
    assert.ok(answers.every(({ json }) => ['created', 'deduplicated'].includes(json.status)));
    assert.equal((await api.call('GET', '/api/v1/tasks')).json.total, number);
  }
});

test('a commit that comes late, after a newer one of its pull request, is not reviewed', async (t) => {
  const { github } = await receiveWebhooks(t);
  const pushed = (sha: string, at: string) =>
    pullRequest({
      action: 'synchronize',
      pull_request: { head: { ref: 'x', sha: commit(sha) }, updated_at: at },
    });
  const newer = await github(pushed('b2', '2026-02-26T12:00:02Z'));
  assert.equal(newer.status, 201);
  const older = await github(pushed('a1', '2026-02-26T12:00:01Z'));
  assert.deepEqual(
    [older.status, older.json],
    [
      200,
      {
        status: 'skipped',
        reason: 'a newer commit of the pull request was taken up before',
        task_id: newer.json.task_id,
      },
    ],
  );
  assert.equal((await github(pushed('c3', '2026-02-26T12:00:03Z'))).status, 201);
});

test('a form with the JSON in its field payload is taken too, signed as it was sent', async (t) => {
  const { github } = await receiveWebhooks(t);
  const form = Buffer.from(new URLSearchParams({ payload: JSON.stringify(pullRequest()) }).toString());
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  assert.equal((await github(form, type)).status, 201);
  const wrong = await github(form, { ...type, 'x-hub-signature-256': signature(Buffer.from('{}')) });
  assert.equal(wrong.status, 401);
});

test('a task of a webhook goes on with the trace that its request is in', async (t) => {
  const { api, github } = await receiveWebhooks(t);
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const { json } = await github(pullRequest(), { traceparent: `00-${traceId}-00f067aa0ba902b7-01` });
  const task = await api.call('GET', `/api/v1/tasks/${json.task_id}`);
  assert.equal(task.json.trace_id, traceId);
});

test('no limit on tasks holds webhooks up, and no key of a caller is one of theirs', async (t) => {
  const { api, github } = await receiveWebhooks(t, { policy: { tasksPerMinute: 1 } });
  for (const number of [1, 2, 3]) {
    assert.equal((await github(pullRequest({ pull_request: { number } }))).status, 201);
  }
  const rows = await api.database.kysely.selectFrom('idempotency_keys').select(['route', 'key']).execute();
  assert.deepEqual([...new Set(rows.map(({ route }) => route))], ['webhooks']);
});

test('webhooks are counted by their source and what came of them', async (t) => {
  const { api, github, gitlab } = await receiveWebhooks(t, { webhooks: { keyNames: ['hub'] } });
  await github(pullRequest());
  await github(pullRequest());
  await github(pullRequest({ action: 'closed' }));
  await github(pullRequest({ pull_request: { draft: true } }));
  await github(pullRequest({ repository: { clone_url: 'https://elsewhere.example.com/a/b.git' } }));
  await github(pullRequest(), { 'x-hub-signature-256': 'sha256=0' });
  await gitlab({}, { 'x-gitlab-token': '' });
  const metrics = parsePrometheusText((await api.call('GET', '/metrics', { token: null })).text);
  const counted = (labels: Record<string, string>) => valueOf(metrics, 'slipway_webhooks_total', labels);
  for (const outcome of ['created', 'deduplicated', 'ignored', 'skipped', 'refused', 'forged']) {
    assert.equal(counted({ source: 'github', outcome }), 1, outcome);
  }
  assert.equal(counted({ source: 'gitlab', outcome: 'forged' }), 1);
});

test('a receiver answers POST alone', async (t) => {
  const { api } = await receiveWebhooks(t);
  const answer = await api.call('GET', githubPath);
  assert.deepEqual([answer.status, answer.headers['allow']], [405, 'POST']);
});
