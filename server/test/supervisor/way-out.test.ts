import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { eventually } from '../../src/executors/executor.contract.ts';
import { missingForWayOut } from '../../src/executors/way-out.ts';
import { closeInheritedDescriptors } from '../../src/lib/inherited-descriptors.ts';
import { readNotices } from '../../src/supervisor/notices.ts';
import { prestartSupervisor } from '../../src/supervisor/start.ts';
import { listenOnLoopback, serveUpstream, trialRelay } from '../../src/supervisor/test-way-out.ts';
import {
  attachTo,
  endOf,
  prepareRun,
  runToEnd,
  spooled,
  startRun,
  type PreparedRun,
  type RunOptions,
} from '../support/supervised-run.ts';
import { passAsOrdinaryUser } from '../support/ordinary-user.ts';

closeInheritedDescriptors();

const key = 'the-key-of-the-operator';

/** A line of shell that asks at the way out and prints the whole answer. */
function asking(request: string): string {
  const text = `${request.replaceAll('\n', '\\r\\n')}\\r\\nhost: x\\r\\nconnection: close\\r\\n\\r\\n`;
  return `printf '${text}' | socat stdio,ignoreeof tcp4:127.0.0.1:3128`;
}

function skipped(t: TestContext): boolean {
  const [missing] = missingForWayOut();
  if (missing !== undefined) t.skip(missing.problem);
  return missing !== undefined;
}

test('an agent reaches its model from a sandbox without a network, and sees no key', async (t) => {
  if (skipped(t)) return;
  const seen: unknown[] = [];
  const { port } = await serveUpstream(t, (incoming, answer) => {
    seen.push([incoming.url, incoming.headers['x-api-key']]);
    answer.writeHead(200, { 'content-type': 'text/event-stream' });
    answer.end('event: done\n\n');
  });
  const { exit, run, output } = await runToEnd(
    t,
    `${asking('GET /anthropic/v1/messages HTTP/1.1')}; env; cat /proc/*/environ /proc/*/cmdline | tr '\\0' '\\n'; socat - tcp4:127.0.0.1:${port} </dev/null || echo closed`,
    { wayOut: { relays: [trialRelay(port)], allow: [] } },
  );
  assert.equal(exit.code, 0);
  assert.match(output, /^HTTP\/1\.1 200 OK\r\n[^]*event: done\n\n/);
  assert.match(output, /closed\n$/);
  assert.deepEqual(seen, [['/v1/messages', key]]);
  for (const name of readdirSync(run.folder)) {
    assert.ok(!readFileSync(join(run.folder, name), 'latin1').includes(key), name);
  }
});

test('a refusal is written down, and told to who is attached and to who comes later', async (t) => {
  if (skipped(t)) return;
  const run = await prepareRun(
    t,
    `${asking('GET http://one.invalid/ HTTP/1.1')}; read x; ${asking('CONNECT two.invalid:443 HTTP/1.1')}; cat`,
    { keepInput: true, wayOut: { relays: [], allow: [] } },
  );
  await startRun(run);
  const heard = (await attachTo(t, run)).messages[Symbol.asyncIterator]();
  const counts: number[] = [];
  const nextCount = async (): Promise<void> => {
    for (;;) {
      const { value, done } = await heard.next();
      assert.ok(done !== true && value.type !== 'exit');
      if (value.type === 'output') continue;
      counts.push(value.count);
      return;
    }
  };
  await nextCount();
  const one = { type: 'egress_refused', host: 'one.invalid', port: 80, reason: 'not_allowed' };
  assert.deepEqual(await readNotices(run.folder, 0), [one]);
  await eventually(
    'the first is answered',
    () => spooled(run, 'output').includes('SLIPWAY_ALLOW_EGRESS'),
    5000,
  );
  const late = await attachTo(t, run);
  late.input({ key: 'x', text: '\n', end: false });
  await nextCount();
  assert.deepEqual(counts, [1, 2]);
  assert.deepEqual(await readNotices(run.folder, 1), [{ ...one, host: 'two.invalid', port: 443 }]);
  const last = await attachTo(t, run);
  for await (const message of last.messages) {
    if (message.type !== 'notices') continue;
    assert.equal(message.count, 2);
    break;
  }
  late.finish(10_000);
  assert.equal((await endOf(run)).reason, 'exited');
});

test('the socket of a way out is for the user of the sandbox alone, and goes with the run', async (t) => {
  if (skipped(t)) return;
  const options: RunOptions = { keepInput: true, wayOut: { relays: [], allow: [] } };
  const run: PreparedRun = await prepareRun(t, 'cat', options);
  const path = run.spec.wayOut?.socket ?? '';
  // Something that a dead supervisor left behind.
  writeFileSync(path, '');
  assert.equal(await prestartSupervisor({ loadWayOut: true }).start(run.spec), 'started');
  const attached = await attachTo(t, run);
  attached.input({ key: 'x', text: 'x\n', end: false });
  await eventually('the agent runs', () => spooled(run, 'output') === 'x\n', 5000);
  const socket = statSync(path);
  assert.ok(socket.isSocket());
  assert.equal(socket.mode & 0o777, 0o600);
  assert.equal(socket.uid, run.place.uid ?? process.getuid?.());
  attached.stop(0);
  await endOf(run);
  assert.equal(existsSync(path), false);
});

test('what goes through the way out ends with the sandbox, and not with who was attached', async (t) => {
  if (skipped(t)) return;
  const upstream = Promise.withResolvers<void>();
  let closed = false;
  const server = createServer((incoming, answer) => {
    incoming.resume();
    answer.write('data: 1\n\n');
    answer.once('close', () => {
      closed = true;
      upstream.resolve();
    });
  });
  const port = await listenOnLoopback(t, server);
  const run = await prepareRun(t, asking('GET /anthropic/x HTTP/1.1'), {
    wayOut: { relays: [trialRelay(port)], allow: [] },
  });
  await startRun(run);
  const first = await attachTo(t, run);
  await eventually('the stream has begun', () => spooled(run, 'output').includes('data: 1'), 5000);
  first.close();
  const second = await attachTo(t, run);
  assert.equal(closed, false);
  second.stop(0);
  await upstream.promise;
  assert.equal((await endOf(run)).reason, 'stopped');
});

test('a run whose way out cannot be opened does not start, and says why', async (t) => {
  if (skipped(t)) return;
  const run = await prepareRun(t, 'echo started', { wayOut: { relays: [], allow: [] } });
  const wayOut = { socket: join(run.folder, 'missing', 'out'), relays: [], allow: [] };
  await startRun({ ...run, spec: { ...run.spec, wayOut } });
  const exit = await endOf(run);
  assert.equal(exit.reason, 'not_started');
  assert.match(exit.detail, /ENOENT|EACCES/);
  assert.equal(spooled(run, 'output'), '');
});

for (const file of ['talk.test.ts', 'way-out.test.ts']) {
  test(`an ordinary user passes ${file} as well`, (t) =>
    passAsOrdinaryUser(t, join(import.meta.dirname, file)));
}
