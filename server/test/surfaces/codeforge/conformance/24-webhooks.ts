import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readConfig } from '../../../../src/config.ts';
import { testApi } from '../test-api.ts';
import {
  commit,
  githubPath,
  githubSecret,
  gitlabPath,
  gitlabSecret,
  mergeRequest,
  pullRequest,
  receiveWebhooks,
  signature,
  type Webhooks,
} from '../webhook-sender.ts';
import {
  assertError,
  githubKey,
  gitlabKey,
  noFiles,
  sectionContext,
  type Enter,
  type Json,
} from './stage.ts';

export function webhooksChapter(enter: Enter): void {
  describe('PR Webhook Receivers (No Auth)', () => {
    test('a receiver without a secret is 503', async (t) => {
      const { call } = await testApi(t);
      for (const path of [githubPath, gitlabPath]) {
        const answer = await call('POST', path, { token: null, body: {} });
        assert.equal(answer.status, 503, path);
      }
    });
  });
  githubChapter(enter);
  gitlabChapter(enter);
  configurationChapter();
}

function githubChapter(enter: Enter): void {
  describe('GitHub Webhook', () => {
    const section = sectionContext();
    let shared: Promise<Webhooks> | undefined;
    /** One receiver for all, told of another pull request each time. */
    const receiver = (): Promise<Webhooks> => (shared ??= receiveWebhooks(section));
    let number = 0;
    const another = (change: Parameters<typeof pullRequest>[0] = {}) => {
      number += 1;
      return pullRequest({ ...change, pull_request: { number, ...change.pull_request } });
    };

    test('a delivery without a signature, or with a wrong one, is 401', async () => {
      const { github, api } = await receiver();
      const body = Buffer.from(JSON.stringify(pullRequest()));
      const proofs = ['', 'sha256=', signature(body, 'another secret'), signature(body).slice(7)];
      for (const proof of proofs) {
        const answer = await github(body, { 'x-hub-signature-256': proof });
        assert.deepEqual([answer.status, answer.json.error], [401, 'unauthorized'], proof);
      }
      const bare = await api.call('POST', githubPath, { body });
      assert.equal(bare.status, 401, "the administrator's token proves nothing here");
    });

    for (const action of ['opened', 'synchronize', 'reopened']) {
      test(`pull_request with ${action} creates a task`, async () => {
        const { github } = await receiver();
        const { status, json } = await github(another({ action }));
        assert.equal(status, 201);
        assert.deepEqual(Object.keys(json), ['status', 'task_id']);
        assert.equal(json.status, 'created');
      });
    }

    test('other actions and other events are ignored, with a reason', async () => {
      const { github } = await receiver();
      for (const answer of [
        await github(pullRequest({ action: 'closed' })),
        await github({ zen: 'x' }, { 'x-github-event': 'ping' }),
        await github({}, { 'x-github-event': 'push' }),
      ]) {
        assert.deepEqual([answer.status, answer.json.status], [200, 'ignored']);
        assert.ok(answer.json.reason);
      }
    });

    test('a draft is skipped, with a reason, unless drafts are to be reviewed', async (t) => {
      const draft = another({ pull_request: { draft: true } });
      const { github } = await receiver();
      const { status, json } = await github(draft);
      assert.deepEqual([status, json.status], [200, 'skipped']);
      assert.ok(json.reason);
      const eager = await receiveWebhooks(t, { webhooks: { drafts: true } });
      assert.equal((await eager.github(draft)).status, 201);
    });

    test('the task is the documented one', async () => {
      const { github, api } = await receiver();
      const { json } = await github(pullRequest());
      const { json: task } = await api.call('GET', `/api/v1/tasks/${json.task_id}`);
      assert.equal(task.repo_url, 'https://github.com/ada/engine.git');
      assert.deepEqual(
        [task.provider_key, task.prompt, task.task_type],
        ['hub', 'Review pull request #42', 'pr_review'],
      );
      const { pr_number: number, source_branch: source, target_branch: target, output_mode } = task.config;
      assert.deepEqual([number, source, target, output_mode], [42, 'feature/login', 'main', 'post_comments']);
    });

    test('the same commit of the same pull request again is deduplicated', async () => {
      const { github } = await receiver();
      const first = another();
      assert.equal((await github(first)).status, 201);
      const { status, json } = await github({ ...first, action: 'synchronize' });
      assert.deepEqual([status, json.status], [200, 'deduplicated']);
      const head = { ref: 'feature/login', sha: commit('b2') };
      const moved = { ...first, pull_request: { ...first.pull_request, head } };
      assert.equal((await github(moved)).status, 201);
    });

    test('without a key to use it is 400', async (t) => {
      const { github } = await receiveWebhooks(t, { webhooks: { keyNames: [] } });
      assert.equal((await github(pullRequest())).status, 400);
    });

    test('a body that is no JSON is 400, and one above 5 MB is 413', async () => {
      const { github } = await receiver();
      assertError(await github(Buffer.from('{"action"')), 400, 'invalid JSON body');
      const huge = await github(Buffer.alloc(5 * 1024 * 1024 + 1, ' '));
      assert.equal(huge.status, 413);
    });

    test('a delivery ends in a posted review, over all of it', async () => {
      const { github, call, rest } = await enter();
      const files = { 'delivered.txt': 'x\n' };
      const wish = { branch: 'feature/delivered', files, title: 'Delivered' };
      const { number, headCommit } = await github.openPullRequest(wish);
      const payload = pullRequest({
        repository: { clone_url: github.repositoryUrl },
        pull_request: { number, head: { ref: wish.branch, sha: headCommit } },
      });
      const body = Buffer.from(JSON.stringify(payload));
      const answer = await call('POST', githubPath, {
        token: null,
        headers: {
          'x-github-event': 'pull_request',
          'x-github-delivery': 'conformance-1',
          'x-hub-signature-256': signature(body, githubSecret),
        },
        body,
      });
      assert.equal(answer.status, 201, answer.text);
      const task: Json = await rest(answer.json.task_id);
      assert.equal(task.status, 'completed', task.error);
      assert.deepEqual([task.config.cli, task.provider_key], ['claude-code', githubKey]);
      assert.equal(github.posted(number).texts.length, 1);
    });
  });
}

