import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import * as fc from 'fast-check';
import { runCommand } from '../lib/child-process.ts';
import { gitByHand, testForge, testSignal } from '../../test/support/git-repositories.ts';
import { GitError } from './git-error.ts';
import { resolveBranch } from './mirrors.ts';
import { readBundleHeader, receiveBundle, releaseClean } from './receive-bundle.ts';

const ref = 'refs/slipway/result';

/** What an agent could make of the base in a repository of its own. */
async function agentSide(t: TestContext) {
  const forge = await testForge(t);
  const mirror = await forge.mirrors.refresh({ url: forge.url }, forge.canonical, testSignal());
  const base = resolveBranch(mirror, undefined).commit;
  const work = join(forge.folder, 'work');
  await gitByHand(forge.folder, 'clone', '--quiet', forge.bare, work);
  const bundle = join(forge.folder, 'bundle');
  const clean = join(forge.folder, 'clean');
  /** Bundles `commit` without what `without` has. */
  const pack = async (commit: string, without = base): Promise<void> => {
    await gitByHand(work, 'update-ref', ref, commit);
    await gitByHand(work, 'bundle', 'create', '--quiet', bundle, ref, `^${without}`);
  };
  const receive = (rest: { base?: string; maxBytes?: number } = {}) =>
    receiveBundle({
      git: forge.git,
      mirror,
      bundle,
      folder: clean,
      ref,
      base,
      signal: testSignal(),
      ...rest,
    });
  const object = async (type: string, content: string | Buffer): Promise<string> => {
    const args = ['hash-object', '-t', type, '-w', '--stdin', '--literally'];
    const command = {
      file: 'git',
      args,
      env: { PATH: '/usr/bin:/bin' },
      cwd: work,
      maxOutputBytes: 100,
      timeoutMs: 9000,
    };
    return (await runCommand({ ...command, input: content, signal: testSignal() })).stdout.toString().trim();
  };
  return { forge, mirror, base, work, bundle, clean, pack, receive, object };
}

test('a result is received into a repository of its own that reads the base through the mirror', async (t) => {
  const { work, base, pack, receive, clean, mirror } = await agentSide(t);
  const commit = await gitByHand(work, 'commit-tree', '-p', base, '-m', 'x', `${base}^{tree}`);
  await pack(commit);
  assert.deepEqual(await receive(), { commit });
  assert.equal(await gitByHand(clean, 'rev-parse', ref), commit);
  assert.equal(await gitByHand(clean, 'rev-list', '--count', commit), '2');
  await assert.rejects(gitByHand(mirror.folder, 'cat-file', '-e', commit), 'the mirror got nothing of it');
  await releaseClean(clean);
  await releaseClean(clean);
  assert.equal(existsSync(clean), false);
});

test('a bundle that is cut off, altered or none at all is corrupt, and leaves no folder', async (t) => {
  const { work, base, pack, receive, clean, bundle } = await agentSide(t);
  await pack(await gitByHand(work, 'commit-tree', '-p', base, '-m', 'x', `${base}^{tree}`));
  const good = readFileSync(bundle);
  const altered = Buffer.from(good);
  altered.writeUInt8(altered.readUInt8(altered.length - 30) ^ 0xff, altered.length - 30);
  for (const bytes of [
    good.subarray(0, -10),
    good.subarray(0, 40),
    altered,
    Buffer.alloc(0),
    Buffer.from('hello\n\n'),
    Buffer.concat([good, Buffer.from('tail')]),
  ]) {
    writeFileSync(bundle, bytes);
    await assert.rejects(receive(), { name: 'GitError', code: 'corrupt', retryable: false });
    assert.equal(existsSync(clean), false);
  }
});

