import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, slipway, startApi } from '../../test/support/terminal-command.ts';

const id = '77a2ffbd-11b6-4654-9325-89306d55bc89';
const list = 'GET /api/v1/workspaces';
const workspace = {
  task_id: id,
  size_mb: 45.2,
  created_at: '2026-02-26T18:38:10Z',
  expires_at: '2026-03-05T18:38:10Z',
  task_status: 'completed',
};
const large = { ...workspace, size_mb: 12_345, task_status: 'running' };
const timeless = (text: string): string =>
  text.replaceAll(/\d{4}-\d\d-\d\d HH:MM:SS/gu, '1970-01-01 HH:MM:SS');

test('workspaces are listed with their sizes, and in all on a terminal', async (t) => {
  const page = { workspaces: [workspace, large], total_size_mb: 12_400.2, total_count: 3 };
  const api = await startApi(t, { [list]: answer(200, page) });
  const ended = await slipway(['workspaces'], { address: api.url });
  assert.deepEqual([ended.code, ended.stderr], [0, '']);
  assert.equal(
    timeless(ended.stdout),
    `TASK                                  SIZE     STATUS     CREATED              EXPIRES
${id}  45.2 MB  completed  1970-01-01 HH:MM:SS  1970-01-01 HH:MM:SS
${id}  12.3 GB  running    1970-01-01 HH:MM:SS  1970-01-01 HH:MM:SS
`,
  );
  const shown = await slipway(['workspaces', 'ls', '--limit', '2'], { address: api.url, columns: 100 });
  assert.equal(shown.stderr, '12.4 GB in all, 1 more: slipway workspaces --offset 2\n');
  assert.match(shown.stdout, /^77a2ffbd {2}/mu);
  assert.equal(api.requests.at(-1), `${list}?limit=2&offset=0`);
  const json = await slipway(['workspaces', '--json'], { address: api.url });
  assert.deepEqual(JSON.parse(json.stdout), page);
  const none = await startApi(t, {
    [list]: answer(200, { workspaces: [], total_size_mb: 0, total_count: 0 }),
  });
  assert.equal((await slipway(['workspaces'], { address: none.url })).stderr, 'no workspaces\n');
});

test('a workspace is deleted by its task; one that is at work in it is refused with 6', async (t) => {
  const remove = `DELETE /api/v1/workspaces/${id}`;
  const api = await startApi(t, {
    'GET /api/v1/tasks': answer(200, { tasks: [{ id }], total: 1 }),
    [remove]: answer(200, { message: 'workspace deleted' }),
  });
  const ended = await slipway(['workspaces', 'rm', '77a2ffbd'], { address: api.url });
  assert.deepEqual([ended.code, ended.stdout], [0, `workspace deleted: ${id}\n`]);
  const message = 'task is currently running, cannot delete its workspace';
  const busy = await startApi(t, { [remove]: answer(409, { error: 'Conflict', message }) });
  const refused = await slipway(['workspaces', 'rm', id], { address: busy.url });
  assert.deepEqual([refused.code, refused.stderr], [6, `slipway: ${message}\n`]);
});
