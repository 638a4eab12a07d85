import { documented } from '../../documented.ts';
import { exampleTaskId, idempotencyText } from './document-texts.ts';
import { taskList } from './schemas.ts';

const noTask = 'There is no such task.';

const examplePart = {
  id: exampleTaskId,
  status: 'completed',
  task_type: 'code',
  repo_url: 'https://github.com/ada/app.git',
  prompt: 'Rename Foo to Bar',
  iteration: 1,
  branch: 'codeforge/rename-foo-to-bar-2dc0ed15',
  changes_summary: { files_modified: 1, files_created: 0, files_deleted: 0, diff_stats: '+1 -1' },
  created_at: '2026-11-22T03:55:54.929Z',
  started_at: '2026-11-22T03:55:54.942Z',
  finished_at: '2026-11-22T03:55:55.994Z',
};

const exampleRow = { ...examplePart, error: '', pr_url: '' };

/** With what only a few tasks have too. */
const exampleTask = {
  ...examplePart,
  publish: 'manual',
  result: 'Foo is called Bar now.',
  config: { timeout_seconds: 600, cli: 'claude-code', test_command: 'npm test' },
  tests: {
    command: 'npm test',
    passed: false,
    exit_code: 1,
    reason: 'exit code 1',
    output: 'not ok 12 - the message names Bar',
    duration_seconds: 8,
  },
  usage: { input_tokens: 1_500, output_tokens: 500, duration_seconds: 120 },
  review_result: {
    verdict: 'comment',
    score: 7,
    summary: 'Complete, but the new name is missing in one message.',
    issues: [
      {
        severity: 'minor',
        file: 'src/errors.ts',
        line: 12,
        description: 'The message still says Foo.',
        suggestion: 'Say Bar.',
      },
    ],
    auto_fixable: true,
    reviewed_by: 'claude-code:claude-sonnet-4-20250514',
    duration_seconds: 22.3,
  },
  pr_number: 42,
  pr_url: 'https://github.com/ada/app/pull/42',
  trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
};

/** What the description says of the routes of tasks. */
export const taskDocuments = {
  create: documented({
    operationId: 'createTask',
    summary: 'Create a task',
    description:
      'The repository is not contacted: one that cannot be reached gives a task that fails. What the chosen agent cannot do is a 400 at its field.',
    tag: 'Tasks',
    needs: 'runs:start',
    requestHeaders: { 'Idempotency-Key': idempotencyText },
    requestExample: {
      repo_url: 'https://github.com/ada/app.git',
      prompt: 'Fix the failing tests',
      publish: 'pull_request',
      config: { cli: 'claude-code', timeout_seconds: 600, test_command: 'npm test' },
    },
    answers: {
      201: {
        description: 'It waits for a worker.',
        headers: { Location: 'Where to read it.' },
        example: { id: exampleTaskId, status: 'pending', created_at: '2026-11-22T03:55:54.929Z' },
      },
    },
    errors: {
      403: 'An MCP server has a command, and the caller is no administrator.',
      409: 'The idempotency key was used for another submission.',
      429: 'Too many new tasks in the last minute.',
    },
  }),
  list: documented({
    operationId: 'listTasks',
    summary: 'List tasks, newest first',
    tag: 'Tasks',
    needs: 'projects:read',
    answers: {
      200: {
        description: 'A page of them.',
        schema: taskList,
        example: {
          tasks: [exampleRow],
          total: 1,
        },
      },
    },
  }),
  show: documented({
    operationId: 'getTask',
    summary: 'Read a task',
    tag: 'Tasks',
    needs: 'projects:read',
    answers: { 200: { description: 'The task.', example: exampleTask } },
    errors: { 404: noTask },
  }),
  diff: documented({
    operationId: 'getTaskDiff',
    summary: "Read a task's changes as a patch",
    description:
      'Against the commit that the work began at, as `git apply` takes it. One above 10 MiB is cut there and ends with a line that says so.',
    tag: 'Tasks',
    needs: 'projects:read',
    answers: { 200: { description: 'A unified diff.', mediaType: 'text/plain' } },
    errors: { 404: 'There is no such task, it is not finished, or it changed nothing.' },
  }),
  cancel: documented({
    operationId: 'cancelTask',
    summary: 'Ask for the end of a task',
    description:
      'For a task in `cloning`, `running` or `reviewing`; with `queued` also in `pending` and `awaiting_instruction`. The wish is stored when the answer comes; the task becomes `failed` with `canceled by user` soon after.',
    tag: 'Tasks',
    needs: 'runs:control',
    requestExample: { queued: true },
    answers: {
      200: {
        description: 'It will end.',
        example: { id: exampleTaskId, status: 'canceling', message: 'task cancellation requested' },
      },
    },
    errors: { 404: noTask, 409: 'The task is not running.' },
  }),
  stream: documented({
    operationId: 'streamTask',
    summary: "Follow a task's events",
    description: `Server-sent events: \`connected\`, everything that has happened, what happens, and \`done\` when the task rests. Unnamed frames are events of the schema \`TaskEvent\`, with an id that rises within the task. After ten minutes comes \`timeout\`, and the stream ends: resume. One that ends without \`done\` or \`timeout\` broke: resume. A comment comes every 15 s.`,
    tag: 'Tasks',
    needs: 'projects:read',
    requestHeaders: {
      'Last-Event-ID': 'The last id that was seen: what follows it comes without a gap or a repeat.',
    },
    answers: {
      200: {
        description: 'The stream.',
        mediaType: 'text/event-stream',
        example:
          'event: connected\ndata: {"task_id":"2dc0ed15-…","status":"cloning"}\n\nid: 2\ndata: {"type":"git","event":"clone_started","data":{"repo_url":"https://github.com/ada/app.git"},"ts":"2026-11-22T03:55:54.995Z"}\n\nevent: done\ndata: {"task_id":"2dc0ed15-…","status":"completed","changes_summary":null}\n\n',
      },
    },
    errors: { 404: 'There is no such task: before the stream opens.' },
  }),
};
