import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { answer, folderWith, slipway, startApi, type Route } from '../../test/support/terminal-command.ts';

const empty: Route = answer(200, { tasks: [], total: 0 });

/** A server that takes one token and tells who asked with which. */
function guarded(asked: (string | undefined)[]): Readonly<Record<string, Route>> {
  return {
    'GET /api/v1/tasks': (response, body) => {
      asked.push(response.req.headers.authorization);
      empty(response, body);
    },
  };
}

test('the server and its token are found in the data folder', async (t) => {
  const asked: (string | undefined)[] = [];
  const api = await startApi(t, guarded(asked));
  const folder = await folderWith(t, {
    'server.json': JSON.stringify({ url: api.url, pid: process.pid }),
    'admin-token': 'from-the-folder\n',
  });
  const ended = await slipway(['list'], { token: undefined, dataFolders: ['/nonexistent', folder] });
  assert.deepEqual(ended, { code: 0, stdout: '', stderr: 'no tasks\n' });
  assert.deepEqual(asked, ['Bearer from-the-folder']);
});

test('a living server is preferred to the traces of a dead one', async (t) => {
  const asked: (string | undefined)[] = [];
  const api = await startApi(t, guarded(asked));
  const dead = await folderWith(t, { 'server.json': '{"url":"http://127.0.0.1:1","pid":4194305}' });
  const alive = await folderWith(t, {
    'server.json': JSON.stringify({ url: api.url, pid: process.pid }),
    'admin-token': 'alive',
  });
  const ended = await slipway(['list'], { token: undefined, dataFolders: [dead, alive] });
  assert.equal(ended.code, 0);
  assert.deepEqual(asked, ['Bearer alive']);
});

test('the flags win over the configuration, and that over the data folder', async (t) => {
  const asked: (string | undefined)[] = [];
  const api = await startApi(t, guarded(asked));
  const folder = await folderWith(t, {
    'server.json': '{"url":"http://127.0.0.1:1"}',
    'admin-token': 'folder',
    token: 'flag',
  });
  const situation = { token: 'configured', dataFolders: [folder] };
  await slipway(['list', '--server', api.url, '--token-file', join(folder, 'token')], situation);
  await slipway(['list'], { ...situation, address: api.url });
  assert.deepEqual(asked, ['Bearer flag', 'Bearer configured']);
});

test("a data folder's token is never sent to another server", async (t) => {
  const asked: (string | undefined)[] = [];
  const api = await startApi(t, guarded(asked));
  const folder = await folderWith(t, {
    'server.json': '{"url":"http://127.0.0.1:1"}',
    'admin-token': 'folder',
  });
  const ended = await slipway(['list', '--server', api.url], { token: undefined, dataFolders: [folder] });
  assert.equal(ended.code, 4);
  assert.equal(
    ended.stderr,
    `slipway: no token for ${api.url}: give --token-file FILE, or set SLIPWAY_AUTH_TOKEN\n`,
  );
  assert.deepEqual(asked, []);
});

test('without any server it says how to start one', async () => {
  const ended = await slipway(['list'], { dataFolders: ['/nonexistent'] });
  assert.equal(ended.code, 3);
  assert.equal(
    ended.stderr,
    'slipway: no server found: start one with `npm start` or `slipway serve`, or give --server URL\n',
  );
});

test('broken traces are no server, and a broken token file says so', async (t) => {
  for (const text of ['', '[]', '{"url":7}', '{"url":"nonsense"}']) {
    const folder = await folderWith(t, { 'server.json': text });
    assert.equal((await slipway(['list'], { dataFolders: [folder] })).code, 3);
  }
  const folder = await folderWith(t, { token: 'two words\nand lines' });
  const flags = ['--server', 'http://127.0.0.1:1', '--token-file'];
  const odd = await slipway(['list', ...flags, join(folder, 'token')]);
  assert.equal(odd.code, 4);
  assert.match(odd.stderr, /does not hold a token/u);
  const missing = await slipway(['list', ...flags, join(folder, 'none')]);
  assert.equal(missing.code, 4);
  assert.match(missing.stderr, /cannot be read \(ENOENT\)/u);
});

test('an address that is none is a usage error', async () => {
  const ended = await slipway(['list', '--server', 'localhost:8080']);
  assert.equal(ended.code, 2);
  assert.match(ended.stderr, /^slipway: not the address of a server: localhost:8080/u);
});
