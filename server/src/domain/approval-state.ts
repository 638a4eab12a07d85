/** Every state of a question to a person. All but the first are final. */
export const approvalStates = ['waiting', 'allowed', 'denied', 'expired', 'dropped'] as const;

/**
 * - `expired`: nobody answered in time; for the agent that is a denial.
 * - `dropped`: the task ended before anybody answered.
 */
export type ApprovalState = (typeof approvalStates)[number];

export type ApprovalDecision = 'allowed' | 'denied' | 'expired';
