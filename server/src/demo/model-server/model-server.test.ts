import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startModelServer, type ModelServer } from './model-server.ts';
import { scenarioMarker } from './scenarios.ts';

const patience = (): AbortSignal => AbortSignal.timeout(10_000);

type Sent = {
  readonly prompt: string;
  readonly stream?: boolean;
  readonly tools?: readonly object[];
  readonly key?: string;
};

function post(server: ModelServer, path: string, sent: Sent, signal = patience()): Promise<Response> {
  const { prompt, stream = true, tools = [{ name: 'Bash', input_schema: {} }], key = 'made-up' } = sent;
  return fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: key === '' ? {} : { 'x-api-key': key },
    body: JSON.stringify({ model: 'm', stream, tools, messages: [{ role: 'user', content: prompt }] }),
    signal,
  });
}

test('what clients look at first is answered', async () => {
  await using server = await startModelServer();
  const status = async (method: string, path: string): Promise<number> =>
    (await fetch(`${server.url}${path}`, { method, signal: patience() })).status;
  assert.equal(await status('HEAD', '/'), 200);
  assert.equal(await status('HEAD', '/api/hello'), 404);
  assert.equal(await status('GET', '/api/hello'), 404);
  assert.equal(await status('GET', '/v1/models?limit=5'), 200);
  assert.equal(await status('POST', '/v1/embeddings'), 404);
  const counted = await post(server, '/v1/messages/count_tokens?beta=true', { prompt: 'x' });
  assert.deepEqual(await counted.json(), { input_tokens: 1200 });
});

test('a request without a credential is refused, and the log tells which one came', async () => {
  await using server = await startModelServer();
  for (const path of ['/v1/messages', '/v1/responses', '/v1/chat/completions', '/v1/messages/count_tokens']) {
    const refused = await post(server, path, { prompt: 'x', key: '' });
    assert.equal(refused.status, 401, path);
    await refused.body?.cancel();
  }
  const taken = await post(server, '/v1/messages', { prompt: 'x', key: 'a-key' });
  assert.match(await taken.text(), /a short text/u);
  assert.deepEqual(
    server.requests().map(({ headers, scenario }) => [headers['x-api-key'], scenario]),
    [...Array.from({ length: 4 }, () => [undefined, undefined]), ['a-key', 'text']],
  );
});

test('a request without tools gets a short text, whatever the marker', async () => {
  await using server = await startModelServer();
  const answer = await post(server, '/v1/messages', { prompt: scenarioMarker('hang'), tools: [] });
  assert.match(await answer.text(), /A short title/u);
});

test('an unknown scenario is a bad request', async () => {
  await using server = await startModelServer();
  for (const name of ['wrte', 'constructor']) {
    const answer = await post(server, '/v1/messages', { prompt: `[[scenario:${name}]]` });
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), new RegExp(`no scenario called ${name}`, 'u'));
  }
});

test('the log has what came, when it was answered, and how it ended', async () => {
  await using server = await startModelServer();
  const before = Date.now();
  const prompt = `Do it ${scenarioMarker('status', 429)}`;
  const refused = await post(server, '/v1/messages?beta=true', { prompt });
  assert.equal(refused.headers.get('retry-after'), '0');
  await refused.text();
  const request = await server.waitFor(({ closed }) => closed !== undefined, patience());
  const { startedAt, firstByteAt = 0, closedAt = 0, headers: _, body, ...rest } = request;
  assert.deepEqual(rest, {
    id: 1,
    method: 'POST',
    path: '/v1/messages?beta=true',
    marker: '[[scenario:status:429]]',
    scenario: 'status',
    step: 0,
    prompt,
    status: 429,
    closed: 'finished',
  });
  assert.ok(before <= startedAt && startedAt <= firstByteAt && firstByteAt <= closedAt);
  assert.equal((body as { model: string }).model, 'm');
});

for (const stream of [true, false]) {
  test(`a client that leaves a hanging message is seen, streaming: ${stream}`, async () => {
    await using server = await startModelServer();
    const leaving = new AbortController();
    const answer = post(server, '/v1/messages', { prompt: scenarioMarker('hang'), stream }, leaving.signal);
    await server.waitFor(
      ({ scenario, firstByteAt }) => scenario === 'hang' && (firstByteAt !== undefined || !stream),
      patience(),
    );
    const read = answer.then((response) => response.text());
    leaving.abort();
    await assert.rejects(read, { name: 'AbortError' });
    assert.equal((await server.waitFor(({ closed }) => closed !== undefined, patience())).closed, 'client');
  });
}

test('a connection that the server cuts, or closes with it, is its own doing', async () => {
  const server = await startModelServer();
  const cut = await post(server, '/v1/messages', { prompt: scenarioMarker('cut') });
  await assert.rejects(cut.text());
  const hanging = await post(server, '/v1/messages', { prompt: scenarioMarker('hang') });
  const ended = assert.rejects(hanging.text());
  await server.close();
  await server.close();
  await ended;
  assert.deepEqual(
    server.requests().map(({ closed }) => closed),
    ['server', 'server'],
  );
});

test('a slow stream comes piece by piece, and a slow start comes late', async () => {
  await using server = await startModelServer({ latencyMs: 50 });
  const answer = await post(server, '/v1/messages', { prompt: scenarioMarker('slow-stream', 3) });
  const pieces: string[] = [];
  for await (const piece of answer.body ?? []) pieces.push(Buffer.from(piece).toString());
  assert.ok(pieces.length > 3, `${pieces.length} pieces`);
  await (await post(server, '/v1/messages', { prompt: scenarioMarker('slow-first', 100) })).text();
  const late = (id: number): number => {
    const request = server.requests().find((candidate) => candidate.id === id);
    return (request?.firstByteAt ?? 0) - (request?.startedAt ?? 0);
  };
  assert.ok(late(1) >= 49 && late(2) >= 149, `${late(1)} and ${late(2)} ms`);
});

test('who waits for a request that does not come is let go by its signal', async () => {
  await using server = await startModelServer();
  const waiting = new AbortController();
  const waited = assert.rejects(
    server.waitFor(() => true, waiting.signal),
    /enough/u,
  );
  waiting.abort(new Error('enough'));
  await waited;
  await assert.rejects(
    server.waitFor(() => true, AbortSignal.abort(new Error('too late'))),
    /too late/u,
  );
});
