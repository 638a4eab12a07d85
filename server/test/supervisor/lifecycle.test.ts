import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import {
  eventually,
  manyProcesses,
  processesWith,
  uniqueSleep,
} from '../../src/executors/executor.contract.ts';
import { closeInheritedDescriptors } from '../../src/lib/inherited-descriptors.ts';
import { isSameProcess } from '../../src/lib/process-identity.ts';
import { attachSupervisor } from '../../src/supervisor/attach.ts';
import { supervisorFaultPoints } from '../../src/supervisor/protocol.ts';
import { readClaim, readExit } from '../../src/supervisor/records.ts';
import { prestartSupervisor } from '../../src/supervisor/start.ts';
import { attachTo, endOf, prepareRun, runToEnd, spooled, startRun } from '../support/supervised-run.ts';

closeInheritedDescriptors();

const soon = (): AbortSignal => AbortSignal.timeout(20_000);

test('a supervisor keeps what the agent writes, byte for byte, and how it ended', async (t) => {
  const { exit, run, output, errors } = await runToEnd(
    t,
    "printf 'one\\n\\377\\000two'; echo err >&2; exit 9",
  );
  assert.equal(output, 'one\n\xff\0two');
  assert.equal(errors, 'err\n');
  assert.deepEqual(
    { ...exit, startedAt: '', endedAt: '' },
    {
      reason: 'exited',
      code: 9,
      signal: null,
      outputBytes: 9,
      startedAt: '',
      endedAt: '',
      heldMs: 0,
      detail: '',
    },
  );
  assert.ok(Date.parse(exit.startedAt) <= Date.parse(exit.endedAt));
  assert.deepEqual(await readExit(run.folder), exit);
  assert.deepEqual(readdirSync(run.folder).sort(), [
    'errors',
    'exit.json',
    'output',
    'supervisor.json',
    'supervisor.log',
  ]);
  assert.equal(readFileSync(join(run.folder, 'supervisor.log'), 'utf8'), '');
});

test('an agent may open its streams again by name', async (t) => {
  const { output, errors } = await runToEnd(
    t,
    'echo a >/dev/stdout; echo b >/dev/stderr; cat /dev/stdin; cat',
    {
      input: 'the prompt\n',
    },
  );
  assert.equal(output, 'a\nthe prompt\nthe prompt\n');
  assert.equal(errors, 'b\n');
});

test('an agent whose input is kept open gets more of it from whoever is attached', async (t) => {
  const run = await prepareRun(t, 'read a; echo "got $a"; read b; echo "got $b"; cat; echo end', {
    input: 'first\n',
    keepInput: true,
  });
  await startRun(run);
  const attached = await attachTo(t, run);
  attached.input({ key: 'second', text: 'second\n', end: false });
  await eventually('the second line is read', () => spooled(run, 'output').includes('got second'), 5000);
  attached.input({ key: 'third', text: 'third\n', end: true });
  assert.equal((await endOf(run)).code, 0);
  assert.equal(spooled(run, 'output'), 'got first\ngot second\nthird\nend\n');
});

test('whoever attaches hears how far the output has come, and the end', async (t) => {
  const run = await prepareRun(t, 'echo 12345; read line; echo 1234567; exit 3', { keepInput: true });
  await startRun(run);
  const attached = await attachTo(t, run);
  const heard: unknown[] = [];
  for await (const message of attached.messages) {
    if (message.type === 'exit') heard.push(message.exit.outputBytes);
    if (message.type !== 'output') continue;
    heard.push(message.bytes);
    if (message.bytes === 6) attached.input({ key: 'go', text: 'go\n', end: true });
  }
  assert.ok(heard.includes(6));
  assert.equal(heard.at(-1), 14);
});

test('one of two supervisors gets the folder, and the other leaves', async (t) => {
  const run = await prepareRun(t, 'echo once; exit 0');
  const answers = await Promise.all([startRun(run), startRun(run), startRun(run)]);
  assert.deepEqual(answers.sort(), ['started', 'taken', 'taken']);
  assert.equal((await endOf(run)).reason, 'exited');
  assert.equal(spooled(run, 'output'), 'once\n');
  assert.equal(await startRun(run), 'taken');
});

