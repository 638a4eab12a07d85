import { Type, type Static } from 'typebox';
import { workflowStepKinds } from '../../../domain/workflow.ts';
import { stated } from '../../documented.ts';
import { moment, optionalText, word } from '../../schema-parts.ts';
import { pageQuery } from './page-query.ts';

const nameText = 'Of the workflow, unique for its owner.';
const stepNameText = 'Unique in the workflow; templates call its outputs by it.';
const kind = word('What it does: a request, a task, or something done with the work of a task.', [
  ...workflowStepKinds,
]);
const config = Type.Record(Type.String(), Type.Unknown(), {
  description: "The step's settings, by its type. Texts may have templates in them.",
});
const messageFor = Type.String({ description: 'For people.' });

export const workflowParams = Type.Object({ name: Type.String({ description: nameText }) });

const parameterFields = {
  name: Type.String({ description: 'As `{{.Params.name}}` calls it.' }),
  description: optionalText('For people.'),
  default: optionalText('In the place of one that is not given.'),
  sensitive: Type.Optional(
    Type.Boolean({ description: 'Whether its value is masked wherever a run is shown.' }),
  ),
};

/** Describes only: all of it is checked where definitions are read, which has the messages for it. */
export const createWorkflowBody = Type.Object(
  {
    name: Type.String({
      description: 'Unique for its owner, and not that of a built-in workflow; not `catalog`.',
      ...stated({ maxLength: 100, pattern: '^[A-Za-z0-9_-]+$' }),
    }),
    description: optionalText('For people.', stated({ maxLength: 2_000 })),
    steps: Type.Array(
      Type.Object(
        { name: Type.String({ description: stepNameText }), type: kind, config },
        { title: 'WorkflowStepInput' },
      ),
      { description: 'In their order; one after the other.', ...stated({ minItems: 1, maxItems: 50 }) },
    ),
    parameters: Type.Optional(
      Type.Array(
        Type.Object(
          {
            ...parameterFields,
            required: Type.Optional(
              Type.Boolean({
                description: 'Whether a run is refused without it.',
                ...stated({ default: false }),
              }),
            ),
          },
          { title: 'WorkflowParameterInput' },
        ),
        { description: 'What a run is given.', ...stated({ maxItems: 50 }) },
      ),
    ),
  },
  { title: 'WorkflowInput', description: 'A workflow to keep.' },
);

export const createdWorkflow = Type.Object(
  { name: Type.String({ description: nameText }), message: messageFor },
  { title: 'CreatedWorkflow' },
);

export const deletedWorkflow = Type.Object({ message: messageFor }, { title: 'DeletedWorkflow' });

const outlineFields = {
  name: Type.String({ description: nameText }),
  description: Type.String({ description: 'For people; may be empty.' }),
  builtin: Type.Boolean({ description: 'Whether it came with the server: then it cannot be deleted.' }),
  created_at: Type.Optional(moment('When it was created; not there for a built-in one.')),
};
const required = Type.Boolean({ description: 'Whether a run is refused without it.' });

export const workflowList = Type.Object(
  {
    workflows: Type.Array(
      Type.Object(
        {
          ...outlineFields,
          steps: Type.Array(Type.Object({ name: Type.String({ description: stepNameText }), type: kind }), {
            description: 'Without their settings.',
          }),
          parameters: Type.Array(Type.Object({ name: parameterFields.name, required }), {
            description: 'What a run is given.',
          }),
        },
        { title: 'WorkflowRow', description: 'A workflow in a list.' },
      ),
      { description: "The built-in ones, then the caller's own by name." },
    ),
  },
  { title: 'WorkflowList' },
);
/** Not checked when it is sent. */
export type WorkflowRowBody = Static<typeof workflowList>['workflows'][number];

export const workflowBody = Type.Object(
  {
    ...outlineFields,
    steps: Type.Array(
      Type.Object(
        { name: Type.String({ description: stepNameText }), type: kind, config },
        { title: 'WorkflowStep' },
      ),
      { description: 'Secret values in their settings are masked.' },
    ),
    parameters: Type.Array(Type.Object({ ...parameterFields, required }, { title: 'WorkflowParameter' }), {
      description: 'What a run is given.',
    }),
  },
  { title: 'Workflow', description: 'A workflow, whole.' },
);
export type WorkflowBody = Static<typeof workflowBody>;

