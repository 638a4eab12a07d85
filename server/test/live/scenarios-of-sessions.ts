import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { scenarioMarker } from '../../src/demo/model-server/scenarios.ts';
import { sessionAfter, type LiveEnd } from './live-run.ts';
import { assertDone, assertFailed, described, type LiveScenario } from './scenario.ts';

const earlier = 'remember-the-otter';

/** Whether a request of the run holds both the earlier turn and the new one. */
function remembers({ requests }: LiveEnd, now: string): boolean {
  return requests.some(({ body }) => {
    const text = JSON.stringify(body) ?? '';
    return text.includes(earlier) && text.includes(now);
  });
}

export const scenariosOfSessions: readonly LiveScenario[] = [
  {
    name: 'a conversation goes on, and costs only what is new',
    async holds({ run }) {
      const first = await run({ prompt: `${scenarioMarker('text')} ${earlier}` });
      assertDone(first);
      const second = await run({
        prompt: `${scenarioMarker('write')} and-now`,
        place: first.place,
        task: { resume: sessionAfter(first), iteration: 2 },
      });
      assertDone(second);
      assert.ok(remembers(second, 'and-now'), 'the request holds the earlier turn');
      assert.equal(second.session, first.session);
      const [one, two] = [first, second].map(({ spend }) =>
        spend.reduce((total, { outputTokens }) => total + outputTokens, 0),
      );
      assert.equal(two, 2 * (one ?? 0), JSON.stringify([first.spend, second.spend]));
    },
  },
  {
    name: 'a conversation is forked: the new one remembers, the old one stays',
    async holds({ run }) {
      const first = await run({ prompt: `${scenarioMarker('text')} ${earlier}` });
      const session = sessionAfter(first);
      const forked = await run({
        prompt: `${scenarioMarker('text')} forked-here`,
        place: first.place,
        task: { resume: { ...session, fork: true } },
      });
      assertDone(forked);
      assert.ok(remembers(forked, 'forked-here'), 'the request holds the earlier turn');
      assert.notEqual(forked.session, first.session);
      const again = await run({
        prompt: `${scenarioMarker('text')} not-forked`,
        place: first.place,
        task: { resume: session },
      });
      assertDone(again);
      assert.ok(remembers(again, 'not-forked'));
      assert.equal(again.session, first.session);
      assert.ok(!JSON.stringify(again.requests.map(({ body }) => body)).includes('forked-here'));
    },
  },
  {
    name: 'a conversation goes on in another home, to which only its files were brought',
    async holds({ run, house }) {
      const first = await run({ prompt: `${scenarioMarker('text')} ${earlier}` });
      const place = await house.moveConversations(first.place);
      const second = await run({
        prompt: `${scenarioMarker('text')} elsewhere`,
        place,
        task: { resume: sessionAfter(first) },
      });
      assertDone(second);
      assert.ok(remembers(second, 'elsewhere'), described(second));
    },
  },
  {
    name: 'a conversation that is asked about: goes on too',
    async holds({ run }) {
      const allow = { answer: () => ({ allow: true, reason: '' }), task: { approvals: 'ask' } as const };
      const first = await run({ prompt: `${scenarioMarker('text')} ${earlier}`, ...allow });
      assertDone(first);
      const second = await run({
        prompt: `${scenarioMarker('write')} asked-again`,
        place: first.place,
        ...allow,
        task: { ...allow.task, resume: sessionAfter(first) },
      });
      assertDone(second);
      assert.ok(remembers(second, 'asked-again'), described(second));
      assert.equal(second.questions.length, 1);
    },
  },
  {
    name: 'an unknown conversation: session_lost, and no request to the model',
    async holds({ run }) {
      const spent = {
        inputTokens: 0,
        outputTokens: 0,
        cacheReadTokens: 0,
        cacheWriteTokens: 0,
        microdollars: 0,
      };
      for (const task of [{}, { approvals: 'ask' } as const]) {
        const end = await run({
          prompt: `${scenarioMarker('text')} go`,
          task: { ...task, resume: { id: randomUUID(), spent } },
        });
        // The worker begins another conversation on its own decision, whatever the program says of a retry.
        assertFailed(end, 'session_lost');
        assert.deepEqual(
          end.requests.filter(({ marker }) => marker !== undefined),
          [],
        );
      }
    },
  },
];