function gitlabChapter(enter: Enter): void {
  describe('GitLab Webhook', () => {
    const section = sectionContext();
    let shared: Promise<Webhooks> | undefined;
    const receiver = (): Promise<Webhooks> => (shared ??= receiveWebhooks(section));
    let number = 0;
    const another = (change: object = {}) => {
      number += 1;
      return mergeRequest({ object_attributes: { iid: number, ...change } });
    };

    test('a delivery without a token, or with a wrong one, is 401', async () => {
      const { gitlab } = await receiver();
      for (const token of ['', 'wrong', `${gitlabSecret}x`, gitlabSecret.slice(1)]) {
        assert.equal((await gitlab(mergeRequest(), { 'x-gitlab-token': token })).status, 401, token);
      }
    });

    for (const action of ['open', 'update', 'reopen']) {
      test(`a merge request with ${action} creates a task`, async () => {
        const { gitlab } = await receiver();
        const change = action === 'update' ? { action, oldrev: commit('a0') } : { action };
        const { status, json } = await gitlab(another(change));
        assert.equal(status, 201);
        assert.deepEqual(Object.keys(json), ['status', 'task_id']);
      });
    }

    test('other actions and other hooks are ignored', async () => {
      const { gitlab } = await receiver();
      for (const answer of [
        await gitlab(mergeRequest({ object_attributes: { action: 'merge' } })),
        await gitlab({ object_kind: 'push' }, { 'x-gitlab-event': 'Push Hook' }),
      ]) {
        assert.deepEqual([answer.status, answer.json.status], [200, 'ignored']);
      }
    });

    test('drafts are skipped, by their flag and by their title, unless they are to be reviewed', async (t) => {
      const { gitlab } = await receiver();
      const drafts = [
        { draft: true },
        { work_in_progress: true },
        { title: 'Draft: x' },
        { title: 'WIP: x' },
      ];
      for (const change of drafts) {
        const { status, json } = await gitlab(mergeRequest({ object_attributes: change }));
        assert.deepEqual([status, json.status], [200, 'skipped'], JSON.stringify(change));
      }
      const eager = await receiveWebhooks(t, { webhooks: { drafts: true } });
      assert.equal((await eager.gitlab(mergeRequest({ object_attributes: { draft: true } }))).status, 201);
    });

    test('the prompt has the number and the title', async () => {
      const { gitlab, api } = await receiver();
      const { json } = await gitlab(mergeRequest());
      const { json: task } = await api.call('GET', `/api/v1/tasks/${json.task_id}`);
      assert.equal(task.prompt, 'Review merge request !7: MS-Viewport');
      assert.deepEqual([task.config.pr_number, task.config.output_mode], [7, 'post_comments']);
    });

    test('a delivery ends in a posted review, over all of it', async () => {
      const { gitlab, call, rest } = await enter();
      const files = { 'delivered.txt': 'x\n' };
      const wish = { branch: 'feature/delivered', files, title: 'Delivered' };
      const { number, headCommit } = await gitlab.openPullRequest(wish);
      const payload = mergeRequest({
        project: { git_http_url: gitlab.repositoryUrl },
        object_attributes: {
          iid: number,
          title: wish.title,
          source_branch: wish.branch,
          target_branch: 'main',
          last_commit: { id: headCommit },
        },
      });
      const answer = await call('POST', gitlabPath, {
        token: null,
        headers: { 'x-gitlab-event': 'Merge Request Hook', 'x-gitlab-token': gitlabSecret },
        body: payload,
      });
      assert.equal(answer.status, 201, answer.text);
      const task: Json = await rest(answer.json.task_id);
      assert.equal(task.status, 'completed', task.error);
      assert.equal(task.provider_key, gitlabKey);
      assert.equal(gitlab.posted(number).texts.length, 1);
    });
  });
}

