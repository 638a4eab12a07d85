import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  patience,
  refusalOf,
  wishFor,
  type ForgeTrial,
  type MakeTrial,
  type TrialPullRequest,
  type TrialRepository,
} from './forge.contract.ts';

/** The one pull request of the repository. */
async function theOnly(repository: TrialRepository): Promise<TrialPullRequest> {
  const [only, ...more] = await repository.pullRequests();
  assert.ok(only !== undefined, 'there is no pull request');
  assert.equal(more.length, 0, 'there is more than one pull request');
  return only;
}

/** The suite about pull requests and labels, for forges that have them, where nothing breaks. */
export function pullRequestContract(make: MakeTrial<ForgeTrial>): void {
  openingContract(make);
  findingContract(make);
  refusingContract(make);
  labelContract(make);
}

function openingContract(make: MakeTrial<ForgeTrial>): void {
  test('a pull request is opened into the default branch, as it was asked for', async (t) => {
    const { forge, makeRepository } = await make(t);
    const repository = await makeRepository('app');
    const wish = wishFor(repository);
    const made = await forge.ensurePullRequest(wish, patience());
    const { number, labels: _, ...there } = await theOnly(repository);
    assert.deepEqual(there, {
      title: wish.title,
      body: wish.body,
      branch: 'work',
      base: 'main',
      state: 'open',
      draft: false,
    });
    assert.deepEqual({ ...made, url: '' }, { number, url: '', base: 'main', how: 'opened' });
    assert.match(made.url, new RegExp(`^https?://.*${repository.access.path}.*/${number}$`, 'u'));
  });

  test('a pull request is opened into the branch that was named', async (t) => {
    const { forge, makeRepository } = await make(t);
    const repository = await makeRepository('app');
    await repository.commit('release/1.0');
    const made = await forge.ensurePullRequest(wishFor(repository, { base: 'release/1.0' }), patience());
    assert.equal(made.base, 'release/1.0');
    assert.equal((await theOnly(repository)).base, 'release/1.0');
  });

  test('a branch with characters that mean something in an address is found again', async (t) => {
    const { forge, makeRepository } = await make(t);
    const repository = await makeRepository('app');
    const branch = 'codeforge/add-ü&state=all#1+2%41';
    await repository.commit(branch);
    const first = await forge.ensurePullRequest(wishFor(repository, { branch }), patience());
    const second = await forge.ensurePullRequest(wishFor(repository, { branch }), patience());
    assert.deepEqual([first.how, second.how, second.number], ['opened', 'found', first.number]);
    assert.equal((await theOnly(repository)).branch, branch);
  });

  test('a draft is opened as a draft', async (t) => {
    const { forge, makeRepository } = await make(t);
    const repository = await makeRepository('app');
    await forge.ensurePullRequest(wishFor(repository, { draft: true }), patience());
    assert.equal((await theOnly(repository)).draft, true);
  });

  test('a pull request without a text is opened', async (t) => {
    const { forge, makeRepository } = await make(t);
    const repository = await makeRepository('app');
    await forge.ensurePullRequest(wishFor(repository, { body: '' }), patience());
    assert.equal((await theOnly(repository)).body, '');
  });

  test('a renamed repository gets the pull request under its present name', async (t) => {
    const { forge, makeRepository } = await make(t);
    const repository = await makeRepository('app');
    const path = await repository.rename('application');
    const made = await forge.ensurePullRequest(wishFor(repository), patience());
    assert.ok(made.url.includes(path), made.url);
    await forge.addLabels({ ...repository.access, number: made.number }, ['automated'], patience());
    assert.deepEqual((await theOnly(repository)).labels, ['automated']);
  });
}

