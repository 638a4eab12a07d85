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
import { laterChapters } from './19-later.ts';
import { webhooksChapter } from './20-webhooks.ts';
import { callbacksChapter } from './21-callbacks.ts';
import { errorsChapter } from './22-errors.ts';
import { flowsChapter } from './23-flows.ts';
import { openStage, type Enter, type Stage } from './stage.ts';

/**
 * The document of this API as tests: a test for each of its sentences, rows and examples, in its order and
 * under its headings, over one real server. What is not there yet is a `todo`, which the runner counts.
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
laterChapters();
webhooksChapter(enter);
callbacksChapter(enter);
errorsChapter(enter);
flowsChapter(enter);
