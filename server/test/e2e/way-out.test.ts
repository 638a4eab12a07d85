import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { git } from '../../src/demo/example-repository.ts';
import { until } from '../support/processes.ts';
import { openHouse, smallLimits } from './scenario-house.ts';

const words = 'hello from outside';

/** A server on loopback, and how often it was asked. */
async function startOutside(t: TestContext) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end(words);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address();
  return { port: typeof address === 'object' ? (address?.port ?? 0) : 0, asked };
}

/** Asks through the proxy, and by itself; says which variables name the proxy. */
function askingScript(port: number): string {
  return [
    `ask() { printf 'GET http://%s/ HTTP/1.0\\r\\n\\r\\n' "$1" | socat -,ignoreeof TCP4:127.0.0.1:3128 | tr -d '\\r'; }`,
    `ask 127.0.0.1:${port} >allowed.txt`,
    'ask 127.0.0.1:9 >refused.txt',
    'echo asked',
    'while ! [ -e /tmp/go ] && [ "${i:-0}" -lt 40 ]; do i=$((${i:-0} + 1)); sleep 0.1; done',
    `ask 127.0.0.1:${port} >later.txt`,
    'ask 127.0.0.1:10 >>refused.txt',
    `socat -u TCP4:127.0.0.1:${port},connect-timeout=1 - >alone.txt 2>&1 || echo 'no way' >alone.txt`,
    'env | grep -i -E "^(https?|no)_proxy=" | sort >variables.txt',
  ].join('\n');
}

test('a sandbox reaches the hosts that the operator lists and no other, also over a kill of the server', async (t) => {
  const outside = await startOutside(t);
  await using house = await openHouse({
    settings: {
      ...smallLimits,
      SLIPWAY_SILENCE_SECONDS: '20',
      SLIPWAY_ALLOW_EGRESS: `127.0.0.1:${outside.port}`,
    },
  });
  const { id } = await house.client.tasks.create({
    repo_url: `${house.forge.url}/sum.git`,
    prompt: 'ask around',
    publish: 'branch',
    config: { cli: 'script', command: askingScript(outside.port), timeout_seconds: 60 },
  });
  const refusals = async (): Promise<readonly { host: string; port: number; reason: string }[]> =>
    (
      await house.query<{ data: { host: string; port: number; reason: string } }>(
        `select data from events where stream_id = $1 and type = 'egress_refused' order by id`,
        [id],
      )
    ).map(({ data }) => data);
  await until('the first refusal', async () => (await refusals()).length === 1);
  await house.restart('kill');
  const task = await house.client.tasks.wait(id, { signal: AbortSignal.timeout(60_000) });
  assert.equal(task.status, 'completed', task.error ?? '');
  const file = (name: string): Promise<string> =>
    git(join(house.repositories, 'sum.git'), 'show', `${task.branch ?? ''}:${name}`);
  assert.match(await file('allowed.txt'), /^HTTP\/1\.1 200 OK\n[\s\S]*hello from outside$/u);
  assert.match(await file('later.txt'), /hello from outside$/u);
  assert.match(await file('refused.txt'), /^HTTP\/1\.1 403[\s\S]*SLIPWAY_ALLOW_EGRESS/u);
  assert.equal(await file('alone.txt'), 'no way\n');
  assert.equal((await file('variables.txt')).split('\n').length, 7);
  assert.equal(outside.asked.length, 2);
  assert.deepEqual(await refusals(), [
    { host: '127.0.0.1', port: 9, reason: 'not_allowed' },
    { host: '127.0.0.1', port: 10, reason: 'not_allowed' },
  ]);
});
