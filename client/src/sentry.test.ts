import assert from 'node:assert/strict';
import { test } from 'node:test';
import { json, startStandIn } from '../test/stand-in.ts';
import { createClient } from './client.ts';

test("Sentry's lists and objects are asked for with the name of a key", async (t) => {
  const { url, seen } = await startStandIn(t, json(200, { issues: [] }));
  const { sentry } = createClient({ baseUrl: url, token: 'secret' });
  await sentry.organizations('mine');
  await sentry.projects({ key: 'mine', org: 'acme' });
  const found = await sentry.issues({
    key: 'mine',
    org: 'acme',
    project: 'web',
    query: 'is:resolved',
    limit: 5,
  });
  assert.deepEqual(found, { issues: [] });
  await sentry.issue({ key: 'mine', issue: '42' });
  await sentry.latestEvent({ key: 'mine', issue: 'WEB-1A', org: 'acme' });
  await assert.rejects(async () => sentry.issue({ key: 'mine', issue: '..' }), TypeError);
  assert.deepEqual(
    seen.map(({ method, url: path }) => `${method} ${path}`),
    [
      'GET /api/v1/sentry/organizations?key_name=mine',
      'GET /api/v1/sentry/projects?key_name=mine&org=acme',
      'GET /api/v1/sentry/issues?key_name=mine&org=acme&project=web&query=is%3Aresolved&limit=5',
      'GET /api/v1/sentry/issues/42?key_name=mine',
      'GET /api/v1/sentry/issues/WEB-1A/latest-event?key_name=mine&org=acme',
    ],
  );
});
