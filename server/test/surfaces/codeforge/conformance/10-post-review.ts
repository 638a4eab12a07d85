import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertError, githubKey, gitlabKey, script, type Enter, type Json, type Stage } from './stage.ts';

const path = '/api/v1/tasks';

const issue = (line: number) => ({
  severity: 'major',
  file: 'posting.txt',
  line,
  description: `Finding ${line}`,
  suggestion: '',
});
/** 25 findings on lines that the pull request changes, and one on a line that it does not have. */
const manyIssues = [...Array.from({ length: 25 }, (_, index) => issue(index + 1)), issue(900)];
const posting = { 'posting.txt': 'line\n'.repeat(30) };

/** A review of a pull request with these files, which is not posted yet. */
async function reviewedPull(
  { github, run }: Stage,
  branch: string,
  review: object,
): Promise<{ readonly task: Json; readonly number: number }> {
  const { number } = await github.openPullRequest({ branch, files: posting, title: branch });
  const text = JSON.stringify({ score: 5, summary: 'So far', issues: [], auto_fixable: false, ...review });
  const task = await run({
    repo_url: github.repositoryUrl,
    provider_key: githubKey,
    task_type: 'pr_review',
    config: script(`echo '${text}'`, { pr_number: number }),
  });
  assert.equal(task.status, 'completed', task.error);
  return { task, number };
}

