import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { sql } from 'kysely';
import { apiKeyAbilities, everyAbility } from '../../src/domain/ability.ts';
import { isApiKey } from '../../src/domain/api-key.ts';
import { Refusal } from '../../src/domain/errors.ts';
import { systemIds } from '../../src/lib/ids.ts';
import type { Logger } from '../../src/lib/logger.ts';
import { Secret } from '../../src/lib/secret.ts';
import { createAuthenticate } from '../../src/services/authenticate.ts';
import { createApiKeyService } from '../../src/services/create-api-key.ts';
import { createListApiKeysService } from '../../src/services/list-api-keys.ts';
import { createRevokeApiKeyService } from '../../src/services/revoke-api-key.ts';
import type { Actor } from '../../src/services/require-ability.ts';
import { openDatabase } from '../../src/store/database.ts';
import { ensureAdministrator } from '../../src/store/owners.ts';
import { ensureUser } from '../../src/store/users.ts';
import { until } from '../support/processes.ts';
import { testDatabase } from '../support/database.ts';

const staticToken = new Secret('the static token of a test');

/** The services over a database of their own, and what they logged. */
async function setStage(t: TestContext, environmentKeys: readonly string[] = []) {
  const database = await testDatabase(t);
  const administratorId = await ensureAdministrator(database, systemIds);
  const log: string[] = [];
  const logger = recordingLogger(log);
  const apiKeys = environmentKeys.map((key) => new Secret(key));
  const known = { database, logger, administratorId, token: staticToken, apiKeys };
  return {
    database,
    administratorId,
    log,
    admin: { userId: administratorId, isAdmin: true, abilities: everyAbility } satisfies Actor,
    create: createApiKeyService({ database, ids: systemIds, logger }),
    list: createListApiKeysService({ database }),
    revoke: createRevokeApiKeyService({ database, logger }),
    authenticate: createAuthenticate(known),
    known,
  };
}

function recordingLogger(lines: string[]): Logger {
  const record = (fields: object, message: string) => lines.push(JSON.stringify({ message, ...fields }));
  return { debug: record, info: record, warn: record, error: record };
}

const refusalOf =
  (code: Refusal['code'], ...fields: readonly string[]) =>
  (error: unknown) =>
    error instanceof Refusal &&
    error.code === code &&
    fields.join() === Object.keys(error.fields ?? {}).join();

test('a key is its owner, with the usual abilities, and never an administrator', async (t) => {
  const { admin, create, authenticate } = await setStage(t);
  const { key, row } = await create(admin, { name: 'ci' });
  assert.ok(isApiKey(key.reveal()));
  assert.deepEqual(
    [row.name, row.ownerLogin, row.hint, row.abilities, row.expiresAt, row.revokedAt, row.usedAt],
    ['ci', 'admin', key.reveal().slice(-4), apiKeyAbilities, null, null, null],
  );
  const caller = await authenticate(key);
  assert.deepEqual(
    [caller?.userId, caller?.isAdmin, caller?.abilities],
    [admin.userId, false, apiKeyAbilities],
  );
  const administrator = await authenticate(staticToken);
  assert.deepEqual([administrator?.isAdmin, administrator?.abilities], [true, everyAbility]);
  assert.notEqual(caller?.rateLimitKey, administrator?.rateLimitKey);
});

test('the key itself is stored and logged nowhere', async (t) => {
  const { admin, create, database, log } = await setStage(t);
  const { key } = await create(admin, { name: 'ci' });
  const { rows } = await sql<{ text: string }>`select credentials::text as text from credentials`.execute(
    database.kysely,
  );
  assert.equal(rows.length, 1);
  assert.ok(!rows[0]?.text.includes(key.reveal().slice(0, 20)));
  assert.equal(log.length, 1);
  assert.match(log[0] ?? '', /an API key was created.*"name":"ci","owner":"admin"/u);
  assert.ok(!log.join().includes(key.reveal()));
});

