import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { join } from 'node:path';
import { Secret } from '../lib/secret.ts';
import { testForge, testSignal } from '../../test/support/git-repositories.ts';
import { startGitServer } from '../demo/git-server.ts';
import { answerTo } from './credentials.ts';
import { createGit } from './git.ts';

const token = 'tok_0123456789abcdef';
const credential = { kind: 'password' as const, username: 'slipway', password: new Secret(token) };
const url = 'https://git.example.com:8443/team/app.git';

test('the credential is given for its own scheme, host and port, and for nothing else', () => {
  const ask = (...lines: string[]): string => answerTo(`${lines.join('\n')}\n`, url, credential);
  const host = 'host=git.example.com:8443';
  assert.equal(ask('action=get', 'protocol=https', host), `username=slipway\npassword=${token}\n`);
  assert.equal(
    ask('action=get', 'protocol=https', host, 'username=slipway'),
    `username=slipway\npassword=${token}\n`,
  );
  for (const lines of [
    ['action=get', 'protocol=http', host],
    ['action=get', 'protocol=https', 'host=git.example.com'],
    ['action=get', 'protocol=https', 'host=evil.example:8443'],
    ['action=get', 'protocol=https', 'host=git.example.com:8443.evil.example'],
    ['action=get', 'protocol=https', host, 'username=other'],
    ['action=store', 'protocol=https', host],
    ['action=exit'],
    [''],
  ]) {
    assert.equal(ask(...lines), '', lines.join(' '));
  }
});

test('a private repository is read with the right credential only', async (t) => {
  const forge = await testForge(t, { server: { credentials: { username: 'slipway', password: token } } });
  const refresh = (password?: string): Promise<unknown> =>
    forge.mirrors.refresh(
      {
        url: forge.url,
        ...(password === undefined
          ? {}
          : { credential: { kind: 'password', username: 'slipway', password: new Secret(password) } }),
      },
      forge.canonical,
      testSignal(),
    );
  await assert.rejects(refresh(), { code: 'authentication', retryable: false });
  await assert.rejects(refresh('wrong'), { code: 'authentication' });
  await refresh(token);
  await assert.rejects(refresh(), { code: 'authentication' }, 'the mirror is there, but not for everybody');
  await assert.rejects(refresh('wrong'), { code: 'authentication' });
  const before = forge.server.requests.length;
  await refresh(token);
  assert.equal(forge.server.requests.length - before, 1, 'asked, and nothing to fetch');
});

test('while git talks, the token is in no argument, no environment and no file; the socket is ours alone', async (t) => {
  let asked: () => void = () => undefined;
  const authorized = new Promise<void>((resolve) => (asked = resolve));
  const forge = await testForge(t, {
    server: {
      credentials: { password: token },
      faults: ({ carriedCredential }) => {
        if (!carriedCredential) return undefined;
        asked();
        return { kind: 'delay', ms: 300 };
      },
    },
  });
  const refreshing = forge.mirrors.refresh({ url: forge.url, credential }, forge.canonical, testSignal());
  await authorized;
  const sockets = readdirSync(join(forge.folder, 's'));
  assert.equal(sockets.length, 1);
  assert.equal(statSync(join(forge.folder, 's', sockets[0] ?? '')).mode & 0o777, 0o600);
  assert.equal(statSync(join(forge.folder, 's')).mode & 0o777, 0o700);
  let scanned = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/u.test(name))) {
    for (const file of ['cmdline', 'environ']) {
      const text = readProc(`/proc/${pid}/${file}`);
      if (text.includes('git') && file === 'cmdline') scanned += 1;
      assert.ok(!text.includes(token), `${pid} ${file}`);
    }
  }
  assert.ok(scanned > 0, 'git was running');
  await refreshing;
  for (const name of readdirSync(join(forge.folder, 'mirrors'), { recursive: true, encoding: 'utf8' })) {
    const path = join(forge.folder, 'mirrors', name);
    if (statSync(path).isFile()) assert.ok(!readFileSync(path, 'latin1').includes(token), name);
  }
  assert.deepEqual(readdirSync(join(forge.folder, 's')), []);
});

function readProc(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

test('a redirect to another host is not followed and gets no credential', async (t) => {
  const elsewhere = await startGitServer({ root: '/nonexistent', credentials: { password: token } });
  t.after(() => elsewhere.close());
  for (const carried of [false, true]) {
    const forge = await testForge(t, {
      server: {
        credentials: { password: token },
        faults: (request) =>
          request.carriedCredential === carried
            ? { kind: 'redirect', to: `${elsewhere.url}${request.url}` }
            : undefined,
      },
    });
    await assert.rejects(
      forge.mirrors.refresh({ url: forge.url, credential }, forge.canonical, testSignal()),
      {
        code: 'not_found',
        message: /redirect/u,
      },
    );
  }
  assert.deepEqual(elsewhere.requests, []);
});

test('a repository that was renamed on its host is found where it is now', async (t) => {
  const seen: string[] = [];
  const forge = await testForge(t, {
    server: {
      credentials: { password: token },
      faults: ({ url }) => {
        seen.push(url);
        return url.startsWith('/former.git/')
          ? { kind: 'redirect', to: url.replace('/former.git/', '/project.git/') }
          : undefined;
      },
    },
  });
  const former = { url: forge.url.replace('/project.git', '/former.git'), credential };
  const mirror = await forge.mirrors.refresh(former, forge.canonical, testSignal());
  assert.equal(mirror.defaultBranch, 'main');
  assert.ok(seen.some((url) => url.startsWith('/former.git/')));
});

test('an address without .git is tried with it when the forge redirects', async (t) => {
  const forge = await testForge(t, {
    server: {
      faults: ({ url }) =>
        url.startsWith('/project/') ? { kind: 'redirect', to: '/project.git/info/refs' } : undefined,
    },
  });
  const mirror = await forge.mirrors.refresh({ url: forge.canonical }, forge.canonical, testSignal());
  assert.equal(mirror.defaultBranch, 'main');
});

test('protocols that the operator does not allow are refused before git runs', async (t) => {
  const forge = await testForge(t);
  const git = createGit({
    socketFolder: forge.folder,
    allowFileRepositories: false,
    allowHttp: false,
    timeoutMs: 5000,
  });
  const call = { cwd: '/', signal: testSignal() };
  for (const address of [
    forge.url,
    `file://${forge.bare}`,
    'ext::sh -c id',
    'ssh://host/x',
    'ssh://git@host/x',
    'git@host:x',
    forge.bare,
    'https://u:p@host/x',
  ]) {
    await assert.rejects(
      git.talk({ url: address }, (url) => ['ls-remote', '--', url], call),
      { code: 'protocol_refused' },
      address,
    );
    await assert.rejects(git.listRefs({ url: address }, testSignal()), { code: 'protocol_refused' }, address);
  }
});

test('a long path of the socket folder is a clear error', async (t) => {
  const forge = await testForge(t, { git: { socketFolder: `/tmp/${'x'.repeat(100)}` } });
  await assert.rejects(
    forge.mirrors.refresh({ url: forge.url, credential }, forge.canonical, testSignal()),
    /folder for sockets/u,
  );
});
