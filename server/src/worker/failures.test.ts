import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunFailure } from '../domain/failure.ts';
import { SandboxNotStarted } from '../executors/run-in-sandbox.ts';
import { GitError, type GitErrorCode } from '../git/git-error.ts';
import type { ExitReason, ExitRecord } from '../supervisor/protocol.ts';
import { failureOf, failureOfExit } from './failures.ts';

const exitOf = (reason: ExitReason, detail = 'the detail'): ExitRecord => ({
  reason,
  code: null,
  signal: null,
  outputBytes: 0,
  startedAt: '2026-01-01T00:00:00Z',
  endedAt: '2026-01-01T00:00:01Z',
  detail,
});

test('what git could not do is told with the beginning that clients look for', () => {
  const failure = failureOf(new GitError('not_found', 'x is not a repository.'), 'prepare');
  assert.deepEqual(failure, {
    code: 'repository_not_found',
    phase: 'prepare',
    retryable: false,
    message: 'clone failed: x is not a repository.',
  });
  assert.match(
    failureOf(new GitError('corrupt', 'it'), 'collect').message,
    /^the work could not be collected: /u,
  );
  assert.match(failureOf(new GitError('other', 'it'), 'deliver').message, /^push failed: /u);
});

test('a network that broke is tried again, a repository that is not there is not', () => {
  const retried: readonly GitErrorCode[] = ['unreachable', 'timeout', 'disk_full'];
  const final: readonly GitErrorCode[] = [
    'not_found',
    'authentication',
    'branch_not_found',
    'empty_repository',
    'lfs',
  ];
  for (const code of retried)
    assert.equal(failureOf(new GitError(code, ''), 'prepare').retryable, true, code);
  for (const code of final) assert.equal(failureOf(new GitError(code, ''), 'prepare').retryable, false, code);
});

test('a failure that names itself is taken as it is', () => {
  const own = {
    code: 'agent_failed',
    phase: 'agent',
    retryable: false,
    message: 'CLI execution failed',
  } as const;
  assert.equal(failureOf(new RunFailure(own), 'collect'), own);
});

test('a sandbox that could not be built is the host of the work, not the work', () => {
  const failure = failureOf(new SandboxNotStarted('no user namespaces'), 'collect');
  assert.equal(failure.code, 'sandbox_unavailable');
  assert.equal(failure.phase, 'infrastructure');
  assert.equal(failure.retryable, true);
});

test('what nobody foresaw keeps its words for the log', () => {
  const failure = failureOf(new Error('the token ghp_123 at /root/secret'), 'prepare');
  assert.equal(failure.code, 'internal');
  assert.equal(failure.retryable, true);
  assert.doesNotMatch(failure.message, /ghp_|root/u);
  assert.equal(failureOf('not even an error', 'agent').code, 'internal');
});

test('an agent that ended by itself did not fail by that', () => {
  assert.equal(failureOfExit(exitOf('exited'), 60), undefined);
});

test('every other end has a reason, and only those that are not its own doing are tried again', () => {
  const reasons = {
    time_limit: false,
    silence_limit: false,
    output_limit: false,
    memory_limit: false,
    disk_limit: false,
    not_started: true,
    stopped: true,
    unattended: true,
  } as const;
  for (const [reason, retryable] of Object.entries(reasons)) {
    const failure = failureOfExit(exitOf(reason as keyof typeof reasons), 60);
    assert.ok(failure !== undefined && failure.message.length > 10, reason);
    assert.equal(failure.retryable, retryable, reason);
  }
  assert.equal(failureOfExit(exitOf('time_limit'), 60)?.message, 'task timed out after 60s');
  assert.match(failureOfExit(exitOf('disk_limit', 'it wrote 9 GB'), 60)?.message ?? '', /it wrote 9 GB/u);
});
