import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { sql } from 'kysely';
import { resolveBranch } from '../../src/git/mirrors.ts';
import { systemIds } from '../../src/lib/ids.ts';
import { letGoOfWorkspace } from '../../src/store/idle-workspaces.ts';
import { cleanIdleWorkspaces, cleanStrayWorkspaces } from '../../src/worker/clean-workspaces.ts';
import { testForge } from '../support/git-repositories.ts';
import {
  limit,
  inTwoDays,
  makeHouse,
  makeEndedTask,
  makeFailedTask,
  moveElsewhere,
  makeTask,
  makeTree,
  followUp,
  noMirrors,
  cleaningOf,
  ownerOf,
  hasTree,
  someoneWaits,
} from '../support/house.ts';

test('the tree of a workspace that nobody used for days goes, and its mirror is let go', async (t) => {
  const forge = await testForge(t);
  const house = await makeHouse(t, forge.url);
  const idle = await makeEndedTask(house);
  const fresh = await makeEndedTask(house, 1);
  const mirror = await forge.mirrors.refresh({ url: forge.url }, house.canonical, limit());
  for (const { workspaceId } of [idle, fresh]) {
    await forge.mirrors.keep(mirror, workspaceId, resolveBranch(mirror, 'main').commit);
  }
  const done = await cleanIdleWorkspaces({ ...cleaningOf(house), mirrors: forge.mirrors }, limit());
  assert.deepEqual(done, { removed: 1, failed: 0 });
  assert.deepEqual([hasTree(house, idle), hasTree(house, fresh)], [false, true]);
  assert.deepEqual([await ownerOf(house, idle), await ownerOf(house, fresh)], [null, house.workerId]);
  assert.deepEqual(await readdir(house.folders.scratch), []);
  const call = { cwd: '/', signal: limit(), target: 'the mirror' };
  const kept = await forge.git.check(
    ['--git-dir', mirror.folder, 'for-each-ref', '--format=%(refname)', 'refs/slipway/keep/'],
    call,
  );
  assert.equal(kept.stdout.toString().trim(), `refs/slipway/keep/${fresh.workspaceId}`);
  assert.deepEqual(await cleanIdleWorkspaces({ ...cleaningOf(house), mirrors: forge.mirrors }, limit()), {
    removed: 0,
    failed: 0,
  });
});

test('a workspace is left alone while a run waits, an effect waits, or a run left files there', async (t) => {
  const house = await makeHouse(t);
  const waits = await makeEndedTask(house);
  await followUp(waits).execute(house.database.kysely);
  const delivers = await makeEndedTask(house);
  await house.database.kysely
    .insertInto('effects')
    .values({
      id: systemIds.ordered(),
      owner_id: house.ownerId,
      task_id: delivers.taskId,
      kind: 'push',
      key: 'push',
      payload: JSON.stringify({ branch: 'b', commit: 'c', expected: null }),
      state: 'waiting',
      deadline_at: sql`now() + interval '1 hour'`,
    })
    .execute();
  const inhabited = await makeEndedTask(house);
  await mkdir(join(house.folders.runs, inhabited.workspaceId, inhabited.runId), { recursive: true });
  const elsewhere = await makeEndedTask(house);
  await moveElsewhere(house, elsewhere);
  assert.deepEqual(await cleanIdleWorkspaces(cleaningOf(house), limit()), { removed: 0, failed: 0 });
  assert.deepEqual(
    [waits, delivers, inhabited, elsewhere].map((made) => hasTree(house, made)),
    [true, true, true, true],
  );
});

test('what tells of the end of a task keeps no workspace', async (t) => {
  const house = await makeHouse(t);
  const made = await makeEndedTask(house);
  await house.database.kysely
    .insertInto('effects')
    .values({
      id: systemIds.ordered(),
      owner_id: house.ownerId,
      task_id: made.taskId,
      kind: 'callback',
      key: 'callback',
      payload: '{}',
      state: 'waiting',
      deadline_at: sql`now() + interval '1 hour'`,
    })
    .execute();
  assert.deepEqual(await cleanIdleWorkspaces(cleaningOf(house), limit()), { removed: 1, failed: 0 });
});