test('malformed objects are refused', async (t) => {
  const { work, base, pack, receive, object } = await agentSide(t);
  const blob = await object('blob', 'x');
  const entry = (mode: string, name: string): Buffer =>
    Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(blob, 'hex')]);
  for (const content of [
    entry('100644', '.git'),
    entry('100644', '..'),
    entry('100644', 'a/b'),
    Buffer.concat([entry('100644', 'b'), entry('100644', 'a')]),
  ]) {
    const tree = await object('tree', content);
    await pack(await gitByHand(work, 'commit-tree', '-p', base, '-m', 'x', tree));
    await assert.rejects(receive(), { code: 'corrupt' }, content.toString('latin1'));
  }
});

test('a result that names an object which is nowhere is refused', async (t) => {
  const { work, base, bundle, pack, receive, object } = await agentSide(t);
  const missing = Buffer.concat([Buffer.from('100644 gone\0'), Buffer.from('1'.repeat(40), 'hex')]);
  const tree = await object('tree', missing);
  const commit = await gitByHand(work, 'commit-tree', '-p', base, '-m', 'x', tree);
  const blob = await object('blob', 'present');
  const whole = await object('tree', Buffer.concat([Buffer.from('100644 gone\0'), Buffer.from(blob, 'hex')]));
  // git would not bundle it: the objects are packed by hand behind an honest head.
  await pack(await gitByHand(work, 'commit-tree', '-p', base, '-m', 'x', whole));
  const packed = await runCommand({
    file: 'git',
    args: ['pack-objects', '--stdout', '-q'],
    env: { PATH: '/usr/bin:/bin' },
    cwd: work,
    input: `${commit}\n${tree}\n`,
    maxOutputBytes: 1e6,
    timeoutMs: 9000,
    signal: testSignal(),
  });
  writeFileSync(
    bundle,
    Buffer.concat([Buffer.from(`# v2 git bundle\n-${base} x\n${commit} ${ref}\n\n`), packed.stdout]),
  );
  await assert.rejects(receive(), { code: 'corrupt' });
});

test('a result with another history than the base is refused', async (t) => {
  const { work, base, pack, receive } = await agentSide(t);
  const child = await gitByHand(work, 'commit-tree', '-p', base, '-m', 'child', `${base}^{tree}`);
  const unrelated = await gitByHand(work, 'commit-tree', '-m', 'alone', `${base}^{tree}`);
  await pack(unrelated);
  await assert.rejects(receive(), { code: 'corrupt', message: /history does not contain/u });
  await pack(child);
  await assert.rejects(receive({ base: '2'.repeat(40) }), { code: 'corrupt' });
});

test('a bundle above the limit is too large', async (t) => {
  const { work, base, pack, receive, object } = await agentSide(t);
  const blob = await object('blob', randomBytes(100_000));
  const tree = await object('tree', Buffer.concat([Buffer.from('100644 big\0'), Buffer.from(blob, 'hex')]));
  await pack(await gitByHand(work, 'commit-tree', '-p', base, '-m', 'x', tree));
  await assert.rejects(receive({ maxBytes: 50_000 }), { code: 'too_large', retryable: false });
  await receive({ maxBytes: 200_000 });
});

test('whatever stands at the head of a bundle, it is read or refused', () => {
  const id = fc.stringMatching(/^[0-9a-f]{40}$/u);
  const line = fc.oneof(
    fc.string(),
    id.map((hex) => `${hex} ${ref}`),
    id.map((hex) => `-${hex} x`),
  );
  fc.assert(
    fc.property(
      fc.constantFrom('# v2 git bundle', '# v3 git bundle', ''),
      fc.array(line),
      fc.boolean(),
      (first, lines, whole) => {
        const text = `${[first, ...lines].join('\n')}${whole ? '\n\nPACK' : ''}`;
        try {
          const { commit, packAt } = readBundleHeader(Buffer.from(text), ref);
          assert.match(commit, /^[0-9a-f]{40}$/u);
          assert.equal(Buffer.from(text).toString('latin1', packAt - 2, packAt), '\n\n');
        } catch (error) {
          assert.ok(error instanceof GitError && error.code === 'corrupt', String(error));
        }
      },
    ),
  );
});
