import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { faultPoints, type FaultPoint } from '../../src/domain/fault-points.ts';
import { delay } from '../../src/lib/abort.ts';
import { isStopped, until } from '../support/processes.ts';
import { startCallbackReceiver, type CallbackReceiver } from './callback-receiver.ts';
import type { ForgeStage } from './forge-stage.ts';
import { openGithubStage } from './github-stage.ts';
import { openGitlabStage } from './gitlab-stage.ts';
import { readMark } from './installation-processes.ts';
import { openKillLane, type KillLane } from './kill-lane.ts';
import { deliveryPoints, reviewOnlyPoints, workflowOnlyPoints } from './kill-matrix.ts';

/**
 * The kill test of deliveries: between the end of the work and the last callback a process stops at each
 * point, the server or PostgreSQL is killed with signal 9, and what died is started again. On top of that the
 * forge does what the first requests ask for and loses its answers. There has to be one branch, one pull
 * request, each label once, and callbacks that a receiver who keeps ids takes for one.
 */
const from = faultPoints.indexOf('finish.recorded');
const others: readonly FaultPoint[] = ['publish.stored', ...reviewOnlyPoints, ...workflowOnlyPoints];
const publishing: readonly FaultPoint[] = faultPoints.slice(from).filter((point) => !others.includes(point));

type DeliveryKill = { readonly point: FaultPoint; readonly victim: 'server' | 'postgres' };

const kills = (victim: DeliveryKill['victim'], points: readonly FaultPoint[]): readonly DeliveryKill[] =>
  points.map((point) => ({ point, victim }));

/** Behind what was done to the world, and behind what is written down of it. */
const telling: readonly FaultPoint[] = [
  'finish.recorded',
  'deliver.pushed',
  'deliver.settled',
  'pull_request.opened',
  'pull_request.settled',
  'callback.sent',
  'callback.settled',
];
/** Where the forge is asked: all else is the same at both. */
const forging = publishing.filter((point) => point.startsWith('pull_request.') || point === 'deliver.pushed');

const stories = [
  {
    open: openGithubStage,
    name: 'GitHub',
    kills: [...kills('server', publishing), ...kills('postgres', telling)],
  },
  { open: openGitlabStage, name: 'GitLab', kills: kills('server', forging) },
] as const;

const callbackSecret = 'a secret for callbacks';
const labels = ['bot', 'by slipway'];

describe('whoever dies at whatever point of a delivery, all of it is there once', { concurrency: 2 }, () => {
  for (const story of stories) {
    test(story.name, async (t) => {
      await using stack = new AsyncDisposableStack();
      const house = await openDeliveryHouse(story.open, stack);
      const outcomes: string[] = [];
      for (const kill of story.kills) {
        await t.test(`${kill.point}: kill -9 of the ${kill.victim}`, async () => {
          outcomes.push(`${kill.point.padEnd(23)} ${kill.victim.padEnd(9)} ${await runCase(house, kill)}`);
        });
      }
      await t.test('publish.stored: kill -9 of the server, with a caller who comes again', () =>
        runAskedCase(house),
      );
      for (const line of outcomes) t.diagnostic(line);
      house.forge.assertNoViolations();
    });
  }
});

test('every point that only deliveries pass is walked', () => {
  const walked: readonly FaultPoint[] = [...publishing, 'publish.stored'];
  assert.deepEqual(
    deliveryPoints.filter((point) => !walked.includes(point)),
    [],
  );
});

type DeliveryHouse = {
  readonly lane: KillLane;
  readonly forge: ForgeStage;
  readonly receiver: CallbackReceiver;
};

async function openDeliveryHouse(
  open: (folder: string) => Promise<ForgeStage>,
  stack: AsyncDisposableStack,
): Promise<DeliveryHouse> {
  const receiver = await startCallbackReceiver();
  stack.defer(() => receiver.close());
  const opened = Promise.withResolvers<ForgeStage>();
  const lane = await openKillLane(async (folder) => {
    const forge = await open(join(folder, 'forge'));
    stack.defer(() => forge.stop());
    opened.resolve(forge);
    return {
      ...forge.settings,
      SLIPWAY_CALLBACK_SECRET: callbackSecret,
      SLIPWAY_CALLBACK_WAITS: '1,1,1',
      SLIPWAY_ALLOW_PRIVATE_ADDRESSES: new URL(receiver.url).host,
    };
  });
  stack.defer(() => lane.close());
  return { lane, forge: await opened.promise, receiver };
}

