import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createPostReviewHandler } from '../../src/effects/post-review.ts';
import { everyAbility } from '../../src/domain/ability.ts';
import type { ReviewResult } from '../../src/domain/review.ts';
import { ForgeError, type Forge, type ForgePullRequest, type ReviewRequest } from '../../src/forges/forge.ts';
import { createFaults } from '../../src/lib/faults.ts';
import { systemIds } from '../../src/lib/ids.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { Secret } from '../../src/lib/secret.ts';
import { createPostReviewService } from '../../src/services/post-review.ts';
import { claimRun } from '../../src/store/claim-run.ts';
import { leaseEffect, type EffectOf } from '../../src/store/effects.ts';
import { finishRun } from '../../src/store/finish-run.ts';
import { recordExit } from '../../src/store/move-run.ts';
import { expireReview } from '../../src/store/settle-review.ts';
import { findTask } from '../../src/store/tasks.ts';
import { createWakeups } from '../../src/store/wakeups.ts';

import {
  age,
  eventTypes,
  exitRecord,
  noLimits,
  setStage,
  start,
  storeTask,
  workCommit,
  type Stage,
} from '../support/stored-tasks.ts';

const result: ReviewResult = {
  verdict: 'approve',
  score: 9,
  summary: 'Good.',
  issues: [
    { severity: 'minor', file: 'a.ts', line: 3, description: 'shown', suggestion: '' },
    { severity: 'major', file: 'a.ts', line: 99, description: 'elsewhere', suggestion: '' },
  ],
  autoFixable: false,
  reviewedBy: 'codex',
  durationSeconds: 1,
};

/** A review task at its end whose review is to be posted, and a callback that waits for that. */
async function reviewed(stage: Stage, post = true): Promise<{ taskId: string; runId: string }> {
  const { taskId } = await storeTask(stage, {
    kind: 'pr_review',
    callbackUrl: 'https://receiver.example/x',
    options: { agent: 'script', timeoutSeconds: 60, command: 'true', pullRequestNumber: 7 },
  });
  const run = await claimRun(stage.database, stage.workerId, 'reviews', {
    capabilities: ['script'],
    limits: noLimits,
  });
  assert.equal(run?.taskId, taskId);
  assert.ok(await start(stage, run));
  assert.ok(await recordExit(stage.database, run, exitRecord));
  assert.ok(
    await finishRun(
      stage.database,
      { ...run, state: 'collecting' },
      {
        result: '{}',
        durationMs: 1_000,
        work: undefined,
        readOnly: { restored: undefined },
        reviewed: {
          result,
          from: 'text',
          commit: workCommit,
          post: post ? { effectId: systemIds.ordered(), number: 7 } : undefined,
        },
        push: undefined,
      },
    ),
  );
  return { taskId, runId: run.runId };
}

/** A forge that shows line 3 of one file, and keeps what it is given by its marker. */
function fakeForge(more: Partial<ForgePullRequest> = {}) {
  const posts = new Map<string, ReviewRequest>();
  const failing: Error[] = [];
  const never = () => Promise.reject(new Error('nobody asked for it'));
  const pullRequest = { number: 7, url: 'https://forge.example/7', title: 'x', state: 'open' as const };
  const forge: Forge = {
    name: 'github',
    host: 'forge.example',
    abilities: { pullRequests: true, accounts: true },
    gitUsername: 'x',
    verifyToken: never,
    listRepositories: never,
    findRepository: never,
    ensurePullRequest: never,
    addLabels: never,
    pullRequestRef: (number) => `refs/pull/${number}/head`,
    findPullRequest: async () => ({
      ...pullRequest,
      isDraft: false,
      headCommit: workCommit,
      headBranch: 'topic',
      baseBranch: 'main',
      ...more,
    }),
    readDiff: async () => ({
      headCommit: more.headCommit ?? workCommit,
      files: new Map([['a.ts', { previousPath: 'a.ts', lines: new Map([[3, undefined]]) }]]),
    }),
    async postReview(request) {
      const failure = failing.shift();
      if (failure !== undefined) throw failure;
      const how = posts.has(request.marker) ? 'found' : 'posted';
      posts.set(request.marker, request);
      return { url: 'https://forge.example/7#r1', comments: request.comments.length, how };
    },
  };
  return { forge, posts, failing };
}

