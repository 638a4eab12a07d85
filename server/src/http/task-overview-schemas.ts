import { Type, type Static } from 'typebox';
import { moment, nullable, word } from './schema-parts.ts';
import { testsSchema } from './tests-body.ts';

/** The words that a task's state is told by where a window knows four. */
export const fourStatuses = ['pending', 'running', 'completed', 'failed'] as const;
export type FourStatus = (typeof fourStatuses)[number];

const errorDetail = Type.Object(
  {
    code: Type.String({ description: 'What went wrong, in a word.' }),
    message: Type.String({ description: 'As `error`.' }),
    stage: word('How far the task was.', ['queue', 'prepare', 'agent', 'collect', 'pr', 'infrastructure']),
  },
  { title: 'TaskError' },
);
export type TaskErrorBody = Static<typeof errorDetail>;

const result = Type.Object(
  {
    pr_url: nullable(Type.String(), 'The pull request; null: the repository lies on no forge that has them.'),
    branch_name: nullable(Type.String(), 'The branch that was pushed.'),
    work_dir: nullable(Type.String(), "The tree on the worker's disk; null: it lies there no more."),
  },
  { title: 'TaskResult', description: 'What a completed task has.' },
);

const logLine = Type.Object({
  timestamp: moment('When.'),
  level: word('`error`: something went wrong.', ['info', 'error']),
  message: Type.String({ description: 'What happened.' }),
});

const overview = {
  task_id: Type.String({ description: "The task's id.", format: 'uuid' }),
  id: Type.String({ description: 'As `task_id`.', format: 'uuid' }),
  status: word('Where the task is.', fourStatuses),
  submitted_at: moment('When it was submitted.'),
  queuedAt: moment('As `submitted_at`.'),
  started_at: nullable(moment('When a worker took it.'), 'When a worker took it.'),
  startedAt: nullable(moment('As `started_at`.'), 'As `started_at`.'),
  completed_at: nullable(moment('When it ended.'), 'When it ended, one way or the other.'),
  completedAt: nullable(moment('As `completed_at`.'), 'As `completed_at`.'),
  repository_url: Type.String({ description: 'The repository.' }),
  repoOwner: Type.String({ description: "The first part of the repository's path: a user, or groups." }),
  repoName: Type.String({ description: 'The last part of it.' }),
  result: Type.Optional(result),
  error: Type.Optional(Type.String({ description: 'Why it failed, where it did.' })),
  errorDetail: nullable(errorDetail, 'The same in parts; null: it has not failed.'),
  issueNumber: nullable(Type.Integer(), 'The issue that it came from; null: from none.'),
  issueTitle: nullable(Type.String(), "That issue's title."),
  agent: Type.String({ description: 'The agent that works on it.' }),
  priority: word('How it stands among the tasks that wait.', ['low', 'normal', 'high']),
  progress: Type.Integer({
    description: 'How far it is, in per cent, by its state.',
    minimum: 0,
    maximum: 100,
  }),
  prUrl: nullable(Type.String(), 'Its pull request.'),
  prNumber: nullable(Type.Integer(), "Its pull request's number."),
  branch: nullable(Type.String(), 'Its branch, once it is pushed.'),
};

const taskOverview = Type.Object(
  {
    ...overview,
    description: Type.String({ description: 'What it was asked for: 100 characters of it, and `...`.' }),
    summary: nullable(Type.String(), 'The beginning of what the agent answered.'),
  },
  { title: 'TaskOverview', description: 'A task in a list.' },
);
export type TaskOverviewBody = Static<typeof taskOverview>;

export const wholeTaskOverview = Type.Object(
  {
    ...overview,
    description: Type.String({ description: 'What it was asked for.' }),
    summary: nullable(Type.String(), 'What the agent answered.'),
    tests: nullable(testsSchema, 'What came of its test command; null: it has none, or has not run it.'),
    logs: Type.Array(logLine, { description: 'The newest of what happened to it, oldest first.' }),
  },
  { title: 'WholeTaskOverview', description: 'A task.' },
);
export type WholeTaskOverviewBody = Static<typeof wholeTaskOverview>;

export const taskOverviewList = Type.Object(
  {
    tasks: Type.Array(taskOverview, { description: 'Newest first.' }),
    count: Type.Integer({ description: 'How many are in this answer.' }),
  },
  { title: 'TaskOverviewList' },
);
