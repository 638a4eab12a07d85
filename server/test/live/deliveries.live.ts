import { describe, test } from 'node:test';
import { deliverThroughKills } from './deliver-through-kills.ts';
import { fixIssue } from './fix-issue.ts';
import { keepCell } from './live-results.ts';
import { reviewWebhooks } from './review-webhooks.ts';

const missing = process.env['SLIPWAY_LIVE_MISSING'];
/** Each agent at one forge, where time is short. */
const isHalf = process.env['SLIPWAY_LIVE_EACH_ONCE'] !== undefined;
const forges: Readonly<Record<'claude-code' | 'codex', readonly ('GitHub' | 'GitLab')[]>> = {
  'claude-code': isHalf ? ['GitHub'] : ['GitHub', 'GitLab'],
  codex: isHalf ? ['GitLab'] : ['GitHub', 'GitLab'],
};

const stories = [
  { name: 'killed at every point of the delivery, one pull request', play: deliverThroughKills },
  { name: 'killed at every point from a webhook on, one review', play: reviewWebhooks },
  { name: 'a built-in workflow, from an issue to the pull request that closes it', play: fixIssue },
] as const;

// Starts of servers are most of it, which wait more than they work.
describe("deliveries by the agents' real programs", { concurrency: 2 }, () => {
  for (const agent of ['claude-code', 'codex'] as const) {
    describe(agent, { concurrency: false }, () => {
      for (const { name, play } of stories) {
        for (const forge of forges[agent]) {
          const scenario = `server: ${name} on ${forge}`;
          test(`${agent}: ${scenario}`, async (t) => {
            if (missing !== undefined) {
              t.skip(missing);
              return;
            }
            try {
              await play(agent, forge);
            } catch (error) {
              keepCell({ scenario, agent, cell: 'FAILED' });
              throw error;
            }
            keepCell({ scenario, agent, cell: 'passed' });
          });
        }
      }
    });
  }
});
