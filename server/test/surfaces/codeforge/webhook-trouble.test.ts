import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  commit,
  githubPath,
  githubSecret,
  gitlabPath,
  gitlabSecret,
  kept,
  mergeRequest,
  pullRequest,
  receiveWebhooks,
  signature,
} from './webhook-sender.ts';

const unauthorized = {
  error: 'unauthorized',
  message: 'the signature or token of the webhook is missing or wrong',
};

test('without a secret webhooks are refused with 503, each forge by itself', async (t) => {
  const { api, github, gitlab } = await receiveWebhooks(t, { webhooks: { github: [] } });
  const { status, json } = await github(pullRequest());
  assert.deepEqual(
    [status, json],
    [503, { error: 'Service Unavailable', message: 'no secret for webhooks of github is configured' }],
  );
  assert.equal((await gitlab(mergeRequest())).status, 201);
  assert.equal((await kept(api)).length, 1);
});

test('a signature that is missing, forged or of another form is 401, and nothing is kept', async (t) => {
  const { api, github } = await receiveWebhooks(t);
  const payload = pullRequest();
  const body = Buffer.from(JSON.stringify(payload));
  const right = signature(body);
  const wrong = [
    '',
    'sha256=',
    right.slice('sha256='.length),
    right.replace('sha256=', 'sha1='),
    right.replace('sha256=', 'SHA256='),
    right.toUpperCase(),
    right.slice(0, -1),
    `${right}0`,
    `${right}, ${right}`,
    right.replace(/.$/u, (last) => (last === '0' ? '1' : '0')),
    signature(body, 'another secret'),
    signature(Buffer.from(`${body.toString()} `)),
    signature(body, ''),
  ];
  for (const given of wrong) {
    const answer = await github(payload, { 'x-hub-signature-256': given });
    assert.deepEqual([answer.status, answer.json], [401, unauthorized], given);
  }
  const truncated = await github(body.subarray(0, -1), { 'x-hub-signature-256': right });
  assert.equal(truncated.status, 401);
  const bearer = await api.call('POST', githubPath, { body });
  assert.equal(bearer.status, 401, 'the token of an administrator is no signature');
  assert.deepEqual(await kept(api), []);
  assert.equal((await github(payload, { 'x-hub-signature-256': right })).status, 201);
});

test('a token of GitLab is compared as a whole', async (t) => {
  const { api, gitlab } = await receiveWebhooks(t, { webhooks: { gitlab: [gitlabSecret, 'pässword'] } });
  for (const given of ['', 'x', gitlabSecret.slice(0, -1), `${gitlabSecret}x`, gitlabSecret.toUpperCase()]) {
    const answer = await gitlab(mergeRequest(), { 'x-gitlab-token': given });
    assert.deepEqual([answer.status, answer.json], [401, unauthorized], given);
  }
  assert.deepEqual(await kept(api), []);
  const bytes = Buffer.from('pässword').toString('latin1');
  assert.equal((await gitlab(mergeRequest(), { 'x-gitlab-token': bytes })).status, 201);
});

test('while a secret is rotated the old and the new one are taken, and afterwards the new one alone', async (t) => {
  const payload = pullRequest();
  const body = Buffer.from(JSON.stringify(payload));
  const by = (secret: string) => ({ 'x-hub-signature-256': signature(body, secret) });
  const during = await receiveWebhooks(t, { webhooks: { github: ['the new one', githubSecret] } });
  assert.equal((await during.github(payload, by(githubSecret))).status, 201);
  assert.equal((await during.github(payload, by('the new one'))).status, 200);
  const after = await receiveWebhooks(t, { webhooks: { github: ['the new one'] } });
  assert.equal((await after.github(payload, by(githubSecret))).status, 401);
  assert.equal((await after.github(payload, by('the new one'))).status, 201);
});

