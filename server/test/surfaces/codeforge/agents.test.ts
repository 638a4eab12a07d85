import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AgentDescription } from '../../../src/services/list-agents.ts';
import { testApi } from './test-api.ts';

const claude: AgentDescription = {
  name: 'claude-code',
  binaryPath: '/usr/local/bin/claude',
  defaultModel: 'claude-sonnet-4-20250514',
  available: true,
  isDefault: true,
};
const script: AgentDescription = {
  name: 'script',
  binaryPath: '/bin/sh',
  defaultModel: '',
  available: true,
  isDefault: false,
};

test('the agents are listed as documented', async (t) => {
  const { call } = await testApi(t, { described: [claude, script] });
  const { status, json } = await call('GET', '/api/v1/cli');
  assert.equal(status, 200);
  assert.deepEqual(json, {
    cli: [
      {
        name: 'claude-code',
        binary_path: '/usr/local/bin/claude',
        default_model: 'claude-sonnet-4-20250514',
        available: true,
        is_default: true,
      },
      { name: 'script', binary_path: '/bin/sh', default_model: '', available: true, is_default: false },
    ],
  });
  const health = await call('GET', '/api/v1/cli/health');
  assert.equal(health.status, 200);
  assert.deepEqual(health.json, { status: 'ok', cli: 'claude-code', binary: '/usr/local/bin/claude' });
});

test('a default agent that is not there is 503, whatever else is', async (t) => {
  const { call } = await testApi(t, { described: [{ ...claude, available: false }, script] });
  const { status, json } = await call('GET', '/api/v1/cli/health');
  assert.equal(status, 503);
  assert.deepEqual(json, {
    status: 'unavailable',
    cli: 'claude-code',
    binary: '',
    message: 'binary not found',
  });
  assert.equal((await call('GET', '/api/v1/cli')).json.cli[0].available, false);
});

test('agents are nobody’s without a credential', async (t) => {
  const { call } = await testApi(t, { described: [claude] });
  for (const path of ['/api/v1/cli', '/api/v1/cli/health']) {
    assert.equal((await call('GET', path, { token: null })).status, 401);
  }
});
