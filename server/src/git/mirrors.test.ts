import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createRepository } from '../demo/git-server.ts';
import { gitByHand, testForge, testSignal } from '../../test/support/git-repositories.ts';
import { createMirrors, resolveBranch } from './mirrors.ts';
import type { Mirror } from './mirrors.ts';

test('a refresh gives the branches and the default branch as the remote has them now', async (t) => {
  const forge = await testForge(t);
  const refresh = (): Promise<Mirror> =>
    forge.mirrors.refresh({ url: forge.url }, forge.canonical, testSignal());
  const first = await refresh();
  assert.equal(first.defaultBranch, 'main');
  assert.equal(statSync(first.folder).mode & 0o777, 0o700);
  const commit = await forge.commit({ 'a.txt': 'a' }, 'topic/a');
  await gitByHand(forge.bare, 'tag', 'v1', commit);
  await gitByHand(forge.bare, 'symbolic-ref', 'HEAD', 'refs/heads/topic/a');
  const second = await refresh();
  assert.deepEqual([...second.branches.keys()].sort(), ['main', 'topic/a']);
  assert.equal(second.branches.get('topic/a'), commit);
  assert.equal(second.tags.get('v1'), commit);
  assert.equal(second.defaultBranch, 'topic/a');
  await gitByHand(forge.bare, 'update-ref', '-d', 'refs/heads/topic/a');
  await forge.commit({ 'b.txt': 'b' }, 'topic');
  const third = await refresh();
  assert.deepEqual([...third.branches.keys()].sort(), ['main', 'topic']);
  assert.equal(third.defaultBranch, undefined);
  assert.throws(() => resolveBranch(third, undefined), {
    code: 'branch_not_found',
    message: /no default branch.*main, topic/u,
  });
});

test('two branches at one commit do not confuse which is the default', async (t) => {
  const forge = await testForge(t);
  const main = await gitByHand(forge.bare, 'rev-parse', 'main');
  for (const name of ['aaa', 'zzz']) await gitByHand(forge.bare, 'update-ref', `refs/heads/${name}`, main);
  for (const name of ['zzz', 'aaa', 'main']) {
    await gitByHand(forge.bare, 'symbolic-ref', 'HEAD', `refs/heads/${name}`);
    const mirror = await forge.mirrors.refresh({ url: forge.url }, forge.canonical, testSignal());
    assert.equal(mirror.defaultBranch, name);
  }
  await gitByHand(forge.bare, 'update-ref', '--no-deref', 'HEAD', main);
  const detached = await forge.mirrors.refresh({ url: forge.url }, forge.canonical, testSignal());
  assert.equal(detached.defaultBranch, 'main');
});

test('a branch is resolved by name, by default, or because it is the only one', () => {
  const mirror = (branches: Record<string, string>, defaultBranch?: string): Mirror => ({
    folder: '',
    defaultBranch,
    branches: new Map(Object.entries(branches)),
    tags: new Map(),
  });
  assert.deepEqual(resolveBranch(mirror({ main: 'c1', dev: 'c2' }, 'main'), 'dev'), {
    branch: 'dev',
    commit: 'c2',
  });
  assert.deepEqual(resolveBranch(mirror({ main: 'c1', dev: 'c2' }, 'main'), undefined), {
    branch: 'main',
    commit: 'c1',
  });
  assert.deepEqual(resolveBranch(mirror({ dev: 'c2' }), undefined), { branch: 'dev', commit: 'c2' });
  assert.throws(() => resolveBranch(mirror({ main: 'c1' }, 'main'), 'nope'), {
    code: 'branch_not_found',
    message: /no branch nope.*main/u,
  });
  assert.throws(() => resolveBranch(mirror({}), 'main'), { code: 'empty_repository' });
});

test('an empty repository has a mirror without branches', async (t) => {
  const forge = await testForge(t, { empty: true });
  const mirror = await forge.mirrors.refresh({ url: forge.url }, forge.canonical, testSignal());
  assert.equal(mirror.branches.size, 0);
});

