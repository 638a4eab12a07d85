import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { runCommand } from './child-process.ts';
import { removeTree } from './remove-tree.ts';

const limit = () => AbortSignal.timeout(60_000);

async function place(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-remove-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test('removes a tree and leaves what its links name', async (t) => {
  const folder = await place(t);
  await writeFile(join(folder, 'precious'), 'kept');
  await mkdir(join(folder, 'tree/deep'), { recursive: true });
  await symlink(folder, join(folder, 'tree/deep/up'));
  await symlink(join(folder, 'precious'), join(folder, 'tree/file'));
  await removeTree(join(folder, 'tree'), limit());
  assert.equal(existsSync(join(folder, 'tree')), false);
  assert.equal(await readFile(join(folder, 'precious'), 'utf8'), 'kept');
});

test('removes a link and leaves the folder that it names', async (t) => {
  const folder = await place(t);
  await mkdir(join(folder, 'elsewhere'));
  await writeFile(join(folder, 'elsewhere/file'), 'kept');
  await symlink(join(folder, 'elsewhere'), join(folder, 'link'));
  await removeTree(join(folder, 'link'), limit());
  assert.equal(await readFile(join(folder, 'elsewhere/file'), 'utf8'), 'kept');
  assert.equal(existsSync(join(folder, 'link')), false);
});

test('does nothing where there is nothing', async (t) => {
  await removeTree(join(await place(t), 'missing'), limit());
});

test('removes a tree that is deeper than a path may be long', async (t) => {
  const folder = await place(t);
  await mkdir(join(folder, 'tree'));
  const levels = Array.from({ length: 10 }, () => 'x'.repeat(100)).join('/');
  const dig = `for i in 1 2 3 4 5 6; do mkdir -p ${levels} && cd -P ${levels} || exit 1; done`;
  const dug = await runCommand({
    file: 'sh',
    args: ['-c', dig],
    env: { PATH: '/usr/bin:/bin' },
    cwd: join(folder, 'tree'),
    maxOutputBytes: 1000,
    timeoutMs: 30_000,
    signal: limit(),
  });
  assert.equal(dug.code, 0, dug.stderr);
  await removeTree(join(folder, 'tree'), limit());
  assert.equal(existsSync(join(folder, 'tree')), false);
});

test('an ordinary user can remove folders that were closed to everybody', async (t) => {
  const folder = await place(t);
  const closed = join(folder, 'tree/closed');
  await mkdir(closed, { recursive: true });
  await writeFile(join(closed, 'file'), '');
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) await chownAll([folder, join(folder, 'tree'), closed, join(closed, 'file')]);
  await chmod(closed, 0);
  // Root may do anything, so this process is somebody else for a moment, and so are its children.
  if (isRoot) process.seteuid?.(stranger);
  try {
    await removeTree(join(folder, 'tree'), limit());
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
  assert.equal(existsSync(join(folder, 'tree')), false);
});

test('says what it cannot remove', async (t) => {
  const folder = await place(t);
  await writeFile(join(folder, 'file'), '');
  await chmod(folder, 0o755);
  if (process.geteuid?.() !== 0) return t.skip('only root can make a file that this user may not remove');
  process.seteuid?.(stranger);
  try {
    await assert.rejects(
      removeTree(join(folder, 'file'), limit()),
      /cannot remove .*file: .*Permission denied/u,
    );
  } finally {
    process.seteuid?.(0);
  }
});

const stranger = 65_534;

async function chownAll(paths: readonly string[]): Promise<void> {
  for (const path of paths) await chown(path, stranger, stranger);
}
