import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { verdicts } from '../domain/review.ts';
import type { LineComment, ReviewRequest } from './forge.ts';
import {
  patience,
  refusalOf,
  type ForgeTrial,
  type MakeTrial,
  type TrialFault,
  type TrialFiles,
  type TrialRepository,
} from './forge.contract.ts';

/** The file that the pull request of the stage changes, with its lines before. */
export const listPath = 'src/list.txt';
export const listLines = Array.from({ length: 40 }, (_, index) => `line ${index + 1}`);
export const textOf = (lines: readonly string[]): string => `${lines.join('\n')}\n`;

/** Line 10 is another, and behind line 30 is a new one, which has the number 31. */
export const changedLines = [
  ...listLines.slice(0, 9),
  'line ten',
  ...listLines.slice(10, 30),
  'new',
  ...listLines.slice(30),
];

/** A pull request of `topic` into `main` that changes a file in two places. */
export type ReviewStage = ForgeTrial & { readonly repository: TrialRepository; readonly number: number };

/** Opens the pull request of `topic`, with these files beside the changed one. */
export async function stageReview<Trial extends ForgeTrial>(
  make: MakeTrial<Trial>,
  t: TestContext,
  files: TrialFiles = {},
): Promise<Trial & ReviewStage> {
  const trial = await make(t);
  const repository = await trial.makeRepository('app');
  await repository.write('main', { [listPath]: textOf(listLines) });
  await repository.write('topic', { [listPath]: textOf(changedLines), ...files });
  const number = await repository.open({ branch: 'topic', base: 'main', title: 'Change the list' });
  return { ...trial, repository, number };
}

/** A review of the stage's pull request with comments on two lines, unless a test says otherwise. */
export async function reviewOf(
  { forge, repository, number }: Pick<ReviewStage, 'forge' | 'repository' | 'number'>,
  changes: Partial<ReviewRequest> = {},
): Promise<ReviewRequest> {
  const access = { ...repository.access, number };
  return {
    ...access,
    marker: 'review:7d2f',
    verdict: 'comment',
    diff: changes.diff ?? (await forge.readDiff(access, patience())),
    comments: [
      { path: listPath, line: 10, body: 'Why ten?' },
      { path: listPath, line: 31, body: '**Is** it `new`?' },
    ],
    summary: (refused) => ['Looks _good_.', ...refused.map(tellRefused)].join('\n\n'),
    ...changes,
  };
}

const tellRefused = ({ path: file, line, body }: LineComment): string => `At ${file}, ${line}: ${body}`;

/** The texts that tell what a review as a whole says; where a forge takes part in them, beside it. */
async function summariesOf({ repository, number }: ReviewStage): Promise<readonly string[]> {
  const { texts } = await repository.posted(number);
  return texts.filter((text) => text.includes('Looks _good_.'));
}

/** The suite about posting reviews, for forges that have pull requests. */
export function reviewContract(make: MakeTrial<ForgeTrial>): void {
  postingContract(make);
  onceContract(make);
  refusingContract(make);
  lostContract(make);
}

