import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import type { TestContext } from 'node:test';
import { makeForges } from '../../support/forges.ts';
import { testApi, type TestAnswer, type TestApi, type TestApiOptions } from './test-api.ts';

export const githubSecret = "the secret of GitHub's webhooks";
export const gitlabSecret = 'the-token-of-gitlab';
export const githubPath = '/api/v1/webhooks/github';
export const gitlabPath = '/api/v1/webhooks/gitlab';

export type Headers = Readonly<Record<string, string>>;
export type Webhooks = {
  readonly api: TestApi;
  /** Sends a payload as GitHub does, signed, as a delivery of its own unless the headers say otherwise. */
  readonly github: (payload: unknown, headers?: Headers) => Promise<TestAnswer>;
  readonly gitlab: (payload: unknown, headers?: Headers) => Promise<TestAnswer>;
};

let deliveries = 0;

/** A server that takes webhooks of both forges and has a key for each; nobody is asked anything. */
export async function receiveWebhooks(
  t: TestContext,
  { webhooks, ...options }: TestApiOptions = {},
): Promise<Webhooks> {
  const forges = makeForges({
    github: { apiUrl: 'https://api.github.com' },
    gitlab: { apiUrl: 'https://gitlab.example.com/api/v4' },
  });
  const settings = { github: [githubSecret], gitlab: [gitlabSecret], keyNames: ['hub', 'lab'], ...webhooks };
  const api = await testApi(t, { forges, ...options, webhooks: settings });
  if (options.databaseAway !== true) {
    await registerKey(api, { name: 'hub', provider: 'github' });
    await registerKey(api, { name: 'lab', provider: 'gitlab' });
  }
  const send = (path: string, payload: unknown, headers: (body: Buffer) => Headers) => {
    const body = Buffer.isBuffer(payload) ? payload : Buffer.from(JSON.stringify(payload));
    deliveries += 1;
    return api.call('POST', path, { token: null, headers: headers(body), body });
  };
  return {
    api,
    github: (payload, headers = {}) =>
      send(githubPath, payload, (body) => ({
        'x-github-event': 'pull_request',
        'x-github-delivery': `delivery-${deliveries}`,
        'x-hub-signature-256': signature(body),
        ...headers,
      })),
    gitlab: (payload, headers = {}) =>
      send(gitlabPath, payload, () => ({
        'x-gitlab-event': 'Merge Request Hook',
        'idempotency-key': `delivery-${deliveries}`,
        'x-gitlab-token': gitlabSecret,
        ...headers,
      })),
  };
}

async function registerKey(api: TestApi, key: object): Promise<void> {
  const answer = await api.call('POST', '/api/v1/keys', { body: { token: 'a-token', ...key } });
  assert.equal(answer.status, 201, answer.text);
}

export function signature(body: Buffer, secret = githubSecret): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}

/** A commit's id that begins so. */
export function commit(beginning: string): string {
  return beginning.padEnd(40, '0');
}

/** The smallest delivery about a pull request that is handled. */
export function pullRequest(
  change: { readonly action?: string; readonly repository?: object; readonly pull_request?: object } = {},
) {
  return {
    action: change.action ?? 'opened',
    repository: { clone_url: 'https://github.com/ada/engine.git', ...change.repository },
    pull_request: {
      number: 42,
      title: 'Log in with a passkey',
      draft: false,
      head: { ref: 'feature/login', sha: commit('a1') },
      base: { ref: 'main' },
      ...change.pull_request,
    },
  };
}

/** A delivery about a merge request, with the fields of the examples in GitLab's documentation, from memory. */
export function mergeRequest(
  change: { readonly project?: object; readonly object_attributes?: object } = {},
) {
  return {
    object_kind: 'merge_request',
    event_type: 'merge_request',
    user: { id: 1, name: 'Administrator', username: 'root' },
    project: {
      id: 1,
      name: 'Gitlab Test',
      web_url: 'https://gitlab.example.com/group/sub/project',
      git_ssh_url: 'git@gitlab.example.com:group/sub/project.git',
      git_http_url: 'https://gitlab.example.com/group/sub/project.git',
      namespace: 'Gitlab Org',
      path_with_namespace: 'group/sub/project',
      default_branch: 'master',
      ...change.project,
    },
    object_attributes: {
      id: 99,
      iid: 7,
      target_branch: 'master',
      source_branch: 'ms-viewport',
      source_project_id: 14,
      author_id: 51,
      title: 'MS-Viewport',
      created_at: '2013-12-03T17:23:34Z',
      updated_at: '2013-12-03T17:23:34Z',
      state: 'opened',
      merge_status: 'unchecked',
      target_project_id: 14,
      description: '',
      draft: false,
      work_in_progress: false,
      last_commit: {
        id: 'da1560886d4f094c3e6c9ef40349f7d38b5d27d7',
        message: 'fixed readme',
        timestamp: '2012-01-03T23:36:29+02:00',
      },
      action: 'open',
      ...change.object_attributes,
    },
    labels: [],
    changes: {},
  };
}

/** What is kept of the deliveries, newest first. */
export async function kept(api: TestApi) {
  const { json } = await api.call('GET', '/api/v1/webhooks/deliveries?limit=200');
  return json.webhooks;
}