test('a body that is no JSON object is 400, also with a signature', async (t) => {
  const { api, github } = await receiveWebhooks(t);
  const whole = JSON.stringify(pullRequest());
  const bodies = [
    '',
    '[]',
    'null',
    '"text"',
    '7',
    'payload=',
    'payload=%7B',
    'payload=[]',
    whole.slice(0, -2),
    `${whole}${whole}`,
    '['.repeat(100_000),
  ];
  for (const text of [...bodies.map((body) => Buffer.from(body)), Buffer.from([0xff, 0xfe, 0x7b])]) {
    const { status, json } = await github(text);
    assert.deepEqual([status, json], [400, { error: 'Bad Request', message: 'invalid JSON body' }]);
  }
  assert.deepEqual(await kept(api), []);
  const typed = await github(pullRequest(), { 'content-type': 'text/plain' });
  assert.equal(typed.status, 201, 'what the type says does not matter');
});

test('a body of 5 MiB is taken, a larger one is 413', async (t) => {
  const { github } = await receiveWebhooks(t);
  const bytes = 5 * 1024 * 1024;
  const padded = (size: number): Buffer => {
    const text = JSON.stringify({ ...pullRequest(), padding: '' });
    return Buffer.from(text.replace('"padding":""', `"padding":"${'x'.repeat(size - text.length)}"`));
  };
  assert.equal((await github(padded(bytes))).status, 201);
  const larger = await github(padded(bytes + 1));
  assert.deepEqual(
    [larger.status, larger.json],
    [413, { error: 'Payload Too Large', message: 'request body is too large' }],
  );
});

test('a field that is missing or wrong is named', async (t) => {
  const { api, github, gitlab } = await receiveWebhooks(t);
  const hub = (change: object) => github(pullRequest({ pull_request: change }));
  const lab = (change: object) => gitlab(mergeRequest({ object_attributes: change }));
  const required = 'field is required';
  const cases: readonly (readonly [ReturnType<typeof hub>, string, string])[] = [
    [github({ action: 'opened' }), 'repository.clone_url', required],
    [github(pullRequest({ repository: { clone_url: null } })), 'repository.clone_url', required],
    [github(pullRequest({ repository: { clone_url: 7 } })), 'repository.clone_url', 'must be a string'],
    [hub({ number: undefined }), 'pull_request.number', required],
    [hub({ number: '42' }), 'pull_request.number', 'must be a positive integer'],
    [hub({ number: 0 }), 'pull_request.number', 'must be a positive integer'],
    [hub({ number: 1.5 }), 'pull_request.number', 'must be a positive integer'],
    [hub({ number: 2 ** 31 }), 'pull_request.number', 'must be a positive integer'],
    [hub({ head: null }), 'pull_request.head.sha', required],
    [hub({ head: { ref: 'x', sha: 'main' } }), 'pull_request.head.sha', 'must be the id of a commit'],
    [hub({ head: { sha: commit('a') } }), 'pull_request.head.ref', required],
    [
      hub({ head: { ref: 'a\u0000b', sha: commit('a') } }),
      'pull_request.head.ref',
      'must be one line of valid Unicode',
    ],
    [
      hub({ head: { ref: '\ud800', sha: commit('a') } }),
      'pull_request.head.ref',
      'must be one line of valid Unicode',
    ],
    [
      hub({ head: { ref: 'x'.repeat(256), sha: commit('a') } }),
      'pull_request.head.ref',
      'exceeds maximum length',
    ],
    [hub({ base: {} }), 'pull_request.base.ref', required],
    [github(pullRequest(), { 'x-github-event': '' }), 'X-GitHub-Event', required],
    [gitlab(mergeRequest({ project: { git_http_url: undefined } })), 'project.git_http_url', required],
    [lab({ iid: null }), 'object_attributes.iid', required],
    [lab({ last_commit: null }), 'object_attributes.last_commit.id', required],
    [lab({ source_branch: [] }), 'object_attributes.source_branch', 'must be a string'],
    [lab({ target_branch: '' }), 'object_attributes.target_branch', required],
    [gitlab(mergeRequest(), { 'x-gitlab-event': '' }), 'X-Gitlab-Event', required],
  ];
  for (const [sending, field, message] of cases) {
    const { status, json } = await sending;
    assert.deepEqual(
      [status, json],
      [400, { error: 'Bad Request', message: `${field}: ${message}`, fields: { [field]: message } }],
    );
  }
  assert.deepEqual(await kept(api), []);
});

