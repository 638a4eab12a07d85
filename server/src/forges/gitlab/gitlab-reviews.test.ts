import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { makeGitlabTrial } from '../../../test/stand-ins/gitlab/gitlab-trial.ts';
import type { GitlabTrial } from '../../../test/stand-ins/gitlab/gitlab-trial.ts';
import type { MergeRequest, Position, Project } from '../../../test/stand-ins/gitlab/state.ts';
import { Secret } from '../../lib/secret.ts';
import { patience, refusalOf, type TrialFiles } from '../forge.contract.ts';
import { reviewOf, stageReview, type ReviewStage } from '../forge-reviews.contract.ts';
import type { PostedReview, ReviewRequest } from '../forge.ts';

const path = 'src/list.txt';

/** The contract's merge request, with what only GitLab has of it. */
type Stage = GitlabTrial & ReviewStage & { readonly project: Project; readonly request: MergeRequest };

async function stage(t: TestContext, files: TrialFiles = {}): Promise<Stage> {
  const made = await stageReview((context) => makeGitlabTrial(context), t, files);
  const project = made.gitlab.project(made.repository.access.path);
  const request = project.mergeRequests.find(({ iid }) => iid === made.number);
  assert.ok(request);
  return { ...made, project, request };
}

const post = ({ forge }: Stage, review: ReviewRequest): Promise<PostedReview> =>
  forge.postReview(review, patience());

const positions = ({ request }: Stage): readonly (Position | undefined)[] =>
  request.notes.map(({ position }) => position);

const bodies = ({ request }: Stage): readonly string[] =>
  request.notes.map(({ body }) => body.replace(/^<!--.*?-->\n\n/u, ''));

/** A token of somebody who is no member unless a role is given. */
function tokenOfEve({ gitlab, project }: Stage, role?: 'guest' | 'reporter'): Secret {
  const eve = gitlab.addUser('eve');
  if (role !== undefined) project.members.set(eve.id, role);
  return new Secret(gitlab.addToken(eve).value);
}

test('a line is told by the commits of its version, and by both numbers where it was not changed', async (t) => {
  const here = await stage(t, { 'old.txt': 'one\ntwo\nthree\n' });
  await here.repository.write('main', { 'old name': 'a\nb\nc\nd\ne\nf\n' });
  await here.repository.rewrite('topic', { 'old name': undefined, 'new name': 'a\nB\nc\nd\ne\nf\n' });
  await here.repository.write('main', { later: 'later\n' });
  const review = await reviewOf(here, {
    comments: [
      { path: 'new name', line: 2, body: 'Added.' },
      { path: 'new name', line: 3, body: 'As it was.' },
    ],
  });
  assert.equal((await post(here, review)).comments, 2);
  const version = here.request.versions.at(-1);
  assert.notEqual(version?.base, version?.start, 'the base has moved on');
  const common = {
    base_sha: version?.base,
    start_sha: version?.start,
    head_sha: version?.head,
    old_path: 'old name',
    new_path: 'new name',
    position_type: 'text',
  };
  assert.deepEqual(positions(here), [
    { ...common, old_line: null, new_line: 2 },
    { ...common, old_line: 3, new_line: 3 },
    undefined,
  ]);
});

test('the address is that of the summary, which comes last, below the comments', async (t) => {
  const here = await stage(t);
  const { url } = await post(here, await reviewOf(here));
  assert.deepEqual(bodies(here), ['Why ten?', '**Is** it `new`?', 'Looks _good_.']);
  const place = `${here.gitlab.url}/acme/tools/app/-/merge_requests/${here.number}`;
  assert.equal(url, `${place}#note_${here.request.notes.at(-1)?.id}`);
});

