import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { answer, frame, named, slipway, startApi, stream } from '../../test/support/terminal-command.ts';

const id = '77a2ffbd-11b6-4654-9325-89306d55bc89';
const row = {
  id,
  status: 'completed',
  task_type: 'code',
  repo_url: 'https://example.com/group/app.git',
  prompt: 'Fix the failing tests\nin the auth module',
  iteration: 1,
  error: '',
  branch: 'codeforge/fix-the-failing-77a2ffbd',
  created_at: '2026-02-26T18:38:10Z',
};

const commands =
  'run instruct approve list show logs diff pr cancel workspaces workflow mcp tools keys repos deliveries serve work doctor demo api-keys completion'.split(
    ' ',
  );

test('help names every command and every exit code, and ends well', async () => {
  const ended = await slipway(['--help']);
  assert.equal(ended.code, 0);
  assert.equal(ended.stderr, '');
  for (const word of commands.concat('help')) {
    assert.match(ended.stdout, new RegExp(`^  ${word}\\b`, 'mu'));
  }
  for (const code of [0, 1, 2, 3, 4, 5, 6, 7, 70, 130])
    assert.match(ended.stdout, new RegExp(`^  ${code} +\\w`, 'mu'));
});

test('every command has a help of its own, no line of it too wide', async () => {
  for (const name of commands) {
    const ended = await slipway(['help', name]);
    assert.equal(ended.code, 0);
    assert.match(ended.stdout, new RegExp(`^Usage: slipway ${name}\\b`, 'u'));
    for (const line of ended.stdout.split('\n')) assert.ok(line.length <= 110, line);
  }
});

test('the version is one word', async () => {
  assert.deepEqual(await slipway(['--version']), { code: 0, stdout: '1.2.3\n', stderr: '' });
});

test('wrong usage ends with 2 and says what is wrong', async () => {
  const cases: readonly (readonly [argv: readonly string[], message: RegExp])[] = [
    [[], /^Usage: slipway/u],
    [['lisst'], /^slipway: unknown command 'lisst'\n\(Did you mean list\?\)/u],
    [['list', '--limt', '5'], /^slipway: unknown option '--limt'\n\(Did you mean --limit\?\)/u],
    [['list', '--limit', '5000'], /It has to be a whole number from 1 to 200\./u],
    [['list', '--status', 'lost'], /Allowed choices are pending, cloning/u],
    [['run', 'x', 'y', '--max-budget', '0'], /an amount of dollars/u],
    [['run', 'x', 'y', '--approvals', 'never'], /Allowed choices are ask/u],
    [['instruct', 'x'], /missing required argument 'prompt'/u],
    [['approve', '--yes'], /^slipway: name the task/u],
    [['approve', 'x', '--yes', '--deny'], /^slipway: say either/u],
    [['run', 'x', 'y', '--timeout', 'soon'], /It has to be a length of time/u],
    [['keys', 'add', 'x'], /required option '--provider <provider>' not specified/u],
    [['keys', 'add', 'x', '--provider', 'jira'], /Allowed choices are github, gitlab, sentry, ssh/u],
    [['repos'], /required option '--key <name>' not specified/u],
    [['deliveries', 'show'], /missing required argument 'id'/u],
    [['workflow', 'run'], /missing required argument 'name'/u],
    [['tools', 'add'], /missing required argument 'file'/u],
    [['show'], /^slipway: missing required argument 'id'/u],
    [['show', 'a', 'b'], /^slipway: too many arguments/u],
  ];
  for (const [argv, message] of cases) {
    const ended = await slipway(argv);
    assert.equal(ended.code, 2, argv.join(' '));
    assert.match(ended.stderr, message);
    assert.equal(ended.stdout, '');
  }
});