/** Describes only: the values are checked against the workflow's parameters. */
export const runWorkflowBody = Type.Object(
  {
    params: Type.Optional(
      Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]), {
        description: "Values for the workflow's parameters, by their names.",
      }),
    ),
  },
  { title: 'RunWorkflowInput' },
);

const runStatuses = ['pending', 'running', 'completed', 'failed', 'canceled'] as const;
export type RunStatus = (typeof runStatuses)[number];
const runStatus = Type.String({
  title: 'WorkflowRunStatus',
  description: 'What a workflow run is at.',
  enum: [...runStatuses],
});
const runId = Type.String({ description: 'Of the run.', format: 'uuid' });

export const startedRun = Type.Object(
  {
    run_id: runId,
    workflow_name: Type.String({ description: 'The workflow that is run.' }),
    status: runStatus,
    created_at: moment('When it was started.'),
  },
  { title: 'StartedWorkflowRun' },
);

export const workflowRunParams = Type.Object({
  id: Type.String({ description: "The run's id.", ...stated({ format: 'uuid' }) }),
});

export const listRunsQuery = Type.Object({
  workflow: optionalText('Only runs of this workflow.'),
  status: optionalText(
    'Only those that stand so; an unknown word finds none.',
    stated({ enum: runStatuses }),
  ),
  ...pageQuery,
});

const runFields = {
  id: runId,
  workflow_name: Type.String({ description: 'The workflow; it may have changed or gone since.' }),
  status: runStatus,
  error: optionalText('Which step failed, and why.'),
  created_at: moment('When it was started.'),
  started_at: Type.Optional(moment('When its first step began.')),
  finished_at: Type.Optional(moment('When it was over.')),
};

export const runList = Type.Object(
  {
    runs: Type.Array(
      Type.Object(runFields, { title: 'WorkflowRunRow', description: 'A workflow run in a list.' }),
      { description: 'Newest first.' },
    ),
    total: Type.Integer({ description: 'How many match, on all pages.', minimum: 0 }),
  },
  { title: 'WorkflowRunList' },
);
/** Not checked when it is sent. */
export type RunRowBody = Static<typeof runList>['runs'][number];

const stepStatuses = [...runStatuses, 'skipped'] as const;

export const runBody = Type.Object(
  {
    ...runFields,
    params: Type.Record(Type.String(), Type.String(), {
      description: 'What the run was given, with sensitive values masked.',
    }),
    steps: Type.Array(
      Type.Object(
        {
          step_name: Type.String({ description: "The step's name in the workflow." }),
          step_type: kind,
          status: word('What it is at; `skipped`: the run ended before it.', stepStatuses),
          result: Type.Optional(
            Type.Record(Type.String(), Type.Unknown(), {
              description: 'What a `fetch` or an `action` left for later steps.',
            }),
          ),
          task_id: Type.Optional(
            Type.String({
              description: 'The task of a `task`, or the one that an `action` is about.',
              format: 'uuid',
            }),
          ),
          error: optionalText('Why it failed.'),
          started_at: Type.Optional(moment('When it began.')),
          finished_at: Type.Optional(moment('When it ended.')),
        },
        { title: 'WorkflowRunStep' },
      ),
      { description: 'In their order.' },
    ),
    trace_id: Type.String({ description: 'In traces and logs.' }),
  },
  { title: 'WorkflowRun', description: 'A workflow run, whole.' },
);
export type RunBody = Static<typeof runBody>;

export const canceledRun = Type.Object(
  { status: word('Always `canceling`.', ['canceling']), message: messageFor },
  { title: 'CanceledWorkflowRun' },
);

export const cancelAllQuery = Type.Object({
  workflow: optionalText('The workflow whose runs are to end; required.'),
});

export const canceledRuns = Type.Object(
  {
    canceled: Type.Integer({ description: 'How many were not over.', minimum: 0 }),
    message: messageFor,
  },
  { title: 'CanceledWorkflowRuns' },
);
