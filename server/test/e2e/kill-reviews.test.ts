import { describe, test } from 'node:test';
import {
  inboxPoints,
  openReviewLane,
  reviewAskedForTwice,
  reviewedFile,
  reviewStages,
  reviewThroughKillAt,
  reviewThroughKills,
} from './review-through-kills.ts';

/**
 * The kill test of reviews: a webhook tells of a pull request, and wherever on its way the server is killed with
 * signal 9, one review stands there, with its comment once; the forge loses the answers to what it has done.
 */
const review = JSON.stringify({
  verdict: 'request_changes',
  score: 4,
  summary: 'One line should be another.',
  issues: [
    { severity: 'major', file: reviewedFile, line: 1, description: 'Not this.', suggestion: '' },
    { severity: 'minor', file: 'elsewhere.txt', line: 7, description: 'Nor that.', suggestion: '' },
  ],
  auto_fixable: true,
});

const settings = {
  SLIPWAY_REVIEW_AGENT: 'script',
  // The one that is killed at every point lives until its server has been killed and started three times.
  SLIPWAY_REVIEW_COMMAND: `git diff origin/main...HEAD; if grep -q changed change.txt; then sleep 10; fi; echo '${review}'`,
  SLIPWAY_SILENCE_SECONDS: '60',
};

describe('wherever its server is killed, a webhook becomes one review', { concurrency: 2 }, () => {
  for (const forge of Object.keys(reviewStages) as (keyof typeof reviewStages)[]) {
    test(forge, async (t) => {
      await using stack = new AsyncDisposableStack();
      const stage = await openReviewLane(forge, settings, stack);
      // What comes before the forge is asked is the same at both.
      if (forge === 'GitHub') {
        for (const point of inboxPoints) await t.test(point, () => reviewThroughKillAt(stage, point));
        await t.test('asked for by a person who loses the answers', () => reviewAskedForTwice(stage));
      }
      await t.test('at every point from the claim on, one after the other', async () => {
        await reviewThroughKills(stage);
      });
    });
  }
});
