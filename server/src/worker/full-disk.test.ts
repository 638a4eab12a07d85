import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import type { Failure } from '../domain/failure.ts';
import { fullDiskBehind } from './full-disk.ts';

const unforeseen: Failure = { code: 'internal', phase: 'prepare', retryable: true, message: 'x' };
const noSpace = Object.assign(new Error('write'), { code: 'ENOSPC' });

test('a failure that a full disk explains is told as that, with the disk, and tried again', () => {
  for (const error of [
    noSpace,
    new Error('the step failed', { cause: noSpace }),
    new Error('could not extend file: No space left on device'),
  ]) {
    const { message, ...rest } = fullDiskBehind(error, unforeseen, '/data/workspaces');
    assert.deepEqual(rest, { code: 'disk_limit', phase: 'prepare', retryable: true });
    assert.match(message, /^clone failed: the disk of \/data\/workspaces is full\./u);
  }
});

test('any other failure stays as it is, also one that names the disk itself', () => {
  const known: Failure = { code: 'repository_not_found', phase: 'prepare', retryable: false, message: 'x' };
  assert.equal(fullDiskBehind(noSpace, known, tmpdir()), known);
  assert.equal(fullDiskBehind(new Error('a defect'), unforeseen, tmpdir()), unforeseen);
});
