import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { gitByHand, testForge, testSignal } from '../../test/support/git-repositories.ts';
import type { TestForge } from '../../test/support/git-repositories.ts';
import { processesWith, until } from '../../test/support/processes.ts';
import { makeKeyPair, needsOpenssh } from '../../test/support/ssh-programs.ts';
import { startSshServer } from '../../test/support/ssh-server.ts';
import type { SshServer } from '../../test/support/ssh-server.ts';
import { Secret } from '../lib/secret.ts';
import type { Credential } from './credentials.ts';
import { GitError } from './git-error.ts';
import { resolveBranch } from './mirrors.ts';
import type { Mirror } from './mirrors.ts';
import { pushBranch } from './push.ts';
import type { PushOutcome, PushRequest } from './push.ts';

type House = {
  readonly forge: TestForge;
  readonly server: SshServer;
  readonly credential: Credential;
  /** Refreshes the mirror over ssh; without `credential`, with the one that may log in. */
  readonly refresh: (credential?: Credential | 'none', signal?: AbortSignal) => Promise<Mirror>;
};

const keyOf = (privateKey: string): Credential => ({ kind: 'ssh_key', privateKey: new Secret(privateKey) });

/** A repository that is reached over ssh, and a server that has its key. */
async function sshHouse(t: TestContext, options?: { acceptsProtocol: boolean }): Promise<House> {
  const server = await startSshServer(t, options);
  const forge = await testForge(t, { git: { sshKnownHosts: server.knownHosts } });
  await server.serve(forge.root);
  const credential = keyOf(server.key.privateKey);
  return {
    forge,
    server,
    credential,
    refresh(given = credential, signal = testSignal()) {
      const remote = { url: server.url, ...(given === 'none' ? {} : { credential: given }) };
      return forge.mirrors.refresh(remote, server.canonical, signal);
    },
  };
}

for (const acceptsProtocol of [true, false]) {
  const words = acceptsProtocol ? 'that speaks the newest protocol' : 'that speaks an old protocol';
  test(
    `a host ${words} is fetched from, again and again, with its default branch`,
    needsOpenssh,
    async (t) => {
      const { forge, server, refresh } = await sshHouse(t, { acceptsProtocol });
      await gitByHand(forge.bare, 'branch', 'other', 'main');
      await gitByHand(forge.bare, 'symbolic-ref', 'HEAD', 'refs/heads/other');
      assert.equal((await refresh()).defaultBranch, 'other');
      const next = await forge.commit({ 'more.txt': 'more' });
      assert.equal(resolveBranch(await refresh(), 'main').commit, next);
      assert.deepEqual(await server.commands(), Array(2).fill("git-upload-pack '/project.git'"));
      assert.deepEqual(forge.server.requests, []);
    },
  );
}

test('over ssh a branch is pushed once, and one that is not ours is not touched', needsOpenssh, async (t) => {
  const { forge, server, credential } = await sshHouse(t);
  const folder = join(forge.folder, 'clean');
  await gitByHand(forge.folder, 'clone', '--quiet', '--bare', forge.bare, folder);
  const make = (parent: string): Promise<string> =>
    gitByHand(folder, 'commit-tree', '-p', parent, '-m', 'work', 'main^{tree}');
  const first = await make('main');
  const second = await make(first);
  const push = (commit: string, expected?: string): Promise<PushOutcome> => {
    const remote = { url: server.url, credential };
    const request: PushRequest = {
      git: forge.git,
      folder,
      remote,
      commit,
      branch: 'slipway/work',
      expected,
      signal: testSignal(),
    };
    return pushBranch(request);
  };
  assert.deepEqual(await push(first), { kind: 'pushed' });
  assert.deepEqual(await push(first), { kind: 'already_there' });
  assert.deepEqual(await push(second, first), { kind: 'pushed' });
  assert.deepEqual(await push(first), { kind: 'taken', by: second });
  assert.equal(await gitByHand(forge.bare, 'rev-parse', 'slipway/work'), second);
});

test('keys of every supported kind log in', needsOpenssh, async (t) => {
  const { forge, server, refresh } = await sshHouse(t);
  const kinds = [
    ['ed25519'],
    ['rsa', '-b', '2048'],
    ['ecdsa', '-b', '256'],
    ['ecdsa', '-b', '384'],
    ['ecdsa', '-b', '521'],
  ];
  for (const kind of kinds) {
    const pair = await makeKeyPair(forge.folder, `key-${kind.join('')}`, ['-t', ...kind, '-N', '']);
    await assert.rejects(refresh(keyOf(pair.privateKey)), { code: 'authentication' });
    await server.authorize(pair.publicKey);
    assert.equal((await refresh(keyOf(pair.privateKey))).defaultBranch, 'main', kind.join(' '));
  }
});

