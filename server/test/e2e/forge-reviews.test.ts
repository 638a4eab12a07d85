import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { ApiError, type Task } from '@slipway/client';
import { until } from '../support/processes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { startCallbackReceiver, type CallbackReceiver } from './callback-receiver.ts';
import type { ForgeStage } from './forge-stage.ts';
import { openGithubStage } from './github-stage.ts';
import { openGitlabStage } from './gitlab-stage.ts';
import { openHouse, smallLimits, type House } from './scenario-house.ts';
import { openedDelivery, webhookSettings, type OpenedPull } from './webhook-delivery.ts';

/** Reviews as the people at a pull request see them, each story at both forges, on one server. */
const forges = [
  { name: 'GitHub', open: openGithubStage },
  { name: 'GitLab', open: openGitlabStage },
] as const;

type Stage = { readonly house: House; readonly forge: ForgeStage; readonly receiver: CallbackReceiver };
type Config = NonNullable<Parameters<House['client']['tasks']['create']>[0]['config']>;

const limit = (): { readonly signal: AbortSignal } => ({ signal: AbortSignal.timeout(60_000) });

const review = {
  verdict: 'approve',
  score: 8,
  summary: 'Fine, says @somebody.',
  issues: [
    { severity: 'major', file: 'change.txt', line: 2, description: 'Closes #1? @all', suggestion: '/merge' },
    { severity: 'minor', file: 'change.txt', line: 99, description: 'nowhere', suggestion: '' },
  ],
  auto_fixable: false,
};
const printReview = `echo '${JSON.stringify(review)}'`;

async function openStage(stack: AsyncDisposableStack, { open }: (typeof forges)[number]): Promise<Stage> {
  const folder = await temporaryFolder({
    after: (leave: () => unknown) => stack.defer(async () => void (await leave())),
  });
  const forge = await open(join(folder, 'forge'));
  stack.defer(() => forge.stop());
  const receiver = await startCallbackReceiver();
  stack.defer(() => receiver.close());
  const house = await openHouse({
    settings: {
      ...smallLimits,
      ...forge.settings,
      ...webhookSettings,
      SLIPWAY_REVIEW_KEY_NAME: 'elsewhere,reviews',
      SLIPWAY_REVIEW_AGENT: 'script',
      SLIPWAY_REVIEW_COMMAND: printReview,
      SLIPWAY_ALLOW_PRIVATE_ADDRESSES: new URL(receiver.url).host,
      SLIPWAY_TASKS_PER_MINUTE: '0',
      SLIPWAY_REVIEW_WORKERS: '2',
    },
  });
  stack.defer(() => house[Symbol.asyncDispose]());
  await house.client.keys.create({ name: 'reviews', provider: forge.name, token: forge.token });
  return { house, forge, receiver };
}

let pulls = 0;

/** A pull request that adds three lines. */
async function openPull({ forge }: Stage, isFromFork = false): Promise<OpenedPull> {
  pulls += 1;
  const pull = { branch: `topic-${pulls}`, title: `Change ${pulls}` };
  const files = { 'change.txt': `one\ntwo\nthree ${pulls}\n` };
  return { ...pull, ...(await forge.openPullRequest({ ...pull, files, isFromFork })) };
}

async function tell({ house, forge }: Stage, pull: OpenedPull): Promise<{ status: number; body: unknown }> {
  const { path, headers, body } = openedDelivery(forge, pull);
  const answer = await fetch(new URL(path, house.server().url), { method: 'POST', headers, body });
  return { status: answer.status, body: await answer.json() };
}

/** A task that reviews a pull request. */
async function ask(
  { house, forge, receiver }: Stage,
  { number }: Pick<OpenedPull, 'number'>,
  more: { readonly config?: Config; readonly callback?: string; readonly access_token?: string } = {},
): Promise<string> {
  const { id } = await house.client.tasks.create({
    repo_url: forge.repositoryUrl,
    prompt: `Review ${number}`,
    task_type: 'pr_review',
    access_token: more.access_token ?? forge.token,
    ...(more.callback === undefined ? {} : { callback_url: `${receiver.url}/${more.callback}` }),
    config: { cli: 'script', command: printReview, pr_number: number, ...more.config },
  });
  return id;
}

const wait = ({ house }: Stage, id: string): Promise<Task> => house.client.tasks.wait(id, limit());

async function eventsOf({ house }: Stage, id: string): Promise<readonly string[]> {
  const seen: string[] = [];
  for await (const message of house.client.tasks.stream(id, limit())) {
    if (message.kind === 'event') seen.push(message.event.event);
  }
  return seen;
}

