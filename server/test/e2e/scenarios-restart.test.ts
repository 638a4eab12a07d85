import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { ApiError, createClient } from '@slipway/client';
import { until } from '../support/processes.ts';
import { readToken, startSlipway } from '../support/slipway-process.ts';
import { openHouse, smallLimits, type House } from './scenario-house.ts';
import { follow, runScenario, type Numbered, type Outcome, type Scenario } from './scenario.ts';

const lines = 25;
/** Says by what it prints how often it was started, and when a line of it is missing or comes twice. */
const counting = [
  'echo "started $(cat /proc/sys/kernel/random/uuid)"',
  `for line in $(seq ${lines}); do echo "line $line"; sleep 0.1; done`,
  'echo LABEL > f',
].join('\n');

for (const how of ['stop', 'kill'] as const) {
  const words = { stop: 'stopped', kill: 'killed' }[how];
  test(`a server that is ${words} in the middle of a run takes it up again: one start, no line lost, none twice`, async () => {
    await using house = await openHouse();
    const outcome = await runScenario(house, {
      ...counted(`restart by ${how}`),
      during: async ({ id }) => {
        await until('some lines', async () => (await countOutput(house, id)) >= 3);
        await house.restart(how);
      },
    });
    assertCountedOnce(outcome);
    assert.ok(outcome.events.every(({ event }) => (event.event as string) !== 'run_lost'));
    await assertResumesEverywhere(outcome);
    await assertTokens(house, outcome.id);
  });
}

test('two servers over one database run each task once, share the work, and show each other’s tasks live', async (t) => {
  const shared = { ...smallLimits, SLIPWAY_ENCRYPTION_KEY: 'a key for two servers', SLIPWAY_WORKERS: '1' };
  await using house = await openHouse({ settings: shared });
  const data = join(house.folder, 'second');
  const second = await startSlipway('serve', {
    ...shared,
    SLIPWAY_ALLOW_HTTP_REPOSITORIES: 'on',
    SLIPWAY_DATA_DIR: data,
    SLIPWAY_BLOB_DIR: join(house.data, 'blobs'),
    DATABASE_URL: house.databaseUrl,
  });
  try {
    const client = createClient({ baseUrl: second.url, token: await readToken(data) });
    const viaSecond: House = { ...house, client };
    const outcomes = await Promise.all(
      Array.from({ length: 4 }, (_, index) =>
        runScenario(index % 2 === 0 ? house : viaSecond, counted(`task ${index}`)),
      ),
    );
    for (const outcome of outcomes) {
      assertCountedOnce(outcome);
      const other = outcome.house === house ? viaSecond : house;
      assert.deepEqual(await follow(other, outcome.id), outcome.events);
    }
    const workers = await house.query<{ runs: string }>('select count(*) as runs from runs group by holder');
    t.diagnostic(`runs by worker: ${workers.map(({ runs }) => runs).join(', ')}`);
    assert.equal(workers.length, 2, 'both work');
  } finally {
    await second.stop();
  }
});

function counted(name: string): Scenario {
  return { name, command: counting, end: { status: 'completed', commits: 1 } };
}

function assertCountedOnce({ output }: Outcome): void {
  const printed = output.split('\n').filter((line) => line !== '');
  const wanted = Array.from({ length: lines }, (_, index) => `line ${index + 1}`);
  assert.deepEqual(
    printed.filter((line) => line.startsWith('line ')),
    wanted,
  );
  assert.equal(printed.filter((line) => line.startsWith('started ')).length, 1, 'one start');
}

/** Whoever has seen the log up to any of its events gets what follows it: all of that, and nothing else. */
async function assertResumesEverywhere({ house, id, events }: Outcome): Promise<void> {
  for (const [index, { id: seen }] of events.entries()) {
    const rest = await follow(house, id, seen);
    assert.deepEqual(rest.map(idOf), events.slice(index + 1).map(idOf), `behind ${seen}`);
  }
}

function idOf({ id }: Numbered): string | undefined {
  return id;
}

async function countOutput(house: House, id: string): Promise<number> {
  const [row] = await house.query<{ count: string }>(
    "select count(*) as count from events where stream_id = $1 and type = 'agent_output'",
    [id],
  );
  return Number(row?.count);
}

/** No token, a wrong one, one of another kind, one in the address: 401, and nothing is told. */
async function assertTokens(house: House, id: string): Promise<void> {
  const { url } = house.server();
  for (const token of [
    undefined,
    'wrong',
    house.token.slice(0, -1),
    `${house.token}x`,
    house.token.toUpperCase(),
  ]) {
    const client = createClient({ baseUrl: url, token });
    const isUnauthorised = (error: unknown): boolean => error instanceof ApiError && error.status === 401;
    await assert.rejects(client.verify(), isUnauthorised);
    await assert.rejects(client.tasks.get(id), isUnauthorised);
    await assert.rejects(client.tasks.diff(id), isUnauthorised);
    await assert.rejects(client.tasks.cancel(id), isUnauthorised);
    await assert.rejects(async () => {
      for await (const event of client.tasks.stream(id)) assert.fail(`an event came: ${event.kind}`);
    }, isUnauthorised);
  }
  const inAddress = await fetch(`${url}/api/v1/tasks/${id}?token=${house.token}&access_token=${house.token}`);
  assert.equal(inAddress.status, 401);
  assert.ok(!(await inAddress.text()).includes(id));
}