type Fake = ReturnType<typeof fakeForge>;

function handlerOf(stage: Stage, { forge }: Fake) {
  return createPostReviewHandler({
    database: stage.database,
    wakeups: createWakeups(stage.database, 'test', silentLogger),
    forgeOf: () => forge,
    findCredential: async () => ({ git: undefined, token: new Secret('a-token') }),
    repositories: { allowFile: false, allowHttp: false, allowSsh: false },
    logger: silentLogger,
    faults: createFaults(undefined),
  });
}

async function lease(stage: Stage): Promise<EffectOf<'review'>> {
  const effect = await leaseEffect(stage.database, stage.workerId, { kinds: ['review'] });
  assert.equal(effect?.kind, 'review');
  return effect;
}

const isCallbackDue = async (stage: Stage): Promise<boolean> =>
  (await leaseEffect(stage.database, stage.workerId, { kinds: ['callback'] })) !== undefined;

const show = async ({ database, ownerId }: Stage, id: string) => {
  const task = await findTask(database, { userId: ownerId, isAdmin: true }, { id });
  assert.ok(task);
  return task;
};

const never = new AbortController().signal;

/** Does it every 50 ms until it is disposed of. */
function workInTheBackground(work: () => Promise<void>): AsyncDisposable {
  const stopping = new AbortController();
  const working = (async () => {
    while (!stopping.signal.aborted) {
      await work();
      await delay(50);
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await working;
    },
  };
}

test('a review is posted with its lines and the rest in the summary; then the task has ended', async (t) => {
  const stage = await setStage(t);
  const fake = fakeForge();
  const { taskId } = await reviewed(stage);
  const waiting = await show(stage, taskId);
  assert.deepEqual([waiting.state, waiting.isPosting, waiting.review?.score], ['completed', true, 9]);
  assert.equal(await isCallbackDue(stage), false);
  await handlerOf(stage, fake)(await lease(stage), never);
  const [request] = fake.posts.values();
  assert.ok(request);
  assert.deepEqual(
    request.comments.map(({ path, line }) => [path, line]),
    [['a.ts', 3]],
  );
  assert.match(request.summary([]), /elsewhere/u);
  assert.doesNotMatch(request.summary([]), /shown/u);
  assert.match(request.summary(request.comments), /shown/u);
  assert.equal(request.verdict, 'approve');
  assert.deepEqual((await eventTypes(stage, taskId)).slice(-3), [
    'task_completed',
    'review_parsed',
    'review_posted',
  ]);
  assert.equal((await show(stage, taskId)).isPosting, false);
  assert.equal(await isCallbackDue(stage), true);
});

test('a pull request that has moved on gets all of it as a comment in the summary', async (t) => {
  const stage = await setStage(t);
  const fake = fakeForge({ headCommit: 'd'.repeat(40) });
  await reviewed(stage);
  await handlerOf(stage, fake)(await lease(stage), never);
  const [request] = fake.posts.values();
  assert.deepEqual([request?.comments.length, request?.verdict], [0, 'comment']);
  assert.match(request?.summary([]) ?? '', new RegExp(`about the commit ${workCommit}`, 'u'));
});

test('one that was closed meanwhile is commented on, and neither approved nor held up', async (t) => {
  const stage = await setStage(t);
  const fake = fakeForge({ state: 'closed' });
  await reviewed(stage);
  await handlerOf(stage, fake)(await lease(stage), never);
  const [request] = fake.posts.values();
  assert.deepEqual([request?.comments.length, request?.verdict], [1, 'comment']);
});

test('what may pass is tried again when the forge wants it, under the same marker', async (t) => {
  const stage = await setStage(t);
  const fake = fakeForge();
  const { taskId } = await reviewed(stage);
  fake.failing.push(new ForgeError('rate_limited', 'slow down', { retryAfterMs: 90_000 }));
  const first = await lease(stage);
  await handlerOf(stage, fake)(first, never);
  assert.equal(await leaseEffect(stage.database, stage.workerId, { kinds: ['review'] }), undefined);
  await age(stage, 'effects', 'available_at', { id: first.effectId, seconds: 89 });
  assert.equal(await leaseEffect(stage.database, stage.workerId, { kinds: ['review'] }), undefined);
  await age(stage, 'effects', 'available_at', { id: first.effectId, seconds: 3 });
  await handlerOf(stage, fake)(await lease(stage), never);
  assert.deepEqual([...fake.posts.keys()], [first.effectId]);
  assert.equal((await eventTypes(stage, taskId)).at(-1), 'review_posted');
});

test('what the forge refuses for good is told, the task stays completed, and the callback goes', async (t) => {
  const stage = await setStage(t);
  const fake = fakeForge();
  const { taskId } = await reviewed(stage);
  fake.failing.push(new ForgeError('not_found', 'there is no pull request 7'));
  await handlerOf(stage, fake)(await lease(stage), never);
  const task = await show(stage, taskId);
  assert.deepEqual([task.state, task.isPosting, task.failure], ['completed', false, null]);
  assert.equal((await eventTypes(stage, taskId)).at(-1), 'review_post_failed');
  assert.equal(await isCallbackDue(stage), true);
});

test('a post that never comes about is given up at its deadline', async (t) => {
  const stage = await setStage(t);
  const { taskId } = await reviewed(stage);
  assert.equal(await expireReview(stage.database), undefined);
  const { effectId } = await lease(stage);
  await age(stage, 'effects', 'deadline_at', { id: effectId, seconds: 100_000 });
  assert.equal(await expireReview(stage.database), undefined, 'somebody is at work on it');
  await age(stage, 'effects', 'lease_until', { id: effectId, seconds: 60 });
  assert.equal(await expireReview(stage.database), taskId);
  assert.equal((await eventTypes(stage, taskId)).at(-1), 'review_post_failed');
  assert.equal(await isCallbackDue(stage), true);
});

test('asked for by a person, a review is posted once for a pull request, and again only where that failed', async (t) => {
  const stage = await setStage(t);
  const fake = fakeForge();
  const { taskId } = await reviewed(stage, false);
  const { database, ownerId } = stage;
  const wakeups = createWakeups(database, 'test', silentLogger);
  const postReview = createPostReviewService({
    database,
    wakeups,
    ids: systemIds,
    faults: createFaults(undefined),
    forgeOf: () => fake.forge,
    findCredential: async () => ({ git: undefined, token: new Secret('a-token') }),
    waitMs: 20_000,
  });
  const actor = { userId: ownerId, isAdmin: true, abilities: everyAbility };
  const ask = async (pullRequestNumber?: number) => {
    const asked = postReview(
      actor,
      { id: taskId },
      pullRequestNumber === undefined ? {} : { pullRequestNumber },
      never,
    );
    asked.catch(() => undefined);
    return asked;
  };
  await using _outbox = workInTheBackground(async () => {
    const effect = await leaseEffect(database, stage.workerId, { kinds: ['review'] });
    if (effect?.kind === 'review') await handlerOf(stage, fake)(effect, never);
  });
  fake.failing.push(new ForgeError('forbidden', 'the token may not'));
  await assert.rejects(ask(), { code: 'delivery_failed', message: 'the token may not' });
  const once = { url: 'https://forge.example/7#r1', comments: 1, pullRequestNumber: 7 };
  assert.deepEqual(await Promise.all([ask(), ask(), ask(7)]), [once, once, once]);
  assert.equal((await ask(8)).pullRequestNumber, 8);
  assert.equal(fake.posts.size, 2, 'one for each pull request');
  const types = await eventTypes(stage, taskId);
  assert.deepEqual(
    types.filter((type) => type.startsWith('review_post')),
    ['review_post_failed', 'review_posted', 'review_posted'],
  );
});
