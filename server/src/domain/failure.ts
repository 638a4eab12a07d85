/** Where a run was when it failed: the operator's first question is "mine or theirs?". */
export type FailurePhase = 'queue' | 'prepare' | 'agent' | 'collect' | 'deliver' | 'infrastructure';

/**
 * Why a run or a task failed, kept as data. `message` is for people: what happened, to what, and what to
 * do; it is also the task's `error`, so clients find the documented beginnings there (`clone failed: …`).
 */
export type Failure = {
  readonly code: FailureCode;
  readonly phase: FailurePhase;
  readonly retryable: boolean;
  readonly message: string;
};

/** How an agent's program can fail, in our own words. Adapters map what they read to these. */
export const agentFailureCodes = [
  'agent_failed',
  'agent_crashed',
  'model_authentication',
  'model_rate_limit',
  'model_overloaded',
  'context_overflow',
  'budget_exceeded',
  'turns_exceeded',
  'model_refused',
  'answer_invalid',
  'session_lost',
] as const;
export type AgentFailureCode = (typeof agentFailureCodes)[number];

export type FailureCode =
  | AgentFailureCode
  | 'repository_unreachable'
  | 'repository_not_found'
  | 'repository_refused_credentials'
  | 'repository_empty'
  | 'repository_unsupported'
  | 'branch_not_found'
  | 'pull_request_not_found'
  | 'workspace_broken'
  | 'sandbox_unavailable'
  | 'agent_not_started'
  | 'time_limit'
  | 'silence_limit'
  | 'output_limit'
  | 'memory_limit'
  | 'disk_limit'
  | 'result_too_large'
  | 'no_changes'
  | 'push_rejected'
  | 'push_failed'
  | 'branch_moved'
  | 'credential_missing'
  | 'pull_request_failed'
  | 'worker_lost'
  | 'queue_deadline'
  | 'internal';

/** How clients know a publication that failed by its words. */
export const pullRequestFailed = 'PR creation failed';

/** A failure on its way up to the record that keeps it. */
export class RunFailure extends Error {
  readonly failure: Failure;

  constructor(failure: Failure, cause?: unknown) {
    super(failure.message, cause === undefined ? {} : { cause });
    this.name = 'RunFailure';
    this.failure = failure;
  }
}