for (const skip of [0, 1, 2]) {
  for (const kind of ['drop', 'drop_reply'] as const) {
    test(`a review that ends at its write number ${skip + 1} (${kind}) is ended by the next call`, async (t) => {
      const here = await stage(t);
      const review = await reviewOf(here);
      const write = { method: 'POST', path: /\/(?:discussions|notes)$/u };
      here.gitlab.faults.plan({ ...write, skip }, { kind });
      // The look after the lost answer fails too, as where the process is killed.
      here.gitlab.faults.plan(
        { method: 'GET', path: /\/discussions$/u, skip: 1, times: 3 },
        { kind: 'drop' },
      );
      await refusalOf(post(here, review), 'unavailable', review.token);
      const reversed = { ...review, comments: review.comments.toReversed() };
      assert.equal((await post(here, reversed)).comments, 2);
      assert.deepEqual(bodies(here).toSorted(), ['**Is** it `new`?', 'Looks _good_.', 'Why ten?']);
      assert.deepEqual((await post(here, review)).how, 'found');
    });
  }
}

test('two comments stand on one line, and the same one twice in a review stands once', async (t) => {
  const here = await stage(t);
  const comment = { path, line: 10, body: 'Why ten?' };
  const comments = [comment, { ...comment, body: 'Why not 11?' }, { ...comment }];
  assert.equal((await post(here, await reviewOf(here, { comments }))).comments, 2);
  assert.deepEqual(bodies(here), ['Why ten?', 'Why not 11?', 'Looks _good_.']);
});

test('GitLab is not asked to take a comment on a line that the diff does not show', async (t) => {
  const here = await stage(t);
  await post(here, await reviewOf(here, { comments: [{ path, line: 20, body: 'Between the hunks.' }] }));
  const written = here.gitlab.requests.filter(({ method }) => method === 'POST');
  assert.deepEqual(
    written.map(({ path: to }) => to.split('/').at(-1)),
    ['notes'],
  );
});

for (const status of [400, 422]) {
  test(`a comment that GitLab does not take on its line (${status}) is told in the summary`, async (t) => {
    const here = await stage(t);
    here.gitlab.faults.plan({ method: 'POST', path: /\/discussions$/u }, { kind: 'answer', status });
    const made = await post(here, await reviewOf(here));
    assert.equal(made.comments, 1);
    assert.deepEqual(bodies(here), ['**Is** it `new`?', `Looks _good_.\n\nAt ${path}, 10: Why ten?`]);
  });
}

const withoutVersions: readonly (readonly [words: string, hide: (here: Stage) => void])[] = [
  [
    'is not worked out yet',
    ({ request }) => {
      request.isPrepared = false;
      request.versions.length = 0;
    },
  ],
  ['is not there (404)', (here) => hide(here, 404)],
  ['is not for this token (403)', (here) => hide(here, 403)],
];
for (const [words, act] of withoutVersions) {
  test(`where the diff ${words}, all is told in the summary`, async (t) => {
    const here = await stage(t);
    const found = await here.forge.findPullRequest(
      { ...here.repository.access, number: here.number },
      patience(),
    );
    act(here);
    const review = await reviewOf(here);
    assert.deepEqual(review.diff, { headCommit: found.headCommit, files: new Map() });
    assert.deepEqual((await post(here, review)).comments, 0);
    assert.match(
      bodies(here).join(),
      /^Looks _good_\.\n\nAt src\/list\.txt, 10: .*\n\nAt src\/list\.txt, 31: .*$/u,
    );
  });
}

function hide({ gitlab }: Stage, status: number): void {
  gitlab.faults.plan({ method: 'GET', path: /\/versions$/u }, { kind: 'answer', status });
}

test('a GitLab that has versions and no list of files leaves all to the summary', async (t) => {
  const here = await stage(t);
  here.gitlab.faults.plan({ method: 'GET', path: /\/diffs$/u }, { kind: 'answer', status: 404 });
  const { diff } = await reviewOf(here);
  assert.deepEqual([diff.headCommit, diff.files.size], [here.request.versions.at(-1)?.head, 0]);
});

test('files of which GitLab shows no lines, since they are long, are left out', async (t) => {
  const long = (lines: number): string => 'a long line of words\n'.repeat(lines);
  const here = await stage(t, {
    'collapsed.txt': long(1_500),
    'huge.txt': long(15_000),
    'small.txt': long(9),
  });
  const { diff } = await reviewOf(here);
  assert.deepEqual([...diff.files.keys()].toSorted(), ['small.txt', path]);
});

