import assert from 'node:assert/strict';
import { startModelServer } from '../../src/demo/model-server/model-server.ts';
import {
  openReviewLane,
  reviewedFile,
  reviewThroughKills,
  type reviewStages,
} from '../e2e/review-through-kills.ts';
import { agentSettings } from './agent-settings.ts';
import type { LiveAgentName } from './installed-clis.ts';

/** Each answer of the model takes so long that the agent lives while its server is killed and started thrice. */
const latencyMs = 8_000;

/**
 * A pull request of a fork, told of by a webhook and reviewed by an agent's real program, whose server is killed
 * with signal 9 at every point from the claim to the review that stands at the forge.
 */
export async function reviewWebhooks(
  agent: LiveAgentName,
  forgeName: keyof typeof reviewStages,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const model = await startModelServer({
    latencyMs,
    unmarked: { name: 'review', argument: `${reviewedFile}:1` },
  });
  stack.defer(() => model.close());
  const stage = await openReviewLane(
    forgeName,
    {
      SLIPWAY_REVIEW_AGENT: agent,
      ...agentSettings(model),
      SLIPWAY_SILENCE_SECONDS: '60',
      SLIPWAY_MEMORY_MB: '2048',
    },
    stack,
  );
  const id = await reviewThroughKills(stage);
  const task = await stage.lane.client().tasks.get(id);
  assert.match(task.review_result?.reviewed_by ?? '', agent === 'codex' ? /^codex$/u : /^claude-code:./u);
  const parsed = await stage.lane.query<{ from: string }>(
    `select data ->> 'from' as "from" from events where stream_id = $1 and type = 'review_parsed'`,
    [id],
  );
  assert.deepEqual(parsed, [{ from: 'structured' }], 'bound to the schema');
}
