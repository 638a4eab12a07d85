import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { Gitlab as Client } from '@gitbeaker/rest';
import { fieldOf, numberField, textField } from '../../../src/lib/json-fields.ts';
import { gitByHand } from '../../support/git-repositories.ts';
import { asId, projectPath, pushBranch, requestsPath, scene } from './gitlab-scene.ts';
import type { Reply } from './gitlab-scene.ts';

const wish = { source_branch: 'work', target_branch: 'main', title: 'Work' };

test('the maintained client library goes from a push to a merged request', async (t) => {
  const here = await scene(t);
  const { gitlab, token } = here;
  const commit = await pushBranch(here, 'work');
  const client = new Client({ host: gitlab.url, token: token.value });
  assert.equal((await client.Users.showCurrentUser()).username, 'ada');
  assert.equal((await client.Projects.show(projectPath)).default_branch, 'main');
  const made = await client.MergeRequests.create(projectPath, 'work', 'main', 'Draft: Work', {
    description: 'why',
    labels: 'a,b',
  });
  assert.deepEqual([made.iid, made.draft, made.sha, made.labels], [1, true, commit, ['a', 'b']]);
  const edited = await client.MergeRequests.edit(projectPath, 1, { title: 'Work', addLabels: 'c' });
  assert.deepEqual([edited.draft, edited.labels, edited.changes_count], [false, ['a', 'b', 'c'], '1']);
  const [version] = await client.MergeRequests.allDiffVersions(projectPath, 1);
  assert.equal(version?.head_commit_sha, commit);
  const [request] = gitlab.project(projectPath).mergeRequests;
  assert.ok(request);
  await gitlab.mergeRequest(request);
  const listed = await client.MergeRequests.all({ projectId: projectPath, state: 'merged' });
  assert.deepEqual(
    listed.map(({ iid, state }) => [iid, state]),
    [[1, 'merged']],
  );
  await gitByHand(here.folder, 'clone', '--quiet', here.remote(projectPath), join(here.folder, 'after'));
  await gitByHand(join(here.folder, 'after'), 'cat-file', '-e', `HEAD:work.txt`);
  gitlab.assertNoViolations();
});

test('an issue is read by who sees its project, also by the client library', async (t) => {
  const { gitlab, call, project, token } = await scene(t);
  const author = gitlab.addUser('linus');
  const reported = { author, title: 'It is slow', description: 'Since Monday.' };
  assert.equal(gitlab.addIssue(project, reported).iid, 1);
  const client = new Client({ host: gitlab.url, token: token.value });
  const found = await client.Issues.show(1, { projectId: projectPath });
  assert.deepEqual(
    [found.title, found.description, found.author.username],
    [...Object.values(reported).slice(1), 'linus'],
  );
  const stranger = gitlab.addToken(author).value;
  assert.equal((await call(`/projects/${asId}/issues/1`, { token: stranger })).status, 404);
  assert.equal((await call(`/projects/${asId}/issues/2`)).status, 404);
  gitlab.assertNoViolations();
});

test('what the documentation does not have is refused and kept', async (t) => {
  const { gitlab, call } = await scene(t);
  const refused = [
    await call('/projects?member=true'),
    await call('/projects?per_page=500'),
    await call(`${requestsPath}?state=open`),
    await call(requestsPath, { method: 'POST', body: { ...wish, head: 'work' } }),
    await call(requestsPath, { method: 'POST', body: { title: 7 } }),
    await call(requestsPath, { method: 'POST', body: { title: 'Work' } }),
    await call('/user', { headers: { authorization: 'Bearer x' } }),
    await call('/user?private_token=x'),
  ];
  assert.deepEqual(
    refused.map(({ status }) => status),
    refused.map(() => 400),
  );
  assert.equal((await call('/nothing')).status, 404);
  assert.equal(gitlab.violations.length, refused.length + 1);
  assert.match(gitlab.violations[5] ?? '', /source_branch is missing, target_branch is missing/u);
  assert.throws(() => gitlab.assertNoViolations());
});

