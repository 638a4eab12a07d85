import { Type, type Static } from 'typebox';
import { promptMaxBytes, publishModes } from '../../../domain/options.ts';
import { stated } from '../../documented.ts';
import { shownMcpServerFields } from './mcp-schemas.ts';
import { reviewResult } from './review-schemas.ts';
import { moment, nullable, optionalText, word } from '../../schema-parts.ts';
import { testsSchema } from '../../tests-body.ts';
import { pageQuery } from './page-query.ts';
import { shownTaskTool } from './tool-schemas.ts';

/** What a task can be in, in this document's words. */
export const codeforgeStatuses = [
  'pending',
  'cloning',
  'running',
  'completed',
  'reviewing',
  'awaiting_instruction',
  'creating_pr',
  'pr_created',
  'failed',
] as const;

export type CodeforgeStatus = (typeof codeforgeStatuses)[number];

const failurePhases = ['queue', 'prepare', 'agent', 'collect', 'deliver', 'infrastructure'];
const count = (description: string) => Type.Integer({ description, minimum: 0 });
const status = Type.String({
  title: 'TaskStatus',
  description: 'What a task is at. A cancelled one is `failed`, with `canceled by user`.',
  enum: [...codeforgeStatuses],
});
const taskId = Type.String({ description: 'Of the task.', format: 'uuid' });
const kind = Type.String({ description: 'The kind of task.' });
const repositoryUrl = Type.String({ description: 'The repository.' });

/** A task's id as it stands in a path. */
export const taskIdParam = Type.String({
  description: "The task's UUID, `task-` and the UUID, or its number.",
});
export const taskParams = Type.Object({ id: taskIdParam });

export const instructBody = Type.Object(
  {
    prompt: Type.String({
      description: `What to do next, at most ${promptMaxBytes} bytes.`,
      ...stated({ minLength: 1, maxLength: promptMaxBytes }),
    }),
  },
  { title: 'Instruction' },
);

export const cancelTaskBody = Type.Object(
  {
    queued: Type.Optional(
      Type.Boolean({
        description: 'Whether a task that has not started yet is meant too.',
        ...stated({ default: false }),
      }),
    ),
  },
  { title: 'CancelInput' },
);

export const listTasksQuery = Type.Object({
  status: optionalText(
    'Only tasks that are at this; an unknown word finds none.',
    stated({ enum: codeforgeStatuses }),
  ),
  ...pageQuery,
});

export const showTaskQuery = Type.Object({
  include: optionalText(
    '`iterations` adds a record of each instruction.',
    stated({ examples: ['iterations'] }),
  ),
});

export const createdTask = Type.Object(
  { id: taskId, status, created_at: moment('When it was taken.') },
  { title: 'CreatedTask' },
);

export const cancelAnswer = Type.Object(
  {
    id: taskId,
    status: Type.String({
      description: 'Always `canceling`, which is no stored state: the task becomes `failed`.',
    }),
    message: Type.String({ description: 'For people.' }),
  },
  { title: 'CancelAnswer' },
);

export const instructAnswer = Type.Object(
  { id: taskId, status, iteration: count('The number of the instruction.') },
  { title: 'InstructAnswer' },
);

const changesSummary = Type.Object(
  {
    files_modified: count('Files that the work changed.'),
    files_created: count('Files that the work added.'),
    files_deleted: count('Files that the work removed.'),
    diff_stats: Type.String({ description: 'Lines added and removed, such as `+142 -38`.' }),
  },
  { title: 'ChangesSummary', description: 'What the work changed.' },
);
export type ChangesSummaryBody = Static<typeof changesSummary>;

const usage = Type.Object(
  {
    input_tokens: count('Tokens that the model read.'),
    output_tokens: count('Tokens that the model wrote.'),
    duration_seconds: count("The agent's time."),
    cache_read_tokens: Type.Optional(count("Tokens read from the model's cache.")),
    cache_write_tokens: Type.Optional(count("Tokens written to the model's cache.")),
    cost_usd: Type.Optional(Type.Number({ description: "What it cost, by the agent's own account." })),
  },
  { title: 'Usage', description: 'What the agent used.' },
);
export type UsageBody = Static<typeof usage>;

const failure = Type.Object(
  {
    code: Type.String({ description: 'What went wrong, such as `push_rejected`.' }),
    phase: word('Where it went wrong.', failurePhases),
    retryable: Type.Boolean({ description: 'Whether the same again may succeed.' }),
    message: Type.String({ description: 'For people.' }),
  },
  { title: 'Failure', description: 'Why a task failed, as data: `error` says the same to people.' },
);