/** Submits as a careful client does: with a key, again and again until there is an answer. */
async function submit(
  { lane, forge, receiver }: DeliveryHouse,
  key: string,
  publish: 'manual' | 'pull_request',
): Promise<string> {
  const { id } = await again(() =>
    lane.client().tasks.create(
      {
        repo_url: forge.repositoryUrl,
        prompt: `Change ${key}`,
        access_token: forge.token,
        callback_url: `${receiver.url}/${key}`,
        publish,
        config: { cli: 'script', command: `echo ${key} > change.txt`, labels },
      },
      { idempotencyKey: key },
    ),
  );
  return id;
}

async function again<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  const patience = AbortSignal.timeout(45_000);
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (patience.aborted) throw error;
      await delay(100, patience);
    }
  }
}

async function runCase(house: DeliveryHouse, kill: DeliveryKill): Promise<string> {
  const { lane, forge } = house;
  const began = performance.now();
  const key = randomUUID();
  await lane.prepare(kill.point);
  const mark = lane.arm();
  forge.dropReplies();
  const taskId = await submit(house, key, 'pull_request');
  await killAt(lane, kill, mark);
  const callbacks = await assertOnce(house, { taskId, key });
  return `${callbacks} ${callbacks === 1 ? 'callback' : 'callbacks'}, ${((performance.now() - began) / 1_000).toFixed(1)} s`;
}

/** A person asks for the pull request, loses the answer to a crash, and asks again under the same key. */
async function runAskedCase(house: DeliveryHouse): Promise<void> {
  const { lane, forge } = house;
  const key = randomUUID();
  await lane.prepare('publish.stored');
  const taskId = await submit(house, key, 'manual');
  await again(async () => assert.equal((await lane.client().tasks.get(taskId)).status, 'completed'));
  const mark = lane.arm();
  forge.dropReplies();
  const asked = again(() =>
    lane.client().tasks.createPullRequest(taskId, { title: 'Mine' }, { idempotencyKey: key }),
  );
  await killAt(lane, { point: 'publish.stored', victim: 'server' }, mark);
  const { pr_number: number } = await asked;
  await assertOnce(house, { taskId, key });
  const [opened] = forge.pullRequests().filter((one) => one.number === number);
  assert.equal(opened?.title, 'Mine');
}

async function killAt(lane: KillLane, { point, victim }: DeliveryKill, mark: string): Promise<void> {
  const stopped = await until(`the point ${point} to be reached`, () => readMark(mark));
  await until('the process to stand still', () => isStopped(stopped));
  if (victim === 'server') {
    await lane.kill();
    // The mark is there: the point is passed from now on.
    await lane.prepare(point);
    return;
  }
  process.kill(lane.postmaster(), 'SIGKILL');
  process.kill(stopped, 'SIGCONT');
}

type Asserted = { readonly taskId: string; readonly key: string };

/** Returns how often the callback came. */
async function assertOnce(
  { lane, forge, receiver }: DeliveryHouse,
  { taskId, key }: Asserted,
): Promise<number> {
  const task = await again(async () => {
    const now = await lane.client().tasks.get(taskId);
    assert.ok(['pr_created', 'failed'].includes(now.status), now.status);
    return now;
  });
  assert.equal(task.status, 'pr_created', `${task.error ?? ''}\n${lane.output()}`);
  const branches = (await forge.branches()).filter((name) => name.includes(taskId.slice(0, 8)));
  assert.deepEqual(branches, [task.branch], 'one branch');
  assert.equal((await forge.read(branches[0] ?? '', 'change.txt')).trim(), key);
  const opened = forge.pullRequests().filter(({ branch }) => branch === task.branch);
  assert.equal(opened.length, 1, 'one pull request');
  assert.deepEqual([opened[0]?.number, opened[0]?.url], [task.pr_number, task.pr_url]);
  assert.deepEqual([...(opened[0]?.labels ?? [])].sort(), labels, 'each label once');
  await again(async () => {
    const open = await lane.query(
      `select id from effects where task_id = $1 and state in ('waiting', 'leased')`,
      [taskId],
    );
    assert.equal(open.length, 0, 'no effect is open');
  });
  return assertCallbacks(receiver.received(`/${key}`), taskId);
}

/** At least one, all with the same id, body and signature. */
function assertCallbacks(received: ReturnType<CallbackReceiver['received']>, taskId: string): number {
  assert.notEqual(received.length, 0, 'a callback came');
  const [first] = received;
  const { status, task_id: told } = JSON.parse(first?.body ?? '') as { status: string; task_id: string };
  assert.equal(told, taskId);
  assert.ok(['completed', 'pr_created'].includes(status));
  const signature = createHmac('sha256', callbackSecret)
    .update(first?.body ?? '')
    .digest('hex');
  for (const { headers, body } of received) {
    assert.equal(headers['webhook-id'], first?.headers['webhook-id']);
    assert.equal(headers['x-signature-256'], `sha256=${signature}`);
    assert.equal(body, first?.body);
  }
  return received.length;
}