test('a push while the diff is read has it read again, and many pushes put it off', async (t) => {
  const here = await stage(t);
  let pushed = 0;
  const push = async (): Promise<void> => {
    pushed += 1;
    await here.repository.rewrite('topic', { [`pushed-${pushed}`]: 'more\n' });
  };
  const files = { method: 'GET', path: /\/diffs$/u };
  here.gitlab.faults.plan(files, { kind: 'before', act: push });
  const { diff } = await reviewOf(here);
  assert.deepEqual([...diff.files.keys()], ['pushed-1']);
  assert.equal(diff.between?.head, diff.headCommit);
  assert.equal(diff.headCommit, await here.project.repository.tip('topic'));
  here.gitlab.faults.plan({ ...files, times: 3 }, { kind: 'before', act: push });
  const asked = { ...here.repository.access, number: here.number };
  const error = await refusalOf(here.forge.readDiff(asked, patience()), 'unavailable', asked.token);
  assert.match(error.message, /pushes to it/u);
  assert.equal(pushed, 4);
});

test('comments on a version that was pushed over stand on that version', async (t) => {
  const here = await stage(t);
  const review = await reviewOf(here);
  await here.repository.rewrite('topic', { other: 'other\n' });
  assert.equal((await post(here, review)).comments, 2);
  assert.equal(positions(here)[0]?.head_sha, review.diff.headCommit);
  assert.equal(here.request.versions.length, 2);
});

test('nothing of a review is taken for a command, and it looks as it was written', async (t) => {
  const here = await stage(t);
  const body = '/approve\nHow so?\n  /merge\r\n/close';
  const comments = [{ path, line: 10, body }];
  await post(here, await reviewOf(here, { comments, summary: () => body }));
  assert.deepEqual(here.request.quickActions, []);
  assert.deepEqual(
    bodies(here).map((text) => text.replaceAll('\u2060', '')),
    [body, body],
  );
});

test('a summary that is longer than GitLab takes is cut', async (t) => {
  const here = await stage(t);
  const summary = (): string => `Looks _good_. ${'x'.repeat(1_000_000)}`;
  const review = await reviewOf(here, { comments: [], summary });
  assert.equal((await post(here, review)).how, 'posted');
  assert.equal(here.request.notes[0]?.body.length, 1_000_000);
  assert.equal((await post(here, review)).how, 'found');
});

test('who quotes a review or answers in its threads is not taken for it', async (t) => {
  const here = await stage(t);
  const review = await reviewOf(here);
  const first = await post(here, review);
  const [comment, , summary] = here.request.notes;
  assert.ok(comment && summary);
  here.request.notes.unshift({ ...summary, id: 1, body: `> ${summary.body}`, discussionId: 'before' });
  here.request.notes.push({ ...comment, id: 2, body: `So it is: ${comment.body}` });
  here.request.notes.push({ ...summary, id: 3, discussionId: 'a copy' });
  const other = { ...review, comments: [] };
  assert.deepEqual(await post(here, other), { ...first, how: 'found' }, 'with what is there');
});

test('a review that is there is found where nothing can be written any more', async (t) => {
  const here = await stage(t);
  const review = await reviewOf(here);
  const first = await post(here, review);
  here.project.isArchived = true;
  assert.deepEqual(await post(here, review), { ...first, how: 'found' });
});

test('more was said than can be looked through, and nothing is posted', async (t) => {
  const here = await stage(t);
  await here.repository.chatter(here.number, 10_000);
  const error = await refusalOf(post(here, await reviewOf(here)), 'refused');
  assert.match(error.message, /more than 10000 threads/u);
  assert.equal(here.request.notes.length, 10_000);
});

