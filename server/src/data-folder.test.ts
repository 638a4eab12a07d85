import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import {
  defaultDataFolder,
  keptSecret,
  keptWorkerId,
  openDataFolder,
  type DataFolder,
} from './data-folder.ts';
import { runCommand } from './lib/child-process.ts';

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

/** A data folder that goes with the test, its sockets too. */
async function dataFolder(t: TestContext, name = 'data'): Promise<DataFolder> {
  const parent = await temporaryFolder(t);
  return opened(t, join(parent, name));
}

async function opened(t: TestContext, path: string): Promise<DataFolder> {
  const folder = await openDataFolder(path);
  t.after(() => rm(folder.sockets, { recursive: true, force: true }));
  return folder;
}

test('the folders are made, and let other users pass only where something of theirs lies', async (t) => {
  const folder = await dataFolder(t, 'deep/down/data');
  for (const path of [folder.root, folder.workspaces, folder.sandbox, folder.sockets]) {
    assert.equal(await modeOf(path), 0o711, path);
  }
  for (const path of [folder.runs, folder.scratch, folder.mirrors, folder.blobs, folder.compileCache]) {
    assert.equal(await modeOf(path), 0o700, path);
  }
});

test('opening again mends modes and gives the same folders, however the path is written', async (t) => {
  const folder = await dataFolder(t);
  await chmod(folder.runs, 0o755);
  await chmod(folder.root, 0o755);
  const link = join(dirname(folder.root), 'link');
  await symlink(folder.root, link);
  assert.deepEqual(await openDataFolder(`${link}/../data/.`), folder);
  assert.deepEqual(await openDataFolder(link), folder);
  assert.equal(await modeOf(folder.runs), 0o700);
  assert.equal(await modeOf(folder.root), 0o711);
});

test('sockets lie where their paths are short, a folder for each data folder', async (t) => {
  const folder = await dataFolder(t, 'x'.repeat(120));
  const other = await dataFolder(t);
  assert.ok(join(folder.sockets, `${'0'.repeat(12)}.sock`).length < 100, folder.sockets);
  assert.notEqual(folder.sockets, other.sockets);
});

test("an operator's own folder for blobs keeps its mode", async (t) => {
  const blobs = join(await temporaryFolder(t), 'shared');
  await mkdir(blobs, { mode: 0o750 });
  await chmod(blobs, 0o750);
  const folder = await openDataFolder(join(await temporaryFolder(t), 'data'), { blobFolder: blobs });
  t.after(() => rm(folder.sockets, { recursive: true, force: true }));
  assert.equal(folder.blobs, blobs);
  assert.equal(await modeOf(blobs), 0o750);
});

test('workspaces and what becomes them lie together on another disk, apart from those of others', async (t) => {
  const work = join(await temporaryFolder(t), 'deep/work');
  const openWith = async (name: string): Promise<DataFolder> => {
    const folder = await openDataFolder(join(await temporaryFolder(t), name), { workspaceFolder: work });
    t.after(() => rm(folder.sockets, { recursive: true, force: true }));
    return folder;
  };
  const [one, other] = [await openWith('one'), await openWith('other')];
  const below = (folder: DataFolder) =>
    join(work, `slipway-${readFileSync(join(folder.root, 'worker-id'), 'utf8').trim()}`);
  for (const folder of [one, other]) {
    assert.equal(folder.workspaces, join(below(folder), 'workspaces'));
    assert.equal(folder.scratch, join(below(folder), 'scratch'));
    assert.equal(folder.runs, join(folder.root, 'runs'));
    assert.equal(await modeOf(folder.scratch), 0o700);
    assert.equal(await modeOf(folder.workspaces), 0o711);
  }
  assert.notEqual(one.workspaces, other.workspaces);
  await chmod(work, 0o755);
  assert.deepEqual(await openDataFolder(one.root, { workspaceFolder: work }), one);
  assert.equal(await modeOf(work), 0o755, "the operator's own folder keeps its mode");
});

