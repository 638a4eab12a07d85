import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { FaultPoint } from '../../src/domain/fault-points.ts';
import { delay } from '../../src/lib/abort.ts';
import { until } from '../support/processes.ts';
import type { SlipwaySettings } from '../support/slipway-process.ts';
import type { ForgeStage } from './forge-stage.ts';
import { openGithubStage } from './github-stage.ts';
import { openGitlabStage } from './gitlab-stage.ts';
import { killAtMark, openKillLane, type KillLane } from './kill-lane.ts';
import { openedDelivery, webhookSettings, type OpenedPull } from './webhook-delivery.ts';

export const reviewStages = { GitHub: openGithubStage, GitLab: openGitlabStage } as const;

/** From a webhook that was taken to the task that it becomes: one task each is killed at one of them. */
export const inboxPoints = [
  'webhook.stored',
  'create.stored',
  'webhook.settled',
] as const satisfies FaultPoint[];

/** From there to the review at the pull request: one task is killed at all of them, one after the other. */
const reviewPoints = [
  'claim.claimed',
  'prepare.refreshed',
  'prepare.cloned',
  'prepare.ready',
  'start.recorded',
  'start.supervised',
  'work.attached',
  'work.appended',
  'work.exited',
  'collect.recorded',
  'finish.recorded',
  'post_review.leased',
  'post_review.posted',
  'post_review.settled',
] as const satisfies FaultPoint[];

const keyName = 'reviews';
/** What the reviewed branch changes: the review has a finding at its first line. */
export const reviewedFile = 'change.txt';

export type ReviewLane = {
  readonly lane: KillLane;
  readonly forge: ForgeStage;
};

/** A server that reviews what the forge's webhooks tell of, with `settings` beside what that needs. */
export async function openReviewLane(
  forgeName: keyof typeof reviewStages,
  settings: SlipwaySettings,
  stack: AsyncDisposableStack,
): Promise<ReviewLane> {
  const opened = Promise.withResolvers<ForgeStage>();
  const lane = await openKillLane(async (folder) => {
    const forge = await reviewStages[forgeName](join(folder, 'forge'));
    stack.defer(() => forge.stop());
    opened.resolve(forge);
    return { ...forge.settings, ...webhookSettings, SLIPWAY_REVIEW_KEY_NAME: keyName, ...settings };
  });
  stack.defer(() => lane.close());
  const forge = await opened.promise;
  await lane.prepare('instruct.stored');
  await lane.client().keys.create({ name: keyName, provider: forge.name, token: forge.token });
  return { lane, forge };
}

/** A pull request from a fork, by somebody else. */
async function openPull(
  { forge }: ReviewLane,
  name: string,
  file: { readonly name: string; readonly text: string },
): Promise<OpenedPull> {
  const pull = { branch: `topic-${name}`, title: `Change ${name}` };
  const files = { [file.name]: file.text };
  return { ...pull, ...(await forge.openPullRequest({ ...pull, files, isFromFork: true })) };
}

/** Sends the webhook as a forge does: once; whether it got an answer is nothing to it. */
function tell({ lane, forge }: ReviewLane, pull: OpenedPull): Promise<unknown> {
  const { path, headers, body } = openedDelivery(forge, pull);
  return fetch(new URL(path, lane.url()), { method: 'POST', headers, body }).catch(() => undefined);
}

/** One review whose server is killed with signal 9 at each of `reviewPoints`, while the forge loses its answers. */
export async function reviewThroughKills(stage: ReviewLane): Promise<string> {
  const { lane, forge } = stage;
  const pull = await openPull(stage, 'all', { name: reviewedFile, text: 'changed\n' });
  forge.dropReplies();
  let mark = await lane.prepareArmed(reviewPoints[0]);
  await tell(stage, pull);
  for (const next of reviewPoints.slice(1)) {
    await killAtMark(lane, mark);
    mark = await lane.prepareArmed(next);
  }
  await killAtMark(lane, mark);
  await lane.prepare('instruct.stored');
  return assertReviewed(stage, pull);
}

