import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { closeInheritedDescriptors } from '../../lib/inherited-descriptors.ts';
import { spawnLaunch } from '../../lib/spawn-launch.ts';
import { serveWayOut } from '../executor-way-out.contract.ts';
import type { Executor, Launch } from '../executor.ts';
import {
  eventually,
  makeTrialFolder,
  makeTrialPlace,
  manyProcesses,
  processesWith,
  runShell,
  trialLimits,
  uniqueSleep,
} from '../executor.contract.ts';
import { createBubblewrapExecutor } from './bubblewrap-executor.ts';
import type { ProfileLine, ProfileLineName } from './profile.ts';

closeInheritedDescriptors();

type Change = (lines: readonly ProfileLine[]) => readonly ProfileLine[];

const without =
  (...names: readonly ProfileLineName[]): Change =>
  (lines) =>
    lines.filter(({ name }) => !names.includes(name));

const withArgs =
  (name: ProfileLineName, change: (args: readonly string[]) => readonly string[]): Change =>
  (lines) =>
    lines.map((line) => (line.name === name ? { name, args: change(line.args) } : line));

const withoutSize = (name: ProfileLineName): Change =>
  withArgs(name, (args) =>
    args.filter((_, index) => index !== args.indexOf('--size') && index !== args.indexOf('--size') + 1),
  );

function makeExecutor(t: TestContext, changeProfile: Change = (lines) => lines): Executor {
  return createBubblewrapExecutor({ stateFolder: join(makeTrialFolder(t), 'state'), changeProfile });
}

/** What a sandbox tries: prints `through` when it succeeds. */
type Attempt = {
  readonly what: string;
  readonly script: string;
  readonly weaker: Change;
  readonly readOnly?: readonly string[];
  readonly wayOut?: { readonly socket: string };
};

/** The attempt fails in the whole profile and succeeds in the weaker one: so the line is what stops it. */
async function stopsOnlyWhole(t: TestContext, attempt: Attempt): Promise<void> {
  for (const [change, expected] of [
    [undefined, ''],
    [attempt.weaker, 'through'],
  ] as const) {
    const executor = makeExecutor(t, change);
    const place = await makeTrialPlace(t, executor);
    const { stdout, stderr } = await runShell(executor, place, attempt.script, {
      readOnly: attempt.readOnly ?? [],
      ...(attempt.wayOut === undefined ? {} : { wayOut: attempt.wayOut }),
    });
    assert.equal(stdout.trim(), expected, `${change === undefined ? 'whole' : 'weaker'}: ${stderr}`);
  }
}

const writesTo = (path: string, mebibytes: number): string =>
  `head -c ${mebibytes}M /dev/zero >${path} 2>/dev/null && echo through`;

const attempts: readonly Attempt[] = [
  {
    what: 'the number of its user on the host',
    script: '[ "$(id -u)" = 1000 ] || echo through',
    weaker: withArgs('user namespace', () => ['--unshare-user']),
  },
  {
    what: 'the processes of the host',
    script: `[ -d /proc/${process.pid}/task ] && echo through`,
    weaker: (lines) =>
      without('process namespace')(withArgs('own processes', () => ['--ro-bind', '/proc', '/proc'])(lines)),
  },
  {
    what: 'the name of the host',
    script: '[ "$(uname -n)" = sandbox ] || echo through',
    weaker: without('host name'),
  },
  {
    what: 'the session that the server spawned it in',
    script: '[ "$(cut -d" " -f6 /proc/self/stat)" = 0 ] && echo through',
    weaker: without('own session'),
  },
  {
    what: "the host's /etc",
    script: '{ [ -e /etc/shadow ] || [ -e /etc/fstab ] || [ -e /etc/hostname ]; } && echo through',
    weaker: withArgs('etc', () => ['--ro-bind', '/etc', '/etc']),
  },
  {
    what: "the host's users",
    script: 'grep -q "^daemon:" /etc/passwd && echo through',
    weaker: withArgs('etc', () => ['--ro-bind', '/etc/passwd', '/etc/passwd']),
  },
  {
    what: "the host's folders",
    script: '{ [ -e /var ] || [ -e /root ] || [ -e /sys ] || [ -e /srv ]; } && echo through',
    weaker: withArgs('system', (args) => [...args, '--ro-bind', '/var', '/var']),
  },
  {
    // Without the line it is only the owner of the files that stands in the way.
    what: 'a writable /usr',
    script: 'touch /usr/probe 2>&1 | grep -q "Permission denied" && echo through',
    weaker: withArgs('system', (args) => args.map((arg, index) => (index === 0 ? '--bind' : arg))),
  },
  {
    what: 'the devices of the host',
    script: '[ -e /dev/kmsg ] && echo through',
    weaker: (lines) =>
      without(
        'devices read only',
        'shared memory size',
      )(withArgs('devices', () => ['--dev-bind', '/dev', '/dev'])(lines)),
  },
  {
    what: 'files beside the devices',
    script: 'touch /dev/probe && echo through',
    weaker: without('devices read only'),
  },
  {
    what: 'files in the root folder',
    script: 'touch /probe && echo through',
    weaker: without('root read only'),
  },
  {
    what: 'more of /tmp than its size',
    script: writesTo('/tmp/probe', 9),
    weaker: withoutSize('temporary files'),
  },
  {
    what: 'more of /dev/shm than its size',
    script: writesTo('/dev/shm/probe', 9),
    weaker: withoutSize('shared memory size'),
  },
  {
    what: 'more of /run than its size',
    script: writesTo('/run/probe', 17),
    weaker: withoutSize('run folder'),
  },
  {
    what: 'namespaces of its own, with the system call filter off as well as on',
    script: 'unshare --user true && echo through',
    weaker: without('no nested namespaces', 'system call filter'),
  },
];

