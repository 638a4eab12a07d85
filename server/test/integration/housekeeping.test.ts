import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { sql } from 'kysely';
import { aborted } from '../../src/lib/abort.ts';
import { silentLogger, type Logger } from '../../src/lib/logger.ts';
import { createHousekeeping, databaseDuties, type Duty } from '../../src/services/housekeeping.ts';
import type { Database } from '../../src/store/database.ts';
import { takeDuty } from '../../src/store/duties.ts';
import { spendRateLimit } from '../../src/store/rate-limits.ts';
import { hostDuties } from '../../src/worker/host-duties.ts';
import { testDatabase } from '../support/database.ts';
import { limit, makeHouse, cleaningOf } from '../support/house.ts';

test('of all who ask for a duty at once, one has it, and nobody again before its time', async (t) => {
  const database = await testDatabase(t);
  const ask = () => Promise.all(Array.from({ length: 20 }, () => takeDuty(database, 'sweep', 60)));
  assert.equal((await ask()).filter(Boolean).length, 1);
  assert.equal((await ask()).filter(Boolean).length, 0);
  await database.kysely
    .updateTable('duties')
    .set({ next_at: sql`now() - interval '1 second'` })
    .execute();
  assert.equal((await ask()).filter(Boolean).length, 1);
});

test('idempotency keys go after a day, rate limits an hour after they are full again', async (t) => {
  const house = await makeHouse(t);
  const { database, ownerId } = house;
  await sql`
    insert into idempotency_keys (owner_id, route, key, body_hash, task_id, created_at)
    select ${ownerId}, 'tasks', 'key-' || n, 'hash', gen_random_uuid(), now() - make_interval(hours => n)
    from generate_series(20, 12020, 1) n`.execute(database.kysely);
  await spendRateLimit(database, 'busy', 10);
  await spendRateLimit(database, 'quiet', 10);
  await sql`update rate_limits set full_at = now() - interval '2 hours' where key = 'quiet'`.execute(
    database.kysely,
  );
  const done = await Promise.all(databaseDuties(database).map((duty) => duty.perform(limit())));
  assert.deepEqual(done, [{ deleted: 11_997 }, { deleted: 1 }, { deleted: 0 }]);
  const keys = await database.kysely.selectFrom('idempotency_keys').select('key').orderBy('key').execute();
  assert.deepEqual(
    keys.map((row) => row.key),
    ['key-20', 'key-21', 'key-22', 'key-23'],
  );
  const limits = await database.kysely.selectFrom('rate_limits').select('key').execute();
  assert.deepEqual(limits, [{ key: 'busy' }]);
});

type Said = { readonly message: string; readonly fields: object };

function listeningLogger(): { readonly logger: Logger; readonly said: Said[] } {
  const said: Said[] = [];
  const note = (fields: object, message: string): void => void said.push({ fields, message });
  return { said, logger: { debug: note, info: note, warn: note, error: note } };
}

/** A duty that resolves `done` when it was performed, once its own work has ended. */
function duty(name: string, work: Duty['perform'], limitMs = 10_000) {
  const done = Promise.withResolvers<void>();
  let times = 0;
  const perform: Duty['perform'] = async (signal) => {
    times += 1;
    try {
      return await work(signal);
    } finally {
      done.resolve();
    }
  };
  return { duty: { name, everySeconds: 3_600, limitMs, perform }, done: done.promise, times: () => times };
}

/** Runs the housekeeping until `until`; its end is waited for. */
async function keepHouse(
  database: Database,
  duties: readonly Duty[],
  until: Promise<unknown>,
  logger: Logger = silentLogger,
): Promise<void> {
  const stop = new AbortController();
  const running = createHousekeeping({ database, logger, duties, everyMs: 5, abortPatienceMs: 50 }).run(
    stop.signal,
  );
  await until;
  stop.abort();
  await running;
}

test('a duty that fails, one that takes too long and one that ignores its end stop no other', async (t) => {
  const database = await testDatabase(t);
  const { logger, said } = listeningLogger();
  const endless = Promise.withResolvers<never>();
  const failing = duty('failing', () => Promise.reject(new Error('no luck')));
  const slow = duty(
    'slow',
    (signal) =>
      aborted(signal)
        .then(() => signal.throwIfAborted())
        .then(() => ({})),
    20,
  );
  const deaf = duty('deaf', () => endless.promise, 20);
  const good = duty('good', async () => ({ deleted: 3 }));
  const all = [failing, slow, deaf, good].map((made) => made.duty);
  await keepHouse(database, all, good.done, logger);
  const of = (name: string) => said.filter(({ fields }) => 'duty' in fields && fields.duty === name);
  assert.match(JSON.stringify(of('failing')), /no luck/u);
  assert.match(of('slow')[0]?.message ?? '', /failed/u);
  assert.match(of('deaf')[0]?.message ?? '', /did not end/u);
  assert.equal(of('good')[0]?.message, 'a duty was done');
  endless.reject(new Error('at last'));
});

test('two processes share the duties of the database and each does the ones of its host', async (t) => {
  const database = await testDatabase(t);
  const shared = [0, 1].map(() => duty('shared', async () => ({})));
  const own = [0, 1].map((host) => duty(`own:${host}`, async () => ({})));
  const both = Promise.all(own.map((made) => made.done));
  await Promise.all(
    [0, 1].map((host) => {
      const duties = [shared[host], own[host]].flatMap((made) => (made === undefined ? [] : [made.duty]));
      return keepHouse(database, duties, both);
    }),
  );
  assert.equal(
    shared.reduce((sum, made) => sum + made.times(), 0),
    1,
  );
  assert.deepEqual(
    own.map((made) => made.times()),
    [1, 1],
  );
});

test('the duties of a host carry its name and can all be done over an empty house', async (t) => {
  const house = await makeHouse(t);
  const blobFolder = join(house.folder, 'blobs');
  await mkdir(blobFolder);
  const duties = hostDuties({ ...cleaningOf(house), blobFolder });
  assert.ok(duties.every((one) => one.name.endsWith(`:${house.workerId}`)));
  assert.equal(new Set(duties.map((one) => one.name)).size, duties.length);
  for (const one of duties) {
    const done = await one.perform(limit());
    assert.ok(
      Object.values(done).every((count) => count === 0),
      one.name,
    );
  }
});