test('one workspace that cannot be removed keeps no other from its turn', async (t) => {
  const house = await makeHouse(t);
  const made = [await makeEndedTask(house), await makeEndedTask(house)];
  const cleaning = {
    ...cleaningOf(house),
    mirrors: {
      ...noMirrors,
      find: () => {
        throw new Error('broken');
      },
    },
  };
  assert.deepEqual(await cleanIdleWorkspaces(cleaning, limit()), { removed: 0, failed: 2 });
  assert.deepEqual(await Promise.all(made.map((one) => ownerOf(house, one))), [
    house.workerId,
    house.workerId,
  ]);
  assert.deepEqual(await cleanIdleWorkspaces(cleaningOf(house), limit()), { removed: 2, failed: 0 });
});

test('a follow-up that comes while a tree is being put away begins after it, and knows', async (t) => {
  const house = await makeHouse(t);
  const made = await makeEndedTask(house);
  const because = { kind: 'idle', days: 7 } as const;
  const going = { workspaceId: made.workspaceId, workerId: house.workerId, because };
  const order: string[] = [];
  let inserting: Promise<unknown> = Promise.resolve();
  const gone = await letGoOfWorkspace(house.database, going, async () => {
    inserting = followUp(made)
      .execute(house.database.kysely)
      .then(() => order.push('inserted'));
    await someoneWaits(house.database);
    order.push('put away');
  });
  await inserting;
  assert.deepEqual([gone, order], [true, ['put away', 'inserted']]);
  assert.equal(await ownerOf(house, made), null);
});

test('a follow-up that is being inserted keeps its tree', async (t) => {
  const house = await makeHouse(t);
  const made = await makeEndedTask(house);
  const because = { kind: 'idle', days: 7 } as const;
  const going = { workspaceId: made.workspaceId, workerId: house.workerId, because };
  const discard = () => Promise.reject(new Error('it is in use'));
  await house.database.transaction(async (tx) => {
    await followUp(made).execute(tx);
    assert.equal(await letGoOfWorkspace(house.database, going, discard), false);
  });
  assert.equal(await letGoOfWorkspace(house.database, going, discard), false);
  assert.equal(await ownerOf(house, made), house.workerId);
});

test('workspace folders that count for nobody go, and nothing else does', async (t) => {
  const house = await makeHouse(t);
  const { folders } = house;
  const counts = await makeEndedTask(house);
  const lost = await makeEndedTask(house);
  const failed = await makeFailedTask(house, 1);
  const failedLongAgo = await makeFailedTask(house, 8);
  const begins = await makeTask(house);
  await makeTree(house, begins.workspaceId);
  await moveElsewhere(house, lost);
  const unknown = systemIds.ordered();
  await makeTree(house, unknown);
  await mkdir(join(folders.workspaces, 'lost+found'));
  const precious = join(house.folder, 'precious');
  await mkdir(precious);
  await writeFile(join(precious, 'file'), 'kept');
  const link = join(folders.workspaces, systemIds.ordered());
  await symlink(precious, link);
  assert.deepEqual(await cleanStrayWorkspaces(cleaningOf(house), limit()), { removed: 2, failed: 0 });
  assert.deepEqual([hasTree(house, lost), existsSync(join(folders.workspaces, unknown))], [false, true]);
  assert.deepEqual([hasTree(house, failed), hasTree(house, failedLongAgo)], [true, false]);
  const later = cleaningOf(house, { clock: inTwoDays });
  assert.deepEqual(await cleanStrayWorkspaces(later, limit()), { removed: 1, failed: 0 });
  assert.deepEqual([hasTree(house, counts), hasTree(house, begins)], [true, true]);
  assert.equal(existsSync(join(folders.workspaces, unknown)), false);
  assert.equal(existsSync(join(folders.workspaces, 'lost+found')), true);
  assert.equal((await lstat(link)).isSymbolicLink(), true);
  assert.equal(await readFile(join(precious, 'file'), 'utf8'), 'kept');
});
