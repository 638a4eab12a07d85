import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { askModel, modelClients, type Heard, type Question } from '../../../test/support/model-clients.ts';
import { fieldOf, listField, textField } from '../../lib/json-fields.ts';
import { startModelServer } from './model-server.ts';
import { modelScenarios, scenarioMarker, type ModelScenarioName } from './scenarios.ts';

const ways = Object.entries(modelClients).flatMap(([protocol, client]) =>
  [true, false].map((stream) => ({
    way: `${protocol}, ${stream ? 'streaming' : 'in one piece'}`,
    protocol,
    client,
    stream,
  })),
);

/** A test for each protocol, streaming and not, with a server of its own. */
function testEachWay(
  name: string,
  run: (
    t: TestContext,
    situation: {
      readonly protocol: string;
      readonly url: string;
      readonly stream: boolean;
      readonly hear: (
        scenario: ModelScenarioName,
        argument?: string | number,
        more?: Partial<Question>,
      ) => Promise<Heard>;
    },
  ) => Promise<void>,
): void {
  test(name, async (t) => {
    for (const { way, protocol, client, stream } of ways) {
      await t.test(way, async (t) => {
        await using server = await startModelServer();
        await run(t, {
          protocol,
          url: server.url,
          stream,
          hear: (scenario, argument, more) =>
            askModel(server.url, client, {
              prompt: `Do it. ${scenarioMarker(scenario, argument)}`,
              stream,
              ...more,
            }),
        });
      });
    }
  });
}

testEachWay('a text comes whole, with its usage', async (_, { hear, protocol, stream }) => {
  const heard = await hear('text');
  assert.deepEqual(heard.texts, ['Done: a short text.']);
  assert.equal(heard.inputTokens, 1200);
  assert.ok(heard.complete);
  assert.equal(heard.stop, { messages: 'end_turn', responses: 'completed', chat: 'stop' }[protocol]);
  assert.equal(heard.thinking, '');
  if (stream) assert.equal((await hear('text', 30)).deltas, 30);
});

testEachWay('thinking is shown where the request allows it', async (_, { hear, protocol }) => {
  const { thinking } = await hear('text', undefined, { thinks: true });
  assert.equal(thinking !== '', protocol !== 'chat');
});

testEachWay(
  'a file is written with the tool that the request has, and then all is said',
  async (_, { hear, protocol }) => {
    const first = await hear('write', 'a b.txt');
    const command = String.raw`printf 'hello from the scripted model\n' > 'a b.txt'`;
    const call = {
      messages: { name: 'Bash', namespace: '', input: { command, description: 'Run a command' } },
      responses: { name: 'exec_command', namespace: '', input: { cmd: command } },
      chat: { name: 'bash', namespace: '', input: { command, description: 'Run a command' } },
    }[protocol];
    assert.deepEqual(first.calls, [call]);
    assert.equal(first.stop, { messages: 'tool_use', responses: 'completed', chat: 'tool_calls' }[protocol]);
    const second = await hear('write', 'a b.txt', { results: 1 });
    assert.deepEqual(second.calls, []);
    assert.deepEqual(second.texts, ['Done: step 1 of write.']);
  },
);

testEachWay('a given command is run word for word', async (_, { hear }) => {
  const command = 'echo "ö ]] $HOME"\nsh test.sh';
  const [call] = (await hear('fix', command)).calls;
  assert.equal(fieldOf(call?.input, 'command') ?? fieldOf(call?.input, 'cmd'), command);
});

testEachWay('a loop never ends', async (_, { hear }) => {
  for (const results of [0, 1, 50])
    assert.equal((await hear('loop', undefined, { results })).calls.length, 1);
});

testEachWay('commands that sleep, and that leave daemons, are calls of a tool too', async (_, { hear }) => {
  const slow = JSON.stringify((await hear('slow-tool', 7.25)).calls);
  assert.match(slow, /sleep 7\.25/u);
  assert.match(JSON.stringify((await hear('daemon')).calls), /setsid/u);
});

testEachWay('a burst is as many texts as asked for', async (_, { hear, stream, protocol }) => {
  const heard = await hear('burst');
  assert.equal(protocol === 'chat' ? heard.texts.length : heard.texts.length / 1000, 1);
  if (stream) assert.equal(heard.deltas, 1000);
  assert.ok(heard.complete);
});

testEachWay('a connection is cut in the middle', (_, { hear }) => assert.rejects(hear('cut'), TypeError));

testEachWay(
  'an error comes in the middle of a stream, and as a 500 without one',
  async (_, { hear, stream }) => {
    const heard = await hear('error-in-stream');
    assert.equal(heard.status, stream ? 200 : 500);
    assert.notEqual(textField(heard.error, 'message'), '');
    assert.ok(!heard.complete);
  },
);

testEachWay('every status is given in the words of the provider', async (_, { hear }) => {
  for (const status of [400, 401, 403, 429, 500, 529]) {
    const heard = await hear('status', status);
    assert.equal(heard.status, status);
    assert.notEqual(textField(heard.error, 'message'), '');
  }
});

testEachWay('a conversation that is too long is told so', async (_, { hear, protocol }) => {
  const { error } = await hear('overflow');
  if (protocol === 'messages') assert.match(textField(error, 'message'), /^prompt is too long: /u);
  else assert.equal(textField(error, 'code'), 'context_length_exceeded');
});

testEachWay('a refusal is one of the model, not of the server', async (_, { hear, protocol }) => {
  const heard = await hear('refuse');
  assert.ok(heard.complete);
  if (protocol === 'messages') assert.equal(heard.stop, 'refusal');
  else assert.equal(heard.refusal, 'I cannot help with that.');
});

