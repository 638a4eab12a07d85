import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { test, type TestContext } from 'node:test';

import { findProgram } from './find-program.ts';

function makeFolder(t: TestContext): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'slipway-find-')));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function makeProgram(path: string): string {
  writeFileSync(path, '#!/bin/sh\n', { mode: 0o755 });
  return path;
}

test('the first folder of PATH that has a program of one of the names wins', (t) => {
  const folder = makeFolder(t);
  const [first, second] = [join(folder, 'first'), join(folder, 'second')];
  for (const each of [first, second]) mkdirSync(each);
  const path = makeProgram(join(second, 'stand-in-agent'));
  assert.deepEqual(findProgram(undefined, ['stand-in-agent'], [first, second]), {
    kind: 'found',
    path,
    realPath: path,
  });
  const earlier = makeProgram(join(first, 'stand-in-agent'));
  const found = findProgram(undefined, ['other-name', 'stand-in-agent'], [first, second]);
  assert.equal(found.kind === 'found' && found.path, earlier);
  // A file that nobody may run, and a folder, are no programs.
  chmodSync(earlier, 0o644);
  mkdirSync(join(first, 'other-name'));
  const later = findProgram(undefined, ['other-name', 'stand-in-agent'], [first, second]);
  assert.equal(later.kind === 'found' && later.path, path);
});

test('the folders of the system are looked through without any PATH', () => {
  const found = findProgram(undefined, ['env'], []);
  assert.equal(found.kind, 'found');
});

test('a setting names the file, a link to it, or the name to look for', (t) => {
  const folder = makeFolder(t);
  const realPath = makeProgram(join(folder, 'the-program'));
  const path = join(folder, 'link');
  symlinkSync(realPath, path);
  assert.deepEqual(findProgram(path, ['env'], []), { kind: 'found', path, realPath });
  assert.deepEqual(findProgram(relative(process.cwd(), path), ['env'], []), {
    kind: 'found',
    path,
    realPath,
  });
  assert.deepEqual(findProgram('the-program', ['env'], [folder]), {
    kind: 'found',
    path: realPath,
    realPath,
  });
});

test('what is missing is told with what to do', (t) => {
  const folder = makeFolder(t);
  const remedyOf = (setting: string | undefined, names: readonly string[]): string => {
    const answer = findProgram(setting, names, [folder]);
    assert.equal(answer.kind, 'missing');
    return `${answer.problem}: ${answer.remedy}`;
  };
  assert.match(remedyOf(undefined, ['no-such-agent']), /^no-such-agent was not found on PATH: install it/u);
  assert.match(remedyOf(join(folder, 'nothing'), ['env']), /nothing does not exist: correct the path/u);
  assert.match(remedyOf(folder, ['env']), /is no file/u);
  symlinkSync(join(folder, 'loop'), join(folder, 'loop'));
  assert.match(remedyOf(join(folder, 'loop'), ['env']), /cannot be used: .*ELOOP/u);
  writeFileSync(join(folder, 'text'), '', { mode: 0o644 });
  assert.match(remedyOf(join(folder, 'text'), ['env']), /cannot be run by the server's user/u);
});

test('a program that is set but missing is not replaced by another on PATH', (t) => {
  assert.equal(findProgram(join(makeFolder(t), 'nothing'), ['env'], []).kind, 'missing');
  assert.equal(findProgram('no-such-agent', ['env'], []).kind, 'missing');
});

test("npm's launcher of Codex leads to the native program behind it, and is kept where there is none", (t) => {
  const modules = makeFolder(t);
  const launcher = join(modules, '@openai/codex/bin/codex.js');
  mkdirSync(join(modules, '@openai/codex/bin'), { recursive: true });
  makeProgram(launcher);
  const real = (): string => {
    const found = findProgram(launcher, [], []);
    return found.kind === 'found' ? found.realPath : found.problem;
  };
  assert.equal(real(), launcher);
  const bin = join(modules, `@openai/codex-${process.platform}-${process.arch}/vendor/some-triple/bin`);
  mkdirSync(bin, { recursive: true });
  assert.equal(real(), launcher);
  assert.equal((makeProgram(join(bin, 'codex')), real()), join(bin, 'codex'));
});