function configurationChapter(): void {
  describe('Webhook Configuration', () => {
    const read = (settings: Readonly<Record<string, string>>) => readConfig(settings, noFiles);
    const prefix = 'CODEFORGE_CODE_REVIEW__';

    test('the secrets are set by the documented names', () => {
      const { webhooks } = read({
        [`${prefix}WEBHOOK_SECRETS__GITHUB`]: 'the-secret-of-github',
        [`${prefix}WEBHOOK_SECRETS__GITLAB`]: 'the-secret-of-gitlab',
      });
      assert.deepEqual(
        [webhooks.github, webhooks.gitlab].map((secrets) => secrets.map((secret) => secret.reveal())),
        [['the-secret-of-github'], ['the-secret-of-gitlab']],
      );
    });

    test('the name of the key is set by the documented name', () => {
      assert.deepEqual(read({ [`${prefix}DEFAULT_KEY_NAME`]: 'my-key' }).reviews.keyNames, ['my-key']);
    });

    test('the agent is set by the documented name, and is the default agent where it is not', () => {
      assert.equal(read({ [`${prefix}DEFAULT_CLI`]: 'codex' }).reviews.agent, 'codex');
      const { reviews, agents } = read({});
      assert.deepEqual([reviews.agent, agents.defaultAgent], [undefined, 'claude-code']);
    });

    test('drafts are reviewed where the documented name says so, and not by default', () => {
      assert.equal(read({ [`${prefix}REVIEW_DRAFTS`]: 'true' }).reviews.drafts, true);
      assert.equal(read({}).reviews.drafts, false);
    });
  });
}
