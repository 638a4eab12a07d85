import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gitByHand } from '../../support/git-repositories.ts';
import { githubScene } from './github-scene.ts';

/** Commits a file in a clone and pushes it to a branch. */
async function push(tree: string, branch: string): Promise<void> {
  await writeFile(join(tree, 'pushed'), branch);
  await gitByHand(tree, 'add', '-A');
  await gitByHand(tree, 'commit', '--quiet', '-m', 'push');
  await gitByHand(tree, 'push', '--quiet', 'origin', `HEAD:refs/heads/${branch}`);
}

test('a repository is cloned and pushed to with a token, and a pull request is opened for the branch', async (t) => {
  const { github, repository, call, clone, token } = await githubScene(t);
  repository.isPrivate = true;
  const tree = await clone('ada/app');
  await push(tree, 'feature');
  assert.equal(await repository.bare.tip('feature'), await gitByHand(tree, 'rev-parse', 'HEAD'));
  const body = { title: 'T', head: 'feature', base: 'main' };
  assert.equal((await call('POST /repos/ada/app/pulls', { body })).status, 201);
  const write = github.gitRequests.find(
    ({ action, password }) => action === 'write' && password !== undefined,
  );
  assert.deepEqual(
    [write?.username, write?.password, write?.path],
    ['x-access-token', token.value, 'ada/app'],
  );
  assert.equal(github.gitRequests[0]?.password, undefined, 'git asks without at first');
});

test('git is refused as the API is: no token, a wrong one, no sight, no right, an archive', async (t) => {
  const { github, ada, repository, clone } = await githubScene(t);
  const eve = github.addToken(github.addUser('eve')).value;
  const denied = /Permission to ada\/app\.git denied to eve/u;
  await assert.rejects(push(await clone('ada/app', eve), 'x'), denied);
  // A public repository is read before any credential is looked at.
  await assert.rejects(push(await clone('ada/app', 'ghp_wrong'), 'x'), /Invalid username or token/u);
  const reader = github.addToken(ada, { kind: 'fine_grained', permissions: { contents: 'read' } }).value;
  await assert.rejects(push(await clone('ada/app', reader), 'x'), /Write access to repository not granted/u);
  const tree = await clone('ada/app');
  repository.isArchived = true;
  await assert.rejects(push(tree, 'x'), /archived so it is read-only/u);
  repository.isPrivate = true;
  await assert.rejects(clone('ada/app', eve), /Repository not found/u);
  await assert.rejects(clone('ada/app', 'ghp_wrong'), /Invalid username or token/u);
  await assert.rejects(clone('ada/nothing'), /not found/u);
  assert.deepEqual([...(await repository.bare.branches()).keys()], ['main', 'work']);
});

test('a protected branch takes no push, and others do', async (t) => {
  const { github, repository, clone } = await githubScene(t);
  await github.protectBranch(repository, 'main');
  const tree = await clone('ada/app');
  const before = await repository.bare.tip('main');
  await assert.rejects(push(tree, 'main'), /GH006: Protected branch update failed for refs\/heads\/main/u);
  assert.equal(await repository.bare.tip('main'), before);
  await gitByHand(tree, 'push', '--quiet', 'origin', 'HEAD:refs/heads/free');
  assert.ok(await repository.bare.tip('free'));
});

test('git is led from a former name to the present one', async (t) => {
  const { github, repository, clone } = await githubScene(t);
  await github.move(repository, 'ada/tool');
  const tree = await clone('ada/app');
  assert.equal(await gitByHand(tree, 'rev-parse', 'origin/main'), await repository.bare.tip('main'));
  repository.isPrivate = true;
  const stranger = github.addToken(github.addUser('eve')).value;
  await assert.rejects(clone('ada/app', stranger), /not found/u);
});

test('a push whose reply is lost has happened', async (t) => {
  const { github, repository, clone } = await githubScene(t);
  const tree = await clone('ada/app');
  github.gitFaults.plan({ method: 'POST', path: /git-receive-pack$/u }, { kind: 'drop_reply' });
  await assert.rejects(push(tree, 'lost'));
  assert.equal(await repository.bare.tip('lost'), await gitByHand(tree, 'rev-parse', 'HEAD'));
});