test('a login that nobody has becomes a member, one that somebody has is theirs in any case', async (t) => {
  const { admin, create, database, authenticate } = await setStage(t);
  const made = await Promise.all(
    ['Ada', 'ada', 'ADA'].map((owner, index) => create(admin, { name: `key-${index}`, owner })),
  );
  const callers = await Promise.all(made.map(({ key }) => authenticate(key)));
  assert.equal(new Set(callers.map((caller) => caller?.userId)).size, 1);
  const users = await database.kysely
    .selectFrom('users')
    .select(['login', 'role'])
    .orderBy('number')
    .execute();
  assert.deepEqual(users, [
    { login: 'admin', role: 'admin' },
    { login: 'ada', role: 'member' },
  ]);
  const own = await create(admin, { name: 'own', owner: 'admin' });
  assert.deepEqual((await authenticate(own.key))?.isAdmin, false);
});

test('of many keys of one name at once one is made; another owner may have the name too', async (t) => {
  const { admin, create, list } = await setStage(t);
  const all = await Promise.allSettled(Array.from({ length: 12 }, () => create(admin, { name: 'ci' })));
  const refused = all.filter((one) => one.status === 'rejected');
  assert.equal(refused.length, 11);
  assert.ok(refused.every(({ reason }) => refusalOf('conflict')(reason)));
  await create(admin, { name: 'ci', owner: 'ada' });
  assert.deepEqual(
    (await list(admin)).map(({ name, ownerLogin }) => [name, ownerLogin]),
    [
      ['ci', 'ada'],
      ['ci', 'admin'],
    ],
  );
});

test('a revoked key is refused from the next request on, is listed, and gives its name free', async (t) => {
  const { admin, create, list, revoke, authenticate } = await setStage(t);
  const { key, row } = await create(admin, { name: 'ci' });
  assert.ok(await authenticate(key));
  await revoke(admin, row.id.toUpperCase());
  assert.equal(await authenticate(key), undefined);
  for (const id of [row.id, systemIds.ordered(), 'nonsense', '']) {
    await assert.rejects(revoke(admin, id), refusalOf('not_found'), id);
  }
  const again = await create(admin, { name: 'ci' });
  assert.ok(await authenticate(again.key));
  const [newer, older] = await list(admin);
  assert.deepEqual([newer?.revokedAt, older?.id, older?.revokedAt instanceof Date], [null, row.id, true]);
});

test('a key ends by the clock of the database', async (t) => {
  const { admin, create, database, authenticate } = await setStage(t);
  const { key, row } = await create(admin, { name: 'ci', expiresInDays: 2 });
  const days = ((row.expiresAt?.getTime() ?? 0) - row.createdAt.getTime()) / 86_400_000;
  assert.equal(Math.round(days * 10), 20);
  const endsIn = (seconds: number) =>
    database.kysely
      .updateTable('credentials')
      .set({ expires_at: sql`now() + make_interval(secs => ${seconds})` })
      .execute();
  await endsIn(60);
  assert.ok(await authenticate(key));
  await endsIn(0);
  assert.equal(await authenticate(key), undefined);
});

test('a use is noted beside the request, and not again within a minute', async (t) => {
  const { admin, create, database, list, authenticate } = await setStage(t);
  const { key } = await create(admin, { name: 'ci' });
  const usedAt = async (): Promise<Date | null | undefined> => (await list(admin))[0]?.usedAt;
  await Promise.all(Array.from({ length: 20 }, () => authenticate(key)));
  await until('the use to be noted', async () => (await usedAt()) instanceof Date);
  const ago = (seconds: number) =>
    database.kysely
      .updateTable('credentials')
      .set({ used_at: sql`now() - make_interval(secs => ${seconds})` })
      .execute();
  await ago(50);
  const kept = await usedAt();
  await authenticate(key);
  // A note that should not be has all the time that this one takes.
  const other = await create(admin, { name: 'other' });
  await authenticate(other.key);
  await until('another use to be noted', async () => (await usedAt()) instanceof Date);
  assert.deepEqual((await list(admin))[1]?.usedAt, kept);
  await ago(70);
  await authenticate(key);
  await until('the use to be noted again', async () => {
    const noted = (await list(admin))[1]?.usedAt;
    return noted instanceof Date && kept instanceof Date && noted > kept;
  });
});