test('an idle refresh asks the forge one question, and a fetch is made of what has moved', async (t) => {
  const forge = await testForge(t);
  const methods = async (needed?: { readonly branch: string | undefined }): Promise<string[]> => {
    const before = forge.server.requests.length;
    await forge.mirrors.refresh({ url: forge.url }, forge.canonical, testSignal(), needed);
    return forge.server.requests.slice(before).map(({ method }) => method);
  };
  const [asked, fetched] = [['POST'], ['POST', 'GET', 'POST', 'POST']];
  await methods();
  assert.deepEqual(await methods(), asked);
  assert.deepEqual(await methods({ branch: 'main' }), asked);
  await forge.commit({ 'a.txt': '' });
  assert.deepEqual(await methods({ branch: undefined }), fetched, 'the default branch moved');
  await forge.commit({ 'b.txt': '' }, 'topic');
  assert.deepEqual(await methods({ branch: undefined }), asked, 'nobody needs the other branch');
  assert.deepEqual(await methods({ branch: 'topic' }), fetched, 'somebody does');
  await forge.commit({ 'c.txt': '' }, 'topic');
  assert.deepEqual(await methods(), fetched, 'everything is needed');
  await gitByHand(forge.bare, 'tag', '-a', '-m', 'first', 'v1', 'main');
  assert.deepEqual(await methods({ branch: 'main' }), fetched, 'a tag is new');
  assert.deepEqual(await methods({ branch: 'main' }), asked);
  await gitByHand(forge.bare, 'tag', '-d', 'v1');
  assert.deepEqual(await methods({ branch: 'main' }), ['POST', 'GET', 'POST'], 'a tag is gone');
});

test('a branch that is not needed is known by its name, so that a wrong one can be told', async (t) => {
  const forge = await testForge(t);
  const refresh = (branch: string): Promise<Mirror> =>
    forge.mirrors.refresh({ url: forge.url }, forge.canonical, testSignal(), { branch });
  const main = resolveBranch(await refresh('main'), undefined);
  const commit = await forge.commit({ 'b.txt': '' }, 'topic');
  const mirror = await refresh('main');
  assert.deepEqual(resolveBranch(mirror, 'main'), main);
  assert.equal(mirror.branches.get('topic'), commit);
  assert.throws(() => resolveBranch(mirror, 'topc'), { message: /It has main, topic/u });
  const there = await refresh('topic');
  await gitByHand(there.folder, 'cat-file', '-e', commit);
});

test('twenty refreshes at once share what may be shared, and each sees what was there when it was called', async (t) => {
  const forge = await testForge(t);
  const other = createMirrors({ git: forge.git, folder: join(forge.folder, 'mirrors'), maxBytes: 1e8 });
  const all = Array.from({ length: 20 }, (_, index) =>
    (index % 2 === 0 ? forge.mirrors : other).refresh({ url: forge.url }, forge.canonical, testSignal()),
  );
  for (const mirror of await Promise.all(all)) assert.equal(mirror.branches.size, 1);
  const conversations = forge.server.requests.filter(({ method }) => method === 'GET').length;
  assert.ok(conversations <= 4, `${conversations} conversations`);
  const running = forge.mirrors.refresh({ url: forge.url }, forge.canonical, testSignal());
  const commit = await forge.commit({ 'late.txt': '' });
  const late = await forge.mirrors.refresh({ url: forge.url }, forge.canonical, testSignal());
  assert.equal(late.branches.get('main'), commit);
  await running;
});

test('who stops waiting does not stop the others; the last one stops the fetch', async (t) => {
  let delayed = 0;
  const forge = await testForge(t, {
    server: { faults: () => ((delayed += 1), { kind: 'delay', ms: 100 }) },
  });
  const leaving = new AbortController();
  const [first, second] = [leaving.signal, testSignal()].map((signal) =>
    forge.mirrors.refresh({ url: forge.url }, forge.canonical, signal),
  );
  leaving.abort(new Error('left'));
  await assert.rejects(first ?? Promise.resolve(), /left/u);
  assert.equal((await second)?.defaultBranch, 'main');
  const alone = new AbortController();
  const last = forge.mirrors.refresh({ url: forge.url }, forge.canonical, alone.signal);
  alone.abort(new Error('left too'));
  await assert.rejects(last, /left too/u);
  assert.equal(
    (await forge.mirrors.refresh({ url: forge.url }, forge.canonical, testSignal())).defaultBranch,
    'main',
  );
  assert.ok(delayed > 0);
});

