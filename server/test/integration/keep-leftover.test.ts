import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createProcessExecutor } from '../../src/executors/process/process-executor.ts';
import { runInSandbox } from '../../src/executors/run-in-sandbox.ts';
import { resolveBranch } from '../../src/git/mirrors.ts';
import { checkoutCommand, resultRef } from '../../src/git/sandbox-scripts.ts';
import { createTree } from '../../src/git/workspace.ts';
import { createBlobFolder } from '../../src/store/blob-folder.ts';
import { cleanStrayWorkspaces, letGo } from '../../src/worker/clean-workspaces.ts';
import { createLeftoverKeeper } from '../../src/worker/keep-leftover.ts';
import { findTreeOwners } from '../../src/store/idle-workspaces.ts';
import { gitByHand, testForge } from '../support/git-repositories.ts';
import { cleaningOf, hasTree, limit, makeFailedTask, makeHouse } from '../support/house.ts';

const mebibyte = 1024 * 1024;
const sandbox = { memoryBytes: 512 * mebibyte, processes: 64, temporaryBytes: mebibyte };

/** The tree of a run that failed a month ago, with work in it that nobody has committed. */
async function failedWork(t: TestContext) {
  const forge = await testForge(t);
  const house = await makeHouse(t, forge.url);
  const made = await makeFailedTask(house, 30);
  const folder = join(house.folders.workspaces, made.workspaceId);
  const tree = join(folder, 'tree');
  await rm(tree, { recursive: true });
  const mirror = await forge.mirrors.refresh({ url: forge.url }, forge.canonical, limit());
  const base = resolveBranch(mirror, 'main');
  await createTree({
    git: forge.git,
    mirror,
    tree,
    branch: 'work',
    commit: base.commit,
    base,
    originUrl: forge.url,
    signal: limit(),
  });
  const executor = createProcessExecutor();
  const place = executor.place(folder, 1);
  const run = { limits: sandbox, timeoutMs: 20_000, maxOutputBytes: mebibyte, signal: limit() };
  const done = await runInSandbox(executor, place, checkoutCommand(place.treeInside), run);
  assert.equal(done.code, 0, done.stderr);
  await writeFile(join(tree, 'half-done.txt'), 'as far as it came');
  const { database } = house;
  await database.kysely
    .updateTable('workspaces')
    .set({ base_commit: base.commit })
    .where('id', '=', made.workspaceId)
    .execute();
  const blobs = createBlobFolder(join(house.folder, 'blobs'));
  const cleaning = cleaningOf(house);
  const settings = {
    sandbox,
    bundleBytes: 10 * mebibyte,
    commit: { authorName: 'Slipway', authorEmail: 'slipway@example.com', trailers: [] },
  };
  const keepLeftover = createLeftoverKeeper({ ...cleaning, executor, blobs, settings });
  return { forge, house, made, tree, blobs, cleaning: { ...cleaning, keepLeftover } };
}

async function leftoverOf({ house, made }: Awaited<ReturnType<typeof failedWork>>): Promise<string | null> {
  const row = await house.database.kysely
    .selectFrom('workspaces')
    .select('leftover_blob_id')
    .where('id', '=', made.workspaceId)
    .executeTakeFirstOrThrow();
  return row.leftover_blob_id;
}

test('what a failed run had written is a bundle before its tree goes', async (t) => {
  const work = await failedWork(t);
  const { forge, house, made, blobs, cleaning } = work;
  assert.deepEqual(await cleanStrayWorkspaces(cleaning, limit()), { removed: 1, failed: 0 });
  assert.equal(hasTree(house, made), false);
  const id = await leftoverOf(work);
  assert.ok(id !== null && existsSync(blobs.path(id)));
  const clone = join(house.folder, 'clone');
  await gitByHand(house.folder, 'clone', '-q', forge.url, clone);
  await gitByHand(clone, 'fetch', '-q', blobs.path(id), `${resultRef}:leftover`);
  assert.equal(await gitByHand(clone, 'show', 'leftover:half-done.txt'), 'as far as it came');
});

test('what no bundle can hold stays its days, whatever room it takes', async (t) => {
  const work = await failedWork(t);
  const { house, made, tree, cleaning } = work;
  await rm(join(tree, '.git/HEAD'));
  const [owner] = await findTreeOwners(house.database, [made.workspaceId]);
  assert.ok(owner !== undefined);
  assert.equal(await letGo(cleaning, owner, { kind: 'room' }, limit()), 'left');
  assert.ok(hasTree(house, made));
  assert.deepEqual(await cleanStrayWorkspaces(cleaning, limit()), { removed: 1, failed: 0 });
  assert.equal(await leftoverOf(work), null);
});

test('a bundle that cannot be stored now leaves the tree where it is', async (t) => {
  const { house, made, cleaning } = await failedWork(t);
  const keepLeftover = () => Promise.reject(new Error('no space left on device'));
  const done = await cleanStrayWorkspaces({ ...cleaning, keepLeftover }, limit());
  assert.deepEqual([done, hasTree(house, made)], [{ removed: 0, failed: 1 }, true]);
});
