import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertError, githubKey, gitlabKey, type Enter, type Json } from './stage.ts';

const path = '/api/v1/repositories';

export function repositoriesChapter(enter: Enter): void {
  describe('Repositories', () => {
    test('the repositories of a stored key are listed', async () => {
      const { call, github } = await enter();
      const { status, json } = await call('GET', `${path}?provider_key=${githubKey}&page=1&per_page=30`);
      assert.equal(status, 200);
      const { repositories, ...page } = json;
      assert.deepEqual(page, { count: repositories.length, provider: 'github', page: 1, per_page: 30 });
      const found = repositories.find(({ clone_url: url }: Json) => url === github.repositoryUrl);
      const { description, updated_at: updatedAt, ...rest } = found;
      assert.deepEqual(rest, {
        name: 'engine',
        full_name: 'acme/engine',
        clone_url: github.repositoryUrl,
        default_branch: 'main',
        private: true,
      });
      assert.equal(typeof description, 'string');
      assert.ok(!Number.isNaN(Date.parse(updatedAt)));
    });

    test('the repositories of a token that the request brings are the same', async () => {
      const { call, github } = await enter();
      const brought = await call('GET', `${path}?provider=github&page=1&per_page=30`, {
        headers: { 'X-Provider-Token': github.token },
      });
      assert.equal(brought.status, 200);
      const stored = await call('GET', `${path}?provider_key=${githubKey}`);
      assert.deepEqual(brought.json, stored.json);
    });

    test('the projects of GitLab are listed with their groups', async () => {
      const { call } = await enter();
      const { json } = await call('GET', `${path}?provider_key=${gitlabKey}`);
      assert.equal(json.provider, 'gitlab');
      assert.deepEqual(
        json.repositories.map(({ full_name: name }: Json) => name),
        ['acme/tools/engine'],
      );
    });

    test('one of the two ways has to be taken, and the second needs its header', async () => {
      const { call } = await enter();
      for (const query of ['', '?provider=github', '?provider=bitbucket']) {
        assert.equal((await call('GET', `${path}${query}`)).status, 400, query);
      }
    });

    test('an unknown key is 404', async () => {
      const { call } = await enter();
      assertError(await call('GET', `${path}?provider_key=nobody`), 404, /not found/u);
    });

    test('page is 1 and per_page is 30 where none is given, and at most 100', async () => {
      const { call } = await enter();
      const page = async (query: string): Promise<readonly number[]> => {
        const { json } = await call('GET', `${path}?provider_key=${githubKey}${query}`);
        return [json.page, json.per_page];
      };
      assert.deepEqual(await page(''), [1, 30]);
      assert.deepEqual(await page('&page=2&per_page=1000'), [2, 100]);
    });

    test('a forge that refuses the token is 502', async () => {
      const { call, github } = await enter();
      const headers = { 'X-Provider-Token': github.expiredToken };
      assert.equal((await call('GET', `${path}?provider=github`, { headers })).status, 502);
    });
  });
}