test(
  'a key that the host refuses, no key and a token are told apart, and are no reason to try again',
  needsOpenssh,
  async (t) => {
    const { forge, server, refresh } = await sshHouse(t);
    const stranger = await makeKeyPair(forge.folder, 'stranger', ['-t', 'ed25519', '-N', '']);
    const token: Credential = { kind: 'password', username: 'x', password: new Secret('ghp_of-somebody') };
    const locked = await makeKeyPair(forge.folder, 'locked', ['-t', 'ed25519', '-N', 'open sesame']);
    const cases: readonly (readonly [Credential | 'none', RegExp])[] = [
      [keyOf(stranger.privateKey), /refused the ssh key.*Register/u],
      ['none', /refused the ssh key, or needs one/u],
      [token, /needs an ssh key/u],
      [keyOf(locked.privateKey), /passphrase/u],
    ];
    for (const [credential, message] of cases)
      await assert.rejects(refresh(credential), { code: 'authentication', retryable: false, message });
    assert.deepEqual(await server.commands(), []);
    const remote = { url: forge.url, credential: keyOf(stranger.privateKey) };
    const overHttp = forge.mirrors.refresh(remote, forge.canonical, testSignal());
    await assert.rejects(overHttp, { code: 'authentication', message: /needs a token/u });
  },
);

test(
  'a host whose key is not pinned, or has changed, gets no login and no second try',
  needsOpenssh,
  async (t) => {
    const { forge, server, refresh } = await sshHouse(t);
    const other = await makeKeyPair(forge.folder, 'other', ['-t', 'ed25519', '-N', '']);
    const logins = async (): Promise<number> => (await server.log()).split(/publickey for/u).length - 1;
    await refresh();
    assert.ok((await logins()) > 0);
    const before = await logins();
    const refused = async (message: RegExp): Promise<void> => {
      await assert.rejects(refresh(), (error) => {
        assert.ok(error instanceof GitError);
        assert.deepEqual([error.code, error.retryable], ['unreachable', false]);
        assert.match(error.message, message);
        assert.ok(!error.message.includes(server.knownHosts), 'no file of this host is named');
        return true;
      });
    };
    await server.pin(undefined);
    await refused(/is not pinned.*SLIPWAY_SSH_KNOWN_HOSTS/u);
    await server.pin(other.publicKey);
    await refused(/another key than the one that is pinned/u);
    await rm(server.knownHosts);
    await refused(/is not pinned/u);
    assert.equal(await logins(), before);
    assert.ok(!existsSync(server.knownHosts), 'nothing is pinned by itself');
  },
);

test(
  'a host that does not listen is tried again, a repository that is not there is not',
  needsOpenssh,
  async (t) => {
    const { forge, server, credential } = await sshHouse(t);
    const refresh = (url: string): Promise<Mirror> =>
      forge.mirrors.refresh({ url, credential }, url, testSignal());
    // Nobody who may not be root listens on the first port.
    const silent = server.url.replace(`:${server.port}/`, ':1/');
    await assert.rejects(refresh(silent), { code: 'unreachable', retryable: true });
    const wrong = server.url.replace('project', 'another');
    await assert.rejects(refresh(wrong), { code: 'not_found', retryable: false });
  },
);

test(
  'while git talks, the key is in no argument, no environment and no file; the agent is ours alone and goes',
  needsOpenssh,
  async (t) => {
    const { forge, server, refresh } = await sshHouse(t);
    await rm(server.key.path);
    const lines = server.key.privateKey.split('\n').filter((line) => /^[A-Za-z0-9+/=]{20,}$/u.test(line));
    assert.ok(lines.length > 2);
    const isFree = (text: string): boolean => lines.every((line) => !text.includes(line));
    const release = await server.hold();
    const refreshing = refresh();
    await until('a command that is held back', server.isHolding);
    const sockets = readdirSync(join(forge.folder, 's'));
    assert.equal(sockets.length, 1);
    assert.equal(statSync(join(forge.folder, 's', sockets[0] ?? '')).mode & 0o777, 0o600);
    let clients = 0;
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/u.test(name))) {
      const [command, environment] = [readText(`/proc/${pid}/cmdline`), readText(`/proc/${pid}/environ`)];
      assert.ok(isFree(command) && isFree(environment), pid);
      if (command.startsWith('ssh\0') && environment.includes(forge.folder)) clients += 1;
    }
    assert.equal(clients, 1, 'ssh was running');
    assertFilesAre(isFree, forge.folder);
    await release();
    await refreshing;
    assertFilesAre(isFree, forge.folder);
    assert.deepEqual(readdirSync(join(forge.folder, 's')), []);
  },
);

test('who stops waiting leaves neither ssh nor an agent behind', needsOpenssh, async (t) => {
  const { forge, server, refresh } = await sshHouse(t);
  const release = await server.hold();
  const leaving = new AbortController();
  const refreshing = refresh(undefined, leaving.signal);
  await until('a command that is held back', server.isHolding);
  const clients = (): readonly string[] => processesWith(`-p\0${server.port}\0`);
  assert.notDeepEqual(clients(), []);
  leaving.abort(new Error('left'));
  await assert.rejects(refreshing, /left/u);
  await until('the end of ssh', () => clients().length === 0);
  await until('the end of the agent', () => readdirSync(join(forge.folder, 's')).length === 0);
  await release();
});

function assertFilesAre(isFree: (text: string) => boolean, folder: string): void {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, name);
    if (statSync(path).isFile()) assert.ok(isFree(readFileSync(path, 'latin1')), name);
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
