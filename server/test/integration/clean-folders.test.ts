import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { delay } from '../../src/lib/abort.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemIds } from '../../src/lib/ids.ts';
import { identifyProcess } from '../../src/lib/process-identity.ts';
import { createBlobFolder } from '../../src/store/blob-folder.ts';
import { sweepBlobs } from '../../src/store/blob-sweep.ts';
import { insertOutputBlob } from '../../src/store/owners.ts';
import { readClaim } from '../../src/supervisor/records.ts';
import { prestartSupervisor } from '../../src/supervisor/start.ts';
import { cleanRunFolders } from '../../src/worker/clean-run-folders.ts';
import { cleanScratch } from '../../src/worker/clean-scratch.ts';
import {
  limit,
  inTwoDays,
  makeHouse,
  makeTask,
  endRun,
  cleaningOf,
  type House,
  type Made,
} from '../support/house.ts';

/** A supervisor that lives in a run's folder with something that sleeps. */
async function startSleeper({ folders }: House, { workspaceId, runId }: Made): Promise<number> {
  const folder = join(folders.runs, workspaceId, runId);
  await mkdir(folder, { recursive: true });
  const outcome = await prestartSupervisor().start({
    folder,
    socket: join(folders.sockets, `${runId.slice(-12)}.sock`),
    launch: {
      file: '/bin/sleep',
      args: ['600'],
      env: {},
      cwd: '/',
      files: [],
      controlGroups: [],
      memoryBounded: false,
    },
    input: '',
    keepInput: false,
    limits: {
      timeMs: 60_000,
      silenceMs: 60_000,
      outputBytes: 1_000_000,
      memoryBytes: 100_000_000,
      diskBytes: 100_000_000,
      diskFolders: [],
      unattendedMs: 60_000,
      graceMs: 0,
    },
  });
  assert.equal(outcome, 'started');
  const claim = readClaim(folder);
  assert.ok(claim !== undefined && claim !== 'broken');
  return claim.identity.pid;
}

test('what still lives for a run that is over is ended, and its files go', async (t) => {
  const house = await makeHouse(t);
  const over = await makeTask(house);
  const waiting = await makeTask(house);
  const justOver = await makeTask(house);
  const supervisor = await startSleeper(house, over);
  t.after(() => {
    if (identifyProcess(supervisor) !== undefined) process.kill(supervisor, 'SIGKILL');
  });
  for (const made of [waiting, justOver]) {
    await mkdir(join(house.folders.runs, made.workspaceId, made.runId), { recursive: true });
  }
  const stranger = join(house.folders.runs, over.workspaceId, 'not-a-run');
  await mkdir(stranger);
  assert.deepEqual(await cleanRunFolders(cleaningOf(house), limit()), { removed: 0, failed: 0 });
  await endRun(house, over.runId);
  await endRun(house, justOver.runId, 1);
  assert.deepEqual(await cleanRunFolders(cleaningOf(house), limit()), { removed: 1, failed: 0 });
  while (identifyProcess(supervisor) !== undefined) await delay(5, limit());
  assert.deepEqual(await readdir(join(house.folders.runs, over.workspaceId)), ['not-a-run']);
  assert.deepEqual(await readdir(house.folders.sockets), []);
  await rm(stranger, { recursive: true });
  await cleanRunFolders(cleaningOf(house), limit());
  const left = await readdir(house.folders.runs);
  assert.deepEqual(left.toSorted(), [waiting.workspaceId, justOver.workspaceId].toSorted());
});

test('leftovers of a day ago go from the scratch folder, and what their links name stays', async (t) => {
  const house = await makeHouse(t);
  const { scratch } = house.folders;
  const precious = join(house.folder, 'precious');
  await mkdir(precious);
  await writeFile(join(precious, 'file'), 'kept');
  await mkdir(join(scratch, 'workspace-1/tree'), { recursive: true });
  await symlink(precious, join(scratch, 'workspace-1/tree/link'));
  await symlink(precious, join(scratch, 'link'));
  await writeFile(join(scratch, 'collect.bundle'), '');
  assert.deepEqual(await cleanScratch(cleaningOf(house), limit()), { removed: 0, failed: 0 });
  const later = cleaningOf(house, { clock: inTwoDays });
  assert.deepEqual(await cleanScratch(later, limit()), { removed: 3, failed: 0 });
  assert.deepEqual(await readdir(scratch), []);
  assert.equal(await readFile(join(precious, 'file'), 'utf8'), 'kept');
});

test('blob files that no row came to name within a day go, and parts of them', async (t) => {
  const house = await makeHouse(t);
  const folder = join(house.folder, 'blobs');
  await mkdir(folder);
  const blobs = createBlobFolder(folder);
  // Blobs lie in a folder by the end of their id: said here, so that none of them is the link's.
  const [known, unknown, part] = ['1a', '2b', '3c'].map((end) => systemIds.ordered().slice(0, -2) + end) as [
    string,
    string,
    string,
  ];
  await insertOutputBlob(house.database, house.ownerId, await blobs.put(known, Buffer.from('known')));
  await blobs.put(unknown, Buffer.from('unknown'));
  await blobs.put(part, Buffer.from('part'));
  await writeFile(`${blobs.path(part)}.part`, 'half');
  await insertOutputBlob(house.database, house.ownerId, { id: part, sha256: '', bytes: 4 });
  const stranger = join(folder, known.slice(-2), 'README');
  await writeFile(stranger, '');
  const outside = join(house.folder, 'outside');
  await mkdir(outside);
  await symlink(outside, join(folder, '00'));
  const sweep = { database: house.database, folder };
  assert.deepEqual(await sweepBlobs({ ...sweep, clock: systemClock }, limit()), { removed: 0 });
  assert.deepEqual(await sweepBlobs({ ...sweep, clock: inTwoDays }, limit()), { removed: 2 });
  const left = [blobs.path(known), blobs.path(part), stranger, outside].map((path) => existsSync(path));
  assert.deepEqual(left, [true, true, true, true]);
  assert.deepEqual([existsSync(blobs.path(unknown)), existsSync(`${blobs.path(part)}.part`)], [false, false]);
});
