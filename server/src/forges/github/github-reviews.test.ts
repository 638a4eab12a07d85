import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { makeGithubTrial, type GithubTrial } from '../../../test/stand-ins/github/github-trial.ts';
import type { GithubPull } from '../../../test/stand-ins/github/github-state.ts';
import { Secret } from '../../lib/secret.ts';
import { patience, refusalOf } from '../forge.contract.ts';
import { diffContract } from '../forge-diffs.contract.ts';
import { reviewContract, reviewOf, stageReview, type ReviewStage } from '../forge-reviews.contract.ts';

suite('GitHub passes the contracts of diffs and reviews', () => {
  diffContract((t) => makeGithubTrial(t));
  reviewContract((t) => makeGithubTrial(t));
});

type GithubStage = GithubTrial & ReviewStage & { readonly pull: GithubPull };

/** A pull request of Ada's, whose token reviews it; or Grace's, from her fork. */
async function stage(t: TestContext, author: 'ada' | 'grace' = 'grace'): Promise<GithubStage> {
  const staged = await stageReview((context) => makeGithubTrial(context), t);
  const number = author === 'ada' ? staged.number : await staged.repository.openFromFork('topic');
  const pull = staged.github.repository('ada/app').pulls.find((one) => one.number === number);
  assert.ok(pull !== undefined);
  return { ...staged, number, pull };
}

const postsOf = ({ seen }: ReviewStage): number =>
  seen().filter(({ operation }) => operation === 'post_review').length;

/** The next so many reviews are refused in these words. */
function refuse({ github }: GithubStage, words: string, times = 1): void {
  const body = { message: 'Unprocessable Entity', errors: [words] };
  const match = { method: 'POST', path: /\/reviews$/u, times };
  github.faults.plan(match, { kind: 'answer', status: 422, body });
}

test("the ref of a pull request is GitHub's", async (t) => {
  const { forge } = await makeGithubTrial(t);
  assert.equal(forge.pullRequestRef(7), 'refs/pull/7/head');
});

test('an Enterprise server takes a review too', async (t) => {
  const staged = await stageReview((context) => makeGithubTrial(context, 'enterprise'), t);
  const first = await staged.forge.postReview(await reviewOf(staged), patience());
  const again = await staged.forge.postReview(await reviewOf(staged), patience());
  assert.deepEqual([first.how, first.comments, again.how, again.comments], ['posted', 2, 'found', 2]);
});

for (const [verdict, state] of [
  ['approve', 'APPROVED'],
  ['request_changes', 'CHANGES_REQUESTED'],
  ['comment', 'COMMENTED'],
] as const) {
  test(`on the work of others the verdict ${verdict} is ${state}, on the commit that was reviewed`, async (t) => {
    const staged = await stage(t);
    const review = await reviewOf(staged, { verdict });
    const fork = staged.github.repository('grace/app');
    await fork.bare.commit({ branch: 'topic', files: { later: 'pushed after it was reviewed\n' } });
    await staged.forge.postReview(review, patience());
    const [posted] = staged.pull.reviews;
    assert.deepEqual([posted?.state, posted?.commit], [state, review.diff.headCommit]);
    assert.deepEqual(
      posted?.comments.map(({ side }) => side),
      ['RIGHT', 'RIGHT'],
    );
    assert.equal(postsOf(staged), 1);
  });

  test(`on one's own work the verdict ${verdict} is a comment, with the comments on their lines`, async (t) => {
    const staged = await stage(t, 'ada');
    const made = await staged.forge.postReview(await reviewOf(staged, { verdict }), patience());
    assert.equal(made.comments, 2);
    assert.deepEqual(
      staged.pull.reviews.map((one) => [one.state, one.comments.length]),
      [['COMMENTED', 2]],
    );
    assert.equal(postsOf(staged), verdict === 'comment' ? 1 : 2);
  });
}

test('who may not approve comments, with the comments on their lines', async (t) => {
  const staged = await stage(t);
  refuse(staged, 'GitHub Actions is not permitted to approve pull requests.');
  await staged.forge.postReview(await reviewOf(staged, { verdict: 'approve' }), patience());
  assert.deepEqual(
    staged.pull.reviews.map((one) => [one.state, one.comments.length]),
    [['COMMENTED', 2]],
  );
});