for (const attempt of attempts) {
  test(`a sandbox does not get ${attempt.what}`, (t) => stopsOnlyWhole(t, attempt));
}

test('either fence alone keeps a sandbox from namespaces of its own', async (t) => {
  for (const name of ['no nested namespaces', 'system call filter'] as const) {
    const executor = makeExecutor(t, without(name));
    const place = await makeTrialPlace(t, executor);
    const { stdout } = await runShell(executor, place, 'unshare --user true || echo stopped');
    assert.equal(stdout, 'stopped\n');
  }
});

test('a sandbox reaches no network, the loopback of the host included', async (t) => {
  const server = createServer((socket) => socket.end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  await stopsOnlyWhole(t, {
    what: 'network',
    script: `perl -MIO::Socket::INET -e 'print "through" if IO::Socket::INET->new("127.0.0.1:${address.port}")'`,
    weaker: without('network namespace'),
  });
  const executor = makeExecutor(t);
  const { stdout } = await runShell(
    executor,
    await makeTrialPlace(t, executor),
    'tail -n +2 /proc/net/route; cat /proc/net/dev',
  );
  assert.match(stdout, /^Inter.*\n.*\n\s*lo:.*\n$/);
});

test("a sandbox does not see the host's shared memory segments", async (t) => {
  const id = execFileSync('perl', ['-e', 'print shmget(0, 4096, 0600 | 01000)'], { encoding: 'utf8' });
  t.after(() => execFileSync('perl', ['-e', `shmctl(${id}, 0, 0)`]));
  await stopsOnlyWhole(t, {
    what: 'shared memory',
    script: `awk '$2 == ${id} { print "through" }' /proc/sysvipc/shm`,
    weaker: without('ipc namespace'),
  });
});

test('a sandbox does not learn its control groups on the host', async (t) => {
  if (
    readFileSync('/proc/self/cgroup', 'utf8')
      .split('\n')
      .every((line) => /^$|:\/$/.test(line))
  ) {
    t.skip('this process is in the root of every hierarchy');
    return;
  }
  await stopsOnlyWhole(t, {
    what: 'control groups',
    script: "grep -vq ':/$' /proc/self/cgroup && echo through",
    weaker: without('cgroup namespace'),
  });
});

test('a file that a command may read cannot be written', async (t) => {
  const file = join(makeTrialFolder(t), 'shown');
  writeFileSync(file, '');
  execFileSync('chmod', ['666', file]);
  await stopsOnlyWhole(t, {
    what: 'writing',
    readOnly: [file],
    script: `echo x 2>/dev/null >${file} && echo through`,
    weaker: withArgs('read only', (args) => args.map((arg) => (arg === '--ro-bind' ? '--bind' : arg))),
  });
});

test('a sandbox reaches its way out, and only by the line that shows it', async (t) => {
  const wayOut = await serveWayOut(t, (connection) => connection.end('through'));
  const script = `perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new("127.0.0.1:3128"); print while <$s>'`;
  for (const [executor, expected] of [
    [makeExecutor(t), 'through'],
    [makeExecutor(t, without('way out')), ''],
  ] as const) {
    const place = await makeTrialPlace(t, executor);
    assert.equal((await runShell(executor, place, script, { wayOut })).stdout, expected);
  }
});

test('a sandbox cannot change who may use the socket of its way out', async (t) => {
  const wayOut = await serveWayOut(t, (connection) => connection.end());
  await stopsOnlyWhole(t, {
    what: 'writing',
    wayOut,
    // Without the line it is only the owner of the socket that stands in the way.
    script: 'chmod 777 /run/slipway/way-out.sock 2>&1 | grep -q "Read-only" || echo through',
    weaker: withArgs('way out', (args) => args.map((arg) => (arg === '--ro-bind' ? '--bind' : arg))),
  });
});

test('a sandbox sees neither another workspace nor the folder around its own', async (t) => {
  const executor = makeExecutor(t);
  const other = await makeTrialPlace(t, executor, 8);
  const place = await makeTrialPlace(t, executor);
  const { stdout } = await runShell(
    executor,
    place,
    `ls -d ${other.tree} ${place.folder} ${place.tree} /work* 2>/dev/null; ls /`,
  );
  assert.equal(stdout.split('\n').includes(other.tree), false);
  assert.match(
    stdout,
    /^\/workspace\nbin\ndev\netc\nhome\nlib\n(?:lib32\n)?(?:lib64\n)?proc\nrun\nsbin\ntmp\nusr\nworkspace\n$/,
  );
});

test('the environment and the descriptors of who spawns a sandbox stay outside', async (t) => {
  const read = async (change?: Change): Promise<string> => {
    const executor = makeExecutor(t, change);
    const place = await makeTrialPlace(t, executor);
    const launch = await executor.launch(
      place,
      { argv: ['/bin/sh', '-c', 'env; ls /proc/self/fd'], env: {} },
      trialLimits,
    );
    return outputOf(executor, { ...launch, env: { SERVER_SECRET: 'x' } });
  };
  const whole = await read();
  assert.doesNotMatch(whole, /SERVER_SECRET/);
  // The last one is the folder that `ls` reads.
  assert.match(whole, /\n0\n1\n2\n3\n$/);
  assert.match(await read(without('empty environment')), /SERVER_SECRET/);
});

test('a sandbox has no capability and can gain none', async (t) => {
  const executor = makeExecutor(t);
  const { stdout } = await runShell(
    executor,
    await makeTrialPlace(t, executor),
    'grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status',
  );
  const none = '0000000000000000';
  assert.deepEqual(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(':\t')),
    [
      ['CapInh', none],
      ['CapPrm', none],
      ['CapEff', none],
      ['CapBnd', none],
      ['CapAmb', none],
      ['NoNewPrivs', '1'],
      ['Seccomp', '2'],
    ],
  );
});