test('for a repository that no key is for the answer is 400, kept with its reason', async (t) => {
  const { api, github } = await receiveWebhooks(t, { webhooks: { keyNames: ['hub', 'scoped', 'gone'] } });
  await api.call('POST', '/api/v1/keys', {
    body: { name: 'scoped', provider: 'github', token: 'x', scope: 'ada' },
  });
  await api.call('DELETE', '/api/v1/keys/hub');
  const at = (url: string, number: number) =>
    github(pullRequest({ repository: { clone_url: url }, pull_request: { number } }));
  const cases = [
    [
      'https://github.com/eve/engine.git',
      'no key of SLIPWAY_REVIEW_KEY_NAME can be used: hub is not registered; scoped is for ada, not for eve/engine; gone is not registered',
    ],
    [
      'https://elsewhere.example.com/ada/engine.git',
      'elsewhere.example.com is not the github of this server',
    ],
    ['https://gitlab.example.com/ada/engine.git', 'gitlab.example.com is not the github of this server'],
    [
      'http://github.com/ada/engine.git',
      'repository: must be an https:// URL: the operator does not allow http://',
    ],
    ['file:///etc', 'repository: must be an https:// URL: the operator does not allow file://'],
    [
      'https://token@github.com/ada/engine.git',
      'repository: must not contain a user name or token: give the token separately',
    ],
  ] as const;
  for (const [index, [url, message]] of cases.entries()) {
    const { status, json } = await at(url, index + 1);
    assert.deepEqual([status, json.message], [400, message]);
    const [row] = await kept(api);
    assert.deepEqual([row.status, row.reason, row.task_id], ['refused', message, null]);
  }
  assert.equal((await at('https://github.com/Ada/engine.git', 9)).status, 201);
  assert.equal((await api.call('GET', '/api/v1/tasks')).json.total, 1);
});

test('without the name of a key, or an agent that can do it, the answer says what is to be set', async (t) => {
  const none = await receiveWebhooks(t, { webhooks: { keyNames: [] } });
  const keyless = await none.github(pullRequest());
  assert.deepEqual(
    [keyless.status, keyless.json.message],
    [400, 'no key for reviews is configured: set SLIPWAY_REVIEW_KEY_NAME to the name of one'],
  );
  const idle = await receiveWebhooks(t, { webhooks: { command: undefined } });
  const commandless = await idle.github(pullRequest());
  assert.equal(commandless.status, 400);
  assert.match(commandless.json.message, /^SLIPWAY_REVIEW_COMMAND: /u);
  const strange = await receiveWebhooks(t, { webhooks: { agent: 'nobody' } });
  const agentless = await strange.github(pullRequest());
  assert.equal(agentless.json.message, 'SLIPWAY_REVIEW_AGENT: unknown CLI: nobody');
});

test('while the database is away the sender is told to come back', async (t) => {
  const { github } = await receiveWebhooks(t, { databaseAway: true });
  const answer = await github(pullRequest());
  assert.equal(answer.status, 503);
  assert.equal(answer.headers['retry-after'], '2');
});

test('a server that stops takes no more webhooks', async (t) => {
  const { gitlab } = await receiveWebhooks(t, { isShuttingDown: () => true, databaseAway: true });
  const answer = await gitlab(mergeRequest());
  assert.deepEqual([answer.status, answer.json.message], [503, 'the server is shutting down']);
});

test('no answer, no log and no list repeats a secret', async (t) => {
  const { api, github, gitlab } = await receiveWebhooks(t);
  const texts = [
    (await github(pullRequest(), { 'x-hub-signature-256': githubSecret })).text,
    (await github(pullRequest())).text,
    (await gitlab(mergeRequest(), { 'x-gitlab-token': `${gitlabSecret}x` })).text,
    (await gitlab(mergeRequest())).text,
    (await api.call('GET', '/api/v1/webhooks/deliveries')).text,
    ...api.log,
  ];
  assert.ok(!texts.some((text) => text.includes(githubSecret) || text.includes(gitlabSecret)));
  assert.ok(gitlabPath.startsWith('/api/v1'));
});
