import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../../../support/processes.ts';
import { assertError, githubKey, gitlabKey, type Enter, type Json } from './stage.ts';

const path = '/api/v1/keys';

export function keysChapter(enter: Enter): void {
  describe('Keys', () => {
    const register = async (key: object) => (await enter()).call('POST', path, { body: key });

    test('a key is registered, and its token is in no answer', async () => {
      const { call } = await enter();
      const key = { name: 'registered', provider: 'github', token: 'ghp_registered', scope: 'org/repo' };
      const answer = await register(key);
      assert.equal(answer.status, 201, answer.text);
      assert.deepEqual(answer.json, { name: 'registered', provider: 'github', message: 'key registered' });
      const list = await call('GET', path);
      assert.ok(![answer.text, list.text].some((text) => text.includes('ghp_registered')));
    });

    test('tokens are stored encrypted', async () => {
      const { house, github } = await enter();
      const rows = await house.query<{ text: string }>(
        "select encode(ciphertext, 'escape') as text from secrets",
      );
      assert.ok(rows.length >= 2);
      assert.ok(!rows.some(({ text }) => text.includes(github.token)));
    });

    test('github and gitlab are providers, others are refused', async () => {
      const answer = await register({ name: 'other', provider: 'bitbucket', token: 'x' });
      assertError(answer, 400, 'provider: unknown provider: bitbucket');
      for (const provider of ['github', 'gitlab']) {
        assert.equal((await register({ name: `of-${provider}`, provider, token: 'x' })).status, 201);
      }
    });

    test('name, provider and token are required', async () => {
      const { status, json } = await register({});
      assert.equal(status, 400);
      const required = 'field is required';
      assert.deepEqual(json.fields, { name: required, provider: required, token: required });
    });

    test('a name has letters, digits, - and _, is not catalog, and is unique', async () => {
      for (const name of ['a b', 'a/b', 'catalog']) {
        assert.equal((await register({ name, provider: 'github', token: 'x' })).status, 400, name);
      }
      assert.equal((await register({ name: 'a-b_1', provider: 'github', token: 'x' })).status, 201);
      assert.equal((await register({ name: 'a-b_1', provider: 'github', token: 'y' })).status, 409);
    });

    test('keys are listed with provider and scope', async () => {
      const { call } = await enter();
      const { status, json } = await call('GET', path);
      assert.equal(status, 200);
      const found = json.keys.find(({ name }: Json) => name === githubKey);
      const { created_at: _ours, ...documented } = found;
      assert.deepEqual(documented, { name: githubKey, provider: 'github', scope: '' });
    });

    test('a valid key is told with its user, address and scopes', async () => {
      const { call } = await enter();
      for (const [name, provider] of [[githubKey, 'github'] as const, [gitlabKey, 'gitlab'] as const]) {
        const { status, json } = await call('GET', `${path}/${name}/verify`);
        assert.equal(status, 200);
        const { email, scopes, ...rest } = json;
        assert.deepEqual(rest, { name, provider, valid: true, username: 'ada', error: '' });
        assert.ok(typeof email === 'string' && typeof scopes === 'string');
      }
    });

    test('a token that is not valid is 422, with what is wrong', async () => {
      const { call, github } = await enter();
      await register({ name: 'expired', provider: 'github', token: github.expiredToken });
      const { status, json } = await call('GET', `${path}/expired/verify`);
      assert.equal(status, 422);
      const { error, ...rest } = json;
      assert.deepEqual(rest, { name: 'expired', provider: 'github', valid: false });
      assert.match(error, /expired/u);
    });

    test('a key that is not there cannot be verified', async () => {
      const { call } = await enter();
      assertError(await call('GET', `${path}/nobody/verify`), 404, /not found/u);
    });

    test('a provider that fails is 502', async () => {
      const { call, github } = await enter();
      github.goAway(5);
      const verify = async () => (await call('GET', `${path}/${githubKey}/verify`)).status;
      assert.equal(await verify(), 502);
      await until('the provider to be back', async () => (await verify()) === 200);
    });

    test('a key is deleted, with a message, once', async () => {
      const { call } = await enter();
      await register({ name: 'short-lived', provider: 'github', token: 'x' });
      const { status, json } = await call('DELETE', `${path}/short-lived`);
      assert.deepEqual([status, typeof json.message], [200, 'string']);
      assert.equal((await call('DELETE', `${path}/short-lived`)).status, 404);
    });
  });
}
