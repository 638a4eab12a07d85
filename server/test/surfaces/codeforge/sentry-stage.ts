import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { startSentry } from '../../stand-ins/sentry/sentry.ts';
import { testApi } from './test-api.ts';

/** The API before a Sentry with two organizations, and a key for it without a scope. */
export async function beforeSentry(t: TestContext, options: { readonly pageSize?: number } = {}) {
  const sentry = await startSentry(options);
  t.after(() => sentry.close());
  const api = await testApi(t, { sentryUrl: sentry.apiUrl });
  const acme = sentry.addOrganization('acme');
  const other = sentry.addOrganization('other');
  const web = sentry.addProject(acme, 'web');
  const shop = sentry.addProject(acme, 'shop');
  const token = sentry.addToken();
  const register = async (name: string, more: object = {}): Promise<void> => {
    const body = { name, provider: 'sentry', token, ...more };
    const answer = await api.call('POST', '/api/v1/keys', { body });
    assert.equal(answer.status, 201, answer.text);
    assert.deepEqual(answer.json, { name, provider: 'sentry', message: 'key registered' });
  };
  await register('my-sentry');
  const get = (rest: string) => api.call('GET', `/api/v1/sentry/${rest}`);
  return { sentry, api, acme, other, web, shop, token, register, get };
}
