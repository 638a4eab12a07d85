import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { KeyProvider } from '../../src/domain/key.ts';
import { createOpenFetchKey, type FetchKeyDeps } from '../../src/effects/fetch-key.ts';
import { systemIds } from '../../src/lib/ids.ts';
import { Secret } from '../../src/lib/secret.ts';
import { createKeyRing } from '../../src/secrets/key-ring.ts';
import { insertKey } from '../../src/store/keys.ts';
import { StepFailure } from '../../src/workflows/step-failure.ts';
import { addOwner, setStage } from '../support/stored-tasks.ts';

const keyRing = createKeyRing([new Secret('a key for the tests of this file')]);
const apiUrls = {
  github: 'http://127.0.0.1:3000/api/v3',
  gitlab: 'https://gitlab.com/api/v4',
  sentry: 'https://sentry.io/api/0',
};

/** Opens keys of an owner who has one of each provider, and two that are for something alone. */
async function makeOpener(t: TestContext, more: Partial<FetchKeyDeps> = {}) {
  const stage = await setStage(t);
  const { database, ownerId } = stage;
  const strangerId = await addOwner(stage, 'stranger');
  const open = createOpenFetchKey({
    database,
    keyRing,
    apiUrls,
    sentryProjectOf: () => assert.fail('Sentry is not asked here'),
    ...more,
  });
  const add = async (name: string, provider: KeyProvider, scope = ''): Promise<void> => {
    const id = systemIds.ordered();
    const secret = { id, ...keyRing.seal(id, new Secret(`token of ${name}`)) };
    const key = { id: systemIds.ordered(), ownerId, name, provider, scope, secret };
    assert.ok(await insertKey(database, key));
  };
  for (const provider of ['github', 'gitlab', 'sentry', 'ssh'] as const) await add(provider, provider);
  await add('engine', 'github', 'acme/engine');
  await add('web', 'sentry', 'acme/web');
  const signal = AbortSignal.timeout(20_000);
  const openFor = (keyName: string, url: string, by = ownerId) =>
    open({ ownerId: by, keyName, url: new URL(url) }, signal);
  return {
    strangerId,
    openFor,
    refusal: async (keyName: string, url: string, by = ownerId): Promise<string> => {
      const error: unknown = await openFor(keyName, url, by).then(
        () => assert.fail(`${keyName} was opened for ${url}`),
        (thrown: unknown) => thrown,
      );
      assert.ok(error instanceof StepFailure, String(error));
      return error.message;
    },
  };
}

test("a key is opened as its provider takes it, for the provider's own host", async (t) => {
  const { openFor } = await makeOpener(t);
  const opened = async (keyName: string, url: string) => {
    const { header, host, token } = await openFor(keyName, url);
    return [header.name, header.value, host, token.reveal()];
  };
  assert.deepEqual(await opened('github', 'http://127.0.0.1:3000/api/v3/user'), [
    'Authorization',
    'Bearer token of github',
    '127.0.0.1:3000',
    'token of github',
  ]);
  assert.deepEqual(await opened('gitlab', 'https://gitlab.com/api/v4/user'), [
    'PRIVATE-TOKEN',
    'token of gitlab',
    'gitlab.com:443',
    'token of gitlab',
  ]);
  assert.deepEqual(await opened('sentry', 'https://sentry.io/api/0/issues/7/'), [
    'Authorization',
    'Bearer token of sentry',
    'sentry.io:443',
    'token of sentry',
  ]);
});

test("a key of another's, of no API or for another place stays closed", async (t) => {
  const { refusal, strangerId } = await makeOpener(t);
  const gitlab = 'https://gitlab.com/api/v4/user';
  const missing = 'no key is named gitlab: register it, then run the workflow again';
  assert.equal(await refusal('gitlab', gitlab, strangerId), missing);
  assert.equal(await refusal('other', gitlab), missing.replace('gitlab', 'other'));
  assert.match(await refusal('a\u0000b', gitlab), /^key_name: /u);
  assert.equal(await refusal('ssh', gitlab), 'ssh is an ssh key, which is for git alone');
  assert.equal(
    await refusal('github', gitlab),
    'github is a github key for http://127.0.0.1:3000, and is not sent to https://gitlab.com',
  );
  assert.equal(
    await refusal('engine', 'http://127.0.0.1:3000/api/v3/repos/acme/other/issues/1'),
    'engine is for acme/engine, not for acme/other',
  );
});

test('a key for one project of Sentry is opened once Sentry says that the issue is of that project', async (t) => {
  const asked: unknown[] = [];
  const { openFor, refusal } = await makeOpener(t, {
    sentryProjectOf: async (token, issue) => {
      asked.push([token.reveal(), issue]);
      return issue.issue === '7' ? 'web' : 'shop';
    },
  });
  const { url } = await openFor('web', 'https://sentry.io/api/0/issues/7/events/latest/');
  assert.equal(url.href, 'https://sentry.io/api/0/organizations/acme/issues/7/events/latest/');
  assert.equal(
    await refusal('web', 'https://sentry.io/api/0/issues/8/'),
    'web is for acme/web, where the issue 8 is not',
  );
  assert.deepEqual(asked, [
    ['token of web', { org: 'acme', issue: '7' }],
    ['token of web', { org: 'acme', issue: '8' }],
  ]);
});

test('a key that the server cannot decrypt any more is said so', async (t) => {
  const other = createKeyRing([new Secret('the key of another installation')]);
  const { refusal } = await makeOpener(t, { keyRing: other });
  assert.match(await refusal('gitlab', 'https://gitlab.com/api/v4/user'), /cannot be decrypted: register/u);
});
