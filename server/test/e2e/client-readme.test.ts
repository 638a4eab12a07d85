import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'node:test';
import { openHouse } from './scenario-house.ts';

const client = join(import.meta.dirname, '../../../client');
const limitMs = 120_000;

/** The page's examples as one program, in the order in which a reader meets them. */
async function exampleProgram(replacements: Readonly<Record<string, string>>): Promise<string> {
  const page = await readFile(join(client, 'README.md'), 'utf8');
  const blocks = [...page.matchAll(/^```ts\n([^]*?)^```$/gmu)].map(([, block = '']) => block);
  assert.ok(blocks.length >= 4, `only ${blocks.length} examples were found`);
  let program = blocks.join('\n');
  for (const [text, value] of Object.entries(replacements)) {
    assert.ok(program.includes(text), `the examples do not say ${text}`);
    program = program.replaceAll(text, value);
  }
  return program;
}

test("the examples of the client's page do what they say, against a whole server", async () => {
  await using house = await openHouse();
  const program = join(house.folder, 'examples.ts');
  const text = await exampleProgram({
    "'@slipway/client'": `'${pathToFileURL(join(client, 'src/index.ts')).href}'`,
    'http://127.0.0.1:8080': house.server().url,
    'https://example.com/app.git': `${house.forge.url}/sum.git`,
  });
  await writeFile(program, text);
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [program], {
    env: { ...process.env, SLIPWAY_AUTH_TOKEN: house.token },
    timeout: limitMs,
  });
  assert.equal(stderr, '');
  const lines = stdout.trim().split('\n');
  assert.match(lines[0] ?? '', /^\d+ clone_started$/u);
  assert.ok(lines.includes('ended: completed'), stdout);
  assert.ok(
    lines.some((line) => /^codeforge\/write-down-what-was-decided-[0-9a-f]{8} \+1 -0$/u.test(line)),
    stdout,
  );
  assert.match(stdout, /^2 \[ '1: completed', '2: completed' \]$/mu);
  assert.match(stdout, /^comment 0 script$/mu);
  assert.match(stdout, /^400 Bad Request .* \{.*\}$/mu);
  assert.match(stdout, /^\[ 'mine \(github\)' \]$/mu);
  assert.match(stdout, /^0 callbacks to send again$/mu);
  assert.match(stdout, /^1 ok$/mu);
  assert.match(stdout, /^\d+ step_task_created$/mu);
  assert.match(stdout, /^completed write_down [0-9a-f-]{36}$/mu);
  assert.match(stdout, /'sentry'/u);
  assert.match(stdout, /^\[ 'docs \*\*\*' \]$/mu);
});
