/** Every state that an effect can be stored in; `waiting` again after a lapsed lease or a failed try. */
export const effectStates = ['waiting', 'leased', 'done', 'failed', 'dropped'] as const;
export type EffectState = (typeof effectStates)[number];

export const effectTransitions = {
  waiting: ['leased', 'failed', 'dropped'],
  leased: ['waiting', 'leased', 'done', 'failed', 'dropped'],
  done: [],
  failed: ['waiting'],
  dropped: [],
} as const satisfies Record<EffectState, readonly EffectState[]>;

export const effectKinds = ['push'] as const;
export type EffectKind = (typeof effectKinds)[number];

/** This commit to this branch, expecting what was pushed last (or that the branch is not there yet). */
export type PushPayload = {
  readonly commit: string;
  readonly branch: string;
  readonly expected: string | null;
  /** The first choice of a name; numbered ones follow when it is taken. */
  readonly firstBranch: string;
};

/** One push of one run's commit: a repeated finish or settle cannot ask for it twice. */
export function pushEffectKey(runId: string, branch: string): string {
  return `push:${runId}:${branch}`;
}