test('a process killed in the middle of a fetch leaves nothing that hinders the next one', async (t) => {
  let onFetch: () => void = () => undefined;
  let slow = false;
  let fetching = false;
  const forge = await testForge(t, {
    server: {
      faults: ({ method }) => {
        // What comes before is the question whether a fetch is needed.
        fetching ||= method === 'GET';
        if (!slow || !fetching || method !== 'POST') return undefined;
        onFetch();
        return { kind: 'delay', ms: 60_000 };
      },
    },
  });
  for (const round of ['first', 'later']) {
    await forge.commit({ [`before-${round}.txt`]: round });
    [slow, fetching] = [true, false];
    const reached = new Promise<void>((resolve) => (onFetch = resolve));
    const program = `
      import { createGit } from ${JSON.stringify(import.meta.resolve('./git.ts'))};
      import { createMirrors } from ${JSON.stringify(import.meta.resolve('./mirrors.ts'))};
      const [folder, url, canonical] = process.argv.slice(1);
      const git = createGit({ socketFolder: folder, allowFileRepositories: false, allowHttp: true, timeoutMs: 60000 });
      await createMirrors({ git, folder, maxBytes: 1e8 }).refresh({ url }, canonical, AbortSignal.timeout(60000));`;
    const args = [
      '--input-type=module',
      '-e',
      program,
      join(forge.folder, 'mirrors'),
      forge.url,
      forge.canonical,
    ];
    const victim = spawn(process.execPath, args, { stdio: 'inherit' });
    await reached;
    victim.kill('SIGKILL');
    await once(victim, 'exit');
    const names = readdirSync(join(forge.folder, 'mirrors'));
    const mirror = names.find((name) => name.endsWith(round === 'first' ? '.git.new' : '.git')) ?? '';
    const path = join(forge.folder, 'mirrors', mirror);
    for (const lock of ['packed-refs.lock', 'refs/heads/main.lock', 'HEAD.lock'])
      writeFileSync(join(path, lock), '');
    slow = false;
    const commit = await forge.commit({ [`${round}.txt`]: round });
    const after = await forge.mirrors.refresh({ url: forge.url }, forge.canonical, testSignal());
    assert.equal(after.branches.get('main'), commit);
    assert.deepEqual(
      readdirSync(after.folder).filter((name) => name.endsWith('.lock') || name === 'slipway-busy'),
      [],
    );
  }
});

test('a kept commit outlives a force-push, and goes when it is no longer kept', async (t) => {
  const forge = await testForge(t);
  const mirror = await forge.mirrors.refresh({ url: forge.url }, forge.canonical, testSignal());
  const { commit } = resolveBranch(mirror, 'main');
  await forge.mirrors.keep(mirror, 'workspace-1', commit);
  await forge.mirrors.keep(mirror, 'workspace-1', commit);
  const orphan = await gitByHand(forge.bare, 'commit-tree', '-m', 'other', 'main^{tree}');
  await gitByHand(forge.bare, 'update-ref', 'refs/heads/main', orphan);
  const moved = await forge.mirrors.refresh({ url: forge.url }, forge.canonical, testSignal());
  assert.equal(moved.branches.get('main'), orphan);
  await gitByHand(mirror.folder, 'gc', '--quiet', '--prune=now');
  await gitByHand(mirror.folder, 'cat-file', '-e', commit);
  await forge.mirrors.unkeep(mirror, 'workspace-1');
  await forge.mirrors.unkeep(mirror, 'workspace-1');
  assert.equal(await gitByHand(mirror.folder, 'for-each-ref', 'refs/slipway/keep'), '');
});

test('what cannot be fetched says why, and whether to try again', async (t) => {
  const forge = await testForge(t, {
    server: { faults: ({ url }) => (url.includes('broken') ? { kind: 'answer', status: 503 } : undefined) },
  });
  const refresh = (url: string): Promise<Mirror> => forge.mirrors.refresh({ url }, url, testSignal());
  await assert.rejects(refresh('http://127.0.0.1:1/x.git'), {
    code: 'unreachable',
    retryable: true,
    message: /127\.0\.0\.1:1\/x\.git/u,
  });
  await assert.rejects(refresh(`${forge.server.url}/broken.git`), { code: 'unreachable', retryable: true });
  await assert.rejects(refresh(`${forge.server.url}/missing.git`), { code: 'not_found', retryable: false });
  await assert.rejects(refresh(`file://${forge.folder}/missing`), { code: 'not_found' });
  assert.deepEqual(
    readdirSync(join(forge.folder, 'mirrors')).filter((name) => !name.endsWith('.lock')),
    [],
  );
});

