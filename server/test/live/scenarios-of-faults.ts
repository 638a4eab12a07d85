import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { scenarioMarker } from '../../src/demo/model-server/scenarios.ts';
import type { AgentFailureCode } from '../../src/domain/failure.ts';
import { assertDone, assertFailed, described, textsOf, type LiveScenario } from './scenario.ts';

/** The model's provider answers with a status, however often it is asked. */
function refused(status: number, code: AgentFailureCode, retryable: boolean): LiveScenario {
  return {
    name: `the model answers ${status}: ${code}`,
    async holds({ run }) {
      const end = await run({ prompt: `${scenarioMarker('status', status)} go` });
      assertFailed(end, code, retryable);
      // Retries are bounded: with the default of the programs this would take minutes.
      const asked = end.requests.filter(({ marker }) => marker !== undefined);
      assert.ok(asked.length >= 1 && asked.length <= 6, `${asked.length} requests`);
      assert.ok(asked.every((request) => request.status === status));
    },
  };
}

export const scenariosOfFaults: readonly LiveScenario[] = [
  refused(401, 'model_authentication', false),
  refused(403, 'model_authentication', false),
  refused(429, 'model_rate_limit', true),
  refused(500, 'model_overloaded', true),
  refused(529, 'model_overloaded', true),
  {
    name: 'the model is overloaded once: the program tries again and succeeds',
    async holds({ run }) {
      const end = await run({ prompt: `${scenarioMarker('flaky')} go ${randomUUID()}` });
      assert.match(assertDone(end).result, /at last/);
      assert.deepEqual(
        end.requests.filter(({ marker }) => marker !== undefined).map(({ status }) => status),
        [529, 200],
      );
    },
  },
  {
    name: 'the stream is cut: a failure that may pass',
    async holds({ run }) {
      const end = await run({ prompt: `${scenarioMarker('cut')} go` });
      assertFailed(end, 'model_overloaded', true);
    },
  },
  {
    name: 'an error in the middle of the stream: a failure that may pass',
    async holds({ run }) {
      const end = await run({ prompt: `${scenarioMarker('error-in-stream')} go` });
      assertFailed(end, 'model_overloaded', true);
    },
  },
  {
    name: 'the conversation is too long for the model: context_overflow',
    async holds({ run }) {
      const end = await run({ prompt: `${scenarioMarker('overflow')} go` });
      assertFailed(end, 'context_overflow', false);
    },
  },
  {
    name: 'the model refuses: model_refused',
    async holds({ run }) {
      const end = await run({ prompt: `${scenarioMarker('refuse')} go` });
      assertFailed(end, 'model_refused', false);
    },
    exceptions: {
      codex: {
        words: 'a refusal in the message itself is dropped by the program: the run ends with an empty result',
        async holds({ run }) {
          const end = await run({ prompt: `${scenarioMarker('refuse')} go` });
          assert.equal(assertDone(end).result, '');
          assert.ok(!end.output.includes('I cannot help'), 'the program would tell it by now');
        },
      },
    },
  },
  {
    name: 'events and content of unknown kinds in the stream: the run goes on',
    async holds({ run }) {
      const end = await run({ prompt: `${scenarioMarker('unknown-event')} go` });
      assert.match(assertDone(end).result, /Done: known\./);
    },
  },
  {
    name: 'a line of an unknown type, and one that is none: kept and shown',
    async holds({ run }) {
      const strange = '{"type":"from_the_future","answer":42}';
      const end = await run({
        prompt: `${scenarioMarker('text')} go`,
        preface: `${strange}\nplain words of a program`,
      });
      assertDone(end);
      const [known, plain] = end.events;
      assert.equal(known?.type, 'system', described(end));
      // Whole: as the text that people see, or beside it.
      assert.deepEqual(known.raw ?? JSON.parse(known.content), JSON.parse(strange));
      assert.equal(plain?.type, 'system');
      assert.match(plain.content, /plain words of a program/);
      assert.match(textsOf(end, 'text'), /a short text/);
    },
  },
];