test('a place for workspaces that is none is refused by the name of its setting', async (t) => {
  const parent = await temporaryFolder(t);
  const [file, link] = [join(parent, 'file'), join(parent, 'link')];
  await writeFile(file, '');
  await symlink(join(parent, 'nowhere'), link);
  for (const workspaceFolder of [file, join(file, 'below'), link]) {
    const opening = openDataFolder(join(parent, 'data'), { workspaceFolder });
    await assert.rejects(opening, /^Error: SLIPWAY_WORKSPACE_DIR \(--work-dir\) is no folder to use: /u);
  }
});

test('a folder for sockets that somebody else has made is refused', async (t) => {
  const folder = await dataFolder(t);
  await rm(folder.sockets, { recursive: true });
  await symlink('/tmp', folder.sockets);
  await assert.rejects(openDataFolder(folder.root), /belongs to another user/u);
  await rm(folder.sockets);
  await writeFile(folder.sockets, '');
  await assert.rejects(openDataFolder(folder.root));
  await rm(folder.sockets);
  if (process.getuid?.() !== 0) return;
  await mkdir(folder.sockets);
  await runCommand({
    file: 'chown',
    args: ['65534', folder.sockets],
    env: { PATH: '/usr/bin:/bin' },
    cwd: '/',
    maxOutputBytes: 1_000,
    timeoutMs: 10_000,
    signal: AbortSignal.timeout(10_000),
  });
  await assert.rejects(openDataFolder(folder.root), /belongs to another user/u);
});

test('a secret is made once, for this user alone, however many ask for it at the same time', async (t) => {
  const folder = await dataFolder(t);
  const all = await Promise.all(Array.from({ length: 20 }, () => keptSecret(folder, 'token')));
  assert.equal(all.filter((kept) => kept.made).length, 1);
  const [value = ''] = new Set(all.map((kept) => kept.secret.reveal()));
  assert.equal(new Set(all.map((kept) => kept.secret.reveal())).size, 1);
  assert.match(value, /^[\w-]{43}$/u);
  assert.equal(await readFile(join(folder.root, 'admin-token'), 'utf8'), `${value}\n`);
  assert.equal(await modeOf(join(folder.root, 'admin-token')), 0o600);
  assert.deepEqual(
    (await readdir(folder.root)).filter((name) => name.startsWith('admin-token')),
    ['admin-token'],
  );
});

test('token, key and worker are three things, each the same after a restart', async (t) => {
  const folder = await dataFolder(t);
  const token = await keptSecret(folder, 'token');
  const key = await keptSecret(folder, 'key');
  assert.notEqual(token.secret.reveal(), key.secret.reveal());
  assert.equal((await keptSecret(folder, 'key')).secret.reveal(), key.secret.reveal());
  assert.equal((await keptSecret(folder, 'key')).made, false);
  assert.equal(await keptWorkerId(folder, () => 'first'), 'first');
  assert.equal(await keptWorkerId(folder, () => 'second'), 'first');
  assert.equal(await modeOf(join(folder.root, 'encryption-key')), 0o600);
});

test('an empty file is no secret', async (t) => {
  const folder = await dataFolder(t);
  await writeFile(join(folder.root, 'admin-token'), '\n');
  await assert.rejects(keptSecret(folder, 'token'), /admin-token is empty/u);
});

test('without a choice the folder lies in the clone, else with the user', async (t) => {
  const clone = await temporaryFolder(t);
  assert.equal(await defaultDataFolder(clone), join(clone, 'data'));
  if (process.getuid?.() !== 0)
    assert.equal(await defaultDataFolder(undefined), join(homedir(), '.local/share/slipway'));
});

test('a root whose clone other users cannot reach has the folder of the system', async (t) => {
  if (process.getuid?.() !== 0) {
    t.skip('only root has other users work for it');
    return;
  }
  const hidden = await temporaryFolder(t);
  await chmod(hidden, 0o700);
  assert.equal(await defaultDataFolder(join(hidden, 'clone')), '/var/lib/slipway');
  await chmod(hidden, 0o711);
  assert.equal(await defaultDataFolder(join(hidden, 'clone')), join(hidden, 'clone/data'));
});
