import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { lstat, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { sql } from 'kysely';
import { systemIds } from '../../src/lib/ids.ts';
import type { Logger } from '../../src/lib/logger.ts';
import { createRoomMaker, type RoomMaking } from '../../src/worker/make-room.ts';
import { measureMissedWorkspaces } from '../../src/worker/measure-workspaces.ts';
import {
  cleaningOf,
  followUp,
  hasTree,
  limit,
  makeEndedTask,
  makeFailedTask,
  makeHouse,
  makeTask,
  makeTree,
  moveElsewhere,
  type House,
  type Made,
} from '../support/house.ts';

const megabyte = 1024 * 1024;

/** A tree of so many megabytes. */
async function fill({ folders }: House, { workspaceId }: Made, megabytes: number): Promise<void> {
  await writeFile(join(folders.workspaces, workspaceId, 'tree/large'), Buffer.alloc(megabytes * megabyte, 1));
}

async function sizeOf({ database }: House, { workspaceId }: Made): Promise<number | null | undefined> {
  const query = database.kysely.selectFrom('workspaces').select('disk_bytes').where('id', '=', workspaceId);
  return (await query.executeTakeFirst())?.disk_bytes;
}

/** What the maker of room has to say. */
function recordedWarnings(): { readonly logger: Logger; readonly warnings: object[] } {
  const warnings: object[] = [];
  const silent = (): void => {};
  const warn = (fields: object, message: string): void => void warnings.push({ ...fields, message });
  return { warnings, logger: { debug: silent, info: silent, warn, error: silent } };
}

function roomMaker(house: House, more: Partial<RoomMaking>) {
  return createRoomMaker({ ...cleaningOf(house), ...more });
}

test('a size is measured once, and anew after the next run', async (t) => {
  const house = await makeHouse(t);
  const made = await makeEndedTask(house, 1);
  await fill(house, made, 3);
  assert.deepEqual(await measureMissedWorkspaces(cleaningOf(house), limit()), { measured: 1 });
  const bytes = (await sizeOf(house, made)) ?? 0;
  assert.ok(bytes >= 3 * megabyte && bytes < 3.5 * megabyte, String(bytes));
  assert.deepEqual(await measureMissedWorkspaces(cleaningOf(house), limit()), { measured: 0 });
  await house.database.kysely
    .updateTable('workspaces')
    .set({ measured_at: sql`now() - interval '2 days'` })
    .execute();
  assert.deepEqual(await measureMissedWorkspaces(cleaningOf(house), limit()), { measured: 1 });
});

test('above what they may take together, the longest unused go first, until they take less', async (t) => {
  const house = await makeHouse(t);
  const [newest, oldest, middle] = [
    await makeEndedTask(house, 1),
    await makeEndedTask(house, 5),
    await makeEndedTask(house, 3),
  ];
  for (const made of [newest, oldest, middle]) await fill(house, made, 4);
  await measureMissedWorkspaces(cleaningOf(house), limit());
  const make = roomMaker(house, { maxBytes: 9 * megabyte });
  assert.deepEqual(await make(limit()), { removed: 1, failed: 0 });
  assert.deepEqual(
    [newest, oldest, middle].map((made) => hasTree(house, made)),
    [true, false, true],
  );
  assert.equal(await sizeOf(house, oldest), null);
  assert.deepEqual(await make(limit()), { removed: 0, failed: 0 });
});

test('on a disk that is too full only what nobody is at work in goes, and what is kept nowhere else last', async (t) => {
  const house = await makeHouse(t);
  const waits = await makeEndedTask(house);
  await followUp(waits).execute(house.database.kysely);
  const inhabited = await makeEndedTask(house);
  await mkdir(join(house.folders.runs, inhabited.workspaceId, inhabited.runId), { recursive: true });
  const elsewhere = await makeEndedTask(house);
  await moveElsewhere(house, elsewhere);
  const kept = await makeEndedTask(house, 1);
  const failed = await makeFailedTask(house, 5);
  const failedJustNow = await makeFailedTask(house, 0);
  let removals = 0;
  const seen: boolean[] = [];
  // The kept one is not enough, the failed one is.
  const fullness = (): number => {
    const left = [kept, failed].filter((made) => hasTree(house, made)).length;
    if (left < 2 && removals++ === 0) seen.push(hasTree(house, kept), hasTree(house, failed));
    return left > 0 ? 0.97 : 0.9;
  };
  const make = roomMaker(house, { criticalFullness: 0.95, fullness });
  assert.deepEqual(await make(limit()), { removed: 2, failed: 0 });
  assert.deepEqual(seen, [false, true]);
  const left = [waits, inhabited, elsewhere, failedJustNow].map((made) => hasTree(house, made));
  assert.deepEqual(left, [true, true, true, true]);
  // However full it is.
  const full = roomMaker(house, { criticalFullness: 0.95, fullness: () => 1 });
  assert.deepEqual(await full(limit()), { removed: 0, failed: 0 });
});

test('what filled the disk goes before all others, if its run was ended for that', async (t) => {
  const house = await makeHouse(t);
  const kept = await makeEndedTask(house);
  const filled = await makeTask(house);
  await makeTree(house, filled.workspaceId);
  const failure = { code: 'disk_limit', phase: 'agent', retryable: false, message: 'full' };
  await house.database.kysely
    .updateTable('runs')
    .set({ state: 'cancelled', failure: JSON.stringify(failure), ended_at: sql`now()`, deadline_at: null })
    .where('id', '=', filled.runId)
    .execute();
  const fullness = (): number => (hasTree(house, filled) ? 1 : 0);
  const make = roomMaker(house, { criticalFullness: 0.9, fullness });
  assert.deepEqual(await make(limit()), { removed: 1, failed: 0 });
  assert.ok(hasTree(house, kept));
});

test('nothing goes where neither limit is set, however full the disk is', async (t) => {
  const house = await makeHouse(t);
  const made = await makeEndedTask(house);
  await roomMaker(house, { criticalFullness: 1, fullness: () => 1 })(limit());
  await roomMaker(house, { criticalFullness: 0.5, fullness: () => undefined })(limit());
  assert.ok(hasTree(house, made));
});

test('the log warns of a disk that fills, not at every look, and again when it filled anew', async (t) => {
  const house = await makeHouse(t);
  const { logger, warnings } = recordedWarnings();
  let [fullness, now] = [0.9, 0];
  const make = roomMaker(house, {
    logger,
    warningFullness: 0.85,
    criticalFullness: 0.95,
    fullness: () => fullness,
    clock: { now: () => now },
  });
  await make(limit());
  await make(limit());
  assert.equal(warnings.length, 1);
  now += 61 * 60_000;
  await make(limit());
  assert.equal(warnings.length, 2);
  fullness = 0.5;
  await make(limit());
  fullness = 0.9;
  await make(limit());
  fullness = 0.96;
  await make(limit());
  await make(limit());
  assert.deepEqual(warnings.at(-1), {
    diskPercent: 96,
    workspaceBytes: 0,
    message: 'the workspaces take too much, or their disk is too full, and none may be removed now',
  });
  assert.equal(warnings.length, 4);
});

test('no link and no hostile tree leads the cleaner out of its folder', async (t) => {
  const house = await makeHouse(t);
  const { folders } = house;
  const precious = join(house.folder, 'precious');
  await mkdir(precious);
  await writeFile(join(precious, 'file'), Buffer.alloc(5 * megabyte, 1));
  // A workspace whose folder became a link, one whose tree and home did, and a link that no row names.
  const linked = await makeEndedTask(house);
  await rm(join(folders.workspaces, linked.workspaceId), { recursive: true });
  await symlink(precious, join(folders.workspaces, linked.workspaceId));
  const hostile = await makeEndedTask(house);
  await symlink(precious, join(folders.workspaces, hostile.workspaceId, 'home'));
  await symlink('../../../precious', join(folders.workspaces, hostile.workspaceId, 'tree/src/out'));
  const unknown = join(folders.workspaces, systemIds.ordered());
  await symlink(precious, unknown);
  await measureMissedWorkspaces(cleaningOf(house), limit());
  assert.ok(((await sizeOf(house, hostile)) ?? Infinity) < megabyte);
  const make = roomMaker(house, { criticalFullness: 0.5, fullness: () => 1 });
  assert.deepEqual(await make(limit()), { removed: 1, failed: 0 });
  assert.equal(existsSync(join(folders.workspaces, hostile.workspaceId)), false);
  assert.equal((await lstat(join(folders.workspaces, linked.workspaceId))).isSymbolicLink(), true);
  assert.equal((await lstat(unknown)).isSymbolicLink(), true);
  assert.equal((await readFile(join(precious, 'file'))).length, 5 * megabyte);
});
