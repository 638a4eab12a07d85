import { documented } from '../../documented.ts';
import { taskOverviewList } from '../../task-overview-schemas.ts';
import { codebotErrors } from './codebot-errors.ts';

const taskId = '550e8400-e29b-41d4-a716-446655440000';
const repositoryUrl = 'https://github.com/user/repo.git';
const description = 'Add dark mode support to the application';
const prUrl = 'https://github.com/user/repo/pull/123';
const branch = 'u/codebot/abc1234/add-dark-mode';
const [queuedAt, startedAt, completedAt] = [
  '2025-11-03T12:00:00.000Z',
  '2025-11-03T12:00:05.000Z',
  '2025-11-03T12:05:30.000Z',
];

const exampleRow = {
  task_id: taskId,
  id: taskId,
  status: 'completed',
  submitted_at: queuedAt,
  queuedAt,
  started_at: startedAt,
  startedAt,
  completed_at: completedAt,
  completedAt,
  repository_url: repositoryUrl,
  repoOwner: 'user',
  repoName: 'repo',
  result: { pr_url: prUrl, branch_name: branch, work_dir: '/path/to/workspace/tree' },
  errorDetail: null,
  issueNumber: null,
  issueTitle: null,
  agent: 'claude-code',
  priority: 'normal',
  progress: 100,
  prUrl,
  prNumber: 123,
  branch,
  description,
  summary: 'All pages have a dark mode now.',
};

/** What the description says of the routes of this surface. */
export const taskDocuments = {
  submit: documented({
    operationId: 'submitTask',
    summary: 'Submit a task that ends in a pull request',
    description:
      'The task belongs to the owner of the credential, which needs `git:push` too. It works for at most half an hour, fails where nothing was changed, and is `completed` when its pull request is there (where the repository lies on no forge: its branch).',
    tag: 'Codebot',
    needs: 'runs:start',
    errorForm: codebotErrors,
    requestHeaders: {
      'Idempotency-Key': 'Any text of yours: the same submission sent again with it makes no second task.',
    },
    requestExample: {
      repository_url: repositoryUrl,
      description,
      ticket_id: 'FEAT-123',
      ticket_summary: 'add-dark-mode',
    },
    answers: {
      202: {
        description: 'It waits for a worker.',
        example: { task_id: taskId, status: 'pending', message: 'Task queued successfully' },
      },
    },
    errors: {
      400: 'The body is no JSON, or a field is wrong: the message names it.',
      403: 'It would publish, and the credential lacks `git:push`.',
      409: 'The idempotency key was used for another submission.',
      503: 'The queue is full, the database is away, or the server stops.',
    },
  }),
  list: documented({
    operationId: 'listSubmittedTasks',
    summary: 'List the newest tasks',
    description:
      'All that the caller may see, whatever way they came in. Descriptions are cut after 100 characters.',
    tag: 'Codebot',
    needs: 'projects:read',
    errorForm: codebotErrors,
    answers: {
      200: {
        description: 'The newest first.',
        schema: taskOverviewList,
        example: { tasks: [exampleRow], count: 1 },
      },
    },
    errors: { 400: 'The state or the limit is none.' },
  }),
  status: documented({
    operationId: 'getTaskStatus',
    summary: 'Tell how a task is, and what came of it',
    description:
      'To be asked until `status` is `completed` or `failed`. A task that was submitted here is gone from here a day after its end, or what the operator has set.',
    tag: 'Codebot',
    needs: 'projects:read',
    errorForm: codebotErrors,
    answers: {
      200: {
        description: 'The task.',
        example: {
          ...exampleRow,
          tests: {
            command: 'npm test',
            passed: true,
            exit_code: 0,
            reason: '',
            output: 'ok 12 tests\n',
            duration_seconds: 8.4,
          },
          logs: [{ timestamp: completedAt, level: 'info', message: `opened ${prUrl}` }],
        },
      },
    },
    errors: { 404: 'There is no such task.' },
  }),
};
