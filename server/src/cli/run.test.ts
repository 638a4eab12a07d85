import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import {
  answer,
  frame,
  named,
  slipway,
  startApi,
  stream,
  type Route,
} from '../../test/support/terminal-command.ts';

const id = '77a2ffbd-11b6-4654-9325-89306d55bc89';
const created = answer(201, { id, status: 'pending', created_at: '2026-02-26T18:38:10Z' });
const summary = { files_modified: 3, files_created: 1, files_deleted: 0, diff_stats: '+142 -38' };

const task = {
  id,
  status: 'completed',
  task_type: 'code',
  repo_url: 'https://example.com/app.git',
  prompt: 'Fix it',
  iteration: 1,
  branch: 'codeforge/fix-it-77a2ffbd',
  changes_summary: summary,
  created_at: '2026-02-26T18:38:10Z',
  started_at: '2026-02-26T18:38:11Z',
  finished_at: '2026-02-26T18:38:22Z',
};

const whole = [
  named('connected', 'pending'),
  frame(1, 'git', 'clone_started', { repo_url: 'https://example.com/app.git' }),
  frame(2, 'git', 'clone_completed', { work_dir: '/tree' }),
  frame(3, 'system', 'cli_started', { cli: 'script', iteration: '1' }),
  frame(4, 'stream', 'output', {
    type: 'text',
    content: 'first\nsecond \u001b[31mred\u001b[0m',
    cli: 'script',
  }),
  frame(5, 'result', 'task_completed', { result: 'ok', changes_summary: summary, iteration: 1 }),
  frame(6, 'git', 'branch_pushed', { branch: task.branch, commit: '0123456789abcdef0123' }),
  named('done', 'completed'),
];

function routes(events: Route, ended: unknown): Readonly<Record<string, Route>> {
  return {
    'POST /api/v1/tasks': created,
    [`GET /api/v1/tasks/${id}/stream`]: events,
    [`GET /api/v1/tasks/${id}`]: answer(200, ended),
  };
}

const line = ['run', 'https://example.com/app.git', 'Fix it', '--command', './fix.sh'];

test("a private repository's token is read from a file and sent in the body alone", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-cli-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'token');
  await writeFile(file, 'a-token-for-git\n');
  const api = await startApi(t, routes(stream(whole), task));
  const ended = await slipway([...line, '--repository-token-file', file], { address: api.url });
  assert.equal(ended.code, 0);
  const created = api.requests.find((request) => request.startsWith('POST'));
  assert.match(created ?? '', /"access_token":"a-token-for-git"/u);
  const missing = await slipway([...line, '--repository-token-file', join(folder, 'none')], {
    address: api.url,
  });
  assert.deepEqual([missing.code, /cannot be read/u.test(missing.stderr)], [2, true]);
});

test('a run is followed to the pushed branch, as plain lines', async (t) => {
  const api = await startApi(t, routes(stream(whole), task));
  const ended = await slipway(line, { address: api.url });
  assert.deepEqual(ended, {
    code: 0,
    stderr: '',
    stdout: `task ${id}
HH:MM:SS  cloning https://example.com/app.git
HH:MM:SS  cloned
HH:MM:SS  started script
HH:MM:SS  first
          second red
HH:MM:SS  completed: 3 modified, 1 created (+142 -38)
HH:MM:SS  pushed codeforge/fix-it-77a2ffbd (0123456789ab)

completed in 11 s: 3 modified, 1 created (+142 -38)
branch: codeforge/fix-it-77a2ffbd
get it: git fetch https://example.com/app.git codeforge/fix-it-77a2ffbd
see it: slipway diff 77a2ffbd
`,
  });
  assert.equal(
    api.requests[0],
    'POST /api/v1/tasks {"repo_url":"https://example.com/app.git","prompt":"Fix it","publish":"branch",' +
      '"config":{"cli":"script","command":"./fix.sh"}}',
  );
});

test('a run whose tests failed says so at its end, where the work is named', async (t) => {
  const tests = {
    command: 'npm test',
    passed: false,
    exit_code: 1,
    reason: 'exit code 1',
    output: '',
    duration_seconds: 8,
  };
  const api = await startApi(t, routes(stream(whole), { ...task, tests }));
  const ended = await slipway([...line, '--test-command', 'npm test'], { address: api.url });
  assert.equal(ended.code, 0);
  assert.match(ended.stdout, /^completed in 11 s: .*\ntests: {2}failed after 8 s: exit code 1\nbranch: /mu);
});