export function postReviewChapter(enter: Enter): void {
  describe('Tasks: Post Review Comments', () => {
    /** A review of a merge request that is not posted yet. */
    const reviewedRequest = async (branch: string, issues: readonly object[]) => {
      const { run, gitlab } = await enter();
      const { number } = await gitlab.openPullRequest({ branch, files: posting, title: branch });
      const text = JSON.stringify({ verdict: 'comment', score: 5, summary: 'x', issues });
      const { id } = await run({
        repo_url: gitlab.repositoryUrl,
        provider_key: gitlabKey,
        task_type: 'pr_review',
        config: script(`echo '${text}'`, { pr_number: number }),
      });
      return { id: String(id), number };
    };

    test('the review of the pull request that the task is about is posted, with where it stands', async () => {
      const stage = await enter();
      const review = { verdict: 'comment', issues: [issue(1), issue(2), issue(3)] };
      const { task, number } = await reviewedPull(stage, 'post/own', review);
      const { status, json } = await stage.call('POST', `${path}/${task.id}/post-review`);
      assert.equal(status, 200, JSON.stringify(json));
      const { review_url: url, ...rest } = json;
      assert.deepEqual(rest, { comments_posted: 3, pr_number: number });
      assert.match(url, new RegExp(`/pull/${number}#pullrequestreview-\\d+$`, 'u'));
      assert.equal(stage.github.posted(number).comments.length, 3);
    });

    test('pr_number names another pull request', async () => {
      const stage = await enter();
      const { task } = await reviewedPull(stage, 'post/one', { verdict: 'comment' });
      const { number } = await stage.github.openPullRequest({
        branch: 'post/other',
        files: posting,
        title: 'Another',
      });
      const body = { pr_number: number };
      const { json } = await stage.call('POST', `${path}/${task.id}/post-review`, { body });
      assert.equal(json.pr_number, number);
      assert.equal(stage.github.posted(number).texts.length, 1);
    });

    test('a review of finished work goes to the pull request that the task has opened', async () => {
      const { run, call, rest, github } = await enter();
      const { id } = await run({
        repo_url: github.repositoryUrl,
        provider_key: githubKey,
        prompt: 'Say something',
        config: {},
      });
      await call('POST', `${path}/${id}/review`);
      await rest(id);
      const published = await call('POST', `${path}/${id}/create-pr`);
      const { status, json } = await call('POST', `${path}/${id}/post-review`);
      assert.equal(status, 200, JSON.stringify(json));
      assert.equal(json.pr_number, published.json.pr_number);
    });

    test('at most 20 findings stand on lines; the others, and those beside the changes, in the summary', async () => {
      const stage = await enter();
      const { task, number } = await reviewedPull(stage, 'post/many', {
        verdict: 'comment',
        issues: manyIssues,
      });
      const { json } = await stage.call('POST', `${path}/${task.id}/post-review`);
      assert.equal(json.comments_posted, 20);
      const { texts, comments } = stage.github.posted(number);
      assert.deepEqual([texts.length, comments.length], [1, 20]);
      const said = [texts[0] ?? '', ...comments.map(({ body }) => body)].join('\n');
      for (const { description } of manyIssues) assert.ok(said.includes(description), description);
      assert.match(texts[0] ?? '', /Finding 900/u);
    });

    for (const [verdict, event] of [
      ['approve', 'APPROVED'],
      ['request_changes', 'CHANGES_REQUESTED'],
    ] as const) {
      test(`on GitHub ${verdict} is a review of that kind`, async () => {
        const stage = await enter();
        const { task, number } = await reviewedPull(stage, `post/${verdict}`, { verdict });
        assert.equal((await stage.call('POST', `${path}/${task.id}/post-review`)).status, 200);
        assert.deepEqual(stage.github.posted(number).verdicts, [event]);
      });
    }

    test('on GitLab findings are discussions at their lines', async () => {
      const { call, gitlab } = await enter();
      const { id, number } = await reviewedRequest('post/lab', [issue(2)]);
      const { status, json } = await call('POST', `${path}/${id}/post-review`);
      assert.equal(status, 200, JSON.stringify(json));
      assert.deepEqual([json.comments_posted, json.pr_number], [1, number]);
      assert.deepEqual(
        gitlab.posted(number).comments.map(({ path: file, line }) => [file, line]),
        [['posting.txt', 2]],
      );
    });

    test('on GitLab without versions of the merge request all is in the summary', async () => {
      const { call, gitlab } = await enter();
      const { id, number } = await reviewedRequest('lab/versions', [issue(2)]);
      gitlab.hideVersions?.();
      const { status, json } = await call('POST', `${path}/${id}/post-review`);
      assert.deepEqual([status, json.comments_posted], [200, 0]);
      const { texts, comments } = gitlab.posted(number);
      assert.deepEqual([texts.length, comments.length], [1, 0]);
      assert.match(texts[0] ?? '', /Finding 2/u);
    });

    test('one review is posted once, however often it is asked for', async () => {
      const stage = await enter();
      const { task, number } = await reviewedPull(stage, 'post/once', { verdict: 'comment' });
      const first = await stage.call('POST', `${path}/${task.id}/post-review`);
      const second = await stage.call('POST', `${path}/${task.id}/post-review`);
      assert.deepEqual(second.json, first.json);
      assert.equal(stage.github.posted(number).texts.length, 1);
    });

    test('a task without a review is 400', async () => {
      const { call, finished } = await enter();
      const { id } = await finished();
      const answer = await call('POST', `${path}/${id}/post-review`, { body: { pr_number: 1 } });
      assertError(answer, 400, /no review result/u);
    });

    test('a review without a pull request is 400', async () => {
      const { run, call, github } = await enter();
      const { id } = await run({
        repo_url: github.repositoryUrl,
        provider_key: githubKey,
        task_type: 'review',
        config: script('echo Fine.'),
      });
      assertError(await call('POST', `${path}/${id}/post-review`), 400, /no PR number/u);
    });

    test('a review that no token can post is 400', async () => {
      const { run, call } = await enter();
      const { id } = await run({ task_type: 'review', config: script('echo Fine.') });
      const answer = await call('POST', `${path}/${id}/post-review`, { body: { pr_number: 1 } });
      assert.equal(answer.status, 400, answer.text);
    });

    test('a task that is not there is 404', async () => {
      const { call } = await enter();
      const answer = await call('POST', `${path}/4cf7b9d3-94a6-4b8a-9a43-c8dc4d6b3f10/post-review`);
      assertError(answer, 404, /not found/u);
    });
  });
}
