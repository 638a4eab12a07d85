import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { connected, done, frame, json, sse, startStandIn, type Seen } from '../test/stand-in.ts';

const limitMs = 60_000;
const sources = globSync('*.ts', { cwd: import.meta.dirname })
  .filter((name) => !name.endsWith('.test.ts'))
  .map((name) => ({ name, text: readFileSync(join(import.meta.dirname, name), 'utf8') }));

test('the client imports only itself, and uses nothing that only Node has', () => {
  assert.ok(sources.length >= 12, `only ${sources.length} files were read`);
  for (const { name, text } of sources) {
    const code = stripTypeScriptTypes(text).replaceAll(/\/\*[^]*?\*\/|\/\/.*$/gmu, '');
    const imported = [...code.matchAll(/\bfrom\s+'([^']+)'|\bimport\s*\(?\s*'([^']+)'/gu)];
    for (const [, from, direct] of imported) assert.match(from ?? direct ?? '', /^\.\/[\w-]+\.ts$/u, name);
    assert.doesNotMatch(
      code,
      /\b(?:process|Buffer|require|module|global|__dirname|__filename|setImmediate|clearImmediate)\b/u,
      name,
    );
  }
});

const page = `<!doctype html><script type="module">
  const told = [];
  try {
    const { createClient } = await import('/src/index.ts');
    const slipway = createClient({ baseUrl: location.origin, token: 't', timing: { backoffFirstMs: 1 } });
    const { id } = await slipway.tasks.create({ repo_url: 'https://example.com/a.git', prompt: 'Fix it' });
    for await (const event of slipway.tasks.stream(id)) told.push(event.id ?? event.kind);
  } catch (error) {
    told.push(String(error));
  }
  await fetch('/result', { method: 'POST', body: told.join(' ') });
</script>`;

function chromium(): string | false {
  for (const name of ['chromium', 'google-chrome', 'chromium-browser']) {
    try {
      execFileSync(name, ['--version'], { stdio: 'ignore', timeout: 20_000 });
      return name;
    } catch {
      // Not this one.
    }
  }
  return false;
}

const browser = chromium();

test(
  'in a browser it creates a task and follows it over a cut',
  { skip: !browser && 'no Chromium' },
  async (t) => {
    const result = Promise.withResolvers<string>();
    let streams = 0;
    const answers: Readonly<Record<string, (response: ServerResponse, seen: Seen) => void>> = {
      'GET /': (response) => response.writeHead(200, { 'content-type': 'text/html' }).end(page),
      'POST /api/v1/tasks': json(201, { id: 'x', status: 'pending', created_at: '2026-02-26T18:38:10.277Z' }),
      'GET /api/v1/tasks/x/stream': (response) => {
        streams += 1;
        if (streams === 1) sse(connected + frame(1, 'a') + frame(2, 'b').slice(0, 20))(response);
        else sse(connected + frame(2, 'b') + done)(response);
      },
      'POST /result': (response, { body }) => {
        response.end();
        result.resolve(body);
      },
    };
    const { url, seen } = await startStandIn(t, (response, one) => {
      const source = sources.find(({ name }) => `/src/${name}` === one.url);
      if (source === undefined) return (answers[`${one.method} ${one.url}`] ?? json(404, {}))(response, one);
      response.writeHead(200, { 'content-type': 'text/javascript' }).end(stripTypeScriptTypes(source.text));
    });
    const profile = await mkdtemp(join(tmpdir(), 'slipway-browser-'));
    const flags = [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--no-first-run',
    ];
    const offline = [
      '--disable-background-networking',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
    ];
    const child = spawn(browser || '', [...flags, ...offline, `--user-data-dir=${profile}`, `${url}/`], {
      stdio: 'ignore',
      detached: true,
    });
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const timer = setTimeout(() => result.reject(new Error('the page told nothing')), limitMs);
    try {
      assert.equal(await result.promise, 'connected 1 interrupted connected 2 done');
    } finally {
      clearTimeout(timer);
      // The browser is a group of processes.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      await ended;
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    }
    const resumed = seen
      .filter((one) => one.url.endsWith('/stream'))
      .map(({ headers }) => headers['last-event-id']);
    assert.deepEqual(resumed, [undefined, '1']);
    assert.ok(seen.some((one) => basename(one.url) === 'follow-stream.ts'));
  },
);
