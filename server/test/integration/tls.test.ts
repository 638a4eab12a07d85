import assert from 'node:assert/strict';
import { chmod, chown } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { once } from 'node:events';
import { test } from 'node:test';
import {
  findDebianPostgres,
  startThrowawayPostgres,
  unprivilegedUid,
} from '../../../tools/throwaway-postgres.ts';
import { runCommand } from '../../src/lib/child-process.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { Secret } from '../../src/lib/secret.ts';
import { openDatabase } from '../../src/store/database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const isEncrypted = {
  name: 'is-encrypted',
  text: 'select ssl as encrypted from pg_stat_ssl where pid = pg_backend_pid()',
};

test('sslmode in DATABASE_URL means what it means to libpq', async (t) => {
  const bin = findDebianPostgres(15);
  if (bin === undefined) {
    t.skip("Debian's PostgreSQL 15 is not installed: nothing here speaks TLS over TCP");
    return;
  }
  const folder = await temporaryFolder(t);
  const { key, certificate } = await makeCertificate(folder);
  const port = await freePort();
  const postgres = await startThrowawayPostgres(bin, {
    listen_addresses: '127.0.0.1',
    port: String(port),
    ssl: 'on',
    ssl_key_file: key,
    ssl_cert_file: certificate,
  });
  try {
    const address = `postgres://slipway@127.0.0.1:${port}/postgres`;
    assert.equal(await ask(`${address}?sslmode=disable`), false);
    assert.equal(await ask(`${address}?sslmode=require`), true, 'encrypts without asking who it is');
    assert.equal(await ask(`${address}?sslmode=verify-ca&sslrootcert=${certificate}`), true);
    await assert.rejects(ask(`${address}?sslmode=verify-full`), /self-signed|self signed/u);
  } finally {
    await postgres[Symbol.asyncDispose]();
  }
});

async function ask(url: string): Promise<boolean | undefined> {
  const database = openDatabase({ url: new Secret(url) }, 1, silentLogger);
  try {
    const rows = await database.statement<{ encrypted: boolean }>(isEncrypted, []);
    return rows[0]?.encrypted;
  } finally {
    await database.close();
  }
}

async function makeCertificate(
  folder: string,
): Promise<{ readonly key: string; readonly certificate: string }> {
  const [key, certificate] = [join(folder, 'server.key'), join(folder, 'server.crt')];
  const done = await runCommand({
    file: 'openssl',
    args: [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=127.0.0.1',
      '-keyout',
      key,
      '-out',
      certificate,
    ],
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    cwd: folder,
    maxOutputBytes: 65_536,
    timeoutMs: 30_000,
    signal: AbortSignal.timeout(30_000),
  });
  assert.equal(done.code, 0, done.stderr);
  await chmod(key, 0o600);
  if (process.geteuid?.() === 0) await chown(key, unprivilegedUid, unprivilegedUid);
  return { key, certificate };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