test('a locked discussion is told to who is no member, and members write on', async (t) => {
  const here = await stage(t);
  here.project.visibility = 'public';
  here.request.isDiscussionLocked = true;
  const review = await reviewOf(here);
  const token = tokenOfEve(here);
  const error = await refusalOf(post(here, { ...review, token }), 'forbidden', token);
  assert.match(error.message, /locked.*Unlock it/u);
  assert.equal((await post(here, review)).how, 'posted');
});

test('anybody reviews in a public project, and a role is needed in a private one', async (t) => {
  const here = await stage(t);
  const token = tokenOfEve(here, 'reporter');
  const review = { ...(await reviewOf(here)), token };
  const write = { method: 'POST', path: /\/discussions$/u };
  here.gitlab.faults.plan(write, { kind: 'answer', status: 403 });
  assert.match((await refusalOf(post(here, review), 'forbidden', token)).message, /role Reporter/u);
  assert.equal((await post(here, review)).comments, 2);
  here.project.members.clear();
  await refusalOf(post(here, { ...review, marker: 'second' }), 'not_found', token);
  here.project.visibility = 'public';
  assert.equal((await post(here, { ...review, marker: 'second' })).how, 'posted');
});

test('a merge request whose branch is gone keeps its head, and one that never had any is told', async (t) => {
  const { forge, gitlab, makeRepository } = await makeGitlabTrial(t);
  const repository = await makeRepository('app');
  const project = gitlab.project(repository.access.path);
  const number = await repository.open({ branch: 'work', base: 'main', title: 'Work' });
  const asked = { ...repository.access, number };
  const { headCommit } = await forge.findPullRequest(asked, patience());
  await repository.deleteBranch('work');
  const gone = await forge.findPullRequest(asked, patience());
  assert.deepEqual([gone.headCommit, gone.state], [headCommit, 'closed']);
  gitlab.openRequest({ source: project, target: project, branch: 'never', base: 'main', title: 'Never' });
  for (const call of [forge.findPullRequest, forge.readDiff]) {
    const error = await refusalOf(call({ ...asked, number: number + 1 }, patience()), 'branch_not_found');
    assert.match(error.message, /branch never/u);
  }
});

test('a merge request that is being merged is open, and a state that nobody knows is an error', async (t) => {
  const here = await stage(t);
  const asked = { ...here.repository.access, number: here.number };
  const answerWith = (state: string): void => {
    const body = { iid: 1, web_url: 'http://x', source_branch: 'a', target_branch: 'b', sha: 'c', state };
    const one = { method: 'GET', path: /\/merge_requests\/1$/u };
    here.gitlab.faults.plan(one, { kind: 'answer', status: 200, body });
  };
  answerWith('locked');
  assert.equal((await here.forge.findPullRequest(asked, patience())).state, 'open');
  answerWith('asleep');
  const error = await refusalOf(here.forge.findPullRequest(asked, patience()), 'unavailable');
  assert.match(error.message, /state/u);
});

test('a project without merge requests says what to turn on, to a review too', async (t) => {
  const here = await stage(t);
  const review = await reviewOf(here);
  here.project.hasMergeRequests = false;
  const error = await refusalOf(post(here, review), 'refused', review.token);
  assert.match(error.message, /settings/u);
});

test('lists whose entries make no sense are unavailable, and no crash', async (t) => {
  const here = await stage(t);
  const asked = { ...here.repository.access, number: here.number };
  for (const [last, body] of [
    ['diffs', [{ diff: '@@ -1 +1 @@' }]],
    ['diffs', {}],
    ['versions', {}],
  ] as const) {
    const list = { method: 'GET', path: new RegExp(`/${last}$`, 'u') };
    here.gitlab.faults.plan(list, { kind: 'answer', status: 200, body });
    await refusalOf(here.forge.readDiff(asked, patience()), 'unavailable');
  }
  const review = await reviewOf(here);
  const threads = { method: 'GET', path: /\/discussions$/u };
  here.gitlab.faults.plan(threads, { kind: 'answer', status: 200, body: [{ notes: [{}] }] });
  await refusalOf(post(here, review), 'unavailable');
});
