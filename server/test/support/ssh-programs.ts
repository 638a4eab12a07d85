import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../../src/lib/child-process.ts';

/** Where OpenSSH's programs lie; sshd has to be started by its whole path. */
export const sshd = '/usr/sbin/sshd';
const keygen = '/usr/bin/ssh-keygen';

/** Why tests with OpenSSH cannot run here; undefined: they can. */
function sshMissing(): string | undefined {
  const missing = [sshd, keygen, '/usr/bin/ssh'].find((path) => !existsSync(path));
  if (missing !== undefined) return `${missing} is missing: apt-get install -y openssh-client openssh-server`;
  try {
    const { username, shell } = userInfo();
    return /(?:nologin|false)$/u.test(shell ?? '') ? `the user ${username} may not log in` : undefined;
  } catch {
    return 'this user has no entry in /etc/passwd, and ssh refuses to run without one';
  }
}

/**
 * The options of a test with OpenSSH. Where its programs are not installed, which is the machine's affair, it is
 * skipped, with the reason for the runner to print and count; CI installs them.
 */
export const needsOpenssh = { skip: sshMissing() ?? false };

export type KeyPair = {
  readonly path: string;
  /** The text of the private key's file. */
  readonly privateKey: string;
  /** `<type> <base64>`, without the comment. */
  readonly publicKey: string;
};

/** A pair of keys as a person makes one, in `folder` under `name`. `options`: what ssh-keygen is to be told. */
export async function makeKeyPair(
  folder: string,
  name: string,
  options: readonly string[],
): Promise<KeyPair> {
  const path = join(folder, name);
  const done = await runCommand({
    file: keygen,
    args: ['-q', '-f', path, '-C', 'a comment', ...options],
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
    cwd: folder,
    maxOutputBytes: 100_000,
    timeoutMs: 60_000,
    signal: AbortSignal.timeout(60_000),
  });
  assert.equal(done.code, 0, done.stderr);
  const [type, base64] = (await readFile(`${path}.pub`, 'utf8')).split(' ');
  return { path, privateKey: await readFile(path, 'utf8'), publicKey: `${type} ${base64}` };
}
