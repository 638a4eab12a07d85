import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { testApi } from '../test-api.ts';
import type { Enter, Json } from './stage.ts';

export function cliChapter(enter: Enter): void {
  describe('CLI', () => {
    test('every agent is listed with its program, its model, and whether it is there', async () => {
      const { call, house } = await enter();
      const { status, json } = await call('GET', '/api/v1/cli');
      assert.equal(status, 200);
      const [claude, codex] = ['claude-code', 'codex'].map((name) =>
        json.cli.find((agent: Json) => agent.name === name),
      );
      assert.deepEqual(Object.keys(claude), [
        'name',
        'binary_path',
        'default_model',
        'available',
        'is_default',
      ]);
      assert.deepEqual([claude.binary_path, claude.available, claude.is_default], [house.claude, true, true]);
      assert.equal(codex.is_default, false);
    });

    test('the health check names the default agent and its program', async () => {
      const { call, house } = await enter();
      const { status, json } = await call('GET', '/api/v1/cli/health');
      assert.equal(status, 200);
      assert.deepEqual(json, { status: 'ok', cli: 'claude-code', binary: house.claude });
    });

    test('the health check is 503 where the program is not there', async (t) => {
      const missing = { name: 'claude-code', binaryPath: '', defaultModel: '', available: false };
      const { call } = await testApi(t, { described: [{ ...missing, isDefault: true }] });
      const { status, json } = await call('GET', '/api/v1/cli/health');
      assert.equal(status, 503);
      assert.deepEqual(json, {
        status: 'unavailable',
        cli: 'claude-code',
        binary: '',
        message: 'binary not found',
      });
    });
  });
}
