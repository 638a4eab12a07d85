import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TaskEvent } from '@slipway/client';
import { eventText } from './event-text.ts';

const plain = (_style: string, text: string): string => text;

function say(event: string, data: unknown, ts = '2026-02-26T10:15:30Z'): string {
  return eventText(
    { type: 'system', event, data, ts } as TaskEvent,
    plain,
    '77a2ffbd-11b6-4654-9325-89306d55bc89',
  ).replace(/^\d\d:\d\d:\d\d/u, 'HH:MM:SS');
}

test('output of several lines is indented under its time', () => {
  assert.equal(say('output', { type: 'text', content: 'one\ntwo\n\n' }), 'HH:MM:SS  one\n          two');
});

test('output of nothing says nothing', () => {
  assert.equal(say('output', { type: 'text', content: '\n' }), '');
  assert.equal(say('output', {}), '');
});

test('an event of a newer server is shown with its data', () => {
  assert.equal(say('snapshot_taken', { number: 3 }), 'HH:MM:SS  snapshot taken {"number":3}');
  assert.equal(say('something', null), 'HH:MM:SS  something');
  assert.equal(say('long', 'x'.repeat(500)).length, 'HH:MM:SS  long '.length + 201);
});

test('an event of another form than documented is shown as far as it goes', () => {
  assert.equal(say('task_failed', null), 'HH:MM:SS  failed: ');
  assert.equal(say('task_completed', { changes_summary: [1] }), 'HH:MM:SS  completed: no changes');
  assert.equal(say('cli_started', { cli: {}, iteration: 1 }, 'never'), '          started');
});

test('what comes from outside cannot steer the terminal', () => {
  assert.equal(say('clone_started', { repo_url: 'a\u001b[2Jb\nc' }), 'HH:MM:SS  cloning ab c');
  assert.equal(say('o\u001b]0;x\u0007dd', null), 'HH:MM:SS  odd');
});

test('a question says how to answer it', () => {
  const asked = {
    approval_id: '01a2b3c4-0000-7000-8000-0123456789ab',
    tool: 'Bash',
    summary: 'rm\u001b[2J -r x',
    expires_at: '2026-02-26T11:00:00Z',
  };
  assert.equal(
    say('approval_requested', asked),
    'HH:MM:SS  asks: Bash: rm -r x\n          answer with: slipway approve 77a2ffbd 456789ab',
  );
  assert.equal(
    say('approval_decided', { decision: 'denied', reason: 'not now' }),
    'HH:MM:SS  denied (not now)',
  );
  assert.equal(say('approval_decided', { decision: 'allowed', reason: '' }), 'HH:MM:SS  allowed');
  assert.equal(say('run_parked', null), 'HH:MM:SS  put away until somebody answers');
  assert.equal(say('run_resumed', null), 'HH:MM:SS  goes on');
});

test('what comes of the tests is said with the reason', () => {
  assert.equal(say('tests_started', { command: 'npm\ntest' }), 'HH:MM:SS  testing: npm test');
  assert.equal(say('tests_finished', { passed: true, reason: '' }), 'HH:MM:SS  the tests passed');
  assert.equal(
    say('tests_finished', { passed: false, reason: 'exit code 1' }),
    'HH:MM:SS  the tests failed: exit code 1',
  );
  assert.equal(say('tests_given_back', null), 'HH:MM:SS  the agent is told, and goes on');
  assert.equal(say('tests_given_up', { error: 'no' }), 'HH:MM:SS  the work stays as it is: no');
});

test('what becomes of a pull request is said with its address', () => {
  const facts = { pr_number: 7, pr_url: 'https://github.com/a/b/pull/7', branch: 'x', base_branch: 'main' };
  const url = facts.pr_url;
  assert.equal(say('pull_request_opened', facts), `HH:MM:SS  opened pull request 7: ${url}`);
  assert.equal(say('pull_request_updated', facts), `HH:MM:SS  updated pull request 7: ${url}`);
  assert.equal(
    say('pull_request_replaced', { ...facts, before: 3 }),
    `HH:MM:SS  opened pull request 7: ${url} (3 was closed meanwhile)`,
  );
  assert.equal(say('branch_gone', facts), 'HH:MM:SS  branch x was deleted; it is pushed anew');
  assert.equal(
    say('labels_refused', { labels: ['bot'], reason: 'no such label' }),
    'HH:MM:SS  the labels were refused: no such label',
  );
});

test('instructions, lost conversations and refused connections are said in words', () => {
  assert.equal(say('instruction_added', { iteration: 2, prompt: 'a\nb' }), 'HH:MM:SS  instruction 2: a b');
  assert.equal(
    say('session_lost', { reason: 'its files are gone' }),
    'HH:MM:SS  the agent begins a new conversation: its files are gone',
  );
  assert.equal(
    say('egress_refused', { host: 'example.com', port: 443, reason: 'not_allowed' }),
    'HH:MM:SS  refused the agent a connection to example.com:443 (not_allowed)',
  );
  assert.equal(
    say('mcp_server_failed', { server: 'context7', error: 'it did not start' }),
    'HH:MM:SS  the MCP server context7 is not there: it did not start',
  );
});

test('attempts that follow others are said with the reason', () => {
  assert.equal(
    say('run_retried', { attempt: 2, error: 'no space left' }),
    'HH:MM:SS  attempt 2 follows: no space left',
  );
  assert.equal(
    say('run_lost', { attempt: 1 }),
    'HH:MM:SS  attempt 1 was lost with its worker; the next one follows',
  );
});

test('a review is said in words, from the wish to what became of it', () => {
  const outline = { verdict: 'request_changes', score: 4, issues_count: 2 };
  const cases: readonly (readonly [event: string, data: unknown, text: string])[] = [
    ['review_requested', { cli: 'codex' }, 'a review is wanted (codex)'],
    ['review_started', null, 'reviewing'],
    ['review_parsed', { ...outline, from: 'block' }, 'the answer: request changes, 4 of 10, 2 findings'],
    [
      'review_parsed',
      { verdict: 'comment', score: 0, issues_count: 0, from: 'words' },
      'the answer: comment, no findings (it was no review: its words are the summary)',
    ],
    ['review_completed', { ...outline, issues_count: 1 }, 'reviewed: request changes, 4 of 10, 1 finding'],
    ['review_failed', { error: 'it \u001b[2Jbroke' }, 'the review failed: it broke'],
    ['review_timeout', { timeout_seconds: 300 }, 'the review timed out after 300 s'],
    ['review_canceled', null, 'the review was cancelled'],
    [
      'workspace_restored',
      { files: ['a', 'b\u001b[2J', 'c', 'd', 'e', 'f', 7], more: 3 },
      'put back what the agent had changed: a, b, c, d, e and 4 more',
    ],
    [
      'review_posted',
      { review_url: 'https://github.com/a/b/pull/7#r1', comments_posted: 0, pr_number: 7 },
      'posted the review to pull request 7 (no comments on lines): https://github.com/a/b/pull/7#r1',
    ],
    [
      'review_post_failed',
      { error: 'no right to', pr_number: 7 },
      'the review was not posted to pull request 7: no right to',
    ],
    ['workspace_restored', null, 'put back the tree, which the agent had changed'],
    ['review_completed', null, 'reviewed: , no findings'],
  ];
  for (const [event, data, text] of cases) assert.equal(say(event, data), `HH:MM:SS  ${text}`);
});
