import assert from 'node:assert/strict';
import { chmod, cp, lstat, mkdir, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { setUpUid } from './account.ts';
import { locateBinaries } from './binaries.ts';
import { PostgresError } from './postgres-error.ts';
import { isRoot, makePlace, type TestPlace } from '../../test/support/postgres-place.ts';

const installed = locateBinaries(process.platform, process.arch);

/** A package folder of the test's own, as npm would have put it there. */
async function copyPackage(place: TestPlace, name: string): Promise<string> {
  const binariesFolder = join(place.folder, name, 'native');
  await cp(installed, binariesFolder, { recursive: true, verbatimSymlinks: true });
  await cp(join(dirname(installed), 'package.json'), join(place.folder, name, 'package.json'));
  return binariesFolder;
}

async function removeLinks(binariesFolder: string): Promise<number> {
  const lib = join(binariesFolder, 'lib');
  const entries = await readdir(lib, { withFileTypes: true });
  const links = entries.filter((entry) => entry.isSymbolicLink());
  for (const link of links) await rm(join(lib, link.name));
  return links.length;
}

async function copies(place: TestPlace): Promise<readonly string[]> {
  return (await readdir(place.dataFolder)).filter((name) => name.startsWith('postgres-binaries-'));
}

test('a platform without a package is named, with the way out', () => {
  assert.throws(
    () => locateBinaries('plan9', 'mips'),
    (error: Error) => {
      assert.ok(error instanceof PostgresError);
      assert.match(error.message, /no embedded PostgreSQL for plan9-mips here .*DATABASE_URL/);
      return true;
    },
  );
});

test('binaries that run where they are are used there', async (t) => {
  const place = await makePlace(t);
  await place.start();
  const pid = await place.postmasterPid();
  assert.ok((await readlink(`/proc/${pid}/exe`)).endsWith('/bin/postgres'));
  assert.deepEqual(await copies(place), []);
});

test('binaries below a closed folder are copied once, and old copies go', async (t) => {
  if (!isRoot) {
    t.skip('this needs root: an ordinary user reaches its own folders');
    return;
  }
  const place = await makePlace(t);
  const binariesFolder = await copyPackage(place, 'closed');
  await chmod(join(place.folder, 'closed'), 0o700);
  await mkdir(join(place.dataFolder, 'postgres-binaries-0.1'), { recursive: true });
  await chmod(place.dataFolder, 0o711);

  const server = await place.start({ binariesFolder });
  const [copy, ...others] = await copies(place);
  assert.ok(copy !== undefined);
  assert.deepEqual(others, []);
  const exe = await readlink(`/proc/${await place.postmasterPid()}/exe`);
  assert.equal(exe, join(place.dataFolder, copy, 'bin', 'postgres'));
  const { ino } = await stat(exe);
  await server.stop();

  const again = await place.start({ binariesFolder });
  assert.equal((await stat(exe)).ino, ino);
  await again.stop();

  await t.test('and made anew when the copy was damaged', async () => {
    await rm(join(place.dataFolder, copy, 'lib'), { recursive: true });
    await place.start({ binariesFolder });
    assert.notEqual((await stat(exe)).ino, ino);
  });
});

test('library links that no install script made are made in place', async (t) => {
  const place = await makePlace(t);
  const binariesFolder = await copyPackage(place, 'package');
  const removed = await removeLinks(binariesFolder);
  assert.ok(removed > 0);
  await place.start({ binariesFolder });
  const entries = await readdir(join(binariesFolder, 'lib'), { withFileTypes: true });
  assert.equal(entries.filter((entry) => entry.isSymbolicLink()).length, removed);
  assert.deepEqual(await copies(place), []);
});

test('where the package cannot be written, the links are made in a copy', async (t) => {
  const place = await makePlace(t);
  const binariesFolder = await copyPackage(place, 'package');
  await removeLinks(binariesFolder);
  if (isRoot) {
    const { first } = await place.launch({ uid: setUpUid, binariesFolder });
    assert.equal(first.error, undefined);
  } else {
    await chmod(join(binariesFolder, 'lib'), 0o500);
    try {
      await place.start({ binariesFolder });
    } finally {
      await chmod(join(binariesFolder, 'lib'), 0o700);
    }
  }
  const [copy] = await copies(place);
  assert.ok(copy !== undefined);
  assert.ok((await lstat(join(place.dataFolder, copy, 'lib', 'libpq.so.5'))).isSymbolicLink());
  await assert.rejects(lstat(join(binariesFolder, 'lib', 'libpq.so.5')));
});

test('a broken binary is named with what happened, and no copy of it stays', async (t) => {
  const place = await makePlace(t);
  const binariesFolder = await copyPackage(place, 'package');
  const whole = await readFile(join(binariesFolder, 'bin', 'postgres'));
  await writeFile(join(binariesFolder, 'bin', 'postgres'), whole.subarray(0, 100_000));
  await assert.rejects(place.start({ binariesFolder }), (error: Error) => {
    assert.ok(error instanceof PostgresError);
    assert.ok(error.message.includes(binariesFolder));
    assert.match(error.message, /do not run: .+npm ci.+DATABASE_URL/);
    return true;
  });
  assert.deepEqual(
    (await readdir(place.dataFolder)).filter((name) => name.includes('binaries')),
    [],
  );
});
