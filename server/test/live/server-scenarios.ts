import assert from 'node:assert/strict';
import { scenarioMarker } from '../../src/demo/model-server/scenarios.ts';
import { scriptedUsage } from '../../src/demo/model-server/reply.ts';
import { asked, ended, onBranch, storedRuns } from '../e2e/agent-tasks.ts';
import { until } from '../support/processes.ts';
import { filesWith, formsOf } from './find-text.ts';
import { pinnedVersion, type LiveAgentName } from './installed-clis.ts';
import { createTask, keysOfRequests, madeKey, usageOf, type ServerHouse } from './server-house.ts';
import { toolScenarios } from './server-tools.ts';

/** Something that a whole installation does with an agent's real program. */
export type ServerScenario = {
  readonly name: string;
  readonly holds: (house: ServerHouse, agent: LiveAgentName) => Promise<void>;
};

export const serverScenarios: readonly ServerScenario[] = [
  {
    name: 'server: a task ends with its file on a pushed branch, and tells what it spent',
    async holds(house, agent) {
      const id = await createTask(house, agent, `${scenarioMarker('write')} please`);
      const task = await ended(house, id);
      assert.equal(task.status, 'completed', task.error ?? '');
      assert.match(task.result ?? '', /Done: step 1 of write/);
      assert.equal(await onBranch(house, task, 'hello.txt'), 'hello from the scripted model\n');
      const { output, cost } = usageOf(task);
      assert.equal(output, 2 * scriptedUsage.output);
      assert.equal(cost > 0, agent === 'claude-code');
      const [run] = await house.query<{ version: string }>(
        'select agent_version as version from runs where task_id = $1',
        [id],
      );
      assert.equal(run?.version, pinnedVersion(agent));
    },
  },
  {
    name: 'server: an instruction goes on with the conversation after the server was killed',
    async holds(house, agent) {
      const id = await createTask(house, agent, `${scenarioMarker('text')} remember-${agent}`);
      const first = await ended(house, id);
      assert.equal(first.status, 'completed', first.error ?? '');
      await house.restart('kill');
      await house.client.tasks.instruct(id, `${scenarioMarker('write', 'second.txt')} go-on-${agent}`);
      const task = await ended(house, id);
      assert.equal(task.status, 'completed', task.error ?? '');
      assert.equal(await onBranch(house, task, 'second.txt'), 'hello from the scripted model\n');
      const bodies = house.model.requests().map(({ body }) => JSON.stringify(body) ?? '');
      const both = bodies.filter(
        (body) => body.includes(`remember-${agent}`) && body.includes(`go-on-${agent}`),
      );
      assert.ok(both.length > 0, 'the request holds the earlier turn');
      // As turns of one conversation, not as a history that the new prompt tells.
      assert.ok(both.every((body) => !body.includes('Iteration 1')));
      assert.equal(usageOf(task).output, 3 * scriptedUsage.output);
    },
  },
  {
    name: 'server: killed in the middle of a stream, the run goes on to its end',
    async holds(house, agent) {
      const prompt = `${scenarioMarker('slow-stream', 50)} slow-${agent}`;
      const id = await createTask(house, agent, prompt);
      await house.model.waitFor(
        ({ body, firstByteAt }) =>
          firstByteAt !== undefined && (JSON.stringify(body) ?? '').includes(`slow-${agent}`),
        AbortSignal.timeout(20_000),
      );
      await house.restart('kill');
      const task = await ended(house, id);
      assert.equal(task.status, 'completed', task.error ?? '');
      assert.match(task.result ?? '', /word1 .*word50/);
      assert.deepEqual(await storedRuns(house, id), ['first succeeded']);
      const asked = house.model
        .requests()
        .filter(({ body }) => (JSON.stringify(body) ?? '').includes(`slow-${agent}`));
      assert.deepEqual(
        asked.map(({ closed }) => closed),
        ['finished'],
        'asked once, and heard to the end',
      );
    },
  },
  {
    name: 'server: a question waits over a kill of the server, and is answered by API',
    async holds(house, agent) {
      const id = await createTask(house, agent, `${scenarioMarker('write')} ask`, { approvals: 'ask' });
      const question = await asked(house, id);
      await house.restart('kill');
      assert.equal((await asked(house, id)).id, question.id);
      await house.client.tasks.answer(id, question.id, { decision: 'allow' });
      const task = await ended(house, id);
      assert.equal(task.status, 'completed', task.error ?? '');
      assert.equal(await onBranch(house, task, 'hello.txt'), 'hello from the scripted model\n');
      assert.deepEqual(await storedRuns(house, id), ['first succeeded']);
    },
  },
  {
    name: 'server: a refused key fails the task, in words for people, at once',
    async holds(house, agent) {
      const id = await createTask(house, agent, `${scenarioMarker('status', 401)} go`);
      const task = await ended(house, id);
      assert.equal(task.status, 'failed');
      assert.match(task.error ?? '', /^CLI execution failed: /u);
      assert.equal(task.failure?.code, 'model_authentication');
      assert.deepEqual(await storedRuns(house, id), ['first failed']);
    },
  },
  {
    name: 'server: a cancel in the middle of a tool ends the task',
    async holds(house, agent) {
      const id = await createTask(house, agent, `${scenarioMarker('slow-tool', 77)} cancel-${agent}`);
      await until('the tool', async () => {
        const [row] = await house.query(
          `select 1 from events where stream_id = $1 and data ->> 'type' = 'tool_use'`,
          [id],
        );
        return row !== undefined;
      });
      const begun = performance.now();
      await house.client.tasks.cancel(id);
      const task = await ended(house, id);
      assert.equal(task.error, 'canceled by user');
      assert.ok(performance.now() - begun < 5_000, 'it takes its grace, and no more');
    },
  },
  {
    name: "server: a task's own key is used for it, and no key is in a file, an event or a log",
    async holds(house, agent) {
      const own = madeKey();
      const mark = `own-key-${agent}`;
      const id = await createTask(house, agent, `${scenarioMarker('write')} ${mark}`, { ai_api_key: own });
      const task = await ended(house, id);
      assert.equal(task.status, 'completed', task.error ?? '');
      assert.deepEqual([...keysOfRequests(house, mark)], [own]);
      // Every file: the database's, the log of it, workspaces, homes, blobs.
      const forms = [...formsOf(own), ...formsOf(house.key)];
      assert.deepEqual(filesWith([house.data], forms), []);
      assert.notDeepEqual(filesWith([house.data], [mark]), [], 'the search does find what is there');
      const said = house.server().output();
      assert.ok(!forms.some((form) => said.includes(form)), "in the server's log");
    },
  },
  {
    name: 'server: tests that fail are given back in the same conversation, over a kill of the server',
    async holds(house, agent) {
      const wish = scenarioMarker('write', 'second.txt');
      const id = await createTask(house, agent, `${scenarioMarker('write')} tested-${agent}`, {
        test_command: `sleep 2; [ -f second.txt ] || { echo '${wish} found-${agent}'; exit 1; }`,
      });
      await until('the tests', async () => {
        const started = `select 1 from events where stream_id = $1 and type = 'tests_started'`;
        return (await house.query(started, [id])).length > 0;
      });
      await house.restart('kill');
      const task = await ended(house, id);
      assert.equal(task.status, 'completed', task.error ?? '');
      assert.equal(task.tests?.passed, true);
      for (const file of ['hello.txt', 'second.txt']) {
        assert.equal(await onBranch(house, task, file), 'hello from the scripted model\n');
      }
      assert.deepEqual(await storedRuns(house, id), [
        'first succeeded',
        'test succeeded',
        'test_failed succeeded',
        'test succeeded',
      ]);
      const bodies = house.model.requests().map(({ body }) => JSON.stringify(body) ?? '');
      const told = bodies.filter((body) => body.includes(`found-${agent}`));
      assert.ok(told.length > 0 && told.every((body) => body.includes(`tested-${agent}`)));
    },
  },
  ...toolScenarios,
];