test('a list is a table: cut to a terminal, whole elsewhere', async (t) => {
  const tasks = [row, { ...row, id: id.replace('77', '88'), status: 'awaiting_instruction' }];
  const api = await startApi(t, { 'GET /api/v1/tasks': answer(200, { tasks, total: 7 }) });
  const wide = await slipway(['list'], { address: api.url });
  assert.equal(
    wide.stdout,
    `ID                                    STATUS                AGE    TASK
77a2ffbd-11b6-4654-9325-89306d55bc89  completed             2 min  app: Fix the failing tests in the auth module
88a2ffbd-11b6-4654-9325-89306d55bc89  awaiting_instruction  2 min  app: Fix the failing tests in the auth module
`,
  );
  const narrow = await slipway(['list', '--limit', '2'], { address: api.url, columns: 60 });
  assert.equal(
    narrow.stdout,
    `ID        STATUS                AGE    TASK
77a2ffbd  completed             2 min  app: Fix the failing…
88a2ffbd  awaiting_instruction  2 min  app: Fix the failing…
`,
  );
  assert.equal(narrow.stderr, '5 more: slipway list --offset 2\n');
  assert.equal(api.requests[1], 'GET /api/v1/tasks?limit=2&offset=0');
});

test('--json gives what the server gave, with nothing that a terminal acts upon', async (t) => {
  const tasks = [{ ...row, prompt: 'clear \u009b2J' }];
  const api = await startApi(t, { 'GET /api/v1/tasks': answer(200, { tasks, total: 1 }) });
  const ended = await slipway(['list', '--json', '--status', 'completed'], { address: api.url });
  assert.equal(JSON.parse(ended.stdout).tasks[0].prompt, 'clear \u009b2J');
  assert.ok(!ended.stdout.includes('\u009b'));
});

test('a task is shown by the beginning of its id', async (t) => {
  const api = await startApi(t, {
    'GET /api/v1/tasks': answer(200, { tasks: [{ id: 'aaaaaaaa-1' }, row], total: 2 }),
    [`GET /api/v1/tasks/${id}`]: answer(200, {
      ...row,
      config: { cli: 'script', command: './fix.sh', test_command: 'npm test' },
      tests: {
        command: 'npm test',
        passed: false,
        exit_code: 1,
        reason: 'exit code 1',
        output: 'not ok\u001b[2J 12',
        duration_seconds: 8,
      },
      result: 'All tests pass.\n',
      changes_summary: { files_modified: 1, files_created: 0, files_deleted: 0, diff_stats: '+1 -1' },
      started_at: '2026-02-26T18:38:11Z',
      finished_at: '2026-02-26T18:38:22Z',
    }),
  });
  const ended = await slipway(['show', '77a2ffbd'], { address: api.url });
  assert.equal(ended.code, 0);
  assert.equal(
    ended.stdout.replace(/\d{4}-\d\d-\d\d HH/u, 'DATE HH'),
    `task          ${id}
status        completed
repository    https://example.com/group/app.git
agent         script
command       ./fix.sh
test command  npm test
branch        codeforge/fix-the-failing-77a2ffbd
changes       1 modified (+1 -1)
tests         failed after 8 s: exit code 1
created       DATE HH:MM:SS
took          11 s

prompt:
Fix the failing tests
in the auth module

result:
All tests pass.

output of the tests:
not ok 12
`,
  );
});

test('a task that asks is shown with its cost and its questions', async (t) => {
  const approval = {
    id: '01a2b3c4-0000-7000-8000-0123456789ab',
    task_id: id,
    tool: 'Bash',
    summary: 'rm -r build',
    arguments: {},
    state: 'waiting',
    expires_at: '2026-02-26T18:45:10Z',
  };
  const asking = {
    ...row,
    status: 'running',
    iteration: 2,
    config: {
      cli: 'claude-code',
      ai_model: 'm',
      approvals: 'ask',
      tools: [{ name: 'sentry' }, { name: 'git\u001b[2J' }],
      mcp_servers: [{ name: 'docs', transport: 'http' }],
    },
    workflow_run_id: '550e8400-e29b-41d4-a716-446655440000',
    usage: { input_tokens: 1_500, output_tokens: 20, duration_seconds: 3, cost_usd: 0.42 },
  };
  const api = await startApi(t, {
    [`GET /api/v1/tasks/${id}`]: answer(200, asking),
    [`GET /api/v1/tasks/${id}/approvals`]: answer(200, { approvals: [approval] }),
  });
  const ended = await slipway(['show', id], { address: api.url });
  for (const line of [
    'agent         claude-code',
    'model         m',
    'tools         sentry, git',
    'mcp servers   docs',
    'workflow run  550e8400-e29b-41d4-a716-446655440000',
    'iteration     2',
    'usage         1,500 tokens in, 20 out, $0.42',
  ]) {
    assert.ok(ended.stdout.includes(`${line}\n`), line);
  }
  assert.ok(
    ended.stdout.endsWith(`
waits for an answer:
TASK                                  QUESTION  LEFT   WANTS
${id}  456789ab  5 min  Bash: rm -r build
answer with: slipway approve 77a2ffbd
`),
    ended.stdout,
  );
  assert.equal(api.requests[1], `GET /api/v1/tasks/${id}/approvals?state=waiting`);
});

