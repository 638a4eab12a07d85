import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { assertError, githubKey, sentryKey, type Enter, type Json } from './stage.ts';

const path = '/api/v1/sentry';
const key = `key_name=${sentryKey}`;

export function sentryChapter(enter: Enter): void {
  describe('Sentry Proxy', () => {
    let issue: Json;
    before(async () => {
      const { sentry } = await enter();
      const web = sentry.addProject(sentry.addOrganization('my-org'), 'my-project');
      issue = sentry.addIssue(web);
      sentry.addIssue(web, { status: 'resolved' });
    });
    const get = async (rest: string) => (await enter()).call('GET', `${path}/${rest}`);

    test('every path wants key_name, and a key of Sentry', async () => {
      const paths = ['organizations?', 'projects?org=o&', 'issues?org=o&project=p&', 'issues/1?'];
      for (const rest of [...paths, 'issues/1/latest-event?']) {
        assertError(await get(rest), 400, 'key_name: field is required');
        assertError(await get(`${rest}key_name=nobody`), 404, /not found/u);
        assert.equal((await get(`${rest}key_name=${githubKey}`)).status, 400, rest);
      }
    });

    test('organizations are listed in an object, as Sentry has them', async () => {
      const { status, json } = await get(`organizations?${key}`);
      assert.equal(status, 200);
      assert.deepEqual(Object.keys(json), ['organizations']);
      assert.equal(json.organizations[0].slug, 'my-org');
    });

    test('the projects of an organization are listed, and org is required', async () => {
      const { json } = await get(`projects?${key}&org=my-org`);
      assert.deepEqual(Object.keys(json), ['projects']);
      assert.equal(json.projects[0].slug, 'my-project');
      assertError(await get(`projects?${key}`), 400, 'org: field is required');
    });

    test('the issues of a project are listed, and org and project are required', async () => {
      const { json } = await get(`issues?${key}&org=my-org&project=my-project`);
      assert.deepEqual(Object.keys(json), ['issues']);
      const missing = await get(`issues?${key}`);
      const required = 'field is required';
      assert.deepEqual(missing.json.fields, { org: required, project: required });
    });

    test('the unresolved ones are searched where no query is given, at most 50', async () => {
      const { sentry } = await enter();
      const { json } = await get(`issues?${key}&org=my-org&project=my-project`);
      assert.deepEqual(
        json.issues.map(({ id }: Json) => id),
        [issue.id],
      );
      const asked = sentry.requests.at(-1)?.query;
      assert.deepEqual([asked?.get('query'), asked?.get('limit')], ['is:unresolved', '50']);
    });

    test('query, sort and limit are given to Sentry', async () => {
      const { sentry } = await enter();
      for (const sort of ['freq', 'date', 'priority']) {
        const wish = `query=is:resolved&sort=${sort}&limit=5`;
        const { status, json } = await get(`issues?${key}&org=my-org&project=my-project&${wish}`);
        assert.deepEqual([status, json.issues.length], [200, 1]);
        const asked = sentry.requests.at(-1)?.query;
        assert.deepEqual([asked?.get('sort'), asked?.get('limit')], [sort, '5']);
      }
    });

    test('an issue is what Sentry has of it', async () => {
      const { status, json } = await get(`issues/${issue.id}?${key}`);
      assert.equal(status, 200);
      assert.deepEqual([json.id, json.title], [issue.id, issue.title]);
    });

    test('the latest event of an issue is what Sentry has of it', async () => {
      const { status, json } = await get(`issues/${issue.id}/latest-event?${key}`);
      assert.equal(status, 200);
      for (const name of ['entries', 'tags', 'contexts']) assert.ok(name in json, name);
    });

    test('a Sentry that fails is 502', async () => {
      const { sentry } = await enter();
      sentry.faults.plan({}, { kind: 'answer', status: 500, body: {} });
      assert.equal((await get(`organizations?${key}`)).status, 502);
    });

    test('Sentry was asked nothing that it does not document', async () => {
      const { sentry } = await enter();
      sentry.assertNoViolations();
    });
  });
}
