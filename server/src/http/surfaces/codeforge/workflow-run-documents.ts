import { documented } from '../../documented.ts';
import { exampleTaskId } from './document-texts.ts';
import { runBody, runList } from './workflow-schemas.ts';

const noRun = 'There is no such run.';

const exampleRow = {
  id: '0199a3f0-81c2-7d54-8a1e-5b0c4f1f9a37',
  workflow_name: 'github-issue-fixer',
  status: 'completed',
  created_at: '2026-02-26T10:30:00.000Z',
  started_at: '2026-02-26T10:30:00.120Z',
  finished_at: '2026-02-26T10:34:12.480Z',
};

const exampleRun = {
  ...exampleRow,
  params: { repo_url: 'https://github.com/ada/app.git', issue_number: '42' },
  steps: [
    {
      step_name: 'fetch_issue',
      step_type: 'fetch',
      status: 'completed',
      result: { title: 'Signing in fails', body: 'It does since Monday.' },
      started_at: '2026-02-26T10:30:00.120Z',
      finished_at: '2026-02-26T10:30:00.390Z',
    },
    {
      step_name: 'fix_issue',
      step_type: 'task',
      status: 'completed',
      task_id: exampleTaskId,
      started_at: '2026-02-26T10:30:00.400Z',
      finished_at: '2026-02-26T10:34:10.010Z',
    },
    {
      step_name: 'create_pr',
      step_type: 'action',
      status: 'completed',
      result: { pr_url: 'https://github.com/ada/app/pull/43', pr_number: 43, branch: 'codeforge/fix-42' },
      task_id: exampleTaskId,
      started_at: '2026-02-26T10:34:10.020Z',
      finished_at: '2026-02-26T10:34:12.480Z',
    },
  ],
  trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
};

/** What the description says of the routes of workflow runs. */
export const workflowRunDocuments = {
  list: documented({
    operationId: 'listWorkflowRuns',
    summary: 'List workflow runs, newest first',
    tag: 'Workflows',
    needs: 'projects:read',
    answers: {
      200: {
        description: 'A page of them.',
        schema: runList,
        example: { runs: [exampleRow], total: 1 },
      },
    },
  }),
  show: documented({
    operationId: 'getWorkflowRun',
    summary: 'Read a workflow run and its steps',
    tag: 'Workflows',
    needs: 'projects:read',
    answers: { 200: { description: 'The run.', schema: runBody, example: exampleRun } },
    errors: { 404: noRun },
  }),
  stream: documented({
    operationId: 'streamWorkflowRun',
    summary: "Follow a workflow run's events",
    description:
      'As the stream of a task, with the steps as its events: `workflow_started`, `step_started`, `step_task_created`, `step_completed`, `step_failed`, `step_canceled`, and at the end `workflow_completed`, `workflow_failed` or `workflow_canceled`. What an agent does is in the stream of the task that `step_task_created` names. After half an hour comes `timeout`, and the stream ends: resume.',
    tag: 'Workflows',
    needs: 'projects:read',
    requestHeaders: {
      'Last-Event-ID': 'The last id that was seen: what follows it comes without a gap or a repeat.',
    },
    answers: {
      200: {
        description: 'The stream.',
        mediaType: 'text/event-stream',
        example:
          'event: connected\ndata: {"run_id":"0199a3f0-…","status":"running"}\n\nid: 12\ndata: {"type":"system","event":"step_completed","data":{"step":"fetch_issue"},"ts":"2026-02-26T10:30:00.390Z"}\n\nevent: done\ndata: {"run_id":"0199a3f0-…","status":"completed"}\n\n',
      },
    },
    errors: { 404: `${noRun.slice(0, -1)}: before the stream opens.` },
  }),
  cancel: documented({
    operationId: 'cancelWorkflowRun',
    summary: 'Ask for the end of a workflow run and of its task',
    description:
      'The wish is stored when the answer comes; the run becomes `canceled` as soon as its step has ended.',
    tag: 'Workflows',
    needs: 'runs:control',
    answers: {
      200: {
        description: 'It will end.',
        example: { status: 'canceling', message: 'workflow run cancellation requested' },
      },
    },
    errors: { 404: noRun, 409: 'It is over.' },
  }),
  cancelAll: documented({
    operationId: 'cancelWorkflowRuns',
    summary: 'Ask for the end of all runs of a workflow',
    tag: 'Workflows',
    needs: 'runs:control',
    answers: {
      200: {
        description: 'Those that were not over will end.',
        example: { canceled: 2, message: '2 workflow runs canceled' },
      },
    },
    errors: { 400: 'No workflow is named.' },
  }),
};
