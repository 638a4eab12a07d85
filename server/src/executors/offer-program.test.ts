import assert from 'node:assert/strict';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { passAsOrdinaryUser } from '../../test/support/ordinary-user.ts';
import { closeInheritedDescriptors } from '../lib/inherited-descriptors.ts';
import { createBubblewrapExecutor } from './bubblewrap/bubblewrap-executor.ts';
import { makeTrialFolder, makeTrialPlace, runShell } from './executor.contract.ts';
import type { Executor, Place } from './executor.ts';
import { offerProgram, type OfferedProgram } from './offer-program.ts';
import { createProcessExecutor } from './process/process-executor.ts';

closeInheritedDescriptors();

const isRoot = process.getuid?.() === 0;

type House = {
  readonly executor: Executor;
  readonly place: Place;
  readonly stateFolder: string;
  readonly dataFolder: string;
};

async function makeHouse(t: TestContext): Promise<House> {
  const dataFolder = join(makeTrialFolder(t), 'data');
  mkdirSync(dataFolder, { mode: 0o711 });
  const stateFolder = join(dataFolder, 'sandbox');
  const executor = createBubblewrapExecutor({ stateFolder });
  return { executor, place: await makeTrialPlace(t, executor), stateFolder, dataFolder };
}

/** A folder like those that programs lie in, with the mode that decides who reaches it. */
function makeFolder(t: TestContext, mode = 0o755): string {
  const folder = join(makeTrialFolder(t), 'x');
  mkdirSync(folder);
  chmodSync(folder, mode);
  return folder;
}

function writeProgram(path: string, text: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode: 0o755 });
  return path;
}

function offer(house: House, path: string): Promise<OfferedProgram> {
  return offerProgram({ path, realPath: realpathSync(path) }, house.place, house);
}

/** What the program says, run as it is offered. */
async function said(house: House, path: string): Promise<string> {
  const { program, readOnly, pathFolders } = await offer(house, path);
  const { stdout, stderr } = await runShell(house.executor, house.place, '', {
    argv: [program, 'word'],
    readOnly,
    pathFolders,
  });
  return stdout === '' ? `nothing: ${stderr}` : stdout;
}

const shellScript = '#!/bin/sh\necho "$1: $(cat "$(dirname "$0")/beside")"\n';

for (const [reach, mode] of [
  ['that every user reaches', 0o755],
  ['that only the server reaches', 0o700],
] as const) {
  test(`a script of a shell in a folder ${reach} runs with what lies beside it`, async (t) => {
    const house = await makeHouse(t);
    const folder = makeFolder(t, mode);
    const path = writeProgram(join(folder, 'agent'), shellScript);
    writeFileSync(join(folder, 'beside'), 'its data', { mode: 0o600 });
    if (mode === 0o755) chmodSync(join(folder, 'beside'), 0o644);
    assert.equal(await said(house, path), 'word: its data\n');
  });

  test(`a native program in a folder ${reach} runs`, async (t) => {
    const house = await makeHouse(t);
    const path = join(makeFolder(t, mode), 'agent');
    copyFileSync('/usr/bin/basename', path);
    chmodSync(path, 0o755);
    assert.equal(await said(house, path), 'word\n');
  });

  test(`a package of Node in a folder ${reach} runs, with its parts and our Node`, async (t) => {
    const house = await makeHouse(t);
    const folder = join(makeFolder(t, mode), 'lib/node_modules/@agents/agent');
    const path = writeProgram(
      join(folder, 'bin/agent.js'),
      "#!/usr/bin/env node\nimport part from 'part';\nconsole.log(process.argv[2], part);\n",
    );
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    writeProgram(join(folder, 'node_modules/part/index.js'), 'export default "its part";');
    writeFileSync(join(folder, 'node_modules/part/package.json'), '{"type":"module","main":"index.js"}');
    const link = join(makeTrialFolder(t), 'agent');
    symlinkSync(path, link);
    assert.equal(await said(house, link), 'word its part\n');
  });
}

test('a script of Python runs where Python is there', async (t) => {
  if (!existsSync('/usr/bin/python3')) {
    t.skip('there is no /usr/bin/python3 here');
    return;
  }
  const house = await makeHouse(t);
  const folder = makeFolder(t, 0o700);
  writeFileSync(join(folder, 'beside.py'), 'word = "imported"\n');
  const path = writeProgram(
    join(folder, 'agent'),
    '#!/usr/bin/env python3\nimport beside, sys\nprint(sys.argv[1], beside.word)\n',
  );
  assert.equal(await said(house, path), 'word imported\n');
});

test('an interpreter elsewhere is shown to its script', async (t) => {
  const house = await makeHouse(t);
  const shell = join(makeFolder(t), 'own-shell');
  copyFileSync('/bin/sh', shell);
  chmodSync(shell, 0o755);
  const path = writeProgram(
    join(makeFolder(t), 'agent'),
    `#!${shell}\necho "by $(basename "$(readlink /proc/$$/exe)")"\n`,
  );
  assert.equal(await said(house, path), 'by own-shell\n');
});

test('packages that were installed side by side see each other', async (t) => {
  const house = await makeHouse(t);
  const modules = join(makeFolder(t), 'node_modules');
  const path = writeProgram(
    join(modules, 'agent/agent.cjs'),
    "#!/usr/bin/env node\nconsole.log(require('part'));\n",
  );
  writeFileSync(join(modules, 'agent/package.json'), '{}');
  writeProgram(join(modules, 'part/index.js'), 'module.exports = "beside";');
  assert.deepEqual((await offer(house, path)).readOnly[0], modules);
  assert.equal(await said(house, path), 'beside\n');
});

