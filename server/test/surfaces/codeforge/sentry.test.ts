import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beforeSentry } from './sentry-stage.ts';
import { strangerToken } from './test-api.ts';

type Listed = readonly { readonly slug: string; readonly id: string }[];
const slugsOf = (list: Listed): readonly string[] => list.map(({ slug }) => slug);
const idsOf = (list: Listed): readonly string[] => list.map(({ id }) => id);

test("organizations and projects are Sentry's own, each list in an object", async (t) => {
  const { sentry, acme, get } = await beforeSentry(t);
  const organizations = await get('organizations?key_name=my-sentry');
  assert.equal(organizations.status, 200, organizations.text);
  assert.equal(organizations.headers['content-type'], 'application/json; charset=utf-8');
  assert.deepEqual(Object.keys(organizations.json), ['organizations']);
  assert.deepEqual(organizations.json.organizations[0], acme);
  const projects = await get('projects?key_name=my-sentry&org=acme');
  assert.equal(projects.status, 200, projects.text);
  assert.deepEqual(Object.keys(projects.json), ['projects']);
  assert.deepEqual(slugsOf(projects.json.projects), ['web', 'shop']);
  assert.equal(projects.headers['link'], undefined);
  sentry.assertNoViolations();
});

test('the unresolved issues of one project are searched, 50 of them, unless something else is asked for', async (t) => {
  const { sentry, web, shop, get } = await beforeSentry(t);
  const open = sentry.addIssue(web);
  const done = sentry.addIssue(web, { status: 'resolved' });
  sentry.addIssue(shop);
  const usual = await get('issues?key_name=my-sentry&org=acme&project=web&query=&sort=&limit=');
  assert.equal(usual.status, 200, usual.text);
  assert.deepEqual(Object.keys(usual.json), ['issues']);
  assert.deepEqual(idsOf(usual.json.issues), [open.id]);
  const resolved = await get(
    'issues?key_name=my-sentry&org=acme&project=web&query=is:resolved&sort=freq&limit=5',
  );
  assert.deepEqual(idsOf(resolved.json.issues), [done.id]);
  const asked = sentry.requests.filter((request) => request.path.endsWith('/issues/'));
  assert.deepEqual(
    asked.map(({ query }) => Object.fromEntries(query)),
    [
      { project: web.id, query: 'is:unresolved', limit: '50' },
      { project: web.id, query: 'is:resolved', sort: 'freq', limit: '5' },
    ],
  );
  for (const sort of ['date', 'priority']) {
    assert.equal((await get(`issues?key_name=my-sentry&org=acme&project=web&sort=${sort}`)).status, 200);
  }
  for (const [limit, sent] of [
    ['0', '1'],
    ['-7', '1'],
    ['1000', '100'],
  ]) {
    await get(`issues?key_name=my-sentry&org=acme&project=web&limit=${limit}`);
    assert.equal(sentry.requests.at(-1)?.query.get('limit'), sent);
  }
  sentry.assertNoViolations();
});

test('an issue and its latest event come as Sentry wrote them, to the last digit', async (t) => {
  const { sentry, web, get } = await beforeSentry(t);
  const issue = sentry.addIssue(web);
  const found = await get(`issues/${issue.id}?key_name=my-sentry`);
  assert.equal(found.status, 200, found.text);
  assert.equal(found.json.title, issue.title);
  assert.equal(found.json.project.slug, 'web');
  const event = await get(`issues/${issue.id}/latest-event?key_name=my-sentry`);
  assert.equal(event.status, 200, event.text);
  assert.equal(event.json.groupID, issue.id);
  assert.equal(event.json.entries[0].type, 'exception');
  const text = '{ "id":"1","big":12345678901234567890,"exact":1.0, "text":"\\u00e9é" }\n';
  sentry.faults.plan({ times: 2 }, { kind: 'answer', status: 200, body: text });
  assert.equal((await get(`issues/${issue.id}?key_name=my-sentry`)).text, text);
  assert.equal((await get(`issues/${issue.id}/latest-event?key_name=my-sentry`)).text, text);
  sentry.faults.plan({}, { kind: 'answer', status: 200, body: `[${text}]` });
  const list = await get('organizations?key_name=my-sentry');
  assert.equal(list.text, `{"organizations":[${text}]}`);
  sentry.assertNoViolations();
});

