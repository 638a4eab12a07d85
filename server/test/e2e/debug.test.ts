import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, glob, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createClient, type Client } from '@slipway/client';
import { createExampleRepository } from '../../src/demo/example-repository.ts';
import { until } from '../support/processes.ts';
import { readToken } from '../support/slipway-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const firstKey = 'the-first-of-two-keys';
/** Two starts of a server on a machine that has much else to do. */
const patienceMs = 60_000;
const repositoryRoot = join(import.meta.dirname, '../../..');

test('with --debug a server begins anew when its source changes, and its agents go on in the --work-dir', async (t) => {
  const folder = await temporaryFolder(t);
  const [clone, data, work] = [join(folder, 'clone'), join(folder, 'data'), join(folder, 'work')];
  await copyProgram(clone);
  await createExampleRepository(folder, 'example.git');
  const source = join(clone, 'server/src');
  const server = startServer(t, source, ['--data-dir', data, '--work-dir', work]);
  await server.says('is listening on');
  assert.match(
    server.output(),
    /^HTTP API enabled with 2 API key\(s\)\nStarting server on port \d+\.\.\.$/mu,
  );

  const { id } = await (
    await clientOf(data)
  ).tasks.create({
    repo_url: `file://${folder}/example.git`,
    prompt: 'Wait',
    config: { cli: 'script', command: 'echo >begun; until [ -e go ]; do sleep 0.05; done; rm go' },
  });
  const begun = await until('the agent', async () => {
    for await (const found of glob('*/workspaces/*/tree/begun', { cwd: work })) return found;
    return undefined;
  });

  const greeting = join(source, 'commands/greeting.ts');
  const text = await readFile(greeting, 'utf8');
  await writeFile(greeting, `${text}\nthis is no program (`);
  await server.says('the changed source cannot be loaded');
  await (await clientOf(data)).verify();
  await writeFile(greeting, text.replace('is listening on', 'listens anew on'));
  await server.says('listens anew on');
  assert.equal((await tracesOf(data)).pid, server.process.pid);

  await writeFile(join(work, begun, '../go'), '');
  const task = await (await clientOf(data)).tasks.wait(id);
  assert.equal(task.status, 'completed');
  const status = await fetch(`${(await tracesOf(data)).url}/api/tasks/${id}/status`, {
    headers: { authorization: `Bearer ${firstKey}` },
  });
  const { result } = (await status.json()) as { readonly result: { readonly work_dir: string } };
  assert.equal(result.work_dir, join(work, begun, '..'));
  server.process.kill('SIGTERM');
  await once(server.process, 'exit');
  assert.equal(server.process.exitCode, 0, server.output());
});

/** The program alone, so that a change of it is nobody else's. */
async function copyProgram(clone: string): Promise<void> {
  const server = join(clone, 'server');
  await mkdir(server, { recursive: true });
  await cp(join(repositoryRoot, 'server/src'), join(server, 'src'), { recursive: true });
  await cp(join(repositoryRoot, 'server/package.json'), join(server, 'package.json'));
  await symlink(join(repositoryRoot, 'server/migrations'), join(server, 'migrations'));
  await symlink(join(repositoryRoot, 'node_modules'), join(clone, 'node_modules'));
}

function startServer(t: TestContext, source: string, flags: readonly string[]) {
  const child: ChildProcess = spawn(
    process.execPath,
    [join(source, 'main.ts'), 'serve', '--debug', ...flags],
    {
      env: {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        HOME: '/nonexistent',
        SLIPWAY_PORT: '0',
        SLIPWAY_ALLOW_FILE_REPOSITORIES: 'on',
        CODEBOT_API_KEYS: `${firstKey},the-second-of-two-keys`,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  t.after(() => child.kill('SIGKILL'));
  let output = '';
  const onData = (chunk: Buffer): void => void (output += chunk.toString('utf8'));
  child.stdout?.on('data', onData);
  child.stderr?.on('data', onData);
  return {
    process: child,
    output: () => output,
    async says(text: string): Promise<void> {
      await until(
        `"${text}"`,
        () => {
          if (child.exitCode !== null) throw new Error(`the server has ended:\n${output}`);
          return output.includes(text);
        },
        patienceMs,
      );
    },
  };
}

async function tracesOf(data: string): Promise<{ readonly url: string; readonly pid: number }> {
  return JSON.parse(await readFile(join(data, 'server.json'), 'utf8')) as { url: string; pid: number };
}

/** Of the server as it listens now: it has another port after it began anew. */
async function clientOf(data: string): Promise<Client> {
  return createClient({ baseUrl: (await tracesOf(data)).url, token: await readToken(data) });
}
