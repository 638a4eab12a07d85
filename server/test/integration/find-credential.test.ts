import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { isForgeError } from '../../src/compose-repositories.ts';
import type { KeyProvider } from '../../src/domain/key.ts';
import { RunFailure, type Failure } from '../../src/domain/failure.ts';
import { ForgeError } from '../../src/forges/forge.ts';
import { systemIds } from '../../src/lib/ids.ts';
import { Secret } from '../../src/lib/secret.ts';
import { createKeyRing } from '../../src/secrets/key-ring.ts';
import {
  createFindCredential,
  secretsIn,
  type CredentialTask,
  type FindCredentialDeps,
  type TaskCredential,
} from '../../src/services/find-credential.ts';
import { deleteKey, insertKey } from '../../src/store/keys.ts';
import { makeForges } from '../support/forges.ts';
import { addOwner, setStage } from '../support/stored-tasks.ts';

const keyRing = createKeyRing([new Secret('a key for the tests of this file')]);
const serverHub = new Secret('ghp_of-the-server');
const serverLab = new Secret('glpat_of-the-server');

/** The finder for a server with a token of its own for each forge, an administrator's and an ordinary user's tasks. */
async function makeFinder(t: TestContext, more: Partial<FindCredentialDeps> = {}) {
  const stage = await setStage(t);
  const { database, ownerId: adminId } = stage;
  const memberId = await addOwner(stage, 'member');
  const { forgeOf, serverToken } = makeForges({
    github: { apiUrl: 'https://api.github.com', token: serverHub },
    gitlab: { apiUrl: 'https://gitlab.com/api/v4', token: serverLab },
  });
  const find = createFindCredential({
    database,
    keyRing,
    repositories: { allowFile: true, allowHttp: true, allowSsh: true },
    forgeOf,
    serverToken,
    isForgeError,
    ...more,
  });
  const seal = (token: string) => {
    const id = systemIds.ordered();
    return { id, ...keyRing.seal(id, new Secret(token)) };
  };
  const credential = (repositoryUrl: string, task: Partial<CredentialTask> = {}): Promise<TaskCredential> =>
    find(
      { ownerId: adminId, repositoryUrl, accessTokenId: null, providerKey: null, ...task },
      AbortSignal.timeout(20_000),
    );
  return {
    database,
    adminId,
    memberId,
    credential,
    refusal: async (repositoryUrl: string, task: Partial<CredentialTask> = {}): Promise<Failure> => {
      const error = await credential(repositoryUrl, task).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      assert.ok(error instanceof RunFailure, String(error));
      assert.equal(error.failure.code, 'credential_missing');
      return error.failure;
    },
    addToken: async (token: string): Promise<string> => {
      const { id, keyId, nonce, ciphertext } = seal(token);
      const row = { id, owner_id: adminId, key_id: keyId, nonce, ciphertext };
      await database.kysely.insertInto('secrets').values(row).execute();
      return id;
    },
    addKey: (name: string, provider: KeyProvider, token: string, { scope = '', ownerId = adminId } = {}) =>
      insertKey(database, { id: systemIds.ordered(), ownerId, name, provider, scope, secret: seal(token) }),
  };
}

/** A credential with its secrets in the clear. */
function shown({ git, token }: TaskCredential): readonly unknown[] {
  if (git?.kind === 'ssh_key') return ['ssh', git.privateKey.reveal(), token?.reveal()];
  return [git?.username, git?.password.reveal(), token?.reveal()];
}

const engine = 'https://github.com/acme/engine.git';

test("a task's own token goes before the key that it names, and that before the server's", async (t) => {
  const { credential, addToken, addKey } = await makeFinder(t);
  const accessTokenId = await addToken('ghp_of-the-task');
  await addKey('hub', 'github', 'ghp_of-the-key');
  const own = await credential(engine, { accessTokenId, providerKey: 'hub' });
  assert.deepEqual(shown(own), ['x-access-token', 'ghp_of-the-task', 'ghp_of-the-task']);
  const named = await credential(engine, { providerKey: 'hub' });
  assert.deepEqual(shown(named), ['x-access-token', 'ghp_of-the-key', 'ghp_of-the-key']);
  const server = await credential(engine);
  assert.deepEqual(shown(server), ['x-access-token', serverHub.reveal(), serverHub.reveal()]);
  const lab = await credential('https://gitlab.com/group/sub/project');
  assert.deepEqual(shown(lab), ['oauth2', serverLab.reveal(), serverLab.reveal()]);
  assert.deepEqual(
    secretsIn(lab).map((secret) => secret.reveal()),
    [serverLab.reveal()],
  );
});

test("the server's own token is for administrators' tasks, on the forge's own host alone", async (t) => {
  const { credential, memberId } = await makeFinder(t);
  const none = [undefined, undefined, undefined];
  assert.deepEqual(shown(await credential(engine, { ownerId: memberId })), none);
  for (const url of [
    'https://github.com.evil.example/acme/engine',
    'https://notgithub.com/acme/engine',
    'https://evil.example/github.com/acme/engine',
    'https://github.com:8443/acme/engine',
    'https://github.com./acme/engine',
    'https://api.github.com/acme/engine',
    'http://github.com/acme/engine',
    'https://gitlab.com.evil.example/acme/engine',
    'file:///github.com/acme/engine',
  ]) {
    assert.deepEqual(shown(await credential(url)), none, url);
  }
});

