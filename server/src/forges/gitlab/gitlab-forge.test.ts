import assert from 'node:assert/strict';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { makeGitlabTrial } from '../../../test/stand-ins/gitlab/gitlab-trial.ts';
import { faultContract } from '../forge-faults.contract.ts';
import { diffContract } from '../forge-diffs.contract.ts';
import { reviewContract } from '../forge-reviews.contract.ts';
import { pullRequestContract } from '../forge-pull-requests.contract.ts';
import { accountContract, patience, refusalOf, repositoryContract, wishFor } from '../forge.contract.ts';
import type { PullRequestRequest, RepositoryAccess } from '../forge.ts';
import { Secret } from '../../lib/secret.ts';
import { createGitlabForge } from './gitlab-forge.ts';

repositoryContract((t) => makeGitlabTrial(t));
accountContract((t) => makeGitlabTrial(t));
pullRequestContract((t) => makeGitlabTrial(t));
faultContract((t) => makeGitlabTrial(t));
diffContract((t) => makeGitlabTrial(t));
reviewContract((t) => makeGitlabTrial(t));

const access = (path: string, token: Secret): RepositoryAccess => ({ url: '', path, token });

test('scopes of a personal token are told, those of OAuth are not, and a token for git only is refused', async (t) => {
  const { forge, gitlab, user, ownerToken } = await makeGitlabTrial(t);
  assert.deepEqual(await forge.verifyToken(ownerToken, patience()), {
    username: 'ada',
    email: 'ada@example.com',
    scopes: 'api',
  });
  const oauth = new Secret(gitlab.addToken(user, { kind: 'oauth' }).value);
  assert.equal((await forge.verifyToken(oauth, patience())).scopes, '');
  const two = new Secret(gitlab.addToken(user, { scopes: ['read_api', 'write_repository'] }).value);
  assert.equal((await forge.verifyToken(two, patience())).scopes, 'read_api, write_repository');
  const git = new Secret(gitlab.addToken(user, { scopes: ['write_repository'] }).value);
  const error = await refusalOf(forge.verifyToken(git, patience()), 'forbidden', git);
  assert.match(error.message, /one of the scopes api, read_api, read_user/u);
});

test('the project that changed last comes first, also one that is archived or of a sub-group', async (t) => {
  let now = Date.parse('2026-03-01T00:00:00Z');
  const { forge, gitlab, ownerToken } = await makeGitlabTrial(t, { now: () => (now += 60_000) });
  const record = { members: { ada: 'developer' }, isRecordOnly: true } as const;
  const paths = ['ada/notes', 'acme/tools/deep/app', 'acme/web'];
  for (const path of paths) await gitlab.addProject(path, record);
  await gitlab.addProject('acme/secret', { isRecordOnly: true });
  await gitlab.addProject('acme/open', { isRecordOnly: true, visibility: 'public' });
  gitlab.project('acme/web').isArchived = true;
  const listed = await forge.listRepositories(ownerToken, { page: 1, perPage: 500 }, patience());
  assert.deepEqual(
    listed.map(({ fullName, isArchived }) => [fullName, isArchived]),
    [
      ['acme/web', true],
      ['acme/tools/deep/app', false],
      ['ada/notes', false],
    ],
  );
});

test('who may push is read from the role, and not told of somebody who is no member', async (t) => {
  const { forge, gitlab, user, ownerToken } = await makeGitlabTrial(t);
  const project = await gitlab.addProject('acme/app', { visibility: 'public', isRecordOnly: true });
  const canPush = async (): Promise<unknown> =>
    (await forge.findRepository(access('acme/app', ownerToken), patience())).canPush;
  assert.equal(await canPush(), undefined);
  project.members.set(user.id, 'reporter');
  assert.equal(await canPush(), false);
  project.members.set(user.id, 'developer');
  assert.equal(await canPush(), true);
});

test('an empty project has no default branch, and nothing can be merged into it', async (t) => {
  const { forge, gitlab, ownerToken } = await makeGitlabTrial(t);
  await gitlab.addProject('acme/new', { members: { ada: 'owner' }, isEmpty: true });
  const repository = access('acme/new', ownerToken);
  assert.equal((await forge.findRepository(repository, patience())).defaultBranch, undefined);
  const asked = forge.ensurePullRequest(wishFor({ access: repository }), patience());
  await refusalOf(asked, 'base_not_found', ownerToken);
});

test('a project without merge requests says what to turn on', async (t) => {
  const { forge, gitlab, makeRepository } = await makeGitlabTrial(t);
  const repository = await makeRepository('app');
  gitlab.project(repository.access.path).hasMergeRequests = false;
  const error = await refusalOf(forge.ensurePullRequest(wishFor(repository), patience()), 'refused');
  assert.match(error.message, /settings/u);
});

test('what is not there is told without a merge request also where GitLab would open one', async (t) => {
  const { forge, makeRepository } = await makeGitlabTrial(t, { refusesMissingBranches: false });
  const repository = await makeRepository('app');
  const gone = (changes: Partial<PullRequestRequest>): Promise<unknown> =>
    forge.ensurePullRequest(wishFor(repository, changes), patience());
  await refusalOf(gone({ base: 'release/9' }), 'base_not_found');
  await refusalOf(gone({ branch: 'nowhere' }), 'branch_not_found');
  await refusalOf(gone({ base: 'work' }), 'no_changes');
  assert.deepEqual(await repository.pullRequests(), []);
});