test('an issue has a short id too, where its organization is said', async (t) => {
  const { sentry, web, get } = await beforeSentry(t);
  const issue = sentry.addIssue(web);
  const found = await get(`issues/${issue.shortId}?key_name=my-sentry&org=acme`);
  assert.equal(found.json.id, issue.id);
  const event = await get(`issues/${issue.shortId}/latest-event?key_name=my-sentry&org=acme`);
  assert.equal(event.json.groupID, issue.id);
  assert.equal((await get(`issues/${issue.shortId}?key_name=my-sentry&org=other`)).status, 404);
  sentry.assertNoViolations();
});

test('a long list goes on with the address that its header names', async (t) => {
  const { sentry, acme, get } = await beforeSentry(t, { pageSize: 2 });
  for (let number = 0; number < 3; number += 1) sentry.addProject(acme, `more-${number}`);
  const slugs: string[] = [];
  let next = '?key_name=my-sentry&org=acme';
  while (next !== '') {
    const page = await get(`projects${next}`);
    assert.equal(page.status, 200, page.text);
    slugs.push(...slugsOf(page.json.projects));
    const link = typeof page.headers['link'] === 'string' ? page.headers['link'] : '';
    next = /^<(?<next>\?[^>]+)>; rel="next"$/u.exec(link)?.groups?.['next'] ?? '';
  }
  assert.deepEqual(slugs, ['web', 'shop', 'more-0', 'more-1', 'more-2']);
  const wrong = await get('projects?key_name=my-sentry&org=acme&cursor=nowhere');
  assert.deepEqual([wrong.status, wrong.json.error], [400, 'Bad Request']);
  assert.match(
    wrong.json.message,
    /^Sentry could not list the projects of acme: .*Invalid cursor parameter/u,
  );
  sentry.assertNoViolations();
});

test('a field that is missing or wrong is 400 by its name, and Sentry is not asked', async (t) => {
  const { sentry, api, get } = await beforeSentry(t);
  const needed = 'field is required';
  const slug = 'must be a slug: letters, digits, "-" and "_"';
  const issueId = 'must be the number of an issue, or a short id such as WEB-1A';
  const key = 'key_name=my-sentry';
  const cases: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ['organizations', { key_name: needed }],
    ['organizations?key_name=', { key_name: needed }],
    ['organizations?key_name=a&key_name=b', { key_name: 'must be a string' }],
    [`organizations?${key}&cursor=a%0Ab`, { cursor: 'must not contain control characters' }],
    ['projects', { key_name: needed, org: needed }],
    ['projects?key_name=&org=', { key_name: needed, org: needed }],
    [`projects?${key}`, { org: needed }],
    [`projects?${key}&org=../x`, { org: slug }],
    [`projects?${key}&org=..`, { org: slug }],
    ['issues', { key_name: needed, org: needed, project: needed }],
    [`issues?${key}&org=acme`, { project: needed }],
    [`issues?${key}&org=acme&project=a%2Fb`, { project: slug }],
    [`issues?${key}&org=acme&project=web&sort=trends`, { sort: 'must be one of freq, date, priority' }],
    [`issues?${key}&org=acme&project=web&limit=many`, { limit: 'must be an integer' }],
    [`issues?${key}&org=acme&project=web&query=${'x'.repeat(5_000)}`, { query: 'exceeds maximum length' }],
    [`issues?${key}&org=acme&project=web&query=a%00`, { query: 'must not contain NUL characters' }],
    ['issues/1', { key_name: needed }],
    ['issues/1/latest-event', { key_name: needed }],
    [`issues/..%2Forganizations?${key}`, { issueID: issueId }],
    [`issues/1%2F2/latest-event?${key}`, { issueID: issueId }],
    [`issues/web?${key}&org=%20`, { issueID: issueId, org: slug }],
  ];
  for (const [rest, fields] of cases) {
    const answer = await get(rest);
    assert.equal(answer.status, 400, `${rest}: ${answer.text}`);
    assert.deepEqual(answer.json.fields, fields, rest);
  }
  const { json } = await get('organizations');
  assert.deepEqual([json.error, json.message], ['Bad Request', 'key_name: field is required']);
  const github = { name: 'hub', provider: 'github', token: 'ghp_x' };
  await api.call('POST', '/api/v1/keys', { body: github });
  const hub = await get('organizations?key_name=hub');
  assert.equal(hub.status, 400);
  assert.deepEqual(hub.json.fields, { key_name: 'hub is a key for github, not for sentry' });
  assert.equal(sentry.requests.length, 0);
});