function findingContract(make: MakeTrial<ForgeTrial>): void {
  test('a branch keeps the pull request that it has, as people left it', async (t) => {
    const { forge, makeRepository } = await make(t);
    const repository = await makeRepository('app');
    const first = await forge.ensurePullRequest(wishFor(repository), patience());
    await repository.commit('work');
    const changed = wishFor(repository, { title: 'Something else', body: 'Another text' });
    const second = await forge.ensurePullRequest({ ...changed, known: first.number }, patience());
    assert.deepEqual(second, { ...first, how: 'found' });
    assert.equal((await theOnly(repository)).title, 'Add the feature');
  });

  test('title and text of the one that is found are overwritten where that is asked for', async (t) => {
    const { forge, makeRepository, seen } = await make(t);
    const repository = await makeRepository('app');
    await forge.ensurePullRequest(wishFor(repository), patience());
    const wish = wishFor(repository, {
      title: 'Another title',
      body: 'Another text',
      overwrite: ['title', 'body'],
    });
    assert.equal((await forge.ensurePullRequest(wish, patience())).how, 'found');
    const { title, body, state } = await theOnly(repository);
    assert.deepEqual({ title, body, state }, { title: wish.title, body: wish.body, state: 'open' });
    const before = seen().length;
    await forge.ensurePullRequest(wish, patience());
    const writes = seen().slice(before);
    assert.deepEqual(
      writes.filter(({ operation }) => operation === 'update_pull_request'),
      [],
      'what is the same is not written again',
    );
    await forge.ensurePullRequest(
      { ...wish, title: 'Third', body: 'Third', overwrite: ['title'] },
      patience(),
    );
    const last = await theOnly(repository);
    assert.deepEqual([last.title, last.body], ['Third', 'Another text'], 'only what was asked for');
  });

  test('a draft stays a draft when its title is overwritten', async (t) => {
    const { forge, makeRepository } = await make(t);
    const repository = await makeRepository('app');
    await forge.ensurePullRequest(wishFor(repository, { draft: true }), patience());
    const wish = wishFor(repository, { draft: true, overwrite: ['title', 'body'], title: 'Another title' });
    await forge.ensurePullRequest(wish, patience());
    const { draft, title } = await theOnly(repository);
    assert.equal(draft, true);
    assert.match(title, /Another title$/u);
  });

  test('one that a person opened is found', async (t) => {
    const { forge, makeRepository } = await make(t);
    const repository = await makeRepository('app');
    const number = await repository.open({ branch: 'work', base: 'main', title: 'Mine' });
    const made = await forge.ensurePullRequest(wishFor(repository), patience());
    assert.deepEqual([made.number, made.how], [number, 'found']);
  });

  for (const end of ['close', 'merge'] as const) {
    test(`after a ${end} the next one is a new one`, async (t) => {
      const { forge, makeRepository } = await make(t);
      const repository = await makeRepository('app');
      const first = await forge.ensurePullRequest(wishFor(repository), patience());
      await repository[end](first.number);
      await repository.commit('work');
      const wish = wishFor(repository, { known: first.number });
      const second = await forge.ensurePullRequest(wish, patience());
      assert.equal(second.how, 'opened');
      assert.notEqual(second.number, first.number);
      const states = (await repository.pullRequests()).map(({ state }) => state).toSorted();
      assert.deepEqual(states, [end === 'close' ? 'closed' : 'merged', 'open'].toSorted());
    });
  }

  test("the pull request of a fork, from a branch of the same name, is somebody else's", async (t) => {
    const { forge, makeRepository } = await make(t);
    const repository = await makeRepository('app');
    const theirs = await repository.openFromFork('work');
    const made = await forge.ensurePullRequest(
      wishFor(repository, { overwrite: ['title', 'body'] }),
      patience(),
    );
    assert.equal(made.how, 'opened');
    assert.notEqual(made.number, theirs);
    const titles = (await repository.pullRequests()).map(({ title }) => title);
    assert.equal(titles.filter((title) => title === 'Add the feature').length, 1);
  });

  test('two calls at once leave one pull request, and both get it', async (t) => {
    const { forge, makeRepository } = await make(t);
    const repository = await makeRepository('app');
    const calls = [1, 2, 3].map(() => forge.ensurePullRequest(wishFor(repository), patience()));
    const numbers = (await Promise.all(calls)).map(({ number }) => number);
    const { number } = await theOnly(repository);
    assert.deepEqual(numbers, [number, number, number]);
  });
}

