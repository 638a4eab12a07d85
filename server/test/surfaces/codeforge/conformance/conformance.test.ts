import { after } from 'node:test';
import { systemChapter } from './01-system.ts';
import { authChapter } from './02-auth.ts';
import { lifecycleChapter } from './03-lifecycle.ts';
import { createTaskChapter } from './04-create-task.ts';
import { listTasksChapter } from './05-list-tasks.ts';
import { getTaskChapter } from './06-get-task.ts';
import { instructChapter } from './07-instruct.ts';
import { reviewChapter } from './08-review.ts';
import { pullRequestReviewChapter } from './09-pr-review.ts';
import { postReviewChapter } from './10-post-review.ts';
import { cancelChapter } from './11-cancel.ts';
import { createPullRequestChapter } from './12-create-pr.ts';
import { streamChapter } from './13-stream.ts';
import { taskTypesChapter } from './14-task-types.ts';
import { cliChapter } from './15-cli.ts';
import { keysChapter } from './16-keys.ts';
import { repositoriesChapter } from './17-repositories.ts';
import { sentryChapter } from './18-sentry.ts';
import { mcpChapter } from './19-mcp.ts';
import { toolsChapter } from './20-tools.ts';
import { workspacesChapter } from './21-workspaces.ts';
import { workflowsChapter } from './22-workflows.ts';
import { workflowRunsChapter } from './23-workflow-runs.ts';
import { webhooksChapter } from './24-webhooks.ts';
import { callbacksChapter } from './25-callbacks.ts';
import { errorsChapter } from './26-errors.ts';
import { flowsChapter } from './27-flows.ts';
import { openStage, type Enter, type Stage } from './stage.ts';

/**
 * The document of this API as tests: a test for each of its sentences, rows and examples, in its order and
 * under its headings, over one real server.
 */
const stack = new AsyncDisposableStack();
let opened: Promise<Stage> | undefined;
const enter: Enter = () => (opened ??= openStage(stack));
after(() => stack.disposeAsync());

systemChapter(enter);
authChapter(enter);
lifecycleChapter(enter);
createTaskChapter(enter);
listTasksChapter(enter);
getTaskChapter(enter);
instructChapter(enter);
reviewChapter(enter);
pullRequestReviewChapter(enter);
postReviewChapter(enter);
cancelChapter(enter);
createPullRequestChapter(enter);
streamChapter(enter);
taskTypesChapter(enter);
cliChapter(enter);
keysChapter(enter);
repositoriesChapter(enter);
sentryChapter(enter);
mcpChapter(enter);
toolsChapter(enter);
workspacesChapter(enter);
workflowsChapter(enter);
workflowRunsChapter(enter);
webhooksChapter(enter);
callbacksChapter(enter);
errorsChapter(enter);
flowsChapter(enter);