function postingContract(make: MakeTrial<ForgeTrial>): void {
  for (const verdict of verdicts) {
    test(`a review that says ${verdict} is posted, with its comments on their lines`, async (t) => {
      const stage = await stageReview(make, t);
      const { forge, repository, number } = stage;
      const made = await forge.postReview(await reviewOf(stage, { verdict }), patience());
      assert.deepEqual({ ...made, url: '' }, { url: '', comments: 2, how: 'posted' });
      assert.match(made.url, new RegExp(`^https?://.*${repository.access.path}.*/${number}\\b`, 'u'));
      const { comments } = await repository.posted(number);
      assert.deepEqual(
        comments.map(({ path: file, line }) => [file, line]),
        [
          [listPath, 10],
          [listPath, 31],
        ],
      );
      assert.match(comments[0]?.body ?? '', /\bWhy ten\?$/u);
      assert.match(comments[1]?.body ?? '', /\*\*Is\*\* it `new`\?$/u);
      assert.equal((await summariesOf(stage)).length, 1);
    });
  }

  test('what marks a review is seen by nobody', async (t) => {
    const stage = await stageReview(make, t);
    await stage.forge.postReview(await reviewOf(stage), patience());
    const { texts, comments } = await stage.repository.posted(stage.number);
    const seen = [...texts, ...comments.map(({ body }) => body)].map((body) =>
      body.replaceAll(/<!--.*?-->/gu, '').trim(),
    );
    assert.deepEqual(seen, ['Looks _good_.', 'Why ten?', '**Is** it `new`?']);
  });

  test('comments may stand on lines that are shown and not changed, also of a renamed file', async (t) => {
    const trial = await make(t);
    const repository = await trial.makeRepository('app');
    await repository.write('main', { 'old.txt': textOf(listLines) });
    await repository.write('topic', { 'old.txt': undefined, 'a b/ü.txt': textOf(changedLines) });
    const number = await repository.open({ branch: 'topic', base: 'main', title: 'Move' });
    const stage = { ...trial, repository, number };
    const comments = [7, 34].map((line) => ({ path: 'a b/ü.txt', line, body: `At ${line}` }));
    const made = await trial.forge.postReview(await reviewOf(stage, { comments }), patience());
    assert.equal(made.comments, 2);
    const there = (await repository.posted(number)).comments.map(({ path: file, line }) => [file, line]);
    assert.deepEqual(there, [
      ['a b/ü.txt', 7],
      ['a b/ü.txt', 34],
    ]);
  });

  test('a review without comments is posted', async (t) => {
    const stage = await stageReview(make, t);
    const made = await stage.forge.postReview(await reviewOf(stage, { comments: [] }), patience());
    assert.deepEqual([made.comments, made.how], [0, 'posted']);
    assert.equal((await summariesOf(stage)).length, 1);
  });

  test('a review of a pull request from a fork is posted', async (t) => {
    const stage = await stageReview(make, t);
    const number = await stage.repository.openFromFork('topic');
    const fork = { ...stage, number };
    const made = await stage.forge.postReview(await reviewOf(fork), patience());
    assert.equal(made.comments, 2);
    assert.equal((await summariesOf(fork)).length, 1);
    assert.deepEqual((await stage.repository.posted(stage.number)).texts, []);
  });

  for (const end of ['close', 'merge'] as const) {
    test(`a review is posted after a ${end} too`, async (t) => {
      const stage = await stageReview(make, t);
      const review = await reviewOf(stage);
      await stage.repository[end](stage.number);
      assert.equal((await stage.forge.postReview(review, patience())).how, 'posted');
      assert.equal((await summariesOf(stage)).length, 1);
    });
  }

  test('a comment whose line is not in the diff any more is told in the summary', async (t) => {
    const stage = await stageReview(make, t);
    const { forge, repository, number } = stage;
    const review = await reviewOf(stage);
    await repository.rewrite('topic', { [listPath]: textOf([...listLines, 'the end']) });
    const made = await forge.postReview(review, patience());
    assert.equal(made.how, 'posted');
    const { comments } = await repository.posted(number);
    const [summary = ''] = await summariesOf(stage);
    assert.equal(made.comments, comments.length);
    for (const { line, body } of review.comments) {
      const isOnLine = comments.some((comment) => comment.body.includes(body));
      const isTold = summary.includes(`At ${listPath}, ${line}: ${body}`);
      assert.equal(Number(isOnLine) + Number(isTold), 1, `${line} is told once`);
    }
  });

  test('comments that the forge cannot place are told in the summary', async (t) => {
    const stage = await stageReview(make, t);
    const comments = [
      { path: listPath, line: 20, body: 'Between the hunks.' },
      { path: 'no/such/file', line: 1, body: 'Nowhere.' },
    ];
    const made = await stage.forge.postReview(await reviewOf(stage, { comments }), patience());
    assert.deepEqual([made.comments, made.how], [0, 'posted']);
    const [summary = ''] = await summariesOf(stage);
    for (const { line, body, path: file } of comments)
      assert.ok(summary.includes(`At ${file}, ${line}: ${body}`), summary);
  });
}