test("under a root server, the user of a sandbox cannot read root's files even where one is shown to it", async (t) => {
  if (process.getuid?.() !== 0) {
    t.skip('only a root server gives sandboxes another user');
    return;
  }
  const file = join(makeTrialFolder(t), 'secret');
  writeFileSync(file, 'through', { mode: 0o600 });
  const executor = makeExecutor(t);
  const place = await makeTrialPlace(t, executor);
  const command = { argv: ['/bin/sh', '-c', `cat ${file}`], env: {}, readOnly: [file] } as const;
  const launch = await executor.launch(place, command, trialLimits);
  assert.equal(await outputOf(executor, launch), '');
  // The same without a change of user: user 1000 inside, and still root to the kernel.
  const unchanged = { ...executor.place(join(makeTrialFolder(t), 'workspace'), 7), uid: undefined };
  mkdirSync(unchanged.tree, { recursive: true });
  mkdirSync(unchanged.home);
  const asRoot = await executor.launch(unchanged, command, trialLimits);
  assert.equal(await outputOf(executor, asRoot), 'through');
});

test('without the tie to its owner a sandbox would outlive it', async (t) => {
  const executor = makeExecutor(t, without('dies with its owner'));
  const place = await makeTrialPlace(t, executor);
  const sleep = uniqueSleep();
  const argv = ['/bin/sh', '-c', manyProcesses(sleep)] as const;
  const launch = await executor.launch(place, { argv, env: {} }, trialLimits);
  const spawned = await spawnLaunch(launch, { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' });
  await eventually('the processes run', () => processesWith(sleep).length >= 4);
  const inside = spawned.insidePid();
  assert.ok(inside !== undefined);
  t.after(() => executor.release(launch));
  process.kill(spawned.pid, 'SIGKILL');
  await spawned.exited;
  assert.ok(processesWith(sleep).length >= 4);
  process.kill(inside, 'SIGKILL');
  await eventually('all of them are gone', () => processesWith(sleep).length === 0);
});

test('a sandbox sees the tree of a workspace whose folder nobody else can list', async (t) => {
  const executor = makeExecutor(t);
  const place = await makeTrialPlace(t, executor);
  mkdirSync(join(place.folder, 'ours'), { mode: 0o700 });
  const { stdout } = await runShell(executor, place, 'pwd; ls -A ..');
  assert.equal(stdout.split('\n')[0], '/workspace');
  assert.doesNotMatch(stdout, /ours/);
});

async function outputOf(executor: Executor, launch: Launch): Promise<string> {
  const spawned = await spawnLaunch(launch, { stdin: 'ignore', stdout: 'pipe', stderr: 'ignore' });
  let output = '';
  for await (const part of spawned.stdout ?? []) output += String(part);
  await spawned.exited;
  await executor.release(launch);
  return output;
}