/** One review whose server is killed at one point between its webhook and its task. */
export async function reviewThroughKillAt(stage: ReviewLane, point: FaultPoint): Promise<void> {
  const name = point.replaceAll(/[._]/gu, '-');
  const pull = await openPull(stage, name, { name: reviewedFile, text: `${name}\n` });
  const mark = await stage.lane.prepareArmed(point);
  const told = tell(stage, pull);
  await killAtMark(stage.lane, mark);
  await told;
  await stage.lane.prepare('instruct.stored');
  await assertReviewed(stage, pull);
  // The review can be there before the row says so; the next server must not come to its point by this one.
  await until('the webhook to be settled', async () => {
    const waiting = await stage.lane.query(`select from deliveries where state = 'waiting'`, []);
    return waiting.length === 0;
  });
}

/** A person who asks for a review of finished work, and for its post, loses both answers and asks again. */
export async function reviewAskedForTwice({ lane, forge }: ReviewLane): Promise<void> {
  const { id } = await lane.client().tasks.create({
    repo_url: forge.repositoryUrl,
    prompt: 'Change it',
    access_token: forge.token,
    config: { cli: 'script', command: `echo work > ${reviewedFile}` },
  });
  const wait = () => lane.client().tasks.wait(id, { signal: AbortSignal.timeout(60_000) });
  assert.equal((await wait()).status, 'completed');
  const asked = () => lane.client().tasks.review(id, {}, { idempotencyKey: 'asked' });
  await losingTheAnswer(lane, 'review.stored', asked);
  assert.equal((await wait()).review_result?.verdict, 'request_changes');
  const reviews = await lane.query('select from runs where task_id = $1 and aside', [id]);
  assert.equal(reviews.length, 1, 'one review');
  const { pr_number: number } = await lane.client().tasks.createPullRequest(id);
  await losingTheAnswer(lane, 'post_review.stored', () => lane.client().tasks.postReview(id));
  assert.equal(forge.posted(number).texts.length, 1, 'one post');
  forge.assertNoViolations();
}

/** Asks, kills the server at the point, and asks again until there is an answer. */
async function losingTheAnswer(
  lane: KillLane,
  point: FaultPoint,
  ask: () => Promise<unknown>,
): Promise<void> {
  const mark = await lane.prepareArmed(point);
  const lost = ask().catch(() => undefined);
  await killAtMark(lane, mark);
  await lane.prepare('instruct.stored');
  // The client asks again by itself, too.
  await Promise.all([lost, ask()]);
}

/** Returns the task's id: one task, one run of its agent, and one review with its comment, each once. */
async function assertReviewed({ lane, forge }: ReviewLane, { number }: OpenedPull): Promise<string> {
  const ended = AbortSignal.timeout(60_000);
  const tasksOf = () =>
    lane.query<{ id: string }>(`select id from tasks where (options ->> 'pullRequestNumber')::int = $1`, [
      number,
    ]);
  while ((await tasksOf()).length === 0) await delay(200, ended);
  const [{ id } = { id: '' }, ...more] = await tasksOf();
  assert.deepEqual(more, [], 'one task');
  const task = await lane
    .client()
    .tasks.wait(id, { signal: ended })
    .catch((error: unknown) => assert.fail(`${String(error)}\n${lane.output()}`));
  assert.equal(task.status, 'completed', `${task.error ?? ''}\n${lane.output()}`);
  assert.equal(task.review_result?.verdict, 'request_changes', lane.output());
  const seen = forge.posted(number);
  assert.equal(seen.texts.length, 1, 'one summary');
  assert.deepEqual(
    seen.comments.map(({ path, line }) => ({ path, line })),
    [{ path: reviewedFile, line: 1 }],
    'one comment',
  );
  const runs = await lane.query<{ state: string }>('select state from runs where task_id = $1', [id]);
  assert.deepEqual(runs, [{ state: 'succeeded' }], 'the agent reviewed once');
  forge.assertNoViolations();
  return id;
}
