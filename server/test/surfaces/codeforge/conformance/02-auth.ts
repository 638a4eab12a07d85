import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Enter } from './stage.ts';

export function authChapter(enter: Enter): void {
  describe('Auth', () => {
    const path = '/api/v1/auth/verify';

    test('a valid token is confirmed', async () => {
      const { call } = await enter();
      const { status, json } = await call('GET', path);
      assert.deepEqual([status, json], [200, { status: 'authenticated' }]);
    });

    test('a missing or wrong token, and another scheme, are 401 with the documented body', async () => {
      const { call, house } = await enter();
      const wrong = ['Bearer wrong', 'Bearer', `Basic ${btoa(`x:${house.token}`)}`, house.token];
      for (const authorization of [undefined, ...wrong]) {
        const headers = { ...(authorization !== undefined && { authorization }) };
        const { status, json } = await call('GET', path, { token: null, headers });
        assert.equal(status, 401, authorization ?? 'none');
        assert.deepEqual(json, { error: 'unauthorized', message: 'missing or invalid Bearer token' });
      }
    });

    test('a wrong token is not made good by a right key beside it', async () => {
      const { call, house } = await enter();
      const answer = await call('GET', path, { token: 'wrong', headers: { 'x-api-key': house.token } });
      assert.equal(answer.status, 401);
    });
  });
}
