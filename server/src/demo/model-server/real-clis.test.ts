import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { temporaryFolder } from '../../../test/support/temporary-folder.ts';
import { runCommand } from '../../lib/child-process.ts';
import { fieldOf, textField } from '../../lib/json-fields.ts';
import { scenarioMarker } from './scenarios.ts';

const installed = join(import.meta.dirname, '../../../../tools/agent-clis/node_modules');
const claude = join(installed, '@anthropic-ai/claude-code-linux-x64/claude');
const codex = join(installed, '@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex');
const patienceMs = 60_000;
const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Free, since it lies on the loopback of a network that nobody else is in. */
const port = '8099';
const prompt = `Write the file. ${scenarioMarker('write')}`;

const model = join(import.meta.dirname, 'program.ts');
const apart = '--unshare-net --unshare-pid --die-with-parent --dev-bind / / --proc /proc'.split(' ');

/** Starts the model, runs the CLI when it listens, and ends it. */
const script = [
  '"$NODE" "$MODEL" --port "$PORT" > "$LOG" &',
  'model=$!',
  'until [ -s "$LOG" ]; do sleep 0.02; done',
  '"$@" < /dev/null',
  'code=$?',
  'kill $model; wait $model',
  'exit $code',
].join('\n');

type Run = { readonly lines: readonly unknown[]; readonly requests: string; readonly written: string };

/** Runs a CLI in a network that has nothing but the model; undefined, with a reason, where that cannot be. */
async function runCli(
  t: TestContext,
  cli: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Run | undefined> {
  const missing = [cli, '/usr/bin/bwrap'].find((file) => !existsSync(file));
  if (missing !== undefined) {
    t.skip(`not installed: ${basename(missing)} (npm run test:live installs the agent CLIs)`);
    return undefined;
  }
  const folder = await temporaryFolder(t);
  const [tree, home, log] = [join(folder, 'tree'), join(folder, 'home'), join(folder, 'log')];
  for (const made of [tree, home]) await mkdir(made);
  const ended = await runCommand({
    file: '/usr/bin/bwrap',
    args: [...apart, '--', '/bin/sh', '-c', script, 'sh', cli, ...args],
    env: { PATH: path, HOME: home, LOG: log, PORT: port, NODE: process.execPath, MODEL: model, ...env },
    cwd: tree,
    maxOutputBytes: 10_000_000,
    timeoutMs: patienceMs,
    signal: AbortSignal.timeout(patienceMs),
  });
  assert.equal(ended.code, 0, ended.stderr);
  const lines = ended.stdout.toString('utf8').trim().split('\n');
  return {
    lines: lines.map((line): unknown => JSON.parse(line)),
    requests: await readFile(log, 'utf8'),
    written: await readFile(join(tree, 'hello.txt'), 'utf8'),
  };
}

test('the real Claude Code writes a file as the scripted model tells it', async (t) => {
  const args = [
    '-p',
    prompt,
    '--output-format',
    'stream-json',
    '--verbose',
    '--dangerously-skip-permissions',
  ];
  const run = await runCli(t, claude, args, {
    ANTHROPIC_BASE_URL: `http://127.0.0.1:${port}`,
    ANTHROPIC_API_KEY: 'made-up',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    CLAUDE_CODE_MAX_RETRIES: '1',
    DISABLE_AUTOUPDATER: '1',
    ENABLE_TOOL_SEARCH: 'false',
    IS_SANDBOX: '1',
  });
  if (run === undefined) return;
  const result = run.lines.find((line) => textField(line, 'type') === 'result');
  assert.equal(textField(result, 'result'), 'Done: step 1 of write.');
  assert.equal(fieldOf(fieldOf(result, 'usage'), 'input_tokens'), 2400);
  assert.equal(run.written, 'hello from the scripted model\n');
  assert.match(run.requests, /^POST \/v1\/messages\?beta=true$/mu);
});

/** Its own default model is given other tools, which are called by a program, than one that it does not know. */
for (const model of ['gpt-scripted', undefined]) {
  test(`the real Codex writes a file as the scripted model tells it, model: ${model ?? 'its own'}`, async (t) => {
    const url = `http://127.0.0.1:${port}/v1`;
    const retries = 'request_max_retries=1,stream_max_retries=1';
    const provider = `{name="scripted",base_url="${url}",wire_api="responses",env_key="KEY",${retries},supports_websockets=false}`;
    const settings = [
      'model_provider=scripted',
      `model_providers.scripted=${provider}`,
      'analytics.enabled=false',
      ...(model === undefined ? [] : [`model=${model}`]),
    ];
    const flags = ['--json', '--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox'];
    const args = ['exec', ...flags, ...settings.flatMap((setting) => ['-c', setting]), prompt];
    const run = await runCli(t, codex, args, { KEY: 'made-up' });
    if (run === undefined) return;
    const ended = run.lines.find((line) => textField(line, 'type') === 'turn.completed');
    assert.equal(fieldOf(fieldOf(ended, 'usage'), 'input_tokens'), 2400);
    const texts = run.lines.map((line) => textField(fieldOf(line, 'item'), 'text'));
    assert.ok(texts.includes('Done: step 1 of write.'), texts.join());
    assert.equal(run.written, 'hello from the scripted model\n');
    assert.match(run.requests, /^POST \/v1\/responses$/mu);
  });
}
