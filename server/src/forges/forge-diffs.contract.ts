import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patience, refusalOf, type ForgeTrial, type MakeTrial, type TrialFiles } from './forge.contract.ts';
import { changedLines, listLines, listPath, stageReview, textOf } from './forge-reviews.contract.ts';

/** The suite about one pull request and what it changes, for forges that have them. */
export function diffContract(make: MakeTrial<ForgeTrial>): void {
  findingContract(make);
  refContract(make);
  linesContract(make);
}

function findingContract(make: MakeTrial<ForgeTrial>): void {
  test('a pull request is told with its ends, and with what became of it', async (t) => {
    const { forge, repository, number } = await stageReview(make, t);
    const headCommit = await repository.write('topic', { more: 'more\n' });
    const asked = { ...repository.access, number };
    const found = await forge.findPullRequest(asked, patience());
    assert.match(found.url, new RegExp(`^https?://.*${repository.access.path}.*/${number}$`, 'u'));
    assert.deepEqual(found, {
      number,
      url: found.url,
      title: 'Change the list',
      state: 'open',
      isDraft: false,
      headCommit,
      headBranch: 'topic',
      baseBranch: 'main',
    });
    await repository.merge(number);
    assert.equal((await forge.findPullRequest(asked, patience())).state, 'merged');
    const second = await repository.open({ branch: 'work', base: 'main', title: 'Second' });
    await repository.close(second);
    const closed = await forge.findPullRequest({ ...asked, number: second }, patience());
    assert.deepEqual([closed.state, closed.title], ['closed', 'Second']);
  });

  test('a draft is told as one', async (t) => {
    const { forge, makeRepository } = await make(t);
    const { access } = await makeRepository('app');
    const wish = { branch: 'work', base: 'main', title: 'A', body: '', overwrite: [], draft: true };
    const { number } = await forge.ensurePullRequest({ ...access, ...wish, known: undefined }, patience());
    assert.equal((await forge.findPullRequest({ ...access, number }, patience())).isDraft, true);
  });

  test('a pull request is found behind a former name of its repository', async (t) => {
    const { forge, repository, number } = await stageReview(make, t);
    const renamed = await repository.rename('application');
    const found = await forge.findPullRequest({ ...repository.access, number }, patience());
    assert.ok(found.url.includes(renamed), found.url);
  });

  test('a pull request that is not there is told by its number', async (t) => {
    const { forge, repository } = await stageReview(make, t);
    const asked = { ...repository.access, number: 77 };
    for (const call of [forge.findPullRequest, forge.readDiff]) {
      const error = await refusalOf(call(asked, patience()), 'not_found', repository.access.token);
      assert.match(error.message, /\b77\b/u);
      assert.ok(error.message.includes(repository.access.path), error.message);
    }
  });

  test('a token that has expired, and a repository that is gone, are told as that', async (t) => {
    const { forge, repository, number, expiredToken } = await stageReview(make, t);
    const asked = { ...repository.access, number };
    const expired = forge.findPullRequest({ ...asked, token: expiredToken }, patience());
    await refusalOf(expired, 'unauthorized', expiredToken);
    await repository.remove();
    await refusalOf(forge.findPullRequest(asked, patience()), 'not_found', repository.access.token);
    await refusalOf(forge.readDiff(asked, patience()), 'not_found', repository.access.token);
  });
}

function refContract(make: MakeTrial<ForgeTrial>): void {
  test('git finds the head of a pull request under its ref, also after a push and a forced one', async (t) => {
    const { forge, repository, number } = await stageReview(make, t);
    const ref = forge.pullRequestRef(number);
    const { headCommit } = await forge.findPullRequest({ ...repository.access, number }, patience());
    assert.equal(await repository.gitFinds(ref), headCommit);
    const pushed = await repository.write('topic', { more: 'more\n' });
    assert.equal(await repository.gitFinds(ref), pushed);
    const forced = await repository.rewrite('topic', { other: 'other\n' });
    assert.equal(await repository.gitFinds(ref), forced);
    await repository.close(number);
    assert.equal(await repository.gitFinds(ref), forced, 'and when it is closed');
    assert.equal(await repository.gitFinds(forge.pullRequestRef(77)), undefined);
  });

  test('git finds the head of a pull request from a fork there too', async (t) => {
    const { forge, repository } = await stageReview(make, t);
    const number = await repository.openFromFork('topic');
    const found = await forge.findPullRequest({ ...repository.access, number }, patience());
    assert.equal(await repository.gitFinds(forge.pullRequestRef(number)), found.headCommit);
    assert.equal(found.headBranch, 'topic');
  });
}

