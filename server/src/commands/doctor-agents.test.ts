import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { readConfig, type Environment } from '../config.ts';
import { agentChecks } from './doctor-agents.ts';
import type { Answer } from './host-check.ts';

/** What doctor says of each agent in this environment, whose PATH is a folder with these programs. */
async function answersFor(
  t: TestContext,
  environment: Environment,
  programs: readonly string[] = [],
): Promise<{ readonly folder: string; readonly answers: Readonly<Record<string, Answer>> }> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-doctor-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of programs) writeFileSync(join(folder, name), '#!/bin/sh\n', { mode: 0o755 });
  const config = readConfig({ PATH: folder, ...environment }, () => '');
  const answers = await Promise.all(
    agentChecks(config).map(async ({ name, run }) => [name, await run()] as const),
  );
  return { folder, answers: Object.fromEntries(answers) };
}

test('an agent that is there is named with its path, and its key by name alone', async (t) => {
  const { folder, answers } = await answersFor(t, { ANTHROPIC_API_KEY: 'sk-not-to-be-told' }, [
    'claude',
    'codex',
  ]);
  assert.deepEqual(answers, {
    'claude-code': { detail: `${folder}/claude; ANTHROPIC_API_KEY is set`, findings: [] },
    codex: {
      detail: `${folder}/codex; OPENAI_API_KEY is not set: each task has to bring its own key`,
      findings: [],
    },
  });
});

test('what the configuration names has to be there', async (t) => {
  const { answers } = await answersFor(t, {
    SLIPWAY_CLAUDE_CODE_PATH: 'no-such-claude',
    SLIPWAY_CODEX_PATH: '/nowhere/codex',
    OPENAI_API_KEY: 'sk-not-to-be-told',
  });
  assert.deepEqual(answers['codex'], {
    detail: 'OPENAI_API_KEY is set',
    findings: [
      { problem: '/nowhere/codex does not exist', remedy: 'correct SLIPWAY_CODEX_PATH, or unset it' },
    ],
  });
  assert.equal(answers['claude-code']?.findings.length, 1);
});

test('an agent that nobody set up is a hint, with the command that brings it', async (t) => {
  const { answers } = await answersFor(t, {});
  for (const [name, command] of [
    ['claude-code', /^npm install -g @anthropic-ai\/claude-code .*SLIPWAY_CLAUDE_CODE_PATH=/u],
    ['codex', /^npm install -g @openai\/codex .*SLIPWAY_CODEX_PATH=/u],
  ] as const) {
    const answer = answers[name];
    if (answer?.hints === undefined) {
      t.diagnostic(`${name} is installed on this host`);
      continue;
    }
    assert.deepEqual(answer.findings, []);
    assert.match(answer.hints[0]?.remedy ?? '', command);
  }
});