test('a damaged mirror is replaced by a new one', async (t) => {
  const forge = await testForge(t);
  const mirror = await forge.mirrors.refresh({ url: forge.url }, forge.canonical, testSignal());
  const packs = join(mirror.folder, 'objects', 'pack');
  for (const name of readdirSync(packs).filter((name) => name.endsWith('.pack'))) {
    writeFileSync(join(packs, `${name}.tmp`), 'nonsense');
    renameSync(join(packs, `${name}.tmp`), join(packs, name));
  }
  const commit = await forge.commit({ 'next.txt': '' });
  const again = await forge.mirrors.refresh({ url: forge.url }, forge.canonical, testSignal());
  assert.equal(again.branches.get('main'), commit);
  await gitByHand(again.folder, 'fsck', '--full');
});

test('a damaged mirror is noticed where nothing has moved', async (t) => {
  const forge = await testForge(t);
  const mirror = await forge.mirrors.refresh({ url: forge.url }, forge.canonical, testSignal());
  const packs = join(mirror.folder, 'objects', 'pack');
  for (const name of readdirSync(packs)) rmSync(join(packs, name));
  const again = await forge.mirrors.refresh({ url: forge.url }, forge.canonical, testSignal());
  await gitByHand(again.folder, 'fsck', '--full');
});

test('trimming removes what is unused longest, and neither what is kept nor what was just used', async (t) => {
  const forge = await testForge(t);
  const folder = join(forge.folder, 'small');
  const mirrors = createMirrors({ git: forge.git, folder, maxBytes: 200_000, graceMs: 60_000 });
  const made: Mirror[] = [];
  for (const [index, name] of ['kept', 'oldest', 'older', 'fresh'].entries()) {
    const bare = await createRepository(forge.root, `${name}.git`);
    const work = join(forge.folder, name);
    await gitByHand(forge.folder, 'clone', '--quiet', bare, work);
    writeFileSync(join(work, 'data'), randomBytes(90_000));
    await gitByHand(work, 'add', '-A');
    await gitByHand(work, 'commit', '--quiet', '-m', 'data');
    await gitByHand(work, 'push', '--quiet', 'origin', 'HEAD:main');
    const url = `${forge.server.url}/${name}.git`;
    const mirror = await mirrors.refresh({ url }, url, testSignal());
    made.push(mirror);
    if (name === 'kept') await mirrors.keep(mirror, 'w', resolveBranch(mirror, 'main').commit);
    if (name !== 'fresh') utimesSync(join(mirror.folder, 'slipway-used'), 1000 + index, 1000 + index);
  }
  await mkdir(join(folder, 'leftover.git.gone-1'));
  await mkdir(join(folder, 'leftover.git.new', 'objects'), { recursive: true });
  await mirrors.trim();
  assert.deepEqual(
    made.map((mirror) => existsSync(mirror.folder)),
    [true, false, false, true],
  );
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('leftover') && !name.endsWith('.lock')),
    [],
  );
});

test('trimming makes one pack of many', async (t) => {
  const forge = await testForge(t);
  const refresh = (): Promise<Mirror> =>
    forge.mirrors.refresh({ url: forge.url }, forge.canonical, testSignal());
  const mirror = await refresh();
  const packs = (): string[] =>
    readdirSync(join(mirror.folder, 'objects', 'pack')).filter((name) => name.endsWith('.pack'));
  const pack = packs()[0]?.slice(0, -'.pack'.length) ?? '';
  for (let index = 0; index < 45; index += 1) {
    for (const suffix of ['pack', 'idx']) {
      const from = join(mirror.folder, 'objects', 'pack', `${pack}.${suffix}`);
      copyFileSync(
        from,
        join(mirror.folder, 'objects', 'pack', `pack-${String(index).padStart(40, '0')}.${suffix}`),
      );
    }
  }
  await forge.mirrors.trim();
  assert.equal(packs().length, 1);
  assert.equal((await refresh()).defaultBranch, 'main');
  await gitByHand(mirror.folder, 'fsck', '--full');
});

test('a repository larger than the mirrors may be is refused and not kept', async (t) => {
  const forge = await testForge(t);
  const mirrors = createMirrors({ git: forge.git, folder: join(forge.folder, 'tiny'), maxBytes: 10 });
  await assert.rejects(mirrors.refresh({ url: forge.url }, forge.canonical, testSignal()), {
    code: 'too_large',
  });
  assert.deepEqual(
    readdirSync(join(forge.folder, 'tiny')).filter((name) => !name.endsWith('.lock')),
    [],
  );
});
