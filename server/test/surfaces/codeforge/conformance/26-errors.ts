import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { smallestTask, testApi } from '../test-api.ts';
import type { Enter } from './stage.ts';

export function errorsChapter(enter: Enter): void {
  describe('Error Format', () => {
    const path = '/api/v1/tasks';

    test('an error has error and message, and of wrong fields their messages', async () => {
      const { call, repositoryUrl } = await enter();
      const body = { repo_url: repositoryUrl, config: { cli: 'script', command: 'true' } };
      const { status, json } = await call('POST', path, { body });
      assert.equal(status, 400);
      assert.deepEqual(json, {
        error: 'Bad Request',
        message: 'prompt: field is required',
        fields: { prompt: 'field is required' },
      });
    });

    test('401 is unauthorized', async () => {
      const { call } = await enter();
      const { status, json } = await call('GET', path, { token: null });
      assert.deepEqual([status, json.error], [401, 'unauthorized']);
    });

    test('404 is Not Found, also where there is no such path', async () => {
      const { call } = await enter();
      for (const unknown of [`${path}/nothing`, '/api/v1/nothing', '/nothing']) {
        const { status, json } = await call('GET', unknown);
        assert.deepEqual([status, json.error], [404, 'Not Found'], unknown);
      }
    });

    test('409 is Conflict', async () => {
      const { call, finished } = await enter();
      const { status, json } = await call('POST', `${path}/${(await finished()).id}/cancel`);
      assert.deepEqual([status, json.error], [409, 'Conflict']);
    });

    test('429 is rate_limit_exceeded, with Retry-After', async (t) => {
      const { call } = await testApi(t, { policy: { tasksPerMinute: 1 } });
      await call('POST', path, { body: smallestTask });
      const { status, json, headers } = await call('POST', path, { body: smallestTask });
      assert.deepEqual([status, json.error], [429, 'rate_limit_exceeded']);
      assert.match(String(headers['retry-after']), /^[1-9]\d*$/u);
    });

    test('a database that is away is 503 with Retry-After, and no word of the inside', async (t) => {
      const { call } = await testApi(t, { databaseAway: true });
      const { status, json, headers, text } = await call('GET', path);
      assert.deepEqual([status, json.error], [503, 'Service Unavailable']);
      assert.match(String(headers['retry-after']), /^[1-9]\d*$/u);
      assert.doesNotMatch(text, /ENOENT|postgres|nonexistent/iu);
    });
  });
}