test('a beginning that two tasks share is refused with both', async (t) => {
  const tasks = [row, { ...row, id: '77a2ffbd-22b6-4654-9325-89306d55bc89' }];
  const api = await startApi(t, { 'GET /api/v1/tasks': answer(200, { tasks, total: 2 }) });
  const ended = await slipway(['show', '77a2ffbd'], { address: api.url });
  assert.equal(ended.code, 2);
  assert.match(ended.stderr, /is the beginning of 2 tasks: 77a2ffbd-11b6.*77a2ffbd-22b6/u);
});

test('each refusal has its code and a line that says what to do', async (t) => {
  const cases: readonly (readonly [status: number, body: unknown, code: number, stderr: RegExp])[] = [
    [401, { error: 'unauthorized', message: 'x' }, 4, /does not accept the token: give another/u],
    [403, { error: 'Forbidden', message: 'it needs git:push' }, 4, /it needs git:push/u],
    [
      404,
      { error: 'Not Found', message: 'task not found' },
      5,
      /task not found; `slipway list` shows the tasks/u,
    ],
    [
      409,
      { error: 'Conflict', message: 'task is not running (status: completed)' },
      6,
      /not running \(status: com/u,
    ],
    [429, { error: 'rate_limit_exceeded', message: 'too many' }, 6, /too many; try again in 50 s/u],
    [500, { error: 'Internal Server Error', message: 'boom' }, 3, /the server failed: boom \(request r-1\)/u],
  ];
  for (const [status, body, code, stderr] of cases) {
    const headers = { 'x-request-id': 'r-1', ...(status === 429 ? { 'retry-after': '50' } : {}) };
    const api = await startApi(t, { [`POST /api/v1/tasks/${id}/cancel`]: answer(status, body, headers) });
    const ended = await slipway(['cancel', id], { address: api.url });
    assert.equal(ended.code, code);
    assert.match(ended.stderr, stderr);
    assert.equal(ended.stderr.split('\n').length, 2);
  }
});

test('a server that is not there ends with 3', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  server.close();
  const ended = await slipway(['cancel', id], { address });
  assert.equal(ended.code, 3);
  assert.match(
    ended.stderr,
    /^slipway: cannot reach .*: connection refused\. Is it running\? Start one with/u,
  );
});

test('cancelling takes back waiting tasks unless told otherwise', async (t) => {
  const api = await startApi(t, {
    [`POST /api/v1/tasks/${id}/cancel`]: answer(200, {
      id,
      status: 'canceling',
      message: 'task cancellation requested',
    }),
  });
  const ended = await slipway(['cancel', id], { address: api.url });
  await slipway(['cancel', id, '--no-queued'], { address: api.url });
  assert.deepEqual([ended.code, ended.stdout], [0, `task cancellation requested: ${id}\n`]);
  assert.deepEqual(
    api.requests.map((line) => line.split(' ').at(-1)),
    ['{"queued":true}', '{}'],
  );
});