const iteration = Type.Object(
  {
    number: count('From 1.'),
    prompt: Type.String({ description: 'The instruction.' }),
    result: optionalText("The first 2,000 characters of the agent's last word."),
    error: optionalText('Why it failed.'),
    cli_version: optionalText("The version of the agent's program."),
    status,
    changes: Type.Optional(changesSummary),
    usage: Type.Optional(usage),
    started_at: nullable(Type.String({ format: 'date-time' }), 'When it began.'),
    ended_at: nullable(Type.String({ format: 'date-time' }), 'When it ended.'),
  },
  { title: 'Iteration', description: 'One instruction and what became of it.' },
);
export type IterationBody = Static<typeof iteration>;

/** One task: what is empty is left out. */
export const taskBody = Type.Object(
  {
    id: taskId,
    status,
    task_type: kind,
    repo_url: repositoryUrl,
    prompt: Type.String({ description: 'What to do.' }),
    publish: word('What becomes of finished work.', publishModes),
    provider_key: optionalText('The stored key that opens the repository.'),
    callback_url: optionalText('Where the end of the task is told to.'),
    result: optionalText("The agent's last word."),
    error: optionalText('Why it failed.'),
    failure: Type.Optional(failure),
    config: Type.Object(
      {
        timeout_seconds: count("The agent's time."),
        cli: Type.String({ description: 'The agent.' }),
        command: optionalText('What the agent `script` runs.'),
        test_command: optionalText('What is run when the agent is done.'),
        source_branch: optionalText('The branch to start from.'),
        target_branch: optionalText('The branch that the work is meant for.'),
        ai_model: optionalText("The agent's model."),
        max_turns: Type.Optional(count('How often the agent may call its model.')),
        max_budget_usd: Type.Optional(Type.Number({ description: 'What the agent may spend.' })),
        approvals: optionalText('`ask`: the agent asks people.'),
        partial_messages: Type.Optional(
          Type.Boolean({ description: "Whether the agent's text is streamed while it is being written." }),
        ),
        draft: Type.Optional(Type.Boolean({ description: 'Whether the pull request is opened as a draft.' })),
        labels: Type.Optional(Type.Array(Type.String(), { description: 'Labels of the pull request.' })),
        pr_number: Type.Optional(count('The pull request that is reviewed.')),
        output_mode: optionalText('`post_comments`: the review is posted to the pull request.'),
        workspace_task_id: optionalText('The task in whose workspace this one works.'),
        mcp_servers: Type.Optional(
          Type.Array(Type.Object(shownMcpServerFields, { title: 'TaskMcpServer' }), {
            description: "The task's own MCP servers.",
          }),
        ),
        tools: Type.Optional(Type.Array(shownTaskTool, { description: 'The tools that it asked for.' })),
      },
      { title: 'TaskSettings', description: 'How the agent works.' },
    ),
    changes_summary: Type.Optional(changesSummary),
    usage: Type.Optional(usage),
    tests: Type.Optional(testsSchema),
    review_result: Type.Optional(reviewResult),
    iteration: count('The number of the newest instruction.'),
    current_prompt: optionalText('The newest instruction, where it is not the first.'),
    iterations: Type.Optional(Type.Array(iteration, { description: 'With `include=iterations`.' })),
    branch: optionalText('Where the work was pushed, or is being pushed.'),
    pr_number: Type.Optional(count('The number of its pull request.')),
    pr_url: optionalText('The address of its pull request.'),
    workflow_run_id: optionalText('The workflow run whose step it is.', { format: 'uuid' }),
    trace_id: Type.String({ description: '32 hexadecimal digits.' }),
    created_at: moment('When it was taken.'),
    started_at: optionalText('When its first preparation began.', { format: 'date-time' }),
    finished_at: optionalText('When it came to rest.', { format: 'date-time' }),
  },
  { title: 'Task', description: 'A task with everything about it; what is empty is left out.' },
);
export type TaskBody = Static<typeof taskBody>;

/** A row of the list: every documented field, empty ones too. Rows are not checked when they are sent. */
const taskRow = Type.Object(
  {
    id: taskId,
    status,
    task_type: kind,
    repo_url: repositoryUrl,
    prompt: Type.String({ description: 'Its first 200 characters.' }),
    iteration: count('The number of the newest instruction.'),
    error: Type.String({ description: 'Why it failed, or empty.' }),
    branch: Type.String({ description: 'Where the work was pushed, or empty.' }),
    pr_url: Type.String({ description: 'The address of its pull request, or empty.' }),
    changes_summary: Type.Union([changesSummary, Type.Null()]),
    created_at: moment('When it was taken.'),
    started_at: nullable(Type.String({ format: 'date-time' }), 'When its first preparation began.'),
    finished_at: nullable(Type.String({ format: 'date-time' }), 'When it came to rest.'),
  },
  { title: 'TaskRow', description: 'A task in a list.' },
);
export type TaskRowBody = Static<typeof taskRow>;

export const taskList = Type.Object(
  {
    tasks: Type.Array(taskRow, { description: 'Newest first.' }),
    total: count('How many match, on all pages.'),
  },
  { title: 'TaskList' },
);
