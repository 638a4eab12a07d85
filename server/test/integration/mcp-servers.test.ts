import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createClaudeCodeAgent } from '../../src/agents/claude-code/claude-code-agent.ts';
import { scriptAgent } from '../../src/agents/script/script-agent.ts';
import { nothingRead } from '../../src/agents/agent.ts';
import {
  sealableServers,
  type McpServerDefinition,
  type NamedMcpServer,
} from '../../src/domain/mcp-server.ts';
import { systemIds } from '../../src/lib/ids.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { Secret } from '../../src/lib/secret.ts';
import { createKeyRing } from '../../src/secrets/key-ring.ts';
import { createRedactor } from '../../src/secrets/redact.ts';
import { createDeleteMcpServerService } from '../../src/services/delete-mcp-server.ts';
import { createListMcpServersService } from '../../src/services/list-mcp-servers.ts';
import { createRegisterMcpServerService } from '../../src/services/register-mcp-server.ts';
import { appendServerFailures } from '../../src/store/append-server-failures.ts';
import { readEvents } from '../../src/store/events.ts';
import { findSecret } from '../../src/store/secrets.ts';
import type { Viewer } from '../../src/store/tasks.ts';
import { createWakeups } from '../../src/store/wakeups.ts';
import { openServers, recordLoggedFailures, type ServersContext } from '../../src/worker/mcp-servers.ts';
import { RunStop } from '../../src/worker/run-stop.ts';
import { setStage, storeLiveRun, type Stage } from '../support/stored-tasks.ts';

const keyRing = createKeyRing([new Secret('a'.repeat(64))]);
const signal = (): AbortSignal => AbortSignal.timeout(20_000);
const repositoryUrl = 'https://forge.example/ada/project.git';

const local = (value: string): McpServerDefinition => ({
  transport: 'stdio',
  package: '@example/server',
  args: [],
  env: { API_KEY: value },
});
const far: McpServerDefinition = {
  transport: 'http',
  url: 'https://mcp.example/mcp',
  headers: { Authorization: 'Bearer secret-of-far' },
};

async function setServers(t: TestContext) {
  const stage = await setStage(t);
  const deps = {
    database: stage.database,
    keyRing,
    ids: systemIds,
    repositories: { allowFile: false, allowHttp: false, allowSsh: true },
  };
  const admin: Viewer = { userId: stage.ownerId, isAdmin: true };
  const member: Viewer = { userId: systemIds.ordered(), isAdmin: false };
  const register = createRegisterMcpServerService(deps);
  return {
    stage,
    admin,
    member,
    register,
    list: createListMcpServersService(deps),
    remove: createDeleteMcpServerService(deps),
    keep: (name: string, server: McpServerDefinition, url?: string) =>
      register(admin, {
        server: { name, server },
        mayBeRepeat: false,
        ...(url === undefined ? {} : { repositoryUrl: url }),
      }),
  };
}

function contextOf({ database }: Stage): ServersContext {
  return {
    database,
    wakeups: createWakeups(database, 'here', silentLogger),
    logger: silentLogger,
    agents: new Map([
      ['claude-code', createClaudeCodeAgent({ modelRetries: 0 })],
      ['script', scriptAgent],
    ]),
    folders: { workspaces: '/w', runs: '/nowhere', scratch: '/s', sockets: '/x', compileCache: '/c' },
    executor: {
      place: (folder) => ({
        folder,
        tree: `${folder}/tree`,
        treeInside: '/workspace',
        home: `${folder}/home`,
        homeInside: '/home/agent',
        uid: undefined,
        wayOutPort: 3128,
      }),
    },
    async openSecret(id) {
      const sealed = await findSecret(database, id);
      if (sealed === undefined) throw new Error('a stored secret is gone');
      return keyRing.open(id, sealed);
    },
  };
}

async function secretsLeft({ database }: Stage): Promise<number> {
  return (await database.kysely.selectFrom('secrets').select('id').execute()).length;
}

async function failuresOf({ database }: Stage, taskId: string): Promise<readonly unknown[]> {
  const events = await readEvents(database, taskId, 0, 100);
  return events.flatMap((event) => (event.type === 'mcp_server_failed' ? [event.data] : []));
}

function sealed(servers: readonly NamedMcpServer[]) {
  const id = systemIds.ordered();
  return { id, ...keyRing.seal(id, new Secret(sealableServers(servers))) };
}

const claude = { agent: 'claude-code', timeoutSeconds: 60 } as const;

test('servers are kept by scope and name, listed without their values, and go with their secrets', async (t) => {
  const { stage, admin, member, list, remove, keep } = await setServers(t);
  await keep('one', local('top-secret-of-one'));
  await keep('one', far, repositoryUrl);
  assert.deepEqual(
    (await list(member)).map(({ name, shown }) => ({ name, shown })),
    [{ name: 'one', shown: { ...local('***') } }],
  );
  const [ofRepository] = await list(admin, repositoryUrl);
  assert.deepEqual(ofRepository?.shown, { ...far, headers: { Authorization: '***' } });
  assert.deepEqual(await list(admin, 'https://forge.example/never/seen'), []);
  const rows = await stage.database.kysely.selectFrom('mcp_servers').selectAll().execute();
  assert.doesNotMatch(JSON.stringify(rows), /secret-of/u);
  await remove(admin, { name: 'one', repositoryUrl });
  assert.equal(await secretsLeft(stage), 1);
  await remove(admin, { name: 'one' });
  assert.equal(await secretsLeft(stage), 0);
  await assert.rejects(remove(admin, { name: 'one' }), { code: 'not_found' });
});