test('a diff is coloured and made harmless on a terminal, and exact elsewhere', async (t) => {
  const diff = 'diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n--- gone\n+ne\u001b[2Jw\n same\n';
  const api = await startApi(t, {
    [`GET /api/v1/tasks/${id}/diff`]: (response) => response.end(Buffer.from(`${diff}+\xe9\n`, 'latin1')),
  });
  const chunks: Buffer[] = [];
  const stdout = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  await slipway(['diff', id], { address: api.url, stdout });
  assert.equal(Buffer.concat(chunks).toString('latin1'), `${diff}+\xe9\n`);
  const shown = await slipway(['diff', id], { address: api.url, columns: 80, color: true });
  assert.deepEqual(shown.stdout.split('\n').slice(0, 7), [
    '\u001b[1mdiff --git a/x b/x\u001b[22m',
    '\u001b[1m--- a/x\u001b[22m',
    '\u001b[1m+++ b/x\u001b[22m',
    '\u001b[36m@@ -1,2 +1,2 @@\u001b[39m',
    '\u001b[31m--- gone\u001b[39m',
    '\u001b[32m+new\u001b[39m',
    ' same',
  ]);
});

const past = [
  named('connected', 'running'),
  frame(1, 'system', 'cli_started', { cli: 'script', iteration: '1' }),
];

test('logs of a task that still runs print the past and stop', async (t) => {
  const api = await startApi(t, { [`GET /api/v1/tasks/${id}/stream`]: stream(past, 'live') });
  const ended = await slipway(['logs', id], { address: api.url });
  assert.deepEqual(ended, { code: 0, stdout: 'HH:MM:SS  started script\n', stderr: '' });
});

test('logs of a task that never falls silent stop at the present', async (t) => {
  const future = JSON.stringify({
    type: 'git',
    event: 'x',
    data: null,
    ts: new Date(Date.now() + 60_000).toISOString(),
  });
  const api = await startApi(t, {
    [`GET /api/v1/tasks/${id}/stream`]: stream([...past, `id: 2\ndata: ${future}\n\n`], 'live'),
  });
  assert.equal((await slipway(['logs', id], { address: api.url })).stdout, 'HH:MM:SS  started script\n');
});

test('logs start behind the event that is named and follow to the end', async (t) => {
  let since: string | string[] | undefined;
  const api = await startApi(t, {
    [`GET /api/v1/tasks/${id}/stream`]: (response, body) => {
      since = response.req.headers['last-event-id'];
      stream([
        named('connected', 'running'),
        frame(8, 'system', 'task_canceled', null),
        named('done', 'failed'),
      ])(response, body);
    },
  });
  const ended = await slipway(['logs', id, '-f', '--since', '7', '--json'], { address: api.url });
  assert.equal(since, '7');
  assert.deepEqual(
    ended.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
    [
      { id: '8', type: 'system', event: 'task_canceled', data: null, ts: '2026-02-26T10:15:30.123Z' },
      { type: 'done', status: 'failed' },
    ],
  );
});

test('a reader that goes away ends the command quietly', async (t) => {
  const api = await startApi(t, { [`GET /api/v1/tasks/${id}/stream`]: stream(past, 'live') });
  const stdout = new Writable({
    write(_chunk, _encoding, done) {
      done(Object.assign(new Error('broken pipe'), { code: 'EPIPE' }));
    },
  });
  const ended = await slipway(['logs', '-f', id], { address: api.url, stdout });
  assert.deepEqual(ended, { code: 0, stdout: '', stderr: '' });
});

test('output that cannot be written is said', async (t) => {
  const api = await startApi(t, { 'GET /api/v1/tasks': answer(200, { tasks: [row], total: 1 }) });
  const stdout = new Writable({
    write(_chunk, _encoding, done) {
      done(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }));
    },
  });
  const ended = await slipway(['list'], { address: api.url, stdout });
  assert.deepEqual([ended.code, ended.stderr], [70, 'slipway: cannot write: no space left on device\n']);
});

test('an interrupt while waiting for an answer ends with 130', async (t) => {
  const stop = new AbortController();
  const api = await startApi(t, { 'GET /api/v1/tasks': () => stop.abort() });
  const ended = await slipway(['list'], { address: api.url, signal: stop.signal });
  assert.deepEqual([ended.code, ended.stderr], [130, '']);
});
