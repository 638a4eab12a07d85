import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gitByHand, temporaryFolder } from '../../test/support/git-repositories.ts';
import { createRepository, startGitServer } from './git-server.ts';

test('repositories are cloned from it and pushed to it, large bodies included', async (t) => {
  const folder = await temporaryFolder(t);
  await createRepository(folder, 'app.git');
  const server = await startGitServer({ root: folder });
  t.after(() => server.close());
  const work = join(folder, 'work');
  await gitByHand(folder, 'clone', '--quiet', `${server.url}/app.git`, work);
  const big = Array.from({ length: 400_000 }, (_, index) => `${(index * 2654435761) % 4294967296}`).join(
    '\n',
  );
  writeFileSync(join(work, 'big'), big);
  await gitByHand(work, 'add', '-A');
  await gitByHand(work, 'commit', '--quiet', '-m', 'big');
  // Above http.postBuffer (1 MiB) the request is chunked; below, it is compressed.
  await gitByHand(work, 'push', '--quiet', 'origin', 'HEAD:main');
  await gitByHand(folder, 'clone', '--quiet', `${server.url}/app.git`, join(folder, 'again'));
  assert.equal(readFileSync(join(folder, 'again', 'big'), 'utf8'), big);
  assert.ok(server.requests.length >= 6);
});

test('without the right credential nothing is told', async (t) => {
  const folder = await temporaryFolder(t);
  await createRepository(folder, 'app.git');
  const server = await startGitServer({ root: folder, credentials: { username: 'ada', password: 'secret' } });
  t.after(() => server.close());
  const status = async (credential?: string): Promise<number> => {
    const headers = credential === undefined ? {} : { authorization: `Basic ${btoa(credential)}` };
    const response = await fetch(`${server.url}/app.git/info/refs?service=git-upload-pack`, { headers });
    await response.body?.cancel();
    return response.status;
  };
  assert.equal(await status(), 401);
  assert.equal(await status('ada:wrong'), 401);
  assert.equal(await status('eve:secret'), 401);
  assert.equal(await status('ada:secret'), 200);
});

test('closing it ends what it started', async (t) => {
  const folder = await temporaryFolder(t);
  await createRepository(folder, 'app.git');
  const server = await startGitServer({ root: folder });
  const controller = new AbortController();
  t.after(() => controller.abort());
  const body = new ReadableStream({
    start: (stream) => stream.enqueue(new TextEncoder().encode('0014command=ls-refs\n')),
  });
  const headers = { 'content-type': 'application/x-git-upload-pack-request', 'git-protocol': 'version=2' };
  const url = `${server.url}/app.git/git-upload-pack`;
  const init = { method: 'POST', body, headers, duplex: 'half', signal: controller.signal };
  const hanging = assert.rejects(fetch(url, init as RequestInit));
  while (backends(folder).length === 0) await new Promise((resolve) => setImmediate(resolve));
  await server.close();
  assert.deepEqual(backends(folder), []);
  await hanging;
});

function backends(root: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/u.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`GIT_PROJECT_ROOT=${root}\0`);
    } catch {
      return false;
    }
  });
}
