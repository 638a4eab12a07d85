import assert from 'node:assert/strict';
import { test } from 'node:test';

import { installCommand } from '../system-programs.ts';
import { diagnose, missingInside, missingPrograms, type HostFacts } from './diagnose.ts';

const plain: HostFacts = {
  osRelease: 'ID=debian\n',
  settings: {
    'kernel.unprivileged_userns_clone': undefined,
    'kernel.apparmor_restrict_unprivileged_userns': undefined,
    'user.max_user_namespaces': '96365',
  },
  inContainer: false,
  folder: '/data/sandbox',
  uid: undefined,
};

const denied = 'bwrap: No permissions to create new namespace, likely because the kernel does not allow it';
const withSetting = (name: keyof HostFacts['settings'], value: string): HostFacts => ({
  ...plain,
  settings: { ...plain.settings, [name]: value },
});

test('a missing program is answered with the command of this distribution', () => {
  const remedies = [
    'ID=debian',
    'ID=ubuntu\nID_LIKE=debian',
    'ID="rocky"\nID_LIKE="rhel centos fedora"',
    'ID=arch',
    'ID=alpine',
  ].map((osRelease) => missingPrograms(['bwrap'], osRelease)[0]?.remedy);
  assert.deepEqual(remedies, [
    'apt-get update && apt-get install -y bubblewrap',
    'apt-get update && apt-get install -y bubblewrap',
    'dnf install -y bubblewrap',
    'pacman -S --noconfirm bubblewrap',
    'apk add bubblewrap',
  ]);
  assert.match(missingPrograms(['setpriv'], 'ID=alpine')[0]?.remedy ?? '', /^apk add setpriv$/);
  assert.match(installCommand({ debian: 'x', fedora: 'x', arch: 'x', alpine: 'x' }, ''), /package manager/);
  assert.match(missingInside('git', 'ID=debian').remedy, /install -y git/);
});

test('denied user namespaces are traced to the setting that denies them', () => {
  const ubuntu = diagnose(
    'bwrap: setting up uid map: Permission denied',
    withSetting('kernel.apparmor_restrict_unprivileged_userns', '1'),
  );
  assert.match(ubuntu.remedy, /^sysctl -w kernel\.apparmor_restrict_unprivileged_userns=0 /);
  const hardened = diagnose(denied, withSetting('kernel.unprivileged_userns_clone', '0'));
  assert.match(hardened.remedy, /^sysctl -w kernel\.unprivileged_userns_clone=1 /);
  const none = diagnose(
    'bwrap: Creating new namespace failed: No space left on device',
    withSetting('user.max_user_namespaces', '0'),
  );
  assert.match(none.remedy, /^sysctl -w user\.max_user_namespaces=15000 /);
  const network = diagnose('bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted', plain);
  assert.match(network.problem, /namespaces of its own: bwrap: loopback/);
});

test('a container is told the option to start it with', () => {
  const docker = diagnose(denied, { ...plain, inContainer: true });
  assert.match(docker.remedy, /seccomp=unconfined/);
  const masked = diagnose("bwrap: Can't mount proc on /newroot/proc: Operation not permitted", {
    ...plain,
    inContainer: true,
  });
  assert.match(masked.remedy, /systempaths=unconfined/);
});

test('a folder out of reach is named with the user that cannot reach it', () => {
  const finding = diagnose("bwrap: Can't find source path /root/x/tree: Permission denied", {
    ...plain,
    uid: 200_000,
  });
  assert.match(finding.problem, /user \(200000\) cannot reach \/data\/sandbox/);
});

test('an old bubblewrap and an unknown message say what was said', () => {
  assert.match(diagnose('bwrap: Unknown option --disable-userns', plain).problem, /too old/);
  assert.match(diagnose('something else', plain).problem, /something else/);
  assert.match(diagnose('', plain).problem, /it said nothing/);
});
