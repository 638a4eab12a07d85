import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

import { signalLaunch } from '../lib/end-launch.ts';
import { spawnLaunch } from '../lib/spawn-launch.ts';
import {
  eventually,
  makeTrialFolder,
  makeTrialPlace,
  processesWith,
  runShell,
  trialLimits,
} from './executor.contract.ts';
import type { Executor, Place } from './executor.ts';

/** A way out that answers with `answer`, reachable by the sandbox's user; closed after the test. */
export async function serveWayOut(
  t: TestContext,
  answer: (socket: Socket) => void,
  name = 'way-out.sock',
): Promise<{ readonly socket: string }> {
  const socket = join(makeTrialFolder(t), name);
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (connection) => {
    open.add(connection);
    connection.on('error', () => {});
    connection.once('close', () => open.delete(connection));
    answer(connection);
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  chmodSync(socket, 0o666);
  t.after(() => {
    server.close();
    for (const connection of open) connection.destroy();
  });
  return { socket };
}

/** Answers every connection with how many bytes came and their digest, once all have come. */
function digest(connection: Socket): void {
  const hash = createHash('sha256');
  let bytes = 0;
  connection.on('data', (part: Buffer) => {
    hash.update(part);
    bytes += part.length;
  });
  connection.on('end', () => connection.end(`${bytes} ${hash.digest('hex')}`));
}

/** A command of Node, which many hosts do not have below /usr. */
function node(script: string): {
  readonly argv: readonly [string, ...string[]];
  readonly readOnly: readonly string[];
} {
  return { argv: [process.execPath, '-e', script], readOnly: [dirname(process.execPath)] };
}

/** One question to the way out; prints the answer. */
function asks(place: Place, text: string): string {
  return `perl -MIO::Socket::INET -e '
    my $s = IO::Socket::INET->new("127.0.0.1:${place.wayOutPort}") or die "no way out: $!";
    print $s "${text}"; $s->shutdown(1); print while <$s>;'`;
}

/** What every executor's way out does. */
export function wayOutContract(make: (t: TestContext) => Executor): void {
  test('leads from a port of the loopback to the socket, as soon as the command runs', async (t) => {
    const executor = make(t);
    const place = await makeTrialPlace(t, executor);
    const wayOut = await serveWayOut(t, (connection) => connection.pipe(connection));
    for (const word of ['one', 'two', 'three']) {
      const { stdout, stderr } = await runShell(executor, place, asks(place, word), { wayOut });
      assert.equal(stdout, word, stderr);
    }
    assert.deepEqual(processesWith(`UNIX-CONNECT:${wayOut.socket}`), []);
  });

  test('leads to a socket of whatever name', async (t) => {
    const executor = make(t);
    const place = await makeTrialPlace(t, executor);
    const wayOut = await serveWayOut(
      t,
      (connection) => connection.pipe(connection),
      `a,b:c!d "e" 'f' (g [h {i \\ $j`,
    );
    assert.equal((await runShell(executor, place, asks(place, 'word'), { wayOut })).stdout, 'word');
  });

  test('carries fifty large questions at once', async (t) => {
    const executor = make(t);
    const place = await makeTrialPlace(t, executor);
    const wayOut = await serveWayOut(t, digest);
    const bytes = 1_000_003;
    const { argv, readOnly } = node(`
      const { connect } = require('node:net');
      const body = Buffer.alloc(${bytes}, 'slipway');
      for (let i = 0; i < 50; i += 1) {
        const socket = connect({ port: ${place.wayOutPort}, host: '127.0.0.1', allowHalfOpen: true });
        socket.end(body);
        socket.on('error', (error) => console.log(String(error)));
        let text = '';
        socket.on('data', (part) => { text += part; });
        socket.on('end', () => console.log(text));
      }`);
    const { stdout, stderr } = await runShell(executor, place, '', { argv, readOnly, wayOut });
    const expected = createHash('sha256').update(Buffer.alloc(bytes, 'slipway')).digest('hex');
    assert.deepEqual(
      stdout.trimEnd().split('\n'),
      Array.from({ length: 50 }, () => `${bytes} ${expected}`),
      stderr,
    );
  });

  test('lets an answer go on long after its question has ended', async (t) => {
    const executor = make(t);
    const place = await makeTrialPlace(t, executor);
    const wayOut = await serveWayOut(t, (connection) => {
      connection.resume();
      connection.on('end', () => {
        connection.write('begun');
        void delay(1500).then(() => connection.end(' and ended'));
      });
    });
    const { stdout } = await runShell(executor, place, asks(place, 'x'), { wayOut });
    assert.equal(stdout, 'begun and ended');
  });

  test('tells the other side when the command hangs up', async (t) => {
    const executor = make(t);
    const place = await makeTrialPlace(t, executor);
    const ended = Promise.withResolvers<void>();
    const wayOut = await serveWayOut(t, (connection) => {
      connection.write('begun');
      connection.resume();
      connection.on('end', ended.resolve);
    });
    const script = `
      my $s = IO::Socket::INET->new("127.0.0.1:${place.wayOutPort}"); read $s, my $begun, 5; close $s; print $begun; <STDIN>`;
    const launch = await executor.launch(
      place,
      { argv: ['perl', '-MIO::Socket::INET', '-e', script], env: {}, wayOut },
      trialLimits,
    );
    const spawned = await spawnLaunch(launch, { stdin: 'pipe', stdout: 'ignore', stderr: 'ignore' });
    await ended.promise;
    spawned.stdin?.end();
    await spawned.exited;
    await executor.release(launch);
  });

  test('stays open while a command that was asked to end says its last words', async (t) => {
    const executor = make(t);
    const place = await makeTrialPlace(t, executor);
    const heard: string[] = [];
    const wayOut = await serveWayOut(t, (connection) => {
      connection.on('data', (part: Buffer) => heard.push(part.toString()));
      connection.on('end', () => connection.end('heard'));
    });
    const argv = [
      '/bin/sh',
      '-c',
      `trap '${asks(place, 'last words').replaceAll("'", `'\\''`)}; exit 0' TERM; echo ready; while :; do sleep 0.05; done`,
    ] as const;
    const launch = await executor.launch(place, { argv, env: {}, wayOut }, trialLimits);
    const spawned = await spawnLaunch(launch, { stdin: 'ignore', stdout: 'pipe', stderr: 'ignore' });
    let output = '';
    spawned.stdout?.on('data', (part: Buffer) => (output += part.toString()));
    await eventually('the command runs', () => output.includes('ready'));
    signalLaunch(
      { pid: spawned.pid, insidePid: spawned.insidePid, controlGroups: launch.controlGroups },
      'SIGTERM',
    );
    await spawned.exited;
    await eventually('its output was read', () => output.endsWith('heard'));
    assert.deepEqual(heard, ['last words']);
    await executor.release(launch);
  });

  test('gives the command neither a descriptor nor a variable more', async (t) => {
    const executor = make(t);
    const place = await makeTrialPlace(t, executor);
    const wayOut = await serveWayOut(t, (connection) => connection.end());
    const script = 'env | sort; ls /proc/self/fd; set | grep -i bridge; type bridge_listens bridge_awaited';
    const plain = await runShell(executor, place, script);
    const bridged = await runShell(executor, place, script, { wayOut, homeFiles: { file: 'x' } });
    assert.equal(bridged.stdout, plain.stdout);
    assert.match(bridged.stdout, /\n0\n1\n2\n3\n/);
  });

  test('keeps the exit, the output and the input of its command apart from the bridge', async (t) => {
    const executor = make(t);
    const place = await makeTrialPlace(t, executor);
    const wayOut = await serveWayOut(t, (connection) => connection.end());
    const started = performance.now();
    const { stdout, code } = await runShell(executor, place, 'cat; exit 7', { wayOut, input: 'given' });
    assert.deepEqual([stdout, code], ['given', 7]);
    // A bridge that held the output's pipe would be waited for.
    assert.ok(performance.now() - started < 5000);
  });
}