function onceContract(make: MakeTrial<ForgeTrial>): void {
  test('a review that is there is found, and counted by what is there', async (t) => {
    const stage = await stageReview(make, t);
    const { forge, repository, number } = stage;
    const first = await forge.postReview(await reviewOf(stage), patience());
    const before = await repository.posted(number);
    const again = await forge.postReview(await reviewOf(stage), patience());
    assert.deepEqual(again, { ...first, how: 'found' });
    assert.deepEqual(await repository.posted(number), before);
  });

  test('a review is found behind a former name of its repository', async (t) => {
    const stage = await stageReview(make, t);
    const first = await stage.forge.postReview(await reviewOf(stage), patience());
    await stage.repository.rename('application');
    assert.equal((await stage.forge.postReview(await reviewOf(stage), patience())).how, 'found');
    const second = await stage.forge.postReview(await reviewOf(stage, { marker: 'other' }), patience());
    assert.equal(second.how, 'posted');
    assert.notEqual(second.url, first.url);
  });

  test('a review is found when much was said before and after it', async (t) => {
    const stage = await stageReview(make, t);
    await stage.repository.chatter(stage.number, 130);
    const first = await stage.forge.postReview(await reviewOf(stage), patience());
    await stage.repository.chatter(stage.number, 130);
    const again = await stage.forge.postReview(await reviewOf(stage), patience());
    assert.deepEqual(again, { ...first, how: 'found' });
    assert.equal((await summariesOf(stage)).length, 1);
  });

  test('a review with another mark is another one, also where one mark begins the other', async (t) => {
    const stage = await stageReview(make, t);
    for (const marker of ['review:12', 'review:1', 'review:123', 'view:1', 'review:1:2', 'review:1-2'])
      assert.equal(
        (await stage.forge.postReview(await reviewOf(stage, { marker }), patience())).how,
        'posted',
        marker,
      );
    const again = await stage.forge.postReview(await reviewOf(stage, { marker: 'review:12' }), patience());
    assert.equal(again.how, 'found');
    assert.equal((await summariesOf(stage)).length, 6);
  });

  test('the review of one pull request is not taken for that of another', async (t) => {
    const stage = await stageReview(make, t);
    await stage.forge.postReview(await reviewOf(stage), patience());
    const number = await stage.repository.openFromFork('topic');
    const made = await stage.forge.postReview(await reviewOf({ ...stage, number }), patience());
    assert.equal(made.how, 'posted');
  });
}

function refusingContract(make: MakeTrial<ForgeTrial>): void {
  test('an archived repository takes no review', async (t) => {
    const stage = await stageReview(make, t);
    const review = await reviewOf(stage);
    await stage.repository.archive();
    await refusalOf(stage.forge.postReview(review, patience()), 'archived', review.token);
    assert.deepEqual(await stage.repository.posted(stage.number), { texts: [], comments: [] });
  });

  test('a pull request that is not there, and a repository that is gone, take none either', async (t) => {
    const stage = await stageReview(make, t);
    const review = await reviewOf(stage);
    const nowhere = stage.forge.postReview({ ...review, number: 77 }, patience());
    assert.match((await refusalOf(nowhere, 'not_found', review.token)).message, /\b77\b/u);
    await stage.repository.remove();
    await refusalOf(stage.forge.postReview(review, patience()), 'not_found', review.token);
  });

  test('a token for reading only is told what it lacks', async (t) => {
    const stage = await stageReview(make, t);
    const review = await reviewOf(stage, { token: stage.readToken });
    const error = await refusalOf(stage.forge.postReview(review, patience()), 'forbidden', stage.readToken);
    assert.match(error.message, /\b(?:scope|permission)/u);
    assert.deepEqual(await stage.repository.posted(stage.number), { texts: [], comments: [] });
  });

  for (const [status, code] of [
    [401, 'unauthorized'],
    [403, 'forbidden'],
    [404, 'not_found'],
    [422, 'refused'],
  ] as const) {
    test(`${status} to all that is tried is ${code}, after a few tries, in words without the token`, async (t) => {
      const stage = await stageReview(make, t);
      const review = await reviewOf(stage);
      const words = `no, not\u001b[31m with\u0000 ${review.token?.reveal()} \u202e and ${'so on '.repeat(500)}`;
      stage.fault('post_review', { kind: 'answer', status, words }, 100);
      await refusalOf(stage.forge.postReview(review, patience()), code, review.token);
      const tries = stage.seen().filter(({ status: seen }) => seen === status).length;
      assert.ok(tries <= 6, `${tries} tries`);
      assert.deepEqual(await stage.repository.posted(stage.number), { texts: [], comments: [] });
    });
  }
}