function assertPosted({ forge }: Stage, { number }: OpenedPull): void {
  const { texts, comments } = forge.posted(number);
  assert.equal(texts.length, 1, 'one summary');
  assert.deepEqual(
    comments.map(({ path, line }) => [path, line]),
    [['change.txt', 2]],
  );
  const all = [...texts, ...comments.map(({ body }) => body)].join('\n');
  assert.match(texts[0] ?? '', /nowhere/u);
  assert.doesNotMatch(all, /@(?:somebody|all)|#1\b|^\/merge/mu);
}

for (const forge of forges) {
  describe(`reviews at ${forge.name}`, { concurrency: false }, () => {
    const stack = new AsyncDisposableStack();
    after(() => stack.disposeAsync());
    const opening = openStage(stack, forge);

    test('a webhook about a pull request of a fork becomes one review at it', async () => {
      const stage = await opening;
      const pull = await openPull(stage, true);
      const told = await tell(stage, pull);
      const { task_id: id } = told.body as { task_id: string };
      assert.deepEqual(told, { status: 201, body: { status: 'created', task_id: id } });
      const again = await tell(stage, pull);
      const { status, task_id: same } = again.body as { status: string; task_id: string };
      assert.deepEqual([again.status, status, same], [200, 'deduplicated', id]);
      const task = await wait(stage, id);
      assert.deepEqual(
        [task.status, task.task_type, task.config.pr_number, task.config.output_mode, task.provider_key],
        ['completed', 'pr_review', pull.number, 'post_comments', 'reviews'],
      );
      assert.deepEqual((await eventsOf(stage, id)).slice(-3), [
        'task_completed',
        'review_parsed',
        'review_posted',
      ]);
      assertPosted(stage, pull);
    });

    test('a review that was kept is posted when a person asks, once, wherever the base came from', async () => {
      const stage = await opening;
      const pull = await openPull(stage);
      const { id, status } = await wait(stage, await ask(stage, pull));
      assert.equal(status, 'completed');
      assert.deepEqual(stage.forge.posted(pull.number).texts, []);
      const { postReview } = stage.house.client.tasks;
      const [first, second] = await Promise.all([postReview(id), postReview(id)]);
      assert.deepEqual(second, first);
      assert.deepEqual([first?.pr_number, first?.comments_posted], [pull.number, 1]);
      assert.ok(first?.review_url.startsWith('http'));
      assert.deepEqual(await postReview(id, { pr_number: pull.number }), first);
      assertPosted(stage, pull);
    });

    test('the callback of a posted review comes when it stands, and brings the result', async () => {
      const stage = await opening;
      const pull = await openPull(stage);
      stage.forge.limitRate(2);
      const id = await ask(stage, pull, { callback: 'told', config: { output_mode: 'post_comments' } });
      const [received] = await until('the callback', () => {
        const all = stage.receiver.received('/told');
        return all.length > 0 && all;
      });
      assertPosted(stage, pull);
      const body = JSON.parse(received?.body ?? '') as { task_id: string; review_result: { score: number } };
      assert.deepEqual([body.task_id, body.review_result.score], [id, 8]);
    });

    test('a pull request that is pushed to by force, or closed, while it is reviewed gets what fits', async () => {
      const stage = await opening;
      const [moved, closed] = [await openPull(stage), await openPull(stage)];
      const config: Config = { output_mode: 'post_comments', command: `echo on it; sleep 4; ${printReview}` };
      const ids = await Promise.all([moved, closed].map((pull) => ask(stage, pull, { config })));
      await until('both reviewers to work', async () => {
        const rows = await stage.house.query(
          `select from runs where task_id = any($1) and state = 'running' and output_at > 0`,
          [ids],
        );
        return rows.length === 2;
      });
      await stage.forge.rewrite(moved.branch, { 'change.txt': 'other\n' });
      const seen = stage.forge.pullRequests().find(({ number }) => number === closed.number);
      assert.ok(seen);
      await stage.forge.close(seen);
      for (const id of ids) assert.equal((await wait(stage, id)).status, 'completed');
      for (const id of ids) assert.ok((await eventsOf(stage, id)).includes('review_posted'));
      const ofMoved = stage.forge.posted(moved.number);
      assert.deepEqual([ofMoved.texts.length, ofMoved.comments.length], [1, 0]);
      assert.match(ofMoved.texts[0] ?? '', new RegExp(moved.headCommit, 'u'));
      const ofClosed = stage.forge.posted(closed.number);
      assert.deepEqual([ofClosed.texts.length, ofClosed.comments.length], [1, 1]);
      assert.match(ofClosed.texts[0] ?? '', /was closed/u);
    });

    test('the work of a task is reviewed, published, and the review posted to its pull request', async () => {
      const stage = await opening;
      const { house, forge: at } = stage;
      const { id } = await house.client.tasks.create({
        repo_url: at.repositoryUrl,
        prompt: 'Change it',
        access_token: at.token,
        config: { cli: 'script', command: 'printf "a\\nb\\n" > change.txt' },
      });
      await wait(stage, id);
      await assert.rejects(house.client.tasks.postReview(id), (error) => {
        assert.ok(error instanceof ApiError);
        assert.deepEqual([error.status, /no review result/u.test(error.message)], [400, true]);
        return true;
      });
      await house.client.tasks.review(id);
      assert.equal((await wait(stage, id)).review_result?.verdict, 'approve');
      const { pr_number: number } = await house.client.tasks.createPullRequest(id, {}, limit());
      const posted = await house.client.tasks.postReview(id, {}, limit());
      assert.deepEqual([posted.pr_number, posted.comments_posted], [number, 1]);
      assert.equal(at.posted(number).texts.length, 1);
    });

    test('a token that may not comment leaves the review where it is, and says why', async () => {
      const stage = await opening;
      const pull = await openPull(stage);
      const id = await ask(stage, pull, {
        access_token: stage.forge.readOnlyToken,
        config: { output_mode: 'post_comments', target_branch: 'main' },
      });
      const task = await wait(stage, id);
      assert.deepEqual([task.status, task.review_result?.score], ['completed', 8]);
      assert.deepEqual((await eventsOf(stage, id)).slice(-1), ['review_post_failed']);
      assert.deepEqual(stage.forge.posted(pull.number).texts, []);
    });

    test('nothing that was asked of the forge was against its description', async () => {
      (await opening).forge.assertNoViolations();
    });
  });
}
