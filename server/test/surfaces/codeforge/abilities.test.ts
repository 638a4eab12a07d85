import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { abilities } from '../../../src/domain/ability.ts';
import type { ApiDescription } from '../../../src/http/describe-api.ts';
import type { Database } from '../../../src/store/database.ts';
import { storeApiKey } from '../../support/api-keys.ts';
import { smallestTask, strangerToken, testApi, type Method, type TestApi } from './test-api.ts';

type Operation = {
  readonly operationId: string;
  readonly method: Method;
  /** Of the administrator's things. */
  readonly url: string;
  readonly path: string;
  readonly body: unknown;
  /** Undefined: any credential will do, or none. */
  readonly needs: string | undefined;
  readonly isOpen: boolean;
};

/** A word that stands in everything of the administrator's that has a text or a name. */
const mark = 'notForStrangers';

/** What each operation of the native API needs: who changes this lets keys do more, or less. */
const wanted: Readonly<Record<string, string>> = {
  'projects:read': `listTasks getTask getTaskDiff streamTask listAgents getAgentHealth
    listWaitingApprovals listTaskApprovals listDeliveries getDelivery listRepositories
    listSentryOrganizations listSentryProjects listSentryIssues getSentryIssue getLatestSentryEvent
    listMcpServers listToolCatalog listTools getTool listWorkflows getWorkflow
    listWorkflowRuns getWorkflowRun streamWorkflowRun listWorkspaces`,
  'runs:start': 'createTask instructTask runWorkflow',
  'runs:control': `cancelTask reviewTask answerApproval redeliver deleteWorkspace
    cancelWorkflowRun cancelWorkflowRuns`,
  'git:push': 'createPullRequest postReview',
  'settings:read': 'listKeys verifyKey',
  'settings:write': `createKey deleteKey createMcpServer deleteMcpServer createTool deleteTool
    createWorkflow deleteWorkflow`,
  administrator: 'listWebhooks getWebhook redeliverWebhook createApiKey listApiKeys revokeApiKey',
};

/** What it answers is the same for everybody. */
const nobodys = ['getAgentHealth'];

/** A server whose administrator has something of everything that others could reach for. */
async function furnished(t: Parameters<typeof testApi>[0]) {
  const api = await testApi(t);
  const taskId = await api.create({ prompt: mark });
  await made(api, '/keys', { name: mark, provider: 'github', token: 'ghp_xxxxxxxxxxxx' });
  const step = { name: 'work', type: 'task', config: { repo_url: smallestTask.repo_url, prompt: mark } };
  await made(api, '/workflows', { name: mark, description: mark, steps: [step], parameters: [] });
  const run = await made(api, `/workflows/${mark}/run`, {});
  const { json: description } = await api.call('GET', '/api/docs/json');
  const idOf = (path: string): string => (path.includes('/workflow-runs/') ? String(run) : taskId);
  return { api, operations: operationsOf(description, idOf) };
}

async function made(api: TestApi, path: string, body: object): Promise<unknown> {
  const answer = await api.call('POST', `/api/v1${path}`, { body });
  assert.ok(answer.status < 300, answer.text);
  return answer.json.run_id ?? answer.json.id;
}

/** All operations of the server, with the administrator's things in their paths and their own examples as bodies. */
function operationsOf(description: ApiDescription, idOf: (path: string) => string): readonly Operation[] {
  return Object.entries(description.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => {
      const security = operation['security'] as readonly { readonly bearer: readonly string[] }[] | undefined;
      const body = operation['requestBody'] as
        | { readonly content: { readonly 'application/json': { readonly example?: unknown } } }
        | undefined;
      return {
        operationId: String(operation['operationId']),
        method: method.toUpperCase() as Method,
        path,
        url: path
          .replaceAll('{id}', idOf(path))
          .replaceAll(/\{(?:name|org|project|cli)\}/gu, mark)
          .replaceAll(/\{\w+\}/gu, taskLike),
        body: body?.content['application/json'].example ?? (body === undefined ? undefined : {}),
        needs: security?.[0]?.bearer[0],
        isOpen: security?.length === 0,
      };
    }),
  );
}

const taskLike = '0b9d2d6e-55d4-4f5c-8f0a-0d8b5f4f3c11';

/** What every table holds, but when keys were used and how many requests were counted. */
async function contentOf({ kysely }: Database): Promise<Readonly<Record<string, string>>> {
  const content: Record<string, string> = {};
  const { rows } = await sql<{ name: string }>`
    select table_name as name from information_schema.tables
    where table_schema = 'public' and table_name not in ('credentials', 'rate_limits') order by 1`.execute(
    kysely,
  );
  for (const { name } of rows) {
    const table = sql.table(name);
    const hashed = await sql<{ hash: string }>`
      select md5(coalesce(string_agg(whole::text, ' ' order by whole::text), '')) as hash from ${table} whole`.execute(
      kysely,
    );
    content[name] = hashed.rows[0]?.hash ?? '';
  }
  return content;
}

