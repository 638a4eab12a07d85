import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { Secret } from '../lib/secret.ts';
import { DemoNotReady, prepareAgent, type AgentSettings } from './demo-agent.ts';

const anthropic = { url: 'https://anthropic.example' };
const openai = { url: 'https://openai.example/v1' };
/** A host with both programs, a key to one model, and a name for the other. */
const settings: AgentSettings = {
  claudeCode: {},
  codex: { model: 'small' },
  anthropic: { ...anthropic, key: new Secret('a-key-of-the-user') },
  openai,
  findProgram: (agent) => ({ kind: 'found', path: `/opt/${agent}` }),
};
const bare: AgentSettings = {
  ...settings,
  anthropic,
  findProgram: () => ({ kind: 'missing', problem: 'claude was not found on PATH' }),
};

test('the script agent needs nothing, and its server is told nothing', async () => {
  const agent = await prepareAgent({ agent: 'script', scriptedModel: false }, bare);
  assert.deepEqual(agent.env, {});
  assert.deepEqual(agent.flags.slice(0, 3), ['--agent', 'script', '--command']);
});

test('what is missing is told in one go, with the commands that get it', async () => {
  const agent = 'claude-code';
  await assert.rejects(prepareAgent({ agent, scriptedModel: false }, bare), (error: Error) => {
    assert.ok(error instanceof DemoNotReady);
    assert.match(error.message, /^Claude Code is missing: claude was not found on PATH\. Get it with$/mu);
    assert.match(error.message, /^ {2}npm install -g @anthropic-ai\/claude-code$/mu);
    assert.match(error.message, /^ {2}ANTHROPIC_API_KEY=… npm run demo -- --agent claude-code$/mu);
    assert.match(error.message, /^ {2}npm run demo -- --agent claude-code --scripted-model$/mu);
    return true;
  });
  await assert.rejects(prepareAgent({ agent, scriptedModel: true }, bare), (error: Error) => {
    assert.ok(error instanceof DemoNotReady);
    assert.doesNotMatch(error.message, /API_KEY/u);
    return true;
  });
  await assert.rejects(prepareAgent({ agent: 'codex', scriptedModel: false }, settings), (error: Error) => {
    assert.match(error.message, /^OPENAI_API_KEY is not set/u);
    return true;
  });
});

test("with the user's own key the server gets what its agent needs, and nothing of the other", async () => {
  const agent = await prepareAgent({ agent: 'claude-code', scriptedModel: false }, settings);
  assert.deepEqual(agent.env, {
    SLIPWAY_CLAUDE_CODE_PATH: '/opt/claude-code',
    ANTHROPIC_API_KEY: 'a-key-of-the-user',
    ANTHROPIC_BASE_URL: 'https://anthropic.example',
  });
  assert.deepEqual(agent.flags, ['--agent', 'claude-code']);
  assert.equal(agent.model, undefined);
  assert.doesNotMatch(agent.prompt, /scenario/u);
});

test('the model that the user chose is the model of the demo', async () => {
  const openaiWithKey = { ...openai, key: new Secret('another-key') };
  const agent = await prepareAgent(
    { agent: 'codex', scriptedModel: false },
    { ...settings, openai: openaiWithKey },
  );
  assert.equal(agent.env['SLIPWAY_CODEX_MODEL'], 'small');
});

for (const [agent, key, url, path] of [
  ['claude-code', 'ANTHROPIC_API_KEY', 'ANTHROPIC_BASE_URL', ''],
  ['codex', 'OPENAI_API_KEY', 'OPENAI_BASE_URL', '/v1'],
] as const) {
  test(`with the scripted model of ${agent} the user's key stays where it is`, async () => {
    const prepared = await prepareAgent({ agent, scriptedModel: true }, settings);
    assert.ok(prepared.model !== undefined);
    await using model = prepared.model;
    assert.equal(prepared.env[key], 'made-up-key-of-the-scripted-model');
    assert.equal(prepared.env[url], `${model.url}${path}`);
    assert.equal(Object.keys(prepared.env).length, 3);
    const [, command = ''] = /\[\[scenario:fix:(.*)\]\]/u.exec(prepared.prompt) ?? [];
    assert.match(Buffer.from(command, 'base64url').toString(), /sed .* sum\.sh/u);
  });
}

test('a demo that is not ready ends with 1, before anything is started', () => {
  const program = join(import.meta.dirname, '../main.ts');
  const args = [program, 'demo', '--agent', 'codex', '--scripted-model'];
  const env = { PATH: '/usr/bin:/bin', SLIPWAY_CODEX_PATH: '/nonexistent/codex' };
  const ended = spawnSync(process.execPath, args, { env, encoding: 'utf8', timeout: 30_000 });
  assert.equal(ended.status, 1, ended.stderr);
  assert.match(ended.stderr, /^slipway: Codex is missing/u);
  assert.equal(ended.stdout, '');
});

test('a script in place of the model of an agent without one is a mistake', () => {
  const program = join(import.meta.dirname, '../main.ts');
  const ended = spawnSync(process.execPath, [program, 'demo', '--scripted-model'], {
    env: { PATH: '/usr/bin:/bin' },
    encoding: 'utf8',
    timeout: 30_000,
  });
  assert.equal(ended.status, 2, ended.stderr);
  assert.match(ended.stderr, /--scripted-model needs --agent/u);
});
