import type { Failure, FailureCode, FailurePhase } from '../domain/failure.ts';
import { RunFailure } from '../domain/failure.ts';
import { GitError, type GitErrorCode } from '../git/git-error.ts';
import { SandboxNotStarted } from '../executors/run-in-sandbox.ts';
import type { ExitRecord } from '../supervisor/protocol.ts';

const gitFailures: Record<GitErrorCode, FailureCode> = {
  unreachable: 'repository_unreachable',
  timeout: 'repository_unreachable',
  not_found: 'repository_not_found',
  authentication: 'repository_refused_credentials',
  branch_not_found: 'branch_not_found',
  pull_request_not_found: 'pull_request_not_found',
  empty_repository: 'repository_empty',
  submodules: 'repository_unsupported',
  lfs: 'repository_unsupported',
  protocol_refused: 'repository_unsupported',
  rejected: 'push_rejected',
  branch_moved: 'branch_moved',
  corrupt: 'workspace_broken',
  too_large: 'result_too_large',
  disk_full: 'disk_limit',
  other: 'internal',
};

const beginnings: Record<FailurePhase, string> = {
  queue: '',
  prepare: 'clone failed: ',
  agent: '',
  collect: 'the work could not be collected: ',
  deliver: 'push failed: ',
  infrastructure: '',
};

/** The failure behind an error of a step; what nobody foresaw is `internal`, its words in the log only. */
export function failureOf(error: unknown, phase: FailurePhase): Failure {
  if (error instanceof RunFailure) return error.failure;
  if (error instanceof GitError) {
    return {
      code: gitFailures[error.code],
      phase,
      retryable: error.retryable,
      message: `${beginnings[phase]}${error.message}`,
    };
  }
  if (error instanceof SandboxNotStarted) {
    return { code: 'sandbox_unavailable', phase: 'infrastructure', retryable: true, message: error.message };
  }
  return {
    code: 'internal',
    phase,
    retryable: true,
    message: `${beginnings[phase]}an internal error happened; the server's log has the details`,
  };
}

/** Why the sandbox is over, where that is not the agent's own doing. */
export function failureOfExit(exit: ExitRecord, timeoutSeconds: number): Failure | undefined {
  const limit = (code: FailureCode, message: string): Failure => ({
    code,
    phase: 'agent',
    retryable: false,
    message,
  });
  switch (exit.reason) {
    case 'exited':
    case 'finished':
      return undefined;
    case 'time_limit':
      return limit('time_limit', `task timed out after ${timeoutSeconds}s`);
    case 'silence_limit':
      return limit(
        'silence_limit',
        `the agent was ended: ${exit.detail} Have it print its progress, or raise SLIPWAY_SILENCE_SECONDS.`,
      );
    case 'output_limit':
      return limit(
        'output_limit',
        `the agent was ended: ${exit.detail} Have it print less, or raise SLIPWAY_OUTPUT_MB.`,
      );
    case 'memory_limit':
      return limit(
        'memory_limit',
        `the agent was ended: ${exit.detail} Have it use less, or raise SLIPWAY_MEMORY_MB.`,
      );
    case 'disk_limit':
      return limit(
        'disk_limit',
        `the agent was ended: ${exit.detail} Have it write less, raise SLIPWAY_DISK_MB, or make room on the disk.`,
      );
    case 'not_started':
      return {
        code: 'agent_not_started',
        phase: 'infrastructure',
        retryable: true,
        message: `the agent could not be started: ${exit.detail}`,
      };
    case 'stopped':
    case 'unattended':
      return {
        code: 'worker_lost',
        phase: 'infrastructure',
        retryable: true,
        message: 'the agent was ended because its server was away',
      };
    default:
      return exit.reason satisfies never;
  }
}
