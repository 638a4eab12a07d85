import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { endControlGroups } from '../lib/control-group.ts';
import { createControlGroups, findControlGroups, sweepControlGroups } from './control-groups.ts';
import { makeTrialFolder } from './executor.contract.ts';

const limits = { memoryBytes: 1000, processes: 10, temporaryBytes: 0 };

/** A folder that looks like the root of a host, from paths and contents. */
function makeHost(folder: string, files: Readonly<Record<string, string>>): string {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

const version2 = 'cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n';

test('version 2 is used below the own group where its controllers are handed down', (t) => {
  const root = makeHost(makeTrialFolder(t), {
    'proc/self/cgroup': '0::/service\n',
    'proc/self/mounts': version2,
    'sys/fs/cgroup/service/cgroup.procs': '',
    'sys/fs/cgroup/service/cgroup.subtree_control': 'cpu memory pids\n',
  });
  const host = findControlGroups(root);
  assert.deepEqual(host, { kind: 'version_2', parent: join(root, 'sys/fs/cgroup/service') });
  const { folders, memoryBounded } = createControlGroups(host, limits);
  assert.equal(memoryBounded, true);
  const values = folders.map((folder) =>
    ['memory.max', 'memory.swap.max', 'pids.max'].map((file) => readFileSync(join(folder, file), 'utf8')),
  );
  assert.deepEqual(values, [['1000', '0', '14']]);
});

test('version 2 is used beside the own group in a service with a subgroup for its processes', (t) => {
  const root = makeHost(makeTrialFolder(t), {
    'proc/self/cgroup': '0::/slipway.service/server\n',
    'proc/self/mounts': version2,
    'sys/fs/cgroup/slipway.service/server/cgroup.procs': '',
    'sys/fs/cgroup/slipway.service/server/cgroup.subtree_control': '',
    'sys/fs/cgroup/slipway.service/cgroup.procs': '',
    'sys/fs/cgroup/slipway.service/cgroup.subtree_control': 'memory pids\n',
  });
  assert.deepEqual(findControlGroups(root), {
    kind: 'version_2',
    parent: join(root, 'sys/fs/cgroup/slipway.service'),
  });
});

test('nothing is used where no controller was delegated', (t) => {
  const root = makeHost(makeTrialFolder(t), {
    'proc/self/cgroup': '0::/session.scope\n',
    'proc/self/mounts': version2,
    'sys/fs/cgroup/session.scope/cgroup.procs': '',
    'sys/fs/cgroup/session.scope/cgroup.subtree_control': '\n',
  });
  assert.deepEqual(findControlGroups(root), { kind: 'none' });
  assert.deepEqual(createControlGroups({ kind: 'none' }, limits), { folders: [], memoryBounded: false });
  assert.deepEqual(findControlGroups(makeTrialFolder(t)), { kind: 'none' });
});

test('version 1 is used by its hierarchies of memory and pids', (t) => {
  const root = makeHost(makeTrialFolder(t), {
    'proc/self/cgroup': '8:pids:/\n4:memory:/group\n0::/\n',
    'proc/self/mounts':
      'cgroup /cg/memory cgroup rw,memory 0 0\ncgroup /cg/pids cgroup rw,pids 0 0\ncgroup2 /cg/unified cgroup2 rw 0 0\n',
    'cg/memory/group/cgroup.procs': '',
    'cg/pids/cgroup.procs': '',
    'cg/unified/cgroup.procs': '',
  });
  const host = findControlGroups(root);
  assert.deepEqual(host, {
    kind: 'version_1',
    memory: join(root, 'cg/memory/group'),
    pids: join(root, 'cg/pids'),
  });
  const { folders } = createControlGroups(host, limits);
  assert.equal(readFileSync(join(folders[0] ?? '', 'memory.limit_in_bytes'), 'utf8'), '1000');
  assert.equal(readFileSync(join(folders[1] ?? '', 'pids.max'), 'utf8'), '14');
});

test('only old and empty groups of ours are swept away', (t) => {
  const parent = makeTrialFolder(t);
  for (const name of ['slipway-old', 'slipway-young', 'slipway-used', 'other']) mkdirSync(join(parent, name));
  writeFileSync(join(parent, 'slipway-used/file'), '');
  for (const name of ['slipway-old', 'slipway-used', 'other']) utimesSync(join(parent, name), 1, 1);
  sweepControlGroups({ kind: 'version_2', parent }, 60_000, Date.now());
  assert.deepEqual(readdirSync(parent).sort(), ['other', 'slipway-used', 'slipway-young']);
});

test('this host lets groups be made and removed, where it has any', async (t) => {
  const host = findControlGroups();
  if (host.kind === 'none') {
    t.skip('no control group can be written here');
    return;
  }
  const { folders } = createControlGroups(host, {
    memoryBytes: 64 * 1024 * 1024,
    processes: 10,
    temporaryBytes: 0,
  });
  assert.ok(folders.length > 0);
  await endControlGroups(folders);
  for (const folder of folders) assert.throws(() => readdirSync(folder), /ENOENT/);
});
