import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  assertError,
  eventsOf,
  githubKey,
  gitlabKey,
  namesOf,
  script,
  type Enter,
  type Json,
} from './stage.ts';

const path = '/api/v1/tasks';
const review = { verdict: 'approve', score: 9, summary: 'Fine', issues: [], auto_fixable: false };
/** Prints what a review of the pull request is about, then the review. */
const showAndReview = `git rev-parse --abbrev-ref HEAD; git diff --name-only origin/main...HEAD; echo '${JSON.stringify(review)}'`;

export function pullRequestReviewChapter(enter: Enter): void {
  describe('Tasks: PR Review (Automated)', () => {
    const reviewOf = async (number: number, config: object, more: object = {}): Promise<Json> => {
      const { run, github } = await enter();
      return run({
        repo_url: github.repositoryUrl,
        provider_key: githubKey,
        prompt: `Review pull request #${number}`,
        task_type: 'pr_review',
        config: { pr_number: number, ...config },
        ...more,
      });
    };

    test('the documented request gives a review of the changes of the pull request', async () => {
      const { github } = await enter();
      const files = { 'login.txt': 'x\n' };
      const { number } = await github.openPullRequest({ branch: 'feature/login', files, title: 'Login' });
      const task = await reviewOf(number, {
        ...script(showAndReview),
        source_branch: 'feature/login',
        target_branch: 'main',
      });
      assert.equal(task.status, 'completed', task.error);
      assert.equal(task.result.split('\n').slice(0, 2).join(), `pr-${number},login.txt`);
      assert.deepEqual([task.review_result.verdict, task.review_result.score], ['approve', 9]);
      assert.equal(task.config.pr_number, number);
    });

    test('pr_number is required', async () => {
      const { call, github } = await enter();
      const body = { repo_url: github.repositoryUrl, prompt: 'x', task_type: 'pr_review', config: {} };
      const answer = await call('POST', path, { body });
      assertError(answer, 400, /pr_number is required for pr_review tasks/u);
    });

    test('branches that are not given are looked up', async () => {
      const { github } = await enter();
      const files = { 'lookup.txt': 'x\n' };
      const { number } = await github.openPullRequest({ branch: 'feature/lookup', files, title: 'Look up' });
      const task = await reviewOf(number, script(showAndReview));
      assert.equal(task.status, 'completed', task.error);
      assert.match(task.result, /^lookup\.txt$/mu);
    });

    test('a pull request from a fork is reviewed like any other', async () => {
      const { github } = await enter();
      const files = { 'forked.txt': 'x\n' };
      const wish = { branch: 'feature/forked', files, title: 'From a fork', isFromFork: true };
      const { number } = await github.openPullRequest(wish);
      const task = await reviewOf(number, script(showAndReview, { target_branch: 'main' }));
      assert.equal(task.status, 'completed', task.error);
      assert.match(task.result, /^forked\.txt$/mu);
    });

    test('nothing is posted where output_mode is api_only or not given', async () => {
      const { github } = await enter();
      const files = { 'quiet.txt': 'x\n' };
      const { number } = await github.openPullRequest({ branch: 'feature/quiet', files, title: 'Quiet' });
      await reviewOf(number, script(showAndReview));
      await reviewOf(number, script(showAndReview, { output_mode: 'api_only' }));
      assert.deepEqual(github.posted(number).texts, []);
    });

    test('with post_comments the review is posted when it is there, and the stream tells where', async () => {
      const { github, frames } = await enter();
      const files = { 'posted.txt': 'x\n' };
      const { number } = await github.openPullRequest({ branch: 'feature/posted', files, title: 'Posted' });
      const task = await reviewOf(number, { cli: 'claude-code', output_mode: 'post_comments' });
      assert.equal(task.status, 'completed', task.error);
      const { texts, comments } = github.posted(number);
      assert.equal(texts.length, 1);
      assert.match(texts[0] ?? '', /Nearly there/u);
      assert.deepEqual(
        comments.map((comment) => [comment.path, comment.line]),
        [['posted.txt', 1]],
      );
      const seen = await frames(task.id);
      const posted = eventsOf(seen).find(({ event }) => event === 'review_posted');
      assert.equal(posted.data.comments_posted, 1);
      assert.ok(
        posted.data.review_url.startsWith(github.pullRequests().find((pull) => pull.number === number)?.url),
      );
      assert.equal(namesOf(seen).at(-1), 'review_posted', 'done comes behind it');
    });

    test('with post_comments a merge request gets discussions on its lines', async () => {
      const { gitlab, run } = await enter();
      const files = { 'posted.txt': 'x\n' };
      const { number } = await gitlab.openPullRequest({ branch: 'feature/posted', files, title: 'Posted' });
      const task = await run({
        repo_url: gitlab.repositoryUrl,
        provider_key: gitlabKey,
        prompt: `Review merge request !${number}`,
        task_type: 'pr_review',
        config: { cli: 'claude-code', pr_number: number, output_mode: 'post_comments' },
      });
      assert.equal(task.status, 'completed', task.error);
      const { texts, comments } = gitlab.posted(number);
      assert.equal(texts.length, 1);
      assert.deepEqual(
        comments.map((comment) => [comment.path, comment.line]),
        [['posted.txt', 1]],
      );
    });

    test('a pull request that there is not fails in the clone, with its number', async () => {
      const task = await reviewOf(4_040, script(showAndReview, { target_branch: 'main' }));
      assert.equal(task.status, 'failed');
      assert.match(task.error, /^clone failed: .*4040/u);
    });
  });
}