test("a key that is not there is 404, and so is somebody else's", async (t) => {
  const { sentry, api, get } = await beforeSentry(t);
  const routes = [
    'organizations?',
    'projects?org=acme&',
    'issues?org=acme&project=web&',
    'issues/1?',
    'issues/1/latest-event?',
  ];
  for (const route of routes) {
    for (const name of ['not-there', 'a%20b', '%00']) {
      const { status, json } = await get(`${route}key_name=${name}`);
      assert.deepEqual([status, json.message], [404, 'key not found']);
    }
    const asked = `/api/v1/sentry/${route}key_name=my-sentry`;
    assert.equal((await api.call('GET', asked, { token: strangerToken })).status, 404);
    assert.equal((await api.call('GET', asked, { token: null })).status, 401);
  }
  assert.equal(sentry.requests.length, 0);
});

test('a key for an organization shows nothing of another one', async (t) => {
  const { sentry, other, web, register, get } = await beforeSentry(t);
  await register('acme-only', { scope: 'acme' });
  const foreign = sentry.addIssue(sentry.addProject(other, 'secret'));
  const own = sentry.addIssue(web);
  const key = 'key_name=acme-only';
  assert.deepEqual(slugsOf((await get(`organizations?${key}`)).json.organizations), ['acme']);
  assert.deepEqual(slugsOf((await get(`projects?org=acme&${key}`)).json.projects), ['web', 'shop']);
  for (const rest of ['projects?org=other', 'issues?org=Acme&project=web', `issues/${foreign.id}?org=4502`]) {
    const refused = await get(`${rest}&${key}`);
    assert.equal(refused.status, 400, rest);
    assert.match(refused.json.fields.org, /^acme-only is for acme, not for (?:other|Acme|4502)$/u);
  }
  assert.equal((await get(`issues/${own.id}?${key}`)).json.id, own.id);
  for (const rest of ['', '/latest-event']) {
    assert.equal((await get(`issues/${foreign.id}${rest}?${key}`)).status, 404, rest);
  }
  sentry.assertNoViolations();
});

test('a key for a project shows nothing of another one', async (t) => {
  const { sentry, web, shop, register, get } = await beforeSentry(t);
  await register('web-only', { scope: 'acme/web' });
  const own = sentry.addIssue(web);
  const foreign = sentry.addIssue(shop);
  const key = 'key_name=web-only';
  assert.deepEqual(slugsOf((await get(`organizations?${key}`)).json.organizations), ['acme']);
  assert.deepEqual(slugsOf((await get(`projects?org=acme&${key}`)).json.projects), ['web']);
  assert.deepEqual(idsOf((await get(`issues?org=acme&project=web&${key}`)).json.issues), [own.id]);
  const refused = await get(`issues?org=acme&project=shop&${key}`);
  assert.equal(refused.status, 400);
  assert.deepEqual(refused.json.fields, { project: 'web-only is for acme/web, not for acme/shop' });
  assert.equal((await get(`issues/${own.id}?${key}`)).status, 200);
  assert.equal((await get(`issues/${own.id}/latest-event?${key}`)).status, 200);
  for (const id of [foreign.id, foreign.shortId]) {
    for (const rest of ['', '/latest-event']) {
      const hidden = await get(`issues/${id}${rest}?${key}`);
      assert.equal(hidden.status, 404);
      assert.equal(hidden.json.message, 'web-only is for acme/web, where this issue is not');
    }
  }
  sentry.assertNoViolations();
});
