import assert from 'node:assert/strict';
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

const limitMs = 10_000;
const id = '77a2ffbd-11b6-4654-9325-89306d55bc89';
const reviewed = {
  verdict: 'approve',
  score: 8,
  summary: 'Good \u001b[2Jwork.',
  issues: [{ severity: 'minor', file: 'a.ts', line: 3, description: 'Slow', suggestion: '' }],
  auto_fixable: false,
  reviewed_by: 'codex:gpt-5',
  duration_seconds: 9,
};
const task = {
  id,
  status: 'completed',
  task_type: 'code',
  publish: 'manual',
  repo_url: 'https://example.com/app.git',
  prompt: 'Fix it',
  iteration: 1,
  review_result: reviewed,
  created_at: '2026-02-26T10:00:00Z',
  finished_at: '2026-02-26T10:10:00.000Z',
};
const outline = { verdict: 'approve', score: 8, issues_count: 1 };

/** An event of a review that was over before the task came to rest. */
function earlier(number: number, event: string, data: unknown): string {
  return frame(number, 'system', event, data).replace('10:15:30', '10:05:30');
}

const before = [
  named('connected', 'reviewing'),
  earlier(1, 'cli_started', { cli: 'script', iteration: '1' }),
  earlier(2, 'review_requested', { cli: 'claude-code' }),
  earlier(3, 'review_completed', { ...outline, verdict: 'comment' }),
  frame(4, 'system', 'review_requested', { cli: 'codex' }),
  frame(5, 'system', 'review_started', null),
  frame(6, 'system', 'cli_started', { cli: 'codex', iteration: '1' }),
];
const whole = [
  ...before,
  frame(7, 'system', 'review_parsed', { ...outline, from: 'structured' }),
  frame(8, 'system', 'review_completed', outline),
  // An instruction that waited is nothing that was asked about.
  frame(9, 'system', 'instruction_added', { iteration: 2, prompt: 'more' }),
];

function routes(events: Route, more: Readonly<Record<string, Route>> = {}): Readonly<Record<string, Route>> {
  return {
    [`POST /api/v1/tasks/${id}/review`]: answer(202, { id, status: 'reviewing' }),
    [`GET /api/v1/tasks/${id}/stream`]: events,
    [`GET /api/v1/tasks/${id}`]: answer(200, task),
    ...more,
  };
}

test('a review is followed from its own beginning to its end, and printed', async (t) => {
  const api = await startApi(t, routes(stream(whole, 'live')));
  const ended = await slipway(['review', id, '--agent', 'codex', '--model', 'gpt-5'], {
    address: api.url,
    signal: AbortSignal.timeout(limitMs),
  });
  assert.deepEqual(ended, {
    code: 0,
    stderr: '',
    stdout: `HH:MM:SS  a review is wanted (codex)
HH:MM:SS  reviewing
HH:MM:SS  started codex
HH:MM:SS  the answer: approve, 8 of 10, 1 finding
HH:MM:SS  reviewed: approve, 8 of 10, 1 finding

approve, 8 of 10: 1 finding
by codex:gpt-5 in 9 s

Good work.

minor a.ts:3
  Slow
`,
  });
  assert.ok(api.requests.includes(`POST /api/v1/tasks/${id}/review {"cli":"codex","model":"gpt-5"}`));
});

test('a review that comes to nothing is a failure, and an earlier one is not shown for it', async (t) => {
  const cases = [
    ['review_failed', { error: 'it broke' }, 'the review failed: it broke', 1],
    ['review_timeout', { timeout_seconds: 300 }, 'the review timed out after 300 s', 1],
    ['review_canceled', null, 'the review was cancelled', 7],
  ] as const;
  for (const [event, data, text, code] of cases) {
    const api = await startApi(t, routes(stream([...before, frame(7, 'system', event, data)], 'live')));
    const signal = AbortSignal.timeout(limitMs);
    const ended = await slipway(['review', id], { address: api.url, signal });
    assert.equal(ended.code, code);
    assert.match(ended.stdout, new RegExp(`${text}\n$`, 'u'));
  }
});

test('on a terminal the task is reviewing all the while', async (t) => {
  const api = await startApi(t, routes(stream(whole, 'live')));
  const signal = AbortSignal.timeout(limitMs);
  const { stdout } = await slipway(['review', id], { address: api.url, columns: 60, signal });
  assert.ok(stdout.includes('… reviewing · '));
  assert.ok(!stdout.includes('… running · '));
});

test('with --no-follow it returns at once, and --json prints objects', async (t) => {
  const api = await startApi(t, routes(stream(whole)));
  const ended = await slipway(['review', id, '--no-follow'], { address: api.url });
  assert.deepEqual(ended, {
    code: 0,
    stderr: '',
    stdout: `task ${id}\nfollow it with: slipway logs -f 77a2ffbd\n`,
  });
  assert.deepEqual(api.requests.at(-1), `POST /api/v1/tasks/${id}/review {}`);
  const { stdout } = await slipway(['review', id, '--json'], { address: api.url });
  const objects = stdout
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  assert.deepEqual(objects[0], { type: 'reviewing', id, status: 'reviewing' });
  assert.deepEqual(objects.at(-1), { type: 'task', task });
  assert.equal(objects.length, 7);
});

test('a task that cannot be reviewed is a refusal', async (t) => {
  const message = 'task is currently running, cannot review';
  const refused = answer(409, { error: 'Conflict', message });
  const api = await startApi(t, routes(stream([]), { [`POST /api/v1/tasks/${id}/review`]: refused }));
  const ended = await slipway(['review', id], { address: api.url });
  assert.deepEqual([ended.code, ended.stdout], [6, '']);
  assert.ok(ended.stderr.includes(message), ended.stderr);
});

test('an interrupt ends the watching, not the review', async (t) => {
  const api = await startApi(t, routes(stream(before, 'live')));
  const { code, stderr } = await slipway(['review', id], {
    address: api.url,
    signal: AbortSignal.timeout(300),
  });
  assert.equal(code, 130);
  assert.match(stderr, /the task goes on/u);
});

test('show prints the review, harmless, and the kind of what is no code', async (t) => {
  const kind = { ...task, task_type: 'pr_review' };
  const api = await startApi(t, { [`GET /api/v1/tasks/${id}`]: answer(200, kind) });
  const { stdout } = await slipway(['show', id], { address: api.url });
  assert.match(stdout, /^kind +pr review$/mu);
  assert.match(stdout, /^review:\napprove, 8 of 10: 1 finding\n/mu);
  assert.ok(stdout.includes('Good work.') && !stdout.includes('\u001b'), stdout);
});