testEachWay('the MCP tool that is called ping is found', async (_, { hear, protocol }) => {
  const isGrouped = protocol === 'responses';
  const tools = isGrouped ? ['exec_command', 'mcp__fake__/ping'] : ['Bash', 'mcp__fake__ping'];
  const [call] = (await hear('mcp', undefined, { tools })).calls;
  assert.deepEqual(call?.input, { text: 'pong-please' });
  assert.equal(call.namespace, isGrouped ? 'mcp__fake__' : '');
  assert.deepEqual((await hear('mcp')).texts, ['There is no tool for that.']);
});

testEachWay('several MCP tools are called in their order', async (_, { hear, protocol }) => {
  const names =
    protocol === 'responses' ? ['mcp__a__/ping', 'mcp__b__/hail'] : ['mcp__a__ping', 'mcp__b__hail'];
  const after = (results: number) => hear('mcp', 'hail,ping', { tools: names, results });
  assert.match((await after(0)).calls[0]?.name ?? '', /hail$/u);
  assert.match((await after(1)).calls[0]?.name ?? '', /ping$/u);
  assert.deepEqual((await after(2)).texts, ['Done: step 2 of mcp.']);
});

testEachWay('a structured answer is a call of the tool for it, or the text', async (_, { hear }) => {
  const [call] = (await hear('schema', undefined, { tools: ['Bash', 'StructuredOutput'] })).calls;
  assert.deepEqual(call, { name: 'StructuredOutput', namespace: '', input: { ok: true, file: 'hello.txt' } });
  const [text = ''] = (await hear('schema', undefined, { json: true })).texts;
  assert.deepEqual(JSON.parse(text), { ok: true, file: 'hello.txt' });
  assert.deepEqual((await hear('schema-invalid')).texts, ['{"ok":"perhaps"}']);
});

const findingAt = (file: string, line: number): unknown => ({
  verdict: 'request_changes',
  issues: [{ file, line, severity: 'major' }],
});

testEachWay('asked for a verdict, it reviews; else it writes the file', async (_, { hear }) => {
  const marker = scenarioMarker('review', 'src/a.ts:3');
  const prompt = `Give a "verdict" of the work that was asked for: ${marker}`;
  const [call] = (await hear('review', undefined, { prompt, tools: ['Bash', 'StructuredOutput'] })).calls;
  assert.equal(call?.name, 'StructuredOutput');
  assert.partialDeepStrictEqual(call.input, findingAt('src/a.ts', 3));
  const [text = ''] = (await hear('review', undefined, { prompt })).texts;
  assert.partialDeepStrictEqual(JSON.parse(text), findingAt('src/a.ts', 3));
  const approving = `"verdict" ${scenarioMarker('review', 'approve')}`;
  const [approval = ''] = (await hear('review', undefined, { prompt: approving })).texts;
  assert.partialDeepStrictEqual(JSON.parse(approval), { verdict: 'approve', issues: [] });
  assert.match(JSON.stringify((await hear('review', 'src/a.ts:3')).calls), /> 'src\/a\.ts'/u);
  assert.match(JSON.stringify((await hear('review')).calls), /> 'hello\.txt'/u);
});

testEachWay('a review in words has its JSON in a block', async (_, { hear }) => {
  const prompt = `"verdict" ${scenarioMarker('review-block')}`;
  const [text = ''] = (await hear('review-block', undefined, { prompt, tools: ['Bash', 'StructuredOutput'] }))
    .texts;
  const block = /```json\n(.*)\n```/su.exec(text)?.[1] ?? '';
  assert.partialDeepStrictEqual(JSON.parse(block), findingAt('hello.txt', 1));
  assert.match(JSON.stringify((await hear('review-block')).calls), /> 'hello\.txt'/u);
});

testEachWay('what is unknown stands beside a message that is whole', async (_, { hear }) => {
  const heard = await hear('unknown-event');
  assert.deepEqual(heard.texts, ['Done: known.']);
  assert.ok(heard.complete);
});

testEachWay('a flaky model answers after as many requests as asked for', async (_, { hear }) => {
  const statuses: number[] = [];
  for (let count = 0; count < 4; count += 1) statuses.push((await hear('flaky', 2)).status);
  assert.deepEqual(statuses, [529, 529, 200, 200]);
});

test('every scenario says what it is in a sentence', () => {
  for (const [name, { about }] of Object.entries(modelScenarios)) assert.match(about, /^[A-Z].*\.$/u, name);
});

test('a client that keeps its tools behind one for code is sent a program', async () => {
  await using server = await startModelServer();
  const tools = [
    {
      type: 'namespace',
      name: 'functions',
      tools: [
        { type: 'custom', name: 'exec' },
        { type: 'custom', name: 'apply_patch' },
      ],
    },
  ];
  const programFor = async (marker: string): Promise<string> => {
    const content = [{ type: 'input_text', text: marker }];
    const input = [
      { type: 'additional_tools', role: 'developer', tools },
      { type: 'message', role: 'user', content },
    ];
    const answer = await fetch(`${server.url}/v1/responses`, {
      method: 'POST',
      headers: { authorization: 'Bearer made-up' },
      body: JSON.stringify({ model: 'm', input }),
    });
    const call = listField(await answer.json(), 'output').find(
      (item) => textField(item, 'type') === 'custom_tool_call',
    );
    assert.equal(`${textField(call, 'namespace')}/${textField(call, 'name')}`, 'functions/exec');
    return textField(call, 'input');
  };
  assert.match(
    await programFor(scenarioMarker('fix', 'sh test.sh')),
    /tools\.exec_command\(\{"cmd":"sh test\.sh"/u,
  );
  assert.match(await programFor(scenarioMarker('mcp')), /endsWith\("ping"\)/u);
});
