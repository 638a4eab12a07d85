import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from './config.ts';

const noFiles = (path: string): string => {
  throw new Error(`no such file: ${path}`);
};

test('an agent has its program, its model and the way to it', () => {
  const { agents } = readConfig({}, noFiles);
  assert.deepEqual(agents, {
    claudeCode: {},
    codex: {},
    defaultAgent: 'claude-code',
    scriptCommand: undefined,
    testFixes: 1,
    anthropic: { url: 'https://api.anthropic.com' },
    openai: { url: 'https://api.openai.com/v1' },
    certificatesFile: undefined,
    modelRetries: 2,
    allowEgress: [],
    approvalSeconds: 86_400,
    approvalHoldSeconds: 120,
    exitSeconds: 10,
  });
  const set = readConfig(
    {
      CODEFORGE_CLI__CLAUDE_CODE__PATH: '/stand-in/claude',
      CODEFORGE_CLI__CODEX__PATH: '/stand-in/codex',
      SLIPWAY_CODEX_PATH: '/opt/codex',
      SLIPWAY_CODEX_MODEL: 'small',
      CODEFORGE_CLI__DEFAULT: 'codex',
      ANTHROPIC_BASE_URL: 'http://127.0.0.1:9000//',
      OPENAI_API_KEY_FILE: '/run/key',
    },
    () => 'sk-from-the-file\n',
  ).agents;
  assert.deepEqual(set.claudeCode, { path: '/stand-in/claude' });
  assert.deepEqual(set.codex, { path: '/opt/codex', model: 'small' });
  assert.equal(set.defaultAgent, 'codex');
  assert.deepEqual(set.anthropic, { url: 'http://127.0.0.1:9000' });
  assert.equal(set.openai.key?.reveal(), 'sk-from-the-file');
});
