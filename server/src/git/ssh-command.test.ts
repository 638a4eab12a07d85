import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testSignal } from '../../test/support/git-repositories.ts';
import { needsOpenssh } from '../../test/support/ssh-programs.ts';
import { runCommand } from '../lib/child-process.ts';
import { sshEnvironment, sshUserOf } from './ssh-command.ts';

test('the user of an address for ssh is known, and what is no such address has none', () => {
  assert.equal(sshUserOf('ssh://git@git.example.com/app.git'), 'git');
  assert.equal(sshUserOf('ssh://ada@[::1]:2222/~/app.git'), 'ada');
  assert.equal(sshUserOf('git@[::1]:app.git'), 'git');
  assert.equal(sshUserOf('org-1.x_y@git.example.com:app.git'), 'org-1.x_y');
  for (const url of [
    'ssh://git.example.com/app',
    'ssh://-lroot@git.example.com/app',
    'ssh://git:secret@git.example.com/app',
    'https://git@git.example.com/app',
    'https://git.example.com/git@app:x',
    'file:///git@app:x',
    '-oProxyCommand=id@git.example.com:x',
    'git.example.com:app',
    '/srv/git@app:x',
  ]) {
    assert.equal(sshUserOf(url), undefined, url);
  }
});

test(
  'ssh reads the settings as they are meant: nothing of this host takes part, and only pinned hosts count',
  needsOpenssh,
  async () => {
    const settings = await settingsOf('/etc/slipway/known_hosts', '/run/s/a.sock');
    for (const [name, value] of Object.entries({
      batchmode: 'yes',
      stricthostkeychecking: 'true',
      userknownhostsfile: '/etc/slipway/known_hosts',
      globalknownhostsfile: '/dev/null',
      updatehostkeys: 'false',
      identityagent: 'SSH_AUTH_SOCK',
      identityfile: 'none',
      identitiesonly: 'no',
      preferredauthentications: 'publickey',
      forwardagent: 'no',
      forwardx11: 'no',
      clearallforwardings: 'yes',
      permitlocalcommand: 'no',
      proxycommand: undefined,
      proxyjump: undefined,
      controlpath: undefined,
      controlmaster: 'false',
      requesttty: 'false',
      addkeystoagent: 'false',
      verifyhostkeydns: 'false',
      connecttimeout: '20',
      serveraliveinterval: '15',
    })) {
      assert.equal(settings.get(name), value, name);
    }
    assert.equal((await settingsOf('/etc/hosts', undefined)).get('identityagent'), 'none');
  },
);

test('a path that could end its setting is refused', () => {
  for (const path of ['known_hosts', '/a"b', '/a\nb', '/a$b', '/a\\b'])
    assert.throws(() => sshEnvironment(path, undefined), TypeError, path);
});

/** What ssh makes of the command that git gets, in its own words. */
async function settingsOf(knownHosts: string, agent: string | undefined): Promise<Map<string, string>> {
  const { GIT_SSH_COMMAND: command = '', ...env } = sshEnvironment(knownHosts, agent);
  const done = await runCommand({
    file: '/bin/sh',
    args: ['-c', `${command} -G git@git.example.com`],
    env: { PATH: '/usr/bin:/bin', ...env },
    cwd: '/',
    maxOutputBytes: 100_000,
    timeoutMs: 20_000,
    signal: testSignal(),
  });
  assert.equal(done.code, 0, done.stderr);
  assert.equal(done.stderr, '');
  const lines = done.stdout.toString().trim().split('\n');
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]));
}
