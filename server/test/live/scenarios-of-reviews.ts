import assert from 'node:assert/strict';
import { join } from 'node:path';
import { createAgentPrograms } from '../../src/compose-agents.ts';
import { readConfig } from '../../src/config.ts';
import { scenarioMarker, type ModelScenarioName } from '../../src/demo/model-server/scenarios.ts';
import { readReview } from '../../src/domain/review-answer.ts';
import { pullRequestReviewPrompt, reviewSchema } from '../../src/domain/review-prompt.ts';
import type { Review, ReviewSource } from '../../src/domain/review.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import type { LiveOptions } from './live-run.ts';
import { assertDone, described, forms, type LiveScenario, type Trial } from './scenario.ts';

const withSchema: LiveOptions['task'] = { outputSchema: reviewSchema, schemaIsWish: true };

export const scenariosOfReviews: readonly LiveScenario[] = [
  {
    name: 'the program lists its flag for a schema',
    async holds({ house }) {
      const { agent, program } = house.subject;
      const paths = { SLIPWAY_CLAUDE_CODE_PATH: program, SLIPWAY_CODEX_PATH: program };
      const { takesSchema } = createAgentPrograms(
        readConfig(paths, () => ''),
        {
          executor: house.executor,
          folder: {
            root: house.folders.runs,
            sandbox: join(house.folders.root, 'sandbox'),
            workspaces: house.folders.runs,
          },
          logger: silentLogger,
        },
      );
      assert.equal(await takesSchema(agent, await house.makeWorkspace()), true);
    },
  },
  {
    name: 'a review comes back by its schema',
    async holds(trial) {
      for (const form of forms) {
        const task: LiveOptions['task'] = { ...form.task, ...withSchema };
        assert.equal(await reviewWith(trial, 'review', { ...form, task }), 'structured');
      }
    },
  },
  {
    name: 'a review without a schema is read from the answer',
    async holds(trial) {
      assert.equal(await reviewWith(trial, 'review', {}), 'text');
      assert.equal(await reviewWith(trial, 'review-block', {}), 'block');
    },
  },
  {
    name: 'a review against its schema is read all the same',
    async holds(trial) {
      assert.equal(await reviewWith(trial, 'review-block', { task: withSchema }), 'block');
    },
  },
];

/** Has a pull request reviewed, holds the review against what the model has said, and tells what it was read from. */
async function reviewWith(
  { run }: Trial,
  scenario: ModelScenarioName,
  { task, ...options }: Omit<LiveOptions, 'prompt'>,
): Promise<ReviewSource> {
  const asked = `Review it. ${scenarioMarker(scenario, 'src/list.ts:3')}`;
  const prompt = pullRequestReviewPrompt({ number: 7, base: 'main', prompt: asked });
  const end = await run({ ...options, prompt, task: { ...task, kind: 'pr_review' } });
  const { result: text, structured } = assertDone(end);
  const { review, from } = readReview({ text, structured });
  const expected: Partial<Review> = { verdict: 'request_changes', score: 4, autoFixable: true };
  assert.partialDeepStrictEqual(review, expected, described(end));
  assert.deepEqual(
    review.issues.map(({ severity, file, line }) => [severity, file, line]),
    [['major', 'src/list.ts', 3]],
  );
  return from;
}