test('with --json every line is one object', async (t) => {
  const api = await startApi(t, routes(stream(whole), task));
  const ended = await slipway([...line, '--json'], { address: api.url });
  const objects: readonly Record<string, unknown>[] = ended.stdout
    .trimEnd()
    .split('\n')
    .map((text) => JSON.parse(text));
  assert.deepEqual(
    objects.map(({ type }) => type),
    'created|git|git|system|stream|result|git|done|task'.split('|'),
  );
  assert.equal(objects[1]?.['id'], '1');
  assert.deepEqual(objects.at(-1), { type: 'task', task });
});

test('on a terminal the state stands below the events and is gone at the end', async (t) => {
  const api = await startApi(t, routes(stream(whole), task));
  const { stdout } = await slipway(line, { address: api.url, columns: 60, color: true });
  assert.ok(stdout.includes('\r\u001b[2K… pending · 0 s'));
  assert.ok(stdout.includes('\r\u001b[2K… running · 0 s'));
  assert.ok(stdout.includes('\u001b[32mcompleted\u001b[39m in 11 s'));
  const drawn = stdout.split('\r\u001b[2K').at(-1) ?? '';
  assert.ok(drawn.startsWith('\n') && !drawn.includes('…'));
});

test('colours need to be wanted', async (t) => {
  const api = await startApi(t, routes(stream(whole), task));
  const { stdout } = await slipway(line, { address: api.url, columns: 60, color: false });
  // oxlint-disable-next-line no-control-regex -- colours are what is looked for
  assert.doesNotMatch(stdout, /\u001b\[\d*m/u);
});

test('a task that fails, and one that was cancelled, end with their own codes', async (t) => {
  const stop = stream([named('connected', 'running'), named('done', 'failed')]);
  const failed = await startApi(
    t,
    routes(stop, { ...task, status: 'failed', error: 'CLI execution failed: exit 1' }),
  );
  const first = await slipway(line, { address: failed.url });
  assert.equal(first.code, 1);
  assert.match(
    first.stdout,
    /failed in 11 s: CLI execution failed: exit 1\nmore: {3}slipway show 77a2ffbd\n$/u,
  );
  const cancelled = await startApi(t, routes(stop, { ...task, status: 'failed', error: 'canceled by user' }));
  const second = await slipway(line, { address: cancelled.url });
  assert.equal(second.code, 7);
  assert.match(second.stdout, /\ncancelled in 11 s: canceled by user\n$/u);
});

test('work without changes says that nothing was pushed', async (t) => {
  const { branch: _branch, changes_summary: _changes, ...bare } = task;
  const api = await startApi(
    t,
    routes(stream([named('connected', 'running'), named('done', 'completed')]), bare),
  );
  const ended = await slipway(line, { address: api.url });
  assert.match(ended.stdout, /\ncompleted in 11 s: no changes\n$/u);
});

test('--detach prints the id and returns', async (t) => {
  const api = await startApi(t, routes(stream([]), task));
  const ended = await slipway([...line, '--detach'], { address: api.url });
  assert.deepEqual(ended, {
    code: 0,
    stderr: '',
    stdout: `task ${id}\nfollow it with: slipway logs -f 77a2ffbd\n`,
  });
  assert.equal(api.requests.length, 1);
});

test('every flag reaches the task, and - reads the prompt from stdin', async (t) => {
  const api = await startApi(t, routes(stream([]), task));
  const flags =
    '--agent script --command ./x --branch dev --target-branch main --timeout 10m --priority -5 --test-command ./test';
  await slipway(['run', '/srv/app.git', '-', ...flags.split(' '), '--publish', 'manual', '-d'], {
    address: api.url,
    stdin: 'Line one\nLine two\n',
  });
  assert.deepEqual(JSON.parse(api.requests[0]?.replace(/^[^{]*/u, '') ?? ''), {
    repo_url: 'file:///srv/app.git',
    prompt: 'Line one\nLine two\n',
    publish: 'manual',
    config: {
      cli: 'script',
      command: './x',
      test_command: './test',
      source_branch: 'dev',
      target_branch: 'main',
      timeout_seconds: 600,
      priority: -5,
    },
  });
});

test('what the agent is to be reaches the task', async (t) => {
  const api = await startApi(t, routes(stream([]), task));
  const flags = '--agent claude-code --model m --max-turns 20 --max-budget 2.50 --approvals ask';
  await slipway(['run', 'https://example.com/app.git', 'x', ...flags.split(' '), '-d'], { address: api.url });
  assert.deepEqual(JSON.parse(api.requests[0]?.replace(/^[^{]*/u, '') ?? '').config, {
    cli: 'claude-code',
    ai_model: 'm',
    max_turns: 20,
    max_budget_usd: 2.5,
    approvals: 'ask',
  });
});

test('no prompt at all is a usage error, unless there is a command', async (t) => {
  const api = await startApi(t, routes(stream([]), task));
  const none = await slipway(['run', 'https://example.com/app.git'], { address: api.url });
  assert.deepEqual(
    [none.code, none.stderr],
    [2, 'slipway: give a prompt: slipway run <repository> "what to do"\n'],
  );
  const blank = await slipway(['run', 'https://example.com/app.git', '-'], {
    address: api.url,
    stdin: ' \n',
  });
  assert.deepEqual([blank.code, blank.stderr], [2, 'slipway: the prompt on stdin is empty\n']);
  await slipway(['run', 'https://example.com/app.git', '--command', 'make fix', '-d'], { address: api.url });
  assert.match(api.requests[0] ?? '', /"prompt":"make fix"/u);
});

test('wrong fields are listed', async (t) => {
  const fields = { prompt: 'exceeds maximum length', repo_url: 'must be a valid URL' };
  const api = await startApi(t, {
    'POST /api/v1/tasks': answer(400, { error: 'Bad Request', message: 'validation failed', fields }),
  });
  assert.deepEqual(await slipway(line, { address: api.url }), {
    code: 2,
    stdout: '',
    stderr: `slipway: validation failed\n  prompt: exceeds maximum length\n  repo_url: must be a valid URL\n`,
  });
});

test('an interrupt stops following and says that the task goes on', async (t) => {
  const stop = new AbortController();
  const api = await startApi(t, routes(stream(whole.slice(0, 3), 'live'), task));
  const stdout = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (chunk.includes('cloned')) stop.abort();
      done();
    },
  });
  const ended = await slipway(line, { address: api.url, signal: stop.signal, stdout });
  assert.equal(ended.code, 130);
  assert.equal(
    ended.stderr,
    'the task goes on\n  follow it: slipway logs -f 77a2ffbd\n  end it:    slipway cancel 77a2ffbd\n',
  );
});