function lostContract(make: MakeTrial<ForgeTrial>): void {
  for (const kind of ['drop_reply', 'malformed'] as const) {
    test(`an answer that is lost after something was posted (${kind}) leaves all of it once`, async (t) => {
      const stage = await stageReview(make, t);
      stage.fault('post_review', { kind });
      const review = await reviewOf(stage);
      const made = await stage.forge.postReview(review, patience());
      assert.equal(made.comments, 2);
      assert.equal((await stage.forge.postReview(review, patience())).how, 'found');
      assert.equal((await stage.repository.posted(stage.number)).comments.length, 2);
      assert.equal((await summariesOf(stage)).length, 1);
    });
  }

  const notArrived: readonly (readonly [words: string, fault: TrialFault])[] = [
    ['that did not arrive', { kind: 'drop' }],
    ["that met a proxy's page", { kind: 'bad_gateway' }],
    ['that met trouble of the forge', { kind: 'answer', status: 503 }],
  ];
  for (const [words, trouble] of notArrived) {
    test(`a review ${words} is told as such, and works later`, async (t) => {
      const stage = await stageReview(make, t);
      const review = await reviewOf(stage);
      stage.fault('post_review', trouble);
      await refusalOf(stage.forge.postReview(review, patience()), 'unavailable', review.token);
      assert.equal((await stage.forge.postReview(review, patience())).comments, 2);
      assert.equal((await stage.repository.posted(stage.number)).comments.length, 2);
      assert.equal((await summariesOf(stage)).length, 1);
    });
  }

  test('where it cannot be seen whether a review is there, none is posted', async (t) => {
    const stage = await stageReview(make, t);
    const review = await reviewOf(stage);
    stage.fault('find_review', { kind: 'answer', status: 503 }, 3);
    await refusalOf(stage.forge.postReview(review, patience()), 'unavailable', review.token);
    assert.deepEqual(await stage.repository.posted(stage.number), { texts: [], comments: [] });
  });

  test('a limit says for how long, and another token goes on', async (t) => {
    const stage = await stageReview(make, t);
    const review = await reviewOf(stage);
    stage.fault('post_review', { kind: 'rate_limit', seconds: 90 });
    const error = await refusalOf(stage.forge.postReview(review, patience()), 'rate_limited', review.token);
    assert.ok((error.retryAfterMs ?? 0) > 30_000, String(error.retryAfterMs));
    const made = await stage.forge.postReview({ ...review, token: stage.otherToken }, patience());
    assert.deepEqual([made.comments, made.how], [2, 'posted']);
  });

  test('a token that ends in the middle is told as such, and another one goes on', async (t) => {
    const stage = await stageReview(make, t);
    const review = await reviewOf(stage);
    stage.fault('post_review', { kind: 'expire_token' });
    await refusalOf(stage.forge.postReview(review, patience()), 'unauthorized', review.token);
    const made = await stage.forge.postReview({ ...review, token: stage.otherToken }, patience());
    assert.equal(made.comments, 2);
    assert.equal((await summariesOf(stage)).length, 1);
  });

  test('a call whose signal ends while the forge is silent ends with it', async (t) => {
    const stage = await stageReview(make, t);
    const review = await reviewOf(stage);
    stage.fault('post_review', { kind: 'delay', ms: 50_000 });
    const leaving = new AbortController();
    const reason = new Error('enough');
    const asked = stage.forge.postReview(review, leaving.signal);
    setTimeout(() => leaving.abort(reason), 300);
    await assert.rejects(asked, reason);
  });
}