test('tokens are unknown, expired, revoked or too narrow, each in its own words', async (t) => {
  const { gitlab, ada, call } = await scene(t);
  const words = async (token: string | undefined, method = 'GET'): Promise<unknown> => {
    const body = method === 'GET' ? undefined : wish;
    const reply = await call(method === 'GET' ? '/user' : requestsPath, { token, method, body });
    return [reply.status, textField(reply.body, 'message') || textField(reply.body, 'error')];
  };
  assert.deepEqual(await words(undefined), [401, '401 Unauthorized']);
  assert.deepEqual(await words('unknown'), [401, '401 Unauthorized']);
  const old = gitlab.addToken(ada, { expiresAt: '2020-01-01' });
  assert.deepEqual(await words(old.value), [401, 'invalid_token']);
  const revoked = gitlab.addToken(ada);
  revoked.isRevoked = true;
  assert.deepEqual(await words(revoked.value), [401, 'invalid_token']);
  const reader = gitlab.addToken(ada, { scopes: ['read_api'] });
  assert.deepEqual(await words(reader.value), [200, '']);
  assert.deepEqual(await words(reader.value, 'POST'), [403, 'insufficient_scope']);
  const self = await call('/personal_access_tokens/self', { token: reader.value });
  assert.deepEqual([fieldOf(self.body, 'scopes'), fieldOf(self.body, 'active')], [['read_api'], true]);
  const oauth = gitlab.addToken(ada, { kind: 'oauth' });
  const bearer = { token: undefined, headers: { authorization: `Bearer ${oauth.value}` } };
  assert.equal((await call('/user', bearer)).status, 200);
  assert.equal((await call('/personal_access_tokens/self', bearer)).status, 400);
  assert.deepEqual(await words(oauth.value), [401, '401 Unauthorized']);
  gitlab.assertNoViolations();
});

test('a private project is not there for a stranger, and a reporter may not propose from it', async (t) => {
  const here = await scene(t);
  const { gitlab, call, project } = here;
  await pushBranch(here, 'work');
  const eve = gitlab.addUser('eve');
  const token = gitlab.addToken(eve).value;
  assert.deepEqual((await call(`/projects/${asId}`, { token })).body, { message: '404 Project Not Found' });
  project.members.set(eve.id, 'reporter');
  assert.equal((await call(`/projects/${asId}`, { token })).status, 200);
  assert.equal((await call(requestsPath, { token, method: 'POST', body: wish })).status, 403);
  project.members.set(eve.id, 'developer');
  project.isArchived = true;
  assert.equal((await call(requestsPath, { token, method: 'POST', body: wish })).status, 403);
  project.isArchived = false;
  assert.equal((await call(requestsPath, { token, method: 'POST', body: wish })).status, 201);
});

test('a merge request is refused where there is one, where branches are the same, missing or unnamed', async (t) => {
  const here = await scene(t);
  const { call, gitlab } = here;
  await pushBranch(here, 'work');
  const create = (change: object): Promise<Reply> =>
    call(requestsPath, { method: 'POST', body: { ...wish, ...change } });
  assert.equal((await create({})).status, 201);
  const again = await create({ title: 'Again' });
  assert.deepEqual(
    [again.status, again.body],
    [409, { message: ['Another open merge request already exists for this source branch: !1'] }],
  );
  assert.equal((await create({ source_branch: 'main' })).status, 422);
  const missing = await create({ source_branch: 'nowhere' });
  assert.deepEqual([missing.status, missing.body], [400, { message: { source_branch: ['does not exist'] } }]);
  assert.equal((await create({ target_branch: 'nowhere' })).status, 400);
  assert.equal((await create({ target_branch: 'release', title: 'x'.repeat(256) })).status, 400);
  const [request] = gitlab.project(projectPath).mergeRequests;
  assert.ok(request);
  gitlab.closeRequest(request);
  assert.equal((await create({})).status, 201);
  const reopened = await call(`${requestsPath}/1`, { method: 'PUT', body: { state_event: 'reopen' } });
  assert.equal(reopened.status, 409);
  await here.project.repository.deleteBranch('work');
  assert.equal(textField((await call(`${requestsPath}/2`)).body, 'state'), 'closed');
});

test('a GitLab that takes branches which are not there makes a request without a diff', async (t) => {
  const { call } = await scene(t, { refusesMissingBranches: false });
  const made = await call(requestsPath, { method: 'POST', body: { ...wish, source_branch: 'nowhere' } });
  assert.deepEqual([made.status, fieldOf(made.body, 'sha')], [201, null]);
  const read = await call(`${requestsPath}/1`);
  assert.deepEqual([fieldOf(read.body, 'changes_count'), fieldOf(read.body, 'diff_refs')], [null, null]);
});