function linesContract(make: MakeTrial<ForgeTrial>): void {
  test('the lines that can be commented on are those that the diff shows, with their former listLines', async (t) => {
    const { forge, repository, number } = await stageReview(make, t);
    const found = await forge.findPullRequest({ ...repository.access, number }, patience());
    const diff = await forge.readDiff({ ...repository.access, number }, patience());
    assert.equal(diff.headCommit, found.headCommit);
    assert.deepEqual([...diff.files.keys()], [listPath]);
    const file = diff.files.get(listPath);
    assert.equal(file?.previousPath, listPath);
    const lines = [...(file?.lines ?? [])];
    assert.deepEqual(lines, [
      ...[7, 8, 9].map((line) => [line, line]),
      [10, undefined],
      ...[11, 12, 13, 28, 29, 30].map((line) => [line, line]),
      [31, undefined],
      ...[32, 33, 34].map((line) => [line, line - 1]),
    ]);
  });

  test('new, renamed, deleted and binary files are told apart', async (t) => {
    const trial = await make(t);
    const repository = await trial.makeRepository('app');
    await repository.write('main', {
      'old name.txt': textOf(listLines),
      gone: 'a\nb\n',
      'a.bin': '\0\u0001',
    });
    const files = {
      'old name.txt': undefined,
      'dir/žluťoučký [1].txt': textOf(changedLines),
      gone: undefined,
      'a.bin': '\0\u0002',
      'new.txt': 'one\n@@ -1 +1 @@\nthree',
    };
    await repository.write('topic', files);
    const number = await repository.open({ branch: 'topic', base: 'main', title: 'Move' });
    const diff = await trial.forge.readDiff({ ...repository.access, number }, patience());
    assert.deepEqual([...diff.files.keys()].toSorted(), ['dir/žluťoučký [1].txt', 'new.txt']);
    const moved = diff.files.get('dir/žluťoučký [1].txt');
    assert.equal(moved?.previousPath, 'old name.txt');
    assert.equal(moved.lines.get(32), 31);
    const added = diff.files.get('new.txt');
    assert.deepEqual(
      [...(added?.lines ?? [])],
      [1, 2, 3].map((line) => [line, undefined]),
    );
  });

  test('a pull request of 230 files is read to its end', async (t) => {
    const names = Array.from({ length: 229 }, (_, index) => [`many/${index}.txt`, `${index}\n`]);
    const { forge, repository, number } = await stageReview(make, t, Object.fromEntries(names) as TrialFiles);
    const diff = await forge.readDiff({ ...repository.access, number }, patience());
    assert.equal(diff.files.size, 230);
  });

  test('what the base got meanwhile is no part of the diff', async (t) => {
    const { forge, repository, number } = await stageReview(make, t);
    await repository.write('main', { later: 'later\n' });
    const diff = await forge.readDiff({ ...repository.access, number }, patience());
    assert.deepEqual([...diff.files.keys()], [listPath]);
  });

  test('a pull request that is pushed to has a new diff', async (t) => {
    const { forge, repository, number } = await stageReview(make, t);
    await forge.readDiff({ ...repository.access, number }, patience());
    const headCommit = await repository.rewrite('topic', { other: 'other\n' });
    const diff = await forge.readDiff({ ...repository.access, number }, patience());
    assert.deepEqual([diff.headCommit, [...diff.files.keys()]], [headCommit, ['other']]);
  });

  test('an answer that makes no sense, three times over, is unavailable', async (t) => {
    const stage = await stageReview(make, t);
    const asked = { ...stage.repository.access, number: stage.number };
    stage.fault('read_pull_request', { kind: 'malformed' }, 3);
    await refusalOf(stage.forge.findPullRequest(asked, patience()), 'unavailable', asked.token);
    stage.fault('read_diff', { kind: 'malformed' }, 3);
    await refusalOf(stage.forge.readDiff(asked, patience()), 'unavailable', asked.token);
  });
}
