/** What a value of a workflow's JSON can be. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

export type JsonObject = { readonly [name: string]: JsonValue };

export const workflowStepKinds = ['fetch', 'task', 'action'] as const;
export type WorkflowStepKind = (typeof workflowStepKinds)[number];

/** A step as its author wrote it: names as documented, texts with templates in them. */
export type WorkflowStep = {
  readonly name: string;
  readonly type: WorkflowStepKind;
  readonly config: JsonObject;
};

export type WorkflowParameter = {
  readonly name: string;
  readonly required: boolean;
  readonly description?: string;
  /** In the place of one that is not given. */
  readonly default?: string;
  /** Masked wherever a run is shown. */
  readonly sensitive?: boolean;
};

/** A workflow that has been checked. */
export type WorkflowDefinition = {
  readonly name: string;
  readonly description: string;
  readonly steps: readonly WorkflowStep[];
  readonly parameters: readonly WorkflowParameter[];
};

/** By their names; only what was given or has a default. */
export type WorkflowParams = Readonly<Record<string, string>>;

/** What a step leaves for those behind it, by name. */
export type StepOutputs = Readonly<Record<string, JsonValue>>;

/** All that a run needs; stored sealed. */
export type WorkflowPlan = {
  readonly definition: WorkflowDefinition;
  readonly params: WorkflowParams;
  /** False: its owner may be one, but it was begun with less. Not in plans of older versions. */
  readonly byAdministrator?: boolean;
};

export const workflowRunStates = ['pending', 'running', 'completed', 'failed', 'cancelled'] as const;
export type WorkflowRunState = (typeof workflowRunStates)[number];

export const openWorkflowRunStates = ['pending', 'running'] as const satisfies readonly WorkflowRunState[];

export const workflowStepStates = [
  'pending',
  'running',
  'completed',
  'failed',
  'cancelled',
  'skipped',
] as const;
export type WorkflowStepState = (typeof workflowStepStates)[number];
