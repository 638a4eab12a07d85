import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { callbackBody } from '../src/domain/callback-body.ts';
import type { CallbackPayload } from '../src/domain/effect-state.ts';
import { noSpend } from '../src/domain/spend.ts';
import { signBody } from '../src/effects/callback-signature.ts';
import { Secret } from '../src/lib/secret.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/callbacks.md'), 'utf8');

/** A block of the page that is marked to be run. */
function markedBlock(language: string): string {
  const block = new RegExp(`<!-- runs: verify -->\\s*\`\`\`${language}\\n([^]*?)\`\`\``, 'u').exec(page)?.[1];
  assert.ok(block !== undefined, `the page has no ${language} example`);
  return block;
}

const body = Buffer.from('{"result":"Grüße"}');
const secret = 'whsec_Zm9vYmFy';
const signature = signBody(new Secret(secret), body);
const forged = [signature.replace(/.$/u, (last) => (last === '0' ? '1' : '0')), '', 'sha256=', 'ü'];

test("the page's example for Node knows our signature from others", async () => {
  const source = Buffer.from(markedBlock('js')).toString('base64');
  const example: unknown = await import(`data:text/javascript;base64,${source}`);
  assert.ok(typeof example === 'object' && example !== null && 'isFromSlipway' in example);
  const { isFromSlipway } = example;
  assert.ok(typeof isFromSlipway === 'function');
  const verify = (given: string, bytes = body) => isFromSlipway(secret, bytes, { 'x-signature-256': given });
  assert.equal(verify(signature), true);
  assert.equal(verify(signature, Buffer.from('{"result":"other"}')), false);
  for (const other of forged) assert.equal(verify(other), false, other);
  assert.equal(isFromSlipway(secret, body, {}), false);
});

test("the page's example for Python knows our signature from others", (t) => {
  const asked = [signature, ...forged.filter((text) => /^[\u0020-\u007e]*$/u.test(text))];
  const program = `${markedBlock('python')}
import base64, json, sys
secret, body, asked = json.loads(sys.argv[1])
print([is_from_slipway(secret, base64.b64decode(body), {"x-signature-256": given}) for given in asked])`;
  const given = JSON.stringify([secret, body.toString('base64'), asked]);
  const done = spawnSync('python3', ['-c', program, given], { encoding: 'utf8', timeout: 60_000 });
  if (done.error !== undefined && 'code' in done.error && done.error.code === 'ENOENT') {
    t.skip('python3 is not installed');
    return;
  }
  assert.equal(done.stdout, '[True, False, False, False]\n', done.stderr);
});

test("the page's body is one that is sent", () => {
  const shown: unknown = JSON.parse(/```json\n([^]*?)```/u.exec(page)?.[1] ?? '');
  const payload: CallbackPayload = {
    url: 'https://ci.example.com/hooks/slipway',
    event: 'task.completed',
    taskId: '2dc0ed15-4068-433a-b936-923410bf3738',
    iteration: 1,
    status: 'pr_created',
    result: 'All tests pass.',
    error: null,
    review: null,
    changes: { filesModified: 3, filesCreated: 1, filesDeleted: 0, insertions: 45, deletions: 12 },
    durationMs: 120_000,
    spend: { ...noSpend, inputTokens: 1_500, outputTokens: 500 },
    branch: 'codeforge/fix-the-failing-tests-2dc0ed15',
    pullRequest: { number: 7, url: 'https://github.com/ada/app/pull/7' },
    traceId: '0af7651916cd43dd8448eb211c80319c',
    finishedAt: '2026-02-26T10:35:00.000Z',
  };
  assert.deepEqual(shown, JSON.parse(callbackBody(payload)));
});
