import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { test, type TestContext } from 'node:test';
import { delay } from '../../src/lib/abort.ts';
import { filesWith, formsOf } from '../live/find-text.ts';
import { createAgentTask, ended, openAgentHouse, type AgentHouse } from './agent-tasks.ts';

const serverKey = 'sk-server-2f81c6d09e7b45a3';
const taskKey = 'sk-task-93be07f1a5d24c68';

test('a key to the model is used outside of the sandbox and is nowhere else', async (t) => {
  const model = await startModel(t);
  await using house = await openAgentHouse({ ANTHROPIC_API_KEY: serverKey, ANTHROPIC_BASE_URL: model.url });
  const cases = [
    { key: serverKey, config: {} },
    { key: taskKey, config: { ai_api_key: taskKey } },
  ];
  for (const { key, config } of cases) {
    const id = await createAgentTask(house, 'SPY SLEEP', config);
    const seen = await watchProcesses(house, id);
    const task = await house.client.tasks.get(id);
    assert.equal(task.status, 'completed', task.error ?? '');
    assert.deepEqual([...seen], [], 'the key in a process');
    assert.equal(model.keys.at(-1), key, 'the model got the key');

    const rows = await house.query<{ text: string }>(
      'select data::text as text from events where stream_id = $1 order by id',
      [id],
    );
    const told = rows.map(({ text }) => text).join('\n');
    // What the agent sees was written in rot13: the redactor cannot have taken anything out of it.
    const shown = rot13(told);
    for (const word of ['ANTHROPIC_BASE_URL=', 'added-by-the-relay', 'CapEff']) {
      assert.ok(shown.includes(word), `the agent has shown ${word}`);
    }
    for (const form of [serverKey, taskKey].flatMap(formsOf)) {
      assert.ok(!shown.includes(form), 'the key within the sandbox');
      assert.ok(!told.includes(form), 'the key in an event');
    }
    await assertNotAnswered(house, id);
  }
  await house.server().stop();
  const texts = [serverKey, taskKey].flatMap(formsOf);
  assert.ok(!texts.some((text) => house.server().output().includes(text)), 'the key in the log');
  assert.deepEqual(filesWith([house.data], texts), [], 'the key in a file');
});

test("a task's own key goes to no other provider than its agent's, also where another agent reviews", async (t) => {
  const model = await startModel(t);
  await using house = await openAgentHouse({ ANTHROPIC_API_KEY: serverKey, ANTHROPIC_BASE_URL: model.url });
  const { id } = await house.client.tasks.create({
    repo_url: `${house.forge.url}/sum.git`,
    prompt: 'SPY',
    config: { cli: 'script', command: 'echo new >new.txt', ai_api_key: taskKey },
  });
  assert.equal((await ended(house, id)).status, 'completed');
  await house.client.tasks.review(id, { cli: 'claude-code' });
  const { status, review_result: review } = await ended(house, id);
  assert.deepEqual([status, review !== undefined], ['completed', true]);
  assert.deepEqual(new Set(model.keys), new Set([serverKey]));
});

/** Answers everything with an empty object, and remembers the keys that it was sent. */
async function startModel(
  t: TestContext,
): Promise<{ readonly url: string; readonly keys: readonly string[] }> {
  const keys: string[] = [];
  const server = createServer((request, response) => {
    keys.push(String(request.headers['x-api-key']));
    request.resume();
    response.setHeader('content-type', 'application/json').end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address();
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`, keys };
}

/** The processes that carry a key until the task has ended; the server, whose operator gave it one, aside. */
async function watchProcesses(house: AgentHouse, id: string): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const server = readProcess(String(house.server().pid), 'cmdline');
  for (;;) {
    const { status } = await house.client.tasks.get(id);
    for (let look = 0; look < 10; look += 1) {
      for (const pid of readdirSync('/proc').filter((name) => /^\d+$/u.test(name))) {
        const commandLine = readProcess(pid, 'cmdline');
        // Its children look like it between fork and exec.
        const environment = commandLine === server ? '' : readProcess(pid, 'environ');
        const carried = `${commandLine}\n${environment}`;
        if (carried.includes(serverKey) || carried.includes(taskKey)) found.add(`${pid} ${commandLine}`);
      }
      await delay(10, AbortSignal.timeout(1_000));
    }
    if (status === 'completed' || status === 'failed') return found;
  }
}

async function assertNotAnswered(house: AgentHouse, id: string): Promise<void> {
  const headers = { authorization: `Bearer ${house.token}` };
  const paths = ['', '?include=iterations', '/stream', '/diff'].map((rest) => `api/v1/tasks/${id}${rest}`);
  for (const path of [...paths, 'api/v1/tasks?limit=200', 'api/v1/cli', 'api/v1/cli/health', 'health']) {
    const answer = await fetch(new URL(path, house.server().url), { headers });
    const text = await answer.text();
    for (const form of [serverKey, taskKey].flatMap(formsOf)) {
      assert.ok(!text.includes(form), `the key in the answer to ${path}`);
    }
  }
}

function readProcess(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

function rot13(text: string): string {
  return text.replaceAll(/[A-Za-z]/gu, (letter) => {
    const code = letter.charCodeAt(0);
    const first = code < 97 ? 65 : 97;
    return String.fromCharCode(((code - first + 13) % 26) + first);
  });
}
