import { followUpPrompt, resumedPrompt } from '../domain/follow-up-prompt.ts';
import {
  planPrompt,
  pullRequestReviewPrompt,
  repositoryReviewPrompt,
  workReviewPrompt,
} from '../domain/review-prompt.ts';
import { readDecidedQuestions } from '../store/answers.ts';
import { failedTestsPrompt } from '../domain/test-outcome.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import { readHistory } from '../store/history.ts';
import { withPatience } from '../store/patience.ts';
import { agentOf } from './agent-of.ts';
import type { WorkerContext } from './context.ts';
import { pullRequestOf } from './find-start.ts';

/**
 * What the agent is told. The prompt of a code task is passed word for word; an agent that does not remember the
 * earlier iterations is told of them. A script has its command: what it is told is the prompt alone.
 */
export async function promptOf(
  context: WorkerContext,
  run: ClaimedRun,
  remembers: boolean,
  signal: AbortSignal,
): Promise<string> {
  // Whichever attempt goes on with a conversation that was put away: it ends at the question.
  if (remembers && run.parkedBefore > 0) {
    const decided = await withPatience(signal, () => readDecidedQuestions(context.database, run));
    return resumedPrompt(decided);
  }
  const failed = run.failedTests === null ? undefined : failedTestsPrompt(run.failedTests);
  if (agentOf(context, run).abilities.model === undefined) return failed ?? run.prompt;
  if (failed !== undefined && remembers) return failed;
  const prompt = failed === undefined ? wordsOf(run) : `${run.prompt}\n\n${failed}`;
  if (remembers || run.iteration === 1 || run.aside) return prompt;
  const history = await withPatience(signal, () => readHistory(context.database, run.taskId, run.iteration));
  return followUpPrompt(history, prompt);
}

/** By the kind of run; a pull request is compared with the branch that it was laid out for. */
function wordsOf(run: ClaimedRun): string {
  const { prompt, baseBranch, baseCommit, headCommit } = run;
  switch (run.kind) {
    case 'code':
    case 'test':
      return prompt;
    case 'plan':
      return planPrompt(prompt);
    case 'pr_review':
      return pullRequestReviewPrompt({ number: pullRequestOf(run), base: baseBranch ?? '', prompt });
    case 'review':
      if (run.taskKind === 'review') return repositoryReviewPrompt(prompt);
      return workReviewPrompt({ base: baseCommit ?? '', head: headCommit ?? baseCommit ?? '', prompt });
  }
}