test('comments that are refused go into the summary, and the verdict stays', async (t) => {
  for (const words of [
    'Line could not be resolved',
    'Path could not be resolved',
    'pull_request_review_thread.line must be part of the diff',
    "pull_request_review_thread.diff_hunk can't be blank",
  ]) {
    const staged = await stage(t);
    refuse(staged, words);
    const review = await reviewOf(staged, { verdict: 'request_changes' });
    const made = await staged.forge.postReview(review, patience());
    assert.equal(made.comments, 0);
    const [posted] = staged.pull.reviews;
    assert.deepEqual([posted?.state, posted?.comments], ['CHANGES_REQUESTED', []]);
    for (const { line, body } of review.comments) assert.ok(posted?.body.includes(`${line}: ${body}`));
    assert.equal(postsOf(staged), 2, words);
  }
});

test('a refusal of the verdict and one of the comments lead to a comment without them', async (t) => {
  const staged = await stage(t, 'ada');
  const comments = [{ path: 'src/list.txt', line: 20, body: 'Between the hunks.' }];
  const made = await staged.forge.postReview(
    await reviewOf(staged, { verdict: 'approve', comments }),
    patience(),
  );
  assert.equal(made.comments, 0);
  assert.match(staged.pull.reviews[0]?.body ?? '', /Between the hunks/u);
  assert.equal(postsOf(staged), 3);
});

test('a commit that was pushed away is not approved, and neither is what came instead', async (t) => {
  const staged = await stage(t);
  const review = await reviewOf(staged, { verdict: 'approve' });
  const fork = staged.github.repository('grace/app');
  const main = await fork.bare.tip('main');
  assert.ok(main !== undefined);
  await fork.bare.createBranch('topic', main);
  const head = await fork.bare.commit({ branch: 'topic', files: { other: 'other\n' } });
  assert.equal((await staged.forge.postReview(review, patience())).comments, 0);
  const [posted, ...more] = staged.pull.reviews;
  assert.deepEqual([posted?.state, posted?.commit, more], ['COMMENTED', head, []]);
  for (const { body } of review.comments) assert.ok(posted?.body.includes(body));
});

test('a refusal for another reason is answered by a plain comment, and a second one is told', async (t) => {
  const first = await stage(t);
  refuse(first, 'Something is wrong');
  await first.forge.postReview(await reviewOf(first, { verdict: 'approve' }), patience());
  assert.deepEqual([first.pull.reviews[0]?.state, postsOf(first)], ['COMMENTED', 2]);
  const second = await stage(t);
  refuse(second, 'Something is wrong', 2);
  const asked = second.forge.postReview(await reviewOf(second), patience());
  assert.match(
    (await refusalOf(asked, 'refused')).message,
    /review the pull request #\d.*Something is wrong/u,
  );
  assert.equal(postsOf(second), 2);
});

test('a review that somebody has begun and not submitted is left alone, and told', async (t) => {
  const staged = await stage(t);
  const { github, pull } = staged;
  const author = github.repository('ada/app').owner;
  const review = await reviewOf(staged);
  const body = `<!-- slipway ${review.marker} -->`;
  github.addReview(pull, { author, body, state: 'PENDING' });
  const error = await refusalOf(staged.forge.postReview(review, patience()), 'refused', review.token);
  assert.match(error.message, /submitted or discarded/u);
  assert.equal(postsOf(staged), 1);
  assert.equal(pull.reviews.length, 1);
});

test('a locked conversation is told as such to who may not write', async (t) => {
  const staged = await stage(t, 'ada');
  const review = await reviewOf(staged, { verdict: 'approve' });
  staged.pull.isLocked = true;
  const somebody = staged.github.addUser('eve');
  staged.github.repository('ada/app').collaborators.set('eve', 'read');
  const token = new Secret(staged.github.addToken(somebody).value);
  const asked = staged.forge.postReview({ ...review, token }, patience());
  assert.match((await refusalOf(asked, 'forbidden', token)).message, /locked/u);
  assert.equal((await staged.forge.postReview(review, patience())).how, 'posted', 'the owner may');
});

test('a locked conversation said by 403 is told as such too', async (t) => {
  const staged = await stage(t);
  const body = { message: 'Unable to create comment because issue is locked.' };
  staged.github.faults.plan({ method: 'POST' }, { kind: 'answer', status: 403, body });
  const asked = staged.forge.postReview(await reviewOf(staged), patience());
  assert.match((await refusalOf(asked, 'forbidden')).message, /Unlock it/u);
});

test('what was posted too fast is for later', async (t) => {
  for (const words of ['body was submitted too quickly', 'the endpoint has been spammed']) {
    const staged = await stage(t);
    const review = await reviewOf(staged);
    refuse(staged, words);
    await refusalOf(staged.forge.postReview(review, patience()), 'rate_limited');
    assert.equal(postsOf(staged), 1);
    assert.equal((await staged.forge.postReview(review, patience())).how, 'posted');
  }
});