test("a token of the task's own goes to the host that the task names, whatever it is", async (t) => {
  const { credential, addToken } = await makeFinder(t);
  const accessTokenId = await addToken('a-token-for-it');
  const found = await credential('https://git.example.com/acme/engine', { accessTokenId });
  assert.deepEqual(shown(found), ['x-access-token', 'a-token-for-it', 'a-token-for-it']);
});

test('a key that does not fit is a failure that says why, and nothing else is tried', async (t) => {
  const { refusal, addKey, memberId, adminId } = await makeFinder(t);
  await addKey('hub', 'github', 'ghp_of-the-key');
  await addKey('lab', 'gitlab', 'glpat_of-the-key');
  await addKey('acme', 'github', 'ghp_of-acme', { scope: 'acme' });
  await addKey('theirs', 'github', 'ghp_of-the-member', { ownerId: memberId });
  const cases: readonly (readonly [string, string, string])[] = [
    [engine, 'other', 'no key is named other: register it, then try again'],
    [engine, 'theirs', 'no key is named theirs: register it, then try again'],
    [engine, 'lab', 'lab is a gitlab key, and the repository lies on github.com'],
    [
      'https://github.com.evil.example/a/b',
      'hub',
      'hub is a github key, and the repository lies on github.com.evil.example',
    ],
    [
      'http://github.com/acme/engine',
      'hub',
      'hub is a github key, and the repository lies on http://github.com',
    ],
    ['file:///srv/engine.git', 'hub', 'hub is a github key, and the repository lies on the server itself'],
    ['https://github.com/other/repo', 'acme', 'acme is for acme, not for other/repo'],
  ];
  for (const [url, providerKey, message] of cases) {
    const failure = await refusal(url, { providerKey });
    assert.deepEqual([failure.message, failure.retryable], [message, false]);
  }
  const member = await refusal(engine, { ownerId: memberId, providerKey: 'hub' });
  assert.match(member.message, /^no key is named hub/u);
  assert.notEqual(memberId, adminId);
});

test('a key that was deleted in the meantime is missed by name', async (t) => {
  const { credential, refusal, addKey, database, adminId } = await makeFinder(t);
  await addKey('hub', 'github', 'ghp_of-the-key');
  await credential(engine, { providerKey: 'hub' });
  assert.ok(await deleteKey(database, adminId, 'hub'));
  assert.match((await refusal(engine, { providerKey: 'hub' })).message, /^no key is named hub/u);
});

test('over ssh git gets a private key by name, and the forge a token where there is one', async (t) => {
  const { credential, refusal, addKey, addToken, memberId } = await makeFinder(t);
  await addKey('deploy', 'ssh', 'a private key', { scope: 'github.com/acme' });
  await addKey('hub', 'github', 'ghp_of-the-key');
  const ssh = 'git@github.com:acme/engine.git';
  const providerKey = 'deploy';
  assert.deepEqual(shown(await credential(ssh, { providerKey })), [
    'ssh',
    'a private key',
    serverHub.reveal(),
  ]);
  const accessTokenId = await addToken('ghp_of-the-task');
  const both = await credential(ssh, { providerKey, accessTokenId });
  assert.deepEqual(shown(both), ['ssh', 'a private key', 'ghp_of-the-task']);
  assert.deepEqual(
    secretsIn(both).map((secret) => secret.reveal()),
    ['a private key', 'ghp_of-the-task'],
  );
  await addKey('deploy', 'ssh', "a member's key", { ownerId: memberId });
  const members = await credential(ssh, { providerKey, ownerId: memberId });
  assert.deepEqual(shown(members), ['ssh', "a member's key", undefined]);
  const cases: readonly (readonly [string, Partial<CredentialTask>, RegExp])[] = [
    [ssh, {}, /^git over ssh needs a key/u],
    [ssh, { accessTokenId }, /^git over ssh needs a key/u],
    [ssh, { providerKey: 'hub' }, /^hub is a github key, and git over ssh needs an ssh key/u],
    [
      'git@github.com:other/engine.git',
      { providerKey },
      /^deploy is for github.com\/acme, not for github.com\/other\/engine$/u,
    ],
    [engine, { providerKey }, /^deploy is an ssh key/u],
  ];
  for (const [url, task, message] of cases) assert.match((await refusal(url, task)).message, message);
});

test('an app that GitHub does not answer is tried again; one that is not installed there has no token', async (t) => {
  let failing = new ForgeError('unavailable', 'GitHub could not be reached');
  const { credential, refusal } = await makeFinder(t, { serverToken: () => Promise.reject(failing) });
  const passing = await refusal(engine);
  assert.deepEqual([passing.retryable, passing.message], [true, 'GitHub could not be reached']);
  failing = new ForgeError('forbidden', 'the app is suspended');
  const lasting = await refusal(engine);
  assert.deepEqual([lasting.retryable, lasting.message], [false, 'the app is suspended']);
  failing = new ForgeError('not_found', 'the app is not installed on acme/engine');
  assert.deepEqual(shown(await credential(engine)), [undefined, undefined, undefined]);
});

test('a secret that nothing opens any more is told with the setting that lost its key', async (t) => {
  const { refusal, addKey, addToken } = await makeFinder(t, {
    keyRing: createKeyRing([new Secret('another key than that of the tests')]),
  });
  await addKey('hub', 'github', 'ghp_of-the-key');
  const accessTokenId = await addToken('ghp_of-the-task');
  for (const task of [{ providerKey: 'hub' }, { accessTokenId }]) {
    const { message, retryable } = await refusal(engine, task);
    assert.match(message, /cannot be decrypted: .*SLIPWAY_ENCRYPTION_KEY/u);
    assert.equal(retryable, false);
  }
});
