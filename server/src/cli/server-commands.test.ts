import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slipway } from '../../test/support/terminal-command.ts';
import type { FlagSettings } from './cli-deps.ts';

test('flags of the server become settings, and its exit is the exit', async () => {
  const given: FlagSettings[] = [];
  const serve = async (settings: FlagSettings): Promise<number> => {
    given.push(settings);
    return 9;
  };
  const ended = await slipway(
    ['serve', '--port', '9000', '--data-dir', '/srv/data', '--work-dir', '/mnt', '--debug'],
    { serve },
  );
  await slipway(['serve'], { serve });
  assert.equal(ended.code, 9);
  assert.deepEqual(given, [
    {
      SLIPWAY_PORT: '9000',
      SLIPWAY_DATA_DIR: '/srv/data',
      SLIPWAY_WORKSPACE_DIR: '/mnt',
      SLIPWAY_DEBUG: 'on',
    },
    {},
  ]);
});