for (const seconds of [45, undefined]) {
  test(`a secondary limit (${seconds ?? 'no'} seconds named) is over as said, or after a minute`, async (t) => {
    const staged = await stage(t);
    const review = await reviewOf(staged);
    const time = seconds === undefined ? {} : { seconds };
    staged.github.faults.plan({ method: 'POST' }, { kind: 'secondary_rate_limit', ...time });
    const error = await refusalOf(staged.forge.postReview(review, patience()), 'rate_limited');
    assert.equal(error.retryAfterMs, (seconds ?? 60) * 1_000);
    assert.equal(staged.pull.reviews.length, 0);
  });
}

test('a lost answer to a plainer form leaves one review', async (t) => {
  const staged = await stage(t, 'ada');
  const second = { method: 'POST', path: /\/reviews$/u, skip: 1 };
  staged.github.faults.plan(second, { kind: 'drop_reply' });
  const made = await staged.forge.postReview(await reviewOf(staged, { verdict: 'approve' }), patience());
  assert.deepEqual([made.how, made.comments, staged.pull.reviews.length], ['found', 2, 1]);
});

test('a review that quotes the marker of another one is none', async (t) => {
  const staged = await stage(t);
  const review = await reviewOf(staged);
  const author = staged.github.repository('ada/app').owner;
  staged.github.addReview(staged.pull, { author, body: `> <!-- slipway ${review.marker} -->\n\nSee?` });
  assert.equal((await staged.forge.postReview(review, patience())).how, 'posted');
});

test('a summary that is too long is cut to what GitHub takes, and found again', async (t) => {
  const staged = await stage(t);
  const review = await reviewOf(staged, { summary: () => `\`\`\`\n${'𝒜'.repeat(70_000)}` });
  const first = await staged.forge.postReview(review, patience());
  const [posted] = staged.pull.reviews;
  assert.ok(posted !== undefined && posted.body.length <= 65_536);
  assert.ok(posted.body.length > 65_500 && posted.body.endsWith('…') && posted.body.isWellFormed());
  assert.deepEqual(await staged.forge.postReview(review, patience()), { ...first, how: 'found' });
});

test('the lines are those of the head that is told, also where it is pushed to meanwhile', async (t) => {
  const staged = await stage(t, 'ada');
  const asked = { ...staged.repository.access, number: staged.number };
  let pushed = '';
  const act = async (): Promise<void> =>
    void (pushed = await staged.repository.rewrite('topic', { new: '1' }));
  staged.github.faults.plan({ path: /\/files$/u }, { kind: 'before', act });
  const diff = await staged.forge.readDiff(asked, patience());
  assert.deepEqual([diff.headCommit, [...diff.files.keys()]], [pushed, ['new']]);
});

test('a pull request that is pushed to without an end is for later', async (t) => {
  const staged = await stage(t, 'ada');
  const asked = { ...staged.repository.access, number: staged.number };
  let pushes = 0;
  const act = async (): Promise<void> => {
    pushes += 1;
    await staged.repository.write('topic', { new: `${pushes}\n` });
  };
  staged.github.faults.plan({ path: /\/files$/u, times: 100 }, { kind: 'before', act });
  await refusalOf(staged.forge.readDiff(asked, patience()), 'unavailable');
  assert.ok(pushes <= 5, `${pushes} readings`);
});

test('a list of files that makes no sense is unavailable, and no crash', async (t) => {
  for (const body of [{}, null, [7], [{ filename: '' }], [{ patch: '@@ -1 +1 @@' }]]) {
    const staged = await stage(t, 'ada');
    staged.github.faults.plan({ path: /\/files$/u, times: 3 }, { kind: 'answer', status: 200, body });
    const asked = { ...staged.repository.access, number: staged.number };
    await refusalOf(staged.forge.readDiff(asked, patience()), 'unavailable', asked.token);
  }
});

test('an answer to a review that makes no sense is looked after', async (t) => {
  const staged = await stage(t);
  const match = { method: 'POST', path: /\/reviews$/u };
  staged.github.faults.plan(match, { kind: 'answer', status: 200, body: { id: 1 } });
  const asked = staged.forge.postReview(await reviewOf(staged), patience());
  await refusalOf(asked, 'unavailable');
  assert.equal(staged.seen().at(-1)?.operation, 'find_review');
});