test('a supervisor that is not needed goes, and so does one whose server dies first', async (t) => {
  prestartSupervisor().discard();
  const start = new URL('../../src/supervisor/start.ts', import.meta.url).href;
  const program = `
    const { prestartSupervisor } = await import(${JSON.stringify(start)});
    prestartSupervisor({ nodeOptions: ['--title=${uniqueSleep()}'] });
    console.log('warm');
    setInterval(() => {}, 1000);`;
  const title = /--title=([\d.]+)/.exec(program)?.[1] ?? '';
  const warm = (): boolean => processesWith(`--title=${title}`).length > 0 || processesWith(title).length > 0;
  const server = spawn(process.execPath, ['--input-type=module', '-e', program], {
    env: {},
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => server.kill('SIGKILL'));
  await new Promise<void>((resolve) => server.stdout.once('data', () => resolve()));
  await eventually('the supervisor is there', warm);
  server.kill('SIGKILL');
  await eventually('the supervisor is gone', () => !warm());
});

test('nobody owns a run that was never started', async (t) => {
  const run = await prepareRun(t, 'true');
  assert.deepEqual(await attachSupervisor(run.folder, soon()), { kind: 'gone', existed: false });
  assert.equal(await readExit(run.folder), undefined);
});

test('a killed server leaves the agent running, and the next one gets the rest and the end', async (t) => {
  const run = await prepareRun(t, 'for i in 1 2 3 4; do echo $i; sleep 0.3; done; exit 4');
  const start = new URL('../../src/supervisor/start.ts', import.meta.url).href;
  const attach = new URL('../../src/supervisor/attach.ts', import.meta.url).href;
  const program = `
    const { prestartSupervisor } = await import(${JSON.stringify(start)});
    const { attachSupervisor } = await import(${JSON.stringify(attach)});
    const spec = JSON.parse(process.getBuiltinModule('node:fs').readFileSync(0, 'utf8'));
    console.log(await prestartSupervisor().start(spec));
    const attached = await attachSupervisor(spec.folder, AbortSignal.timeout(10_000));
    for await (const message of attached.messages) if (message.bytes > 0) console.log('output');`;
  const server = spawn(process.execPath, ['--input-type=module', '-e', program], {
    env: {},
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => server.kill('SIGKILL'));
  server.stdin.end(JSON.stringify(run.spec));
  await new Promise<void>((resolve) => {
    server.stdout.on('data', (data) => String(data).includes('output') && resolve());
  });
  server.kill('SIGKILL');
  const exit = await endOf(run);
  assert.deepEqual([exit.reason, exit.code], ['exited', 4]);
  assert.equal(spooled(run, 'output'), '1\n2\n3\n4\n');
});

test('a killed supervisor takes its sandbox along, and the run is known to be lost', async (t) => {
  const sleep = uniqueSleep();
  const run = await prepareRun(t, manyProcesses(sleep));
  await startRun(run);
  const attached = await attachTo(t, run);
  await eventually('the processes run', () => processesWith(sleep).length >= 4);
  process.kill(attached.identity.pid, 'SIGKILL');
  await eventually('all of them are gone', () => processesWith(sleep).length === 0);
  await eventually('the supervisor is gone', () => !isSameProcess(attached.identity));
  assert.deepEqual(await attachSupervisor(run.folder, soon()), { kind: 'gone', existed: true });
});

for (const point of supervisorFaultPoints) {
  test(`killed at ${point}, a supervisor leaves a run that is either lost or ended`, async (t) => {
    const sleep = uniqueSleep();
    const script = point === 'supervisor.spawned' ? `sleep ${sleep}` : 'exit 6';
    const mark = join((await prepareRun(t, 'true')).folder, 'mark');
    const run = await prepareRun(t, script, { fault: { point, action: 'kill', mark } });
    assert.equal(await startRun(run), 'started');
    await eventually(
      'the point is reached',
      () => statSync(mark, { throwIfNoEntry: false }) !== undefined,
      10_000,
    );
    const claim = readClaim(run.folder);
    assert.ok(claim !== undefined && claim !== 'broken');
    await eventually('the supervisor is gone', () => !isSameProcess(claim.identity));
    const attachment = await attachSupervisor(run.folder, soon());
    if (point === 'supervisor.recorded') assert.ok(attachment.kind === 'ended' && attachment.exit.code === 6);
    else assert.deepEqual(attachment, { kind: 'gone', existed: true });
    await eventually('nothing of it runs', () => processesWith(sleep).length === 0);
    for (const group of run.spec.launch.controlGroups) assert.equal(existsSync(group), false);
  });
}

test('a frozen supervisor is attached to once it goes on', async (t) => {
  const mark = join((await prepareRun(t, 'true')).folder, 'mark');
  const run = await prepareRun(t, 'echo x', { fault: { point: 'supervisor.spawned', action: 'stop', mark } });
  await startRun(run);
  await eventually(
    'the point is reached',
    () => statSync(mark, { throwIfNoEntry: false }) !== undefined,
    10_000,
  );
  const attached = await attachTo(t, run);
  const stat = `/proc/${attached.identity.pid}/stat`;
  // The mark comes before the signal.
  await eventually('it is frozen', () => / T /.test(readFileSync(stat, 'latin1')));
  process.kill(attached.identity.pid, 'SIGCONT');
  assert.equal((await endOf(run)).code, 0);
});

test('a supervisor that stays frozen is ended with its sandbox by who is attached', async (t) => {
  const sleep = uniqueSleep();
  const run = await prepareRun(t, `sleep ${sleep}`);
  await startRun(run);
  const attached = await attachTo(t, run);
  await eventually('the agent runs', () => processesWith(sleep).length > 0);
  process.kill(attached.identity.pid, 'SIGSTOP');
  attached.kill();
  await eventually('nothing of it runs', () => processesWith(sleep).length === 0);
  await eventually('the supervisor is gone', () => !isSameProcess(attached.identity));
  assert.deepEqual(await attachSupervisor(run.folder, soon()), { kind: 'gone', existed: true });
});

test('a hang-up and an interrupt do not concern a supervisor, SIGTERM makes it end its sandbox', async (t) => {
  const sleep = uniqueSleep();
  const run = await prepareRun(t, `sleep ${sleep}`);
  await startRun(run);
  const { identity } = await attachTo(t, run);
  await eventually('the agent runs', () => processesWith(sleep).length > 0);
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGPIPE'] as const) process.kill(identity.pid, signal);
  const attached = await attachTo(t, run);
  process.kill(attached.identity.pid, 'SIGTERM');
  assert.equal((await endOf(run)).reason, 'stopped');
  assert.deepEqual(processesWith(sleep), []);
});

test('a sandbox that cannot be started is told apart from an agent that fails', async (t) => {
  const missing = await runToEnd(t, 'true', {
    changeLaunch: (launch) => ({ ...launch, file: '/no/such/file' }),
  });
  assert.equal(missing.exit.reason, 'not_started');
  assert.match(missing.exit.detail, /ENOENT/);
  const broken = await runToEnd(t, 'true', {
    changeLaunch: (launch) => ({
      ...launch,
      files: launch.files.map((file) =>
        'content' in file ? { ...file, content: `${file.content}--ro-bind\0/no/such\0/x\0` } : file,
      ),
    }),
  });
  assert.equal(broken.exit.reason, 'not_started');
  assert.match(broken.exit.detail, /bwrap: Can't find source path \/no\/such/);
  const failing = await runToEnd(t, 'echo "bwrap: not me" >&2; exit 1');
  assert.deepEqual([failing.exit.reason, failing.exit.code], ['exited', 1]);
});

test('a socket path that is too long is refused before the folder is taken', async (t) => {
  const run = await prepareRun(t, 'true');
  const spec = { ...run.spec, socket: join(run.folder, 's'.repeat(100)) };
  await assert.rejects(prestartSupervisor().start(spec), /the path of the socket is longer than/);
  assert.equal(readClaim(run.folder), undefined);
});

test('the socket and the files of a run are for the user of the server alone', async (t) => {
  const run = await prepareRun(t, 'read x', { keepInput: true });
  await startRun(run);
  const attached = await attachTo(t, run);
  const modes = ['socket', 'output', 'errors', 'supervisor.json'].map(
    (name) => statSync(join(run.folder, name)).mode & 0o777,
  );
  assert.deepEqual(modes, [0o600, 0o600, 0o600, 0o600]);
  attached.input({ key: 'end', text: '', end: true });
  await endOf(run);
});