for (const [field, code] of [
  ['main', 'base_not_found'],
  ['work', 'branch_not_found'],
] as const) {
  test(`the branch ${field} that goes while the merge request is opened is told as ${code}`, async (t) => {
    const { forge, gitlab, makeRepository } = await makeGitlabTrial(t);
    const repository = await makeRepository('app');
    gitlab.faults.plan({ method: 'POST' }, { kind: 'before', act: () => repository.deleteBranch(field) });
    await refusalOf(forge.ensurePullRequest(wishFor(repository), patience()), code);
  });
}

test('lines of the text that GitLab would take for commands are not done, and stay as they look', async (t) => {
  const { forge, gitlab, makeRepository } = await makeGitlabTrial(t);
  const repository = await makeRepository('app');
  const body = 'Done.\n/merge\n  /approve\r\n/usr/bin/env\nsee /close\n';
  await forge.ensurePullRequest(wishFor(repository, { body }), patience());
  const again = wishFor(repository, { body: `${body}/label ~security`, overwrite: ['title', 'body'] });
  await forge.ensurePullRequest(again, patience());
  const [request] = gitlab.project(repository.access.path).mergeRequests;
  assert.deepEqual(request?.quickActions, []);
  assert.equal(request?.description?.replaceAll('\u2060', ''), again.body);
});

test('a title is cut to what GitLab takes, mark of the draft included, and a person may take that off', async (t) => {
  const { forge, gitlab, makeRepository } = await makeGitlabTrial(t);
  const repository = await makeRepository('app');
  const long = wishFor(repository, { title: '🦊'.repeat(250), draft: true });
  await forge.ensurePullRequest(long, patience());
  const [request] = gitlab.project(repository.access.path).mergeRequests;
  assert.equal(request?.title, `Draft: ${'🦊'.repeat(248)}`);
  request.title = 'Ready';
  await forge.ensurePullRequest({ ...long, title: 'Add more', overwrite: ['title', 'body'] }, patience());
  assert.equal(request.title, 'Add more');
});

test('a base that somebody changed counts, unless another one is asked for', async (t) => {
  const { forge, gitlab, makeRepository } = await makeGitlabTrial(t);
  const repository = await makeRepository('app');
  await repository.commit('release');
  const first = await forge.ensurePullRequest(wishFor(repository), patience());
  const [request] = gitlab.project(repository.access.path).mergeRequests;
  assert.ok(request);
  request.targetBranch = 'release';
  const found = await forge.ensurePullRequest(wishFor(repository, { known: first.number }), patience());
  assert.deepEqual([found.number, found.base, found.how], [first.number, 'release', 'found']);
  const other = wishFor(repository, { known: first.number, base: 'main' });
  assert.equal((await forge.ensurePullRequest(other, patience())).how, 'opened');
});

test('ours is found behind a page full of those from forks', async (t) => {
  const { forge, gitlab, makeRepository } = await makeGitlabTrial(t);
  const repository = await makeRepository('app');
  const ours = await forge.ensurePullRequest(wishFor(repository), patience());
  await repository.openFromFork('work');
  const { mergeRequests } = gitlab.project(repository.access.path);
  const theirs = mergeRequests[1];
  assert.ok(theirs);
  for (let iid = 3; iid <= 102; iid += 1) mergeRequests.push({ ...theirs, iid });
  const found = await forge.ensurePullRequest(wishFor(repository), patience());
  assert.deepEqual(found, { ...ours, how: 'found' });
  assert.equal(mergeRequests.length, 102);
});

test('a member who may not push is told which role is needed', async (t) => {
  const { forge, gitlab, user, makeRepository } = await makeGitlabTrial(t);
  const repository = await makeRepository('app');
  gitlab.project(repository.access.path).members.set(user.id, 'reporter');
  const error = await refusalOf(forge.ensurePullRequest(wishFor(repository), patience()), 'forbidden');
  assert.match(error.message, /role Developer/u);
});

test('a label with a comma, which GitLab would part, is refused before anything is sent', async (t) => {
  const { forge, makeRepository } = await makeGitlabTrial(t);
  const repository = await makeRepository('app');
  const { number } = await forge.ensurePullRequest(wishFor(repository), patience());
  const asked = forge.addLabels({ ...repository.access, number }, ['a', 'b,c'], patience());
  await refusalOf(asked, 'refused');
  assert.deepEqual((await repository.pullRequests())[0]?.labels, []);
});

test('a GitLab below a path of its host has its projects there too', async (t) => {
  const { gitlab, makeRepository } = await makeGitlabTrial(t);
  const { access } = await makeRepository('app');
  const deep = createServer((request, response) => {
    // A proxy that takes the path off, as the real one does.
    const to = new URL((request.url ?? '').replace(/^\/code/u, ''), gitlab.url);
    const headers = { authorization: request.headers.authorization ?? '' };
    get(to, { headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
  });
  t.after(() => deep.close());
  await new Promise<void>((resolve) => deep.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(deep.address() as AddressInfo).port}`;
  const forge = createGitlabForge({ apiUrl: `http://${host}/code/api/v4`, version: '0.0.0' });
  assert.equal(forge.host, host);
  const found = await forge.findRepository({ ...access, path: `code/${access.path}` }, patience());
  assert.equal(found.fullName, access.path);
});