test('every operation of the native API needs what it should', async (t) => {
  const { operations } = await furnished(t);
  const native = operations.filter(({ path }) => path.startsWith('/api/v1/'));
  const found: Record<string, string[]> = {};
  for (const { operationId, needs } of native)
    if (needs !== undefined) (found[needs] ??= []).push(operationId);
  for (const [need, operationIds] of Object.entries(wanted)) {
    assert.deepEqual(found[need]?.toSorted(), operationIds.split(/\s+/u).toSorted(), need);
  }
  assert.deepEqual(Object.keys(found).toSorted(), Object.keys(wanted).toSorted());
  assert.deepEqual(
    native
      .filter(({ needs, isOpen }) => needs === undefined && !isOpen)
      .map(({ operationId }) => operationId),
    ['verifyToken', 'listTaskTypes'],
  );
});

test('a key without the one ability that an operation needs gets a 403, and nothing is done', async (t) => {
  const { api, operations } = await furnished(t);
  const ownerId = await administratorOf(api.database);
  const before = await contentOf(api.database);
  const keys = new Map<string, string>();
  for (const missing of [...abilities, 'administrator']) {
    const others = abilities.filter((ability) => ability !== missing);
    keys.set(missing, await storeApiKey(api.database, { ownerId, abilities: others }));
  }
  const closed = operations.filter(({ needs }) => needs !== undefined);
  assert.ok(closed.length > 50, `only ${closed.length} operations`);
  for (const { operationId, method, url, body, needs = '' } of closed) {
    const token = keys.get(needs) ?? '';
    const { status, json } = await api.call(method, url, { token, body });
    assert.equal(status, 403, `${operationId}: ${JSON.stringify(json)}`);
    const message = needs === 'administrator' ? /are for administrators$/u : /^missing ability: \w+:\w+$/u;
    assert.match(json.message, message, operationId);
    assert.ok(needs === 'administrator' || json.message.endsWith(needs), operationId);
  }
  assert.deepEqual(await contentOf(api.database), before);
});

test('a key with no ability that matters is known, and no more', async (t) => {
  const { api, operations } = await furnished(t);
  const ownerId = await administratorOf(api.database);
  const token = await storeApiKey(api.database, { ownerId, abilities: ['projects:write'] });
  const open = operations.filter(({ needs, isOpen }) => needs === undefined && !isOpen);
  for (const { method, url, operationId } of open) {
    assert.equal((await api.call(method, url, { token })).status, 200, operationId);
  }
  assert.equal((await api.call('GET', '/api/v1/nothing', { token })).status, 404);
  assert.equal((await api.call('PUT', '/api/v1/tasks', { token })).status, 405);
  assert.equal((await api.call('HEAD', '/api/v1/tasks', { token })).status, 403);
});

test("a stranger's key with every ability reaches nothing of the administrator's", async (t) => {
  const { api, operations } = await furnished(t);
  const before = await contentOf(api.database);
  // What has nothing of another's in its path, and changes things, makes something of one's own.
  const reaching = operations.filter(({ needs, method, path }) => {
    return needs !== undefined && (method === 'GET' || path.includes('{'));
  });
  assert.ok(reaching.length > 40, `only ${reaching.length} operations`);
  for (const { operationId, method, url, path, body } of reaching) {
    const asked = path.includes('{') || method !== 'GET' ? url : `${url}?key_name=${mark}`;
    const { status, text } = await api.call(method, asked, { token: strangerToken, body });
    const isListing = status === 200 && method === 'GET';
    const isRefused = [400, 403, 404].includes(status) || nobodys.includes(operationId);
    assert.ok(isListing || isRefused, `${operationId}: ${status} ${text}`);
    assert.ok(!isListing || !text.includes(mark), `${operationId}: ${text}`);
  }
  assert.deepEqual(await contentOf(api.database), before);
});

test('a wrong Authorization is refused, whatever X-API-Key stands beside it', async (t) => {
  const { call, database } = await testApi(t);
  const ownerId = await administratorOf(database);
  const key = await storeApiKey(database, { ownerId });
  const path = '/api/v1/auth/verify';
  const ask = async (headers: Readonly<Record<string, string>>) =>
    (await call('GET', path, { token: null, headers })).status;
  assert.equal(await ask({ authorization: `Bearer ${key}` }), 200);
  assert.equal(await ask({ 'x-api-key': key }), 200);
  assert.equal(await ask({ authorization: `Bearer ${key}`, 'x-api-key': 'wrong' }), 200);
  for (const authorization of [`Bearer ${key}x`, 'Bearer wrong', key, `Basic ${key}`, '']) {
    assert.equal(await ask({ authorization, 'x-api-key': key }), 401, authorization);
  }
  assert.equal(await ask({ 'x-api-key': `${key}x` }), 401);
});

async function administratorOf({ kysely }: Database): Promise<string> {
  const row = await kysely
    .selectFrom('users')
    .select('id')
    .where('role', '=', 'admin')
    .executeTakeFirstOrThrow();
  return row.id;
}
