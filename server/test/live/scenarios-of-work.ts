import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { scenarioMarker } from '../../src/demo/model-server/scenarios.ts';
import { scriptedUsage } from '../../src/demo/model-server/reply.ts';
import { pinnedVersion } from './installed-clis.ts';
import {
  assertDone,
  assertFailed,
  described,
  forms,
  textsOf,
  type LiveScenario,
  type Trial,
} from './scenario.ts';
import type { LiveEnd } from './live-run.ts';

const answerSchema = {
  type: 'object',
  properties: { ok: { type: 'boolean' }, file: { type: 'string' } },
  required: ['ok', 'file'],
  additionalProperties: false,
};

/** A text that the program cannot have made up, in a prompt of this many bytes. */
function longPrompt(bytes: number): string {
  const head = `${scenarioMarker('text')} beginning `;
  const tail = ' the-very-end';
  return head + 'x'.repeat(bytes - Buffer.byteLength(head + tail)) + tail;
}

/** All of what the model was sent, for searching. */
const sent = ({ requests }: LiveEnd): string => requests.map(({ body }) => JSON.stringify(body)).join('\n');

export const scenariosOfWork: readonly LiveScenario[] = [
  {
    name: 'a file is written',
    async holds({ run, house }) {
      const end = await run({ prompt: `${scenarioMarker('write')} please` });
      const done = assertDone(end);
      assert.match(done.result, /Done: step 1 of write/);
      assert.equal(
        readFileSync(join(end.place.tree, 'hello.txt'), 'utf8'),
        'hello from the scripted model\n',
      );
      const types = new Set(end.events.map(({ type }) => type));
      for (const type of ['text', 'tool_use', 'tool_result', 'result'] as const) {
        assert.ok(types.has(type), `${type}: ${described(end)}`);
      }
      assert.ok(!types.has('error'), described(end));
      assert.ok(end.session !== undefined && end.session !== '');
      assert.equal(end.exit.code, 0);
      // The one-shot form of codex does not tell it.
      if (end.version !== undefined) assert.equal(end.version, pinnedVersion(house.subject.name));
    },
  },
  {
    name: 'tokens are counted as the model told them, money where the program knows prices',
    async holds({ run, house }) {
      const end = await run({ prompt: `${scenarioMarker('write')} please` });
      const rows = end.spend;
      const sum = (of: (row: (typeof rows)[number]) => number): number =>
        rows.reduce((total, row) => total + of(row), 0);
      assert.equal(
        sum((row) => row.outputTokens),
        2 * scriptedUsage.output,
        JSON.stringify(rows),
      );
      assert.equal(
        sum((row) => row.cacheReadTokens),
        2 * scriptedUsage.cacheRead,
      );
      assert.equal(
        sum((row) => row.inputTokens),
        2 * scriptedUsage.input,
      );
      const money = sum((row) => row.microdollars);
      assert.equal(money > 0, house.subject.name === 'claude-code');
      assert.ok(rows.every(({ model }) => model !== ''));
    },
  },
  {
    name: 'turns are limited',
    async holds({ run }) {
      for (const form of forms) {
        const task = { ...form.task, maxTurns: 2 };
        const end = await run({ ...form, prompt: `${scenarioMarker('loop')} go`, task });
        assertFailed(end, 'turns_exceeded', false);
        const steps = end.requests.filter(({ scenario }) => scenario === 'loop').length;
        assert.ok(steps >= 2 && steps <= 4, `${steps} requests`);
      }
    },
  },
  {
    name: 'a budget is kept',
    async holds({ run }) {
      const end = await run({
        prompt: `${scenarioMarker('loop')} go`,
        task: { maxBudgetMicrodollars: 20_000 },
      });
      assertFailed(end, 'budget_exceeded', false);
    },
    exceptions: {
      codex: {
        words: 'refused when the task is created: the program knows no prices',
        async holds({ house }) {
          const task = { taskId: 't', runId: 'r', iteration: 1, prompt: 'go', maxBudgetMicrodollars: 20_000 };
          assert.equal(house.subject.agent.refuse(task)?.field, 'maxBudget');
        },
      },
    },
  },
  {
    name: 'an answer by a schema',
    async holds({ run }) {
      for (const form of forms) {
        const task = { ...form.task, outputSchema: answerSchema };
        const end = await run({ ...form, prompt: `${scenarioMarker('schema')} go`, task });
        assert.deepEqual(assertDone(end).structured, { ok: true, file: 'hello.txt' }, described(end));
      }
    },
  },
  {
    name: 'an answer against the schema: answer_invalid',
    async holds({ run }) {
      const end = await run({
        prompt: `${scenarioMarker('schema-invalid')} go`,
        task: { outputSchema: answerSchema },
      });
      assertFailed(end, 'answer_invalid', false);
    },
  },
  {
    name: 'a tool of a real MCP server is called',
    async holds({ run, house }) {
      const end = await run({
        prompt: `${scenarioMarker('mcp')} go`,
        task: { mcpServers: { live: house.mcp.server('/workspace/pings') } },
        readOnly: house.mcp.readOnly,
      });
      assert.match(assertDone(end).result, /Done: step 1 of mcp/);
      assert.equal(readFileSync(join(end.place.tree, 'pings'), 'utf8'), 'pong-please\n');
      assert.match(textsOf(end, 'tool_use'), /ping/);
      assert.match(textsOf(end, 'tool_result'), /pong: pong-please/);
    },
  },
  {
    name: 'a model is chosen, and an instruction added to the system prompt',
    async holds({ run, house }) {
      const model = house.subject.name === 'claude-code' ? 'claude-chosen-9' : 'gpt-chosen-9';
      const end = await run({
        prompt: `${scenarioMarker('write')} go`,
        task: { appendSystemPrompt: 'always-speak-of-otters', model },
      });
      assertDone(end);
      assert.ok(existsSync(join(end.place.tree, 'hello.txt')), described(end));
      const asked = end.requests.filter(({ marker }) => marker !== undefined);
      assert.ok(asked.length >= 2);
      for (const { body } of asked) {
        const text = JSON.stringify(body);
        assert.ok(text.includes('always-speak-of-otters') && text.includes(`"model":"${model}"`));
      }
      assert.ok(
        end.spend.every((row) => row.model === model),
        JSON.stringify(end.spend),
      );
    },
  },
  {
    name: 'a prompt beyond the longest argument arrives whole',
    async holds(trial) {
      for (const bytes of [131_071, 131_072]) await arrives(trial, longPrompt(bytes));
    },
  },
  {
    name: 'a prompt that looks like flags or commands arrives word for word',
    async holds(trial) {
      const marker = scenarioMarker('text');
      await arrives(trial, `--version ${marker} it's "quoted" $(touch /workspace/x) \`id\`\nsecond line`);
    },
  },
  {
    name: '1,000 pieces of text in a burst, none lost',
    async holds({ run }) {
      const end = await run({ prompt: `${scenarioMarker('burst', 1000)} go` });
      assertDone(end);
      const lines = textsOf(end, 'text');
      const seen = new Set([...lines.matchAll(/text (\d+)/gu)].map(([, number]) => Number(number)));
      assert.equal(seen.size, 1000, described(end).slice(0, 4000));
    },
  },
  {
    name: 'text as it is being written, with nothing said twice',
    async holds({ run }) {
      for (const form of forms) {
        const task = { ...form.task, partialMessages: true };
        const end = await run({ ...form, prompt: `${scenarioMarker('slow-stream', 12)} go`, task });
        assertDone(end);
        const texts = end.events.filter(({ type }) => type === 'text').map(({ content }) => content);
        assert.ok(texts.length > 2, `came in ${texts.length} pieces`);
        const words = Array.from({ length: 12 }, (_, index) => `word${index + 1}`).join(' ');
        assert.equal(texts.join(''), words, described(end));
      }
    },
  },
];

async function arrives({ run }: Trial, prompt: string): Promise<void> {
  for (const form of forms) {
    const end = await run({ ...form, prompt });
    assertDone(end);
    assert.ok(sent(end).includes(JSON.stringify(prompt).slice(1, -1)), `${prompt.length} characters`);
  }
}
