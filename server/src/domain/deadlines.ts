/**
 * How long each state may last at most, in seconds. Nothing waits for ever: the statement that enters a
 * state sets its deadline, and the sweeper acts on what has passed its own.
 */
export const deadlineSeconds = {
  /** A task that no worker takes: then `failed`. */
  pending: 24 * 3600,
  /** Fetch, clone and checkout of one attempt: then the attempt is lost. */
  preparing: 900,
  /** Beyond the agent's own time limit, which its supervisor enforces: then the attempt is lost. */
  runningGrace: 120,
  /** Commit, bundle, blobs: then the attempt is lost. */
  collecting: 900,
  /** From the wish to cancel to the end by the worker: then the sweeper ends it. */
  cancelling: 15,
  /** The same for the task, in case its run is ended in a way that nobody thought of. */
  cancellingTask: 60,
  /** A push that is refused by the network again and again: then `failed`. */
  delivering: 6 * 3600,
  /**
   * A callback that no worker tries although it is due: then `failed`. Long, so that an outage of ours loses
   * none; its attempts are limited by their number.
   */
  callback: 7 * 24 * 3600,
  /** A step of a workflow that no process begins: then `failed`. */
  beginningStep: 6 * 3600,
  /** A whole workflow run: then `failed`. Each of its steps has limits of its own. */
  workflowRun: 7 * 24 * 3600,
} as const;

/** A claim on a run or an effect; renewed every `leaseRenewMs`. */
export const leaseSeconds = 10;
export const leaseRenewMs = 2_000;
