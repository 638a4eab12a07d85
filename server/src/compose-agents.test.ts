import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import type { AgentName } from './agents/agent.ts';
import { composeAgents, createAgentPrograms } from './compose-agents.ts';
import { readConfig } from './config.ts';
import { makeTrialPlace } from './executors/executor.contract.ts';
import { createProcessExecutor } from './executors/process/process-executor.ts';
import { silentLogger } from './lib/logger.ts';

const helpOfClaude = `Usage: claude [options]\n  --json-schema <schema>  JSON Schema for structured output\n`;

/** The programs of the agents on a host where `claude` and `codex` are this shell script. */
async function programsOf(t: TestContext, script: string) {
  const folder = await temporaryFolder(t);
  const calls = join(folder, 'calls');
  const write = (body: string): void => {
    for (const name of ['claude', 'codex']) {
      writeFileSync(join(folder, name), `#!/bin/sh\necho "$*" >>${calls}\n${body}\n`, { mode: 0o755 });
    }
  };
  write(script);
  const config = readConfig({ PATH: folder }, () => '');
  const executor = createProcessExecutor();
  const place = await makeTrialPlace(t, executor);
  const host = {
    executor,
    folder: { root: folder, sandbox: join(folder, 'sandbox'), workspaces: join(folder, 'workspaces') },
    logger: silentLogger,
  };
  const programs = createAgentPrograms(config, host);
  const agents = composeAgents(config);
  return {
    place,
    write,
    calls: () => (existsSync(calls) ? readFileSync(calls, 'utf8').trimEnd().split('\n') : []),
    async takesSchema(name: AgentName): Promise<boolean> {
      const agent = agents.get(name);
      assert.ok(agent !== undefined);
      return programs.takesSchema(agent, place);
    },
    versionOf: (name: AgentName) => programs.versionOf(name, place),
  };
}

test('a program takes a schema where its own list of flags has the flag, and is asked once', async (t) => {
  const host = await programsOf(t, `echo '${helpOfClaude}  -o, --output-schema <FILE>'`);
  assert.deepEqual(
    [
      await host.takesSchema('claude-code'),
      await host.takesSchema('claude-code'),
      await host.takesSchema('codex'),
    ],
    [true, true, true],
  );
  assert.deepEqual(host.calls(), ['--help', 'exec --help']);
});

test('a program that was replaced is asked again', async (t) => {
  const host = await programsOf(t, 'echo older');
  assert.equal(await host.takesSchema('claude-code'), false);
  host.write(`echo '${helpOfClaude}'`);
  assert.equal(await host.takesSchema('claude-code'), true);
});

const refusing: readonly (readonly [string, string])[] = [
  ['does not list it', 'echo "  --json-schema-file <x>  --no-json-schema"'],
  ['refuses to list its flags', `echo '${helpOfClaude}'; exit 2`],
  ['lists them as an error', `echo '${helpOfClaude}' >&2`],
  ['is killed', 'kill -9 $$'],
  [
    'begins to work instead',
    '[ "$PWD" = /tmp ] || touch made; read -r line; echo \'{"type":"result","result":"done"}\'',
  ],
  ['says too much', 'yes'],
];
for (const [name, script] of refusing) {
  test(`a program that ${name} takes no schema`, async (t) => {
    const host = await programsOf(t, script);
    assert.equal(await host.takesSchema('claude-code'), false);
    assert.deepEqual(readdirSync(host.place.tree), []);
  });
}

test('a script, and a program that is not there, take no schema', async (t) => {
  const host = await programsOf(t, 'exit 0');
  assert.equal(await host.takesSchema('script'), false);
  assert.deepEqual(host.calls(), []);
  const none = createAgentPrograms(
    readConfig({ PATH: '/nowhere', SLIPWAY_CODEX_PATH: '/nowhere/codex' }, () => ''),
    {
      executor: createProcessExecutor(),
      folder: { root: '/nowhere', sandbox: '/nowhere', workspaces: '/nowhere' },
      logger: silentLogger,
    },
  );
  const codex = composeAgents(readConfig({}, () => '')).get('codex');
  assert.ok(codex !== undefined);
  assert.equal(await none.takesSchema(codex, host.place), false);
});

test('a version is found in what the program says, and asked for once', async (t) => {
  const host = await programsOf(t, 'echo "codex-cli 0.169.0 (x)"');
  assert.deepEqual([await host.versionOf('codex'), await host.versionOf('codex')], ['0.169.0', '0.169.0']);
  assert.deepEqual(host.calls(), ['--version']);
});