test('a native program of a package is shown with the package', async (t) => {
  const house = await makeHouse(t);
  const folder = join(makeFolder(t), 'node_modules/agent-linux');
  mkdirSync(join(folder, 'vendor/bin'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{}');
  copyFileSync('/usr/bin/basename', join(folder, 'vendor/bin/agent'));
  const { readOnly, pathFolders } = await offer(house, join(folder, 'vendor/bin/agent'));
  assert.deepEqual([readOnly, pathFolders], [[folder], []]);
});

test('a program of the system needs nothing', async (t) => {
  const house = await makeHouse(t);
  const path = realpathSync('/usr/bin/basename');
  assert.deepEqual(await offer(house, path), { program: path, readOnly: [], pathFolders: [] });
});

test('of a folder that holds more than a program, the sandbox sees the one file', async (t) => {
  const house = await makeHouse(t);
  const file = join(realpathSync(tmpdir()), `slipway-offer-${process.pid}`);
  t.after(() => rmSync(file, { force: true }));
  const beside = `${file}-beside`;
  t.after(() => rmSync(beside, { force: true }));
  writeFileSync(beside, '');
  writeProgram(file, '#!/bin/sh\nls "$(dirname "$0")"\n');
  // What else is seen there leads to our own Node, where this repository lies below the same folder.
  const seen = (await said(house, file)).split('\n');
  assert.deepEqual([seen.includes(basename(file)), seen.includes(basename(beside))], [true, false]);
  const inData = writeProgram(join(house.dataFolder, 'bin/agent'), '#!/bin/sh\nls "$(dirname "$0")"\n');
  writeFileSync(join(house.dataFolder, 'bin/secret'), '');
  assert.equal(await said(house, inData), 'agent\n');
  const above = writeProgram(join(dirname(house.dataFolder), 'agent'), '#!/bin/sh\nls "$(dirname "$0")"\n');
  assert.equal(await said(house, above), 'agent\n');
  // Nor by way of a package: a clone that holds the data folder is one.
  writeFileSync(join(dirname(house.dataFolder), 'package.json'), '{}');
  const inClone = writeProgram(join(dirname(house.dataFolder), 'tools/agent'), '#!/bin/sh\n');
  assert.equal((await offer(house, inClone)).readOnly[0], dirname(inClone));
});

test('a copy is made once for each version, and removed when no run can use it any more', async (t) => {
  const house = await makeHouse(t);
  const path = join(makeFolder(t, 0o700), 'agent');
  const copies = (): readonly string[] => {
    const folder = join(house.stateFolder, 'programs');
    return existsSync(folder) ? readdirSync(folder) : [];
  };
  copyFileSync('/usr/bin/basename', path);
  await Promise.all([offer(house, path), offer(house, path)]);
  const first = await offer(house, path);
  assert.equal(copies().length, isRoot ? 1 : 0);
  if (!isRoot) {
    // The sandbox's user is the server's own: what the server reaches, it does too.
    assert.equal(first.program, path);
    return;
  }
  utimesSync(path, new Date(), new Date(1_000_000_000_000));
  const second = await offer(house, path);
  assert.notEqual(second.program, first.program);
  assert.equal(copies().length, 2);
  const longAgo = new Date(Date.now() - 72 * 3_600_000);
  utimesSync(dirname(first.program), longAgo, longAgo);
  mkdirSync(join(house.stateFolder, 'programs/new-abandoned'));
  utimesSync(join(house.stateFolder, 'programs/new-abandoned'), longAgo, longAgo);
  await offer(house, path);
  assert.deepEqual(copies(), [basename(dirname(second.program))]);
});

test('a change beside a copied script is a new version of it', async (t) => {
  const house = await makeHouse(t);
  const folder = makeFolder(t, 0o700);
  const path = writeProgram(join(folder, 'agent'), shellScript);
  for (const word of ['one', 'three']) {
    writeFileSync(join(folder, 'beside'), word);
    assert.equal(await said(house, path), `word: ${word}\n`);
  }
});

test('without isolation a program goes by the name that it was called by', async (t) => {
  const executor = createProcessExecutor();
  const place = await makeTrialPlace(t, executor);
  const house = { executor, place, stateFolder: makeTrialFolder(t), dataFolder: makeTrialFolder(t) };
  const realPath = writeProgram(
    join(makeFolder(t, 0o700), 'many-programs'),
    '#!/bin/sh\nbasename "$0"; node -p 1+1\n',
  );
  const link = join(dirname(realPath), 'agent');
  symlinkSync(realPath, link);
  assert.equal(await said(house, link), 'agent\n2\n');
});

test('a program is offered whatever its name is', async (t) => {
  const house = await makeHouse(t);
  const folder = join(mkdtempSync(join(makeTrialFolder(t), 'a b;c ')), "it's");
  const path = writeProgram(join(folder, '$agent'), '#!/bin/sh\necho "$0"\n');
  chmodSync(dirname(folder), 0o755);
  assert.equal(await said(house, path), `${path}\n`);
});

test('an ordinary user passes this file as well', (t) => passAsOrdinaryUser(t, import.meta.filename));