test('a stream that is cut goes on, and says so once on stderr', async (t) => {
  let connections = 0;
  const api = await startApi(
    t,
    routes((response, body) => {
      connections += 1;
      stream(connections === 1 ? whole.slice(0, 3) : [named('connected', 'running'), ...whole.slice(3)])(
        response,
        body,
      );
    }, task),
  );
  const ended = await slipway(line, { address: api.url });
  assert.equal(ended.code, 0);
  assert.match(ended.stderr, /^slipway: http:\/\/127\.0\.0\.1:\d+ closed the stream; trying again\n$/u);
  assert.equal(ended.stdout.match(/cloned/gu)?.length, 1);
});

test('a pull request is reviewed with a word less, and the review printed', async (t) => {
  const review = {
    verdict: 'approve',
    score: 8,
    summary: 'Good work.',
    issues: [],
    auto_fixable: false,
    reviewed_by: 'codex:gpt-5',
    duration_seconds: 9,
  };
  const ended = { ...task, task_type: 'pr_review', branch: undefined, review_result: review };
  const api = await startApi(t, routes(stream([named('done', 'completed')]), ended));
  const repository = 'https://example.com/app.git';
  const { code, stdout } = await slipway(['run', repository, '--pr', '42', '--post-comments'], {
    address: api.url,
  });
  assert.equal(code, 0);
  assert.equal(stdout, `task ${id}\n\napprove, 8 of 10: no findings\nby codex:gpt-5 in 9 s\n\nGood work.\n`);
  const worked = await startApi(t, routes(stream(whole), { ...task, review_result: review }));
  const followed = await slipway(line, { address: worked.url });
  assert.match(followed.stdout, /^completed in 11 s: 3 modified/mu, 'an earlier review is not its outcome');
  await slipway(['run', repository, 'Look around', '--type', 'review', '--workspace-of', id, '-d'], {
    address: api.url,
  });
  await slipway(['run', repository, 'Mend it', '--type', 'code', '--pr', '42', '-d'], { address: api.url });
  assert.deepEqual(
    api.requests
      .filter((request) => request.startsWith('POST'))
      .map((request) => JSON.parse(request.slice(18))),
    [
      {
        repo_url: repository,
        prompt: 'Review pull request #42',
        task_type: 'pr_review',
        publish: 'manual',
        config: { pr_number: 42, output_mode: 'post_comments' },
      },
      {
        repo_url: repository,
        prompt: 'Look around',
        task_type: 'review',
        publish: 'manual',
        config: { workspace_task_id: id },
      },
      { repo_url: repository, prompt: 'Mend it', publish: 'branch', config: { pr_number: 42 } },
    ],
  );
});