test('the keys of the environment are the first administrator’s, and are not stored', async (t) => {
  const { admin, list, authenticate } = await setStage(t, ['dev-key-12345', 'other;key!']);
  const [first, second] = await Promise.all(
    ['dev-key-12345', 'other;key!'].map((key) => authenticate(new Secret(key))),
  );
  for (const caller of [first, second]) {
    assert.deepEqual(
      [caller?.userId, caller?.isAdmin, caller?.abilities],
      [admin.userId, false, apiKeyAbilities],
    );
  }
  assert.notEqual(first?.rateLimitKey, second?.rateLimitKey);
  assert.equal(await authenticate(new Secret('dev-key-1234')), undefined);
  assert.deepEqual(await list(admin), []);
});

test('the administrator token stays what it is where somebody made it an API key too, and the log warns', async (t) => {
  const { known, log } = await setStage(t, ['dev-key-12345', staticToken.reveal()]);
  const authenticate = createAuthenticate(known);
  assert.equal((await authenticate(staticToken))?.isAdmin, true);
  assert.equal((await authenticate(new Secret('dev-key-12345')))?.isAdmin, false);
  assert.ok(log.some((line) => line.includes('CODEBOT_API_KEYS has the administrator token')));
});

test('what is no key of ours is refused without the database, and so are the configured ones known', async (t) => {
  const { known } = await setStage(t, ['dev-key-12345']);
  const nowhere = { host: '/nonexistent', port: 1, user: 'nobody', database: 'none' };
  const database = openDatabase(nowhere, 1, known.logger);
  t.after(() => database.close());
  const authenticate = createAuthenticate({ ...known, database });
  assert.equal((await authenticate(staticToken))?.isAdmin, true);
  assert.equal((await authenticate(new Secret('dev-key-12345')))?.isAdmin, false);
  assert.equal(await authenticate(new Secret('slipway_short')), undefined);
  await assert.rejects(authenticate(new Secret(`slipway_${'x'.repeat(43)}`)));
});

test('nobody but an administrator makes, lists or revokes keys', async (t) => {
  const { admin, create, list, revoke, authenticate } = await setStage(t);
  const { key, row } = await create(admin, { name: 'ci', abilities: ['settings:*'] });
  const caller = await authenticate(key);
  assert.ok(caller);
  await assert.rejects(create(caller, { name: 'more' }), refusalOf('forbidden'));
  await assert.rejects(list(caller), refusalOf('forbidden'));
  await assert.rejects(revoke(caller, row.id), refusalOf('forbidden'));
  assert.equal((await list(admin)).length, 1);
});

test('what is wrong with the key that is wanted is told by its field, and nothing is made', async (t) => {
  const { admin, create, list, database } = await setStage(t);
  for (const [order, field] of [
    [{ name: '' }, 'name'],
    [{ name: 'two words' }, 'name'],
    [{ name: 'a'.repeat(101) }, 'name'],
    [{ name: 'a', owner: '' }, 'owner'],
    [{ name: 'a', owner: 'ada lovelace' }, 'owner'],
    [{ name: 'a', owner: '-ada' }, 'owner'],
    [{ name: 'a', abilities: [] }, 'abilities'],
    [{ name: 'a', abilities: ['*'] }, 'abilities[0]'],
    [{ name: 'a', abilities: ['runs:*', 'runs:fly'] }, 'abilities[1]'],
    [{ name: 'a', abilities: ['everything:*'] }, 'abilities[0]'],
    [{ name: 'a', expiresInDays: 0 }, 'expires_in_days'],
    [{ name: 'a', expiresInDays: 1.5 }, 'expires_in_days'],
    [{ name: 'a', expiresInDays: 3_651 }, 'expires_in_days'],
  ] as const) {
    await assert.rejects(create(admin, order), refusalOf('invalid', field), JSON.stringify(order));
  }
  assert.deepEqual(await list(admin), []);
  assert.equal((await database.kysely.selectFrom('users').selectAll().execute()).length, 1);
  const { row } = await create(admin, { name: 'a', abilities: ['runs:start', 'runs:start', 'git:*'] });
  assert.deepEqual(row.abilities, ['runs:start', 'git:*']);
});

test('a login is made once, however many ask for it', async (t) => {
  const { database } = await setStage(t);
  const ids = await Promise.all(Array.from({ length: 10 }, () => ensureUser(database, systemIds, 'grace')));
  assert.equal(new Set(ids).size, 1);
});
