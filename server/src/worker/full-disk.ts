import type { Failure } from '../domain/failure.ts';
import { freeBytes } from '../lib/disk-usage.ts';

/** Below this, programs fail in words of their own: git says that it could not write a reference. */
const leastBytes = 4 * 1024 * 1024;
/** Failures that nobody foresaw, or that a checkout broken off by the disk looks like. */
const explained: readonly Failure['code'][] = ['internal', 'workspace_broken'];

/**
 * The same failure, or where the disk of `folder` was too full for what was being done, that: it may pass, since room
 * is made every minute.
 */
export function fullDiskBehind(error: unknown, failure: Failure, folder: string): Failure {
  if (!explained.includes(failure.code)) return failure;
  if (!saysNoSpace(error) && (freeBytes(folder) ?? Infinity) >= leastBytes) return failure;
  const beginning = failure.phase === 'prepare' ? 'clone failed: ' : '';
  return {
    code: 'disk_limit',
    phase: failure.phase,
    retryable: true,
    message: `${beginning}the disk of ${folder} is full. Make room there, or set SLIPWAY_DISK_CRITICAL_PERCENT and SLIPWAY_WORKSPACES_MB lower.`,
  };
}

/** It, or what it was caused by. */
function saysNoSpace(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')) return true;
  return /No space left on device|Disk quota exceeded/u.test(error.message) || saysNoSpace(error.cause);
}