test('a request from a fork lies in the project that it leads to', async (t) => {
  const here = await scene(t);
  const { gitlab, call, project } = here;
  const fork = await gitlab.fork(project, 'ada/app', { ada: 'owner' });
  await pushBranch(here, 'work', 'ada/app');
  const body = { ...wish, target_project_id: project.id };
  const made = await call(`/projects/${fork.id}/merge_requests`, { method: 'POST', body });
  assert.deepEqual(
    [made.status, numberField(made.body, 'project_id'), numberField(made.body, 'source_project_id')],
    [201, project.id, fork.id],
  );
  assert.equal(fieldOf((await call(`${requestsPath}/1`)).body, 'changes_count'), '1');
  const origin = fieldOf((await call('/projects/ada%2Fapp')).body, 'forked_from_project');
  assert.equal(textField(origin, 'path_with_namespace'), projectPath);
  const other = await gitlab.addProject('acme/other', { members: { ada: 'owner' } });
  const strange = { ...wish, target_project_id: other.id };
  const refused = await call(`/projects/${fork.id}/merge_requests`, { method: 'POST', body: strange });
  assert.equal(refused.status, 422);
});

test('a moved project is redirected to for reads, refuses writes, and is still found by git', async (t) => {
  const here = await scene(t);
  const { gitlab, call, project } = here;
  await gitlab.move(project, 'acme/app-two');
  const moved = await call(`/projects/${asId}/merge_requests?state=opened`);
  const location = `${gitlab.apiUrl}/projects/${project.id}/merge_requests?state=opened`;
  assert.deepEqual([moved.status, moved.headers.get('location')], [302, location]);
  assert.equal((await call(requestsPath, { method: 'POST', body: wish })).status, 405);
  await pushBranch(here, 'work');
  assert.notEqual(await project.repository.tip('work'), undefined);
  await gitlab.move(project, projectPath);
  assert.equal((await call(`/projects/${asId}`)).status, 200);
  await gitlab.move(project, 'acme/app-two');
  await gitlab.addProject(projectPath, { members: { ada: 'owner' } });
  assert.equal((await call(`/projects/${asId}`)).status, 200);
  await gitlab.remove(gitlab.project(projectPath));
  assert.equal((await call(`/projects/${project.id}`)).status, 200);
});

test('git is let in by token, role and scope, and protected branches take nothing', async (t) => {
  const here = await scene(t);
  const { gitlab, ada, project, remote, folder } = here;
  await pushBranch(here, 'work');
  await gitlab.protectBranch(project, 'main');
  const work = join(folder, 'work-work');
  const push = (to: string, branch: string): Promise<string> =>
    gitByHand(work, 'push', '--quiet', to, `HEAD:refs/heads/${branch}`);
  await assert.rejects(push(remote(projectPath), 'main'), /not allowed to push code to protected branches/u);
  const reader = gitlab.addToken(ada, { scopes: ['read_repository'] });
  await assert.rejects(push(remote(projectPath, reader), 'next'), /returned error: 403/u);
  await gitByHand(folder, 'clone', '--quiet', remote(projectPath, reader), join(folder, 'read'));
  const eve = gitlab.addToken(gitlab.addUser('eve'));
  await assert.rejects(push(remote(projectPath, eve), 'next'), /not found/u);
  await assert.rejects(
    gitByHand(folder, 'ls-remote', gitlab.gitUrl(projectPath)),
    /could not read Username/u,
  );
  project.isArchived = true;
  await assert.rejects(push(remote(projectPath), 'next'), /returned error: 403/u);
  project.visibility = 'public';
  await gitByHand(folder, 'ls-remote', gitlab.gitUrl(projectPath));
});

test('lists come in pages, and what is known is not sent again', async (t) => {
  const { gitlab, call } = await scene(t);
  for (const name of ['b', 'c']) await gitlab.addProject(`acme/${name}`, { members: { ada: 'developer' } });
  await gitlab.addProject('acme/hidden');
  const first = await call('/projects?membership=true&per_page=2');
  assert.deepEqual(
    ['x-total', 'x-total-pages', 'x-next-page'].map((name) => first.headers.get(name)),
    ['3', '2', '2'],
  );
  const next = /<([^>]+)>; rel="next"/u.exec(first.headers.get('link') ?? '')?.[1] ?? '';
  const second = await call(next.slice(gitlab.apiUrl.length));
  const paths = [first, second].flatMap(({ body }) =>
    (body as object[]).map((one) => textField(one, 'path')),
  );
  assert.deepEqual(paths.toSorted(), ['app', 'b', 'c']);
  const etag = first.headers.get('etag') ?? '';
  const again = await call('/projects?membership=true&per_page=2', { headers: { 'if-none-match': etag } });
  assert.deepEqual([again.status, again.text], [304, '']);
});