test('only administrators register and delete, and see what a repository has', async (t) => {
  const { member, register, list, remove, keep } = await setServers(t);
  await keep('one', far);
  const forbidden = { code: 'forbidden' };
  await assert.rejects(
    register(member, { server: { name: 'x', server: far }, mayBeRepeat: false }),
    forbidden,
  );
  await assert.rejects(remove(member, { name: 'one' }), forbidden);
  await assert.rejects(list(member, repositoryUrl), forbidden);
});

test('a taken name is a conflict, but for a request that may be a repeat of the very same', async (t) => {
  const { stage, admin, register, keep } = await setServers(t);
  await keep('one', local('a'));
  const again = (value: string, mayBeRepeat: boolean) =>
    register(admin, { server: { name: 'one', server: local(value) }, mayBeRepeat });
  await again('a', true);
  const conflict = { code: 'conflict', message: 'an MCP server named one exists already' };
  await assert.rejects(again('a', false), conflict);
  await assert.rejects(again('b', true), conflict);
  assert.equal(await secretsLeft(stage), 1);
});

test("a run has the servers for all, for its repository and its task's, the nearest of each name", async (t) => {
  const { stage, keep } = await setServers(t);
  for (const name of ['global', 'ours', 'own']) await keep(name, local(`global-${name}`));
  for (const name of ['ours', 'own']) await keep(name, local(`ours-${name}`), repositoryUrl);
  await keep('elsewhere', far, 'https://forge.example/other/project');
  const run = await storeLiveRun(stage, 'preparing', {
    options: { ...claude, mcpServers: [{ name: 'own', server: far }] },
    mcpServers: sealed([{ name: 'own', server: far }]),
  });
  const { servers, secrets } = await openServers(contextOf(stage), run, signal());
  const started = (value: string) => ({
    transport: 'stdio',
    command: 'npx',
    args: ['-y', '@example/server'],
    env: { API_KEY: value },
  });
  assert.deepEqual(servers, { global: started('global-global'), ours: started('ours-ours'), own: far });
  const hidden = createRedactor(secrets).text('global-global ours-ours secret-of-far global-own');
  assert.equal(hidden, '[secret] [secret] [secret] global-own');
});

test('a folder of the sandbox is no secret, whatever setting holds it', async (t) => {
  const { stage, keep } = await setServers(t);
  await keep('files', local('/workspace/data'));
  const run = await storeLiveRun(stage, 'preparing', { options: claude });
  assert.deepEqual((await openServers(contextOf(stage), run, signal())).secrets, []);
});

test('a script is given none', async (t) => {
  const { stage, keep } = await setServers(t);
  await keep('global', far);
  const run = await storeLiveRun(stage, 'preparing');
  assert.deepEqual(await openServers(contextOf(stage), run, signal()), { servers: {}, secrets: [] });
});

test('a server whose secret does not open is left out with one event, and the rest is there', async (t) => {
  const { stage, keep } = await setServers(t);
  await keep('fine', far);
  await keep('broken', far);
  await stage.database.kysely
    .updateTable('secrets')
    .set({ key_id: 'lost' })
    .where('id', 'in', (query) =>
      query.selectFrom('mcp_servers').select('secret_id').where('name', '=', 'broken'),
    )
    .execute();
  const run = await storeLiveRun(stage, 'preparing', { options: claude });
  for (const _ of [1, 2]) {
    const { servers } = await openServers(contextOf(stage), run, signal());
    assert.deepEqual(Object.keys(servers), ['fine']);
  }
  assert.deepEqual(await failuresOf(stage, run.taskId), [
    { server: 'broken', reason: 'what is stored of it could not be opened' },
  ]);
});

test('a server is told to be missing once a run, whoever finds it, and by its holder alone', async (t) => {
  const { stage } = await setServers(t);
  const run = await storeLiveRun(stage, 'running', { options: claude });
  const one = { server: 'one', reason: 'it is not there' };
  const two = { server: 'two', reason: 'nor is it' };
  const task = { taskId: run.taskId, runId: run.runId, iteration: 1, prompt: 'mend it' };
  assert.equal(await appendServerFailures(stage.database, run, [one]), true);
  const reader = {
    ...createClaudeCodeAgent({ modelRetries: 0 }).reader(task),
    read: () => nothingRead,
    serversIn: () => [{ ...one, reason: 'another' }, two],
  };
  const record = (of: typeof run) =>
    recordLoggedFailures(contextOf(stage), of, { reader, redactor: createRedactor([]) }, signal());
  await record(run);
  assert.deepEqual(await failuresOf(stage, run.taskId), [one, two]);
  await assert.rejects(record({ ...run, generation: run.generation + 1 }), RunStop);
});