function refusingContract(make: MakeTrial<ForgeTrial>): void {
  test('nothing between base and branch is no pull request', async (t) => {
    const { forge, makeRepository } = await make(t);
    const repository = await makeRepository('app');
    await repository.merge((await forge.ensurePullRequest(wishFor(repository), patience())).number);
    await repository.commit('main');
    const again = forge.ensurePullRequest(wishFor(repository), patience());
    await refusalOf(again, 'no_changes', repository.access.token);
    assert.equal((await repository.pullRequests()).length, 1);
  });

  test('a base that is not there is told as that', async (t) => {
    const { forge, makeRepository } = await make(t);
    const repository = await makeRepository('app');
    const wish = wishFor(repository, { base: 'release/9' });
    const error = await refusalOf(forge.ensurePullRequest(wish, patience()), 'base_not_found');
    assert.match(error.message, /release\/9/u);
  });

  test('a branch that is not there is told as that', async (t) => {
    const { forge, makeRepository } = await make(t);
    const repository = await makeRepository('app');
    await repository.deleteBranch('work');
    const asked = forge.ensurePullRequest(wishFor(repository), patience());
    await refusalOf(asked, 'branch_not_found', repository.access.token);
  });

  test('an archived repository takes no pull request', async (t) => {
    const { forge, makeRepository } = await make(t);
    const repository = await makeRepository('app');
    await repository.archive();
    await refusalOf(forge.ensurePullRequest(wishFor(repository), patience()), 'archived');
    assert.deepEqual(await repository.pullRequests(), []);
  });

  test('a repository that is gone takes none either', async (t) => {
    const { forge, makeRepository } = await make(t);
    const repository = await makeRepository('app');
    await repository.remove();
    await refusalOf(forge.ensurePullRequest(wishFor(repository), patience()), 'not_found');
  });

  test('a token for reading only is told what it lacks', async (t) => {
    const { forge, makeRepository, readToken } = await make(t);
    const repository = await makeRepository('app');
    const asked = forge.ensurePullRequest(wishFor(repository, { token: readToken }), patience());
    const error = await refusalOf(asked, 'forbidden', readToken);
    assert.match(error.message, /\b(?:scope|permission)/u);
    assert.deepEqual(await repository.pullRequests(), []);
  });
}

function labelContract(make: MakeTrial<ForgeTrial>): void {
  test('labels are added to those that are there, once', async (t) => {
    const { forge, makeRepository, seen } = await make(t);
    const repository = await makeRepository('app');
    const { number } = await forge.ensurePullRequest(wishFor(repository), patience());
    const pullRequest = { ...repository.access, number };
    await forge.addLabels(pullRequest, ['automated'], patience());
    await forge.addLabels(pullRequest, ['needs review', 'automated'], patience());
    assert.deepEqual((await theOnly(repository)).labels.toSorted(), ['automated', 'needs review']);
    const before = seen().length;
    await forge.addLabels(pullRequest, ['needs review', 'automated'], patience());
    await forge.addLabels(pullRequest, [], patience());
    const writes = seen().slice(before);
    assert.deepEqual(
      writes.filter(({ operation }) => operation === 'add_labels'),
      [],
      'what is there is not written again',
    );
  });

  test('labels of a pull request that is not there are refused', async (t) => {
    const { forge, makeRepository } = await make(t);
    const { access } = await makeRepository('app');
    await refusalOf(forge.addLabels({ ...access, number: 77 }, ['automated'], patience()), 'not_found');
  });
}