test('branches and comparisons are those of the real repository', async (t) => {
  const here = await scene(t);
  const commit = await pushBranch(here, 'work');
  const branch = await here.call(`/projects/${asId}/repository/branches/work`);
  assert.equal(textField(fieldOf(branch.body, 'commit'), 'id'), commit);
  const first = fieldOf((await here.call(`/projects/${asId}/repository/branches/main`)).body, 'commit');
  assert.deepEqual([textField(first, 'title'), fieldOf(first, 'parent_ids')], ['begin', []]);
  const missing = await here.call(`/projects/${asId}/repository/branches/nowhere`);
  assert.deepEqual(missing.body, { message: '404 Branch Not Found' });
  const compare = (from: string, to: string): Promise<Reply> =>
    here.call(`/projects/${asId}/repository/compare?from=${from}&to=${to}`);
  const ahead = (await compare('main', 'work')).body;
  assert.equal(textField(fieldOf(ahead, 'commit'), 'id'), commit);
  assert.equal((fieldOf(ahead, 'diffs') as unknown[]).length, 1);
  assert.deepEqual(fieldOf((await compare('work', 'main')).body, 'commits'), []);
  const range = await here.call(`/projects/${asId}/repository/commits?ref_name=main..work&per_page=1`);
  assert.deepEqual(
    (range.body as object[]).map((one) => textField(one, 'id')),
    [commit],
  );
  assert.equal((await compare('main', 'nowhere')).status, 404);
});

test('faults are taken in order, and a lost reply leaves what was done', async (t) => {
  const here = await scene(t);
  const { gitlab, call } = here;
  await pushBranch(here, 'work');
  gitlab.faults.plan({ method: 'POST', path: /merge_requests$/u }, { kind: 'drop' });
  gitlab.faults.plan({ method: 'POST' }, { kind: 'drop_reply' });
  await assert.rejects(call(requestsPath, { method: 'POST', body: wish }));
  assert.equal(gitlab.project(projectPath).mergeRequests.length, 0);
  await assert.rejects(call(requestsPath, { method: 'POST', body: wish }));
  assert.equal(gitlab.project(projectPath).mergeRequests.length, 1);
  gitlab.faults.plan({ times: 2 }, { kind: 'rate_limit', seconds: 7 });
  gitlab.faults.plan({}, { kind: 'bad_gateway' });
  gitlab.faults.plan({}, { kind: 'malformed' });
  gitlab.faults.plan({}, { kind: 'answer', status: 500 });
  gitlab.faults.plan({}, { kind: 'delay', ms: 1 });
  gitlab.faults.plan({}, { kind: 'expire_token' });
  const limited = await call('/user');
  assert.deepEqual(
    [limited.status, limited.text, limited.headers.get('retry-after')],
    [429, 'Retry later\n', '7'],
  );
  const replies = [];
  for (let index = 0; index < 6; index += 1) replies.push(await call('/user'));
  assert.deepEqual(
    replies.map(({ status, body }) => [status, body === undefined]),
    [
      [429, true],
      [502, true],
      [200, true],
      [500, false],
      [200, false],
      [401, false],
    ],
  );
  assert.equal(gitlab.faults.left(), 0);
});

test('lines of a description that are quick actions are done and left out', async (t) => {
  const here = await scene(t);
  await pushBranch(here, 'work');
  const body = { ...wish, description: 'Why\n/merge\n`/not` this\n' };
  const made = await here.call(requestsPath, { method: 'POST', body });
  assert.equal(textField(made.body, 'description'), 'Why\n`/not` this\n');
  const update = { description: '/approve' };
  assert.equal((await here.call(`${requestsPath}/1`, { method: 'PUT', body: update })).status, 200);
  assert.deepEqual(here.project.mergeRequests[0]?.quickActions, ['/merge', '/approve']);
});
