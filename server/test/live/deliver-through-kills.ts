import assert from 'node:assert/strict';
import { join } from 'node:path';
import { scenarioMarker } from '../../src/demo/model-server/scenarios.ts';
import { startModelServer } from '../../src/demo/model-server/model-server.ts';
import { faultPoints, type FaultPoint } from '../../src/domain/fault-points.ts';
import { startCallbackReceiver } from '../e2e/callback-receiver.ts';
import type { ForgeStage } from '../e2e/forge-stage.ts';
import { openGithubStage } from '../e2e/github-stage.ts';
import { openGitlabStage } from '../e2e/gitlab-stage.ts';
import { killAtMark, openKillLane, type KillLane } from '../e2e/kill-lane.ts';
import { reviewOnlyPoints, testOnlyPoints, workflowOnlyPoints } from '../e2e/kill-matrix.ts';
import { agentSettings } from './agent-settings.ts';
import type { LiveAgentName } from './installed-clis.ts';

const elsewhere: readonly FaultPoint[] = [
  'session.kept',
  'park.stored',
  'park.recorded',
  'publish.stored',
  ...reviewOnlyPoints,
  ...workflowOnlyPoints,
  ...testOnlyPoints,
];
/** From the commit to the callback. */
const points = faultPoints
  .slice(faultPoints.indexOf('collect.bundled'))
  .filter((point) => !elsewhere.includes(point));

const stages = { GitHub: openGithubStage, GitLab: openGitlabStage } as const;

/**
 * One task of an agent's real program whose server is killed with signal 9 at every point between its commit
 * and its callback, one after the other, while the forge loses the answers to what it has done.
 */
export async function deliverThroughKills(
  agent: LiveAgentName,
  forgeName: keyof typeof stages,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const model = await startModelServer();
  stack.defer(() => model.close());
  const receiver = await startCallbackReceiver();
  stack.defer(() => receiver.close());
  const opened = Promise.withResolvers<ForgeStage>();
  const lane = await openKillLane(async (folder) => {
    const forge = await stages[forgeName](join(folder, 'forge'));
    opened.resolve(forge);
    return {
      ...forge.settings,
      ...agentSettings(model),
      SLIPWAY_CALLBACK_WAITS: '1,1,1',
      SLIPWAY_ALLOW_PRIVATE_ADDRESSES: new URL(receiver.url).host,
    };
  });
  stack.defer(() => lane.close());
  const forge = await opened.promise;
  stack.defer(() => forge.stop());
  forge.dropReplies();
  const [first = 'finish.recorded', ...others] = points;
  let mark = await lane.prepareArmed(first);
  const { id } = await lane.client().tasks.create({
    repo_url: forge.repositoryUrl,
    prompt: `${scenarioMarker('write')} for ${agent}`,
    publish: 'pull_request',
    access_token: forge.token,
    callback_url: `${receiver.url}/done`,
    config: { cli: agent, timeout_seconds: 120, labels: ['bot'] },
  });
  for (const next of others) {
    await killAtMark(lane, mark);
    mark = await lane.prepareArmed(next);
  }
  await killAtMark(lane, mark);
  await lane.prepare('create.stored');
  await assertDelivered(lane, forge, id);
  const received = receiver.received('/done');
  assert.equal(new Set(received.map(({ headers }) => headers['webhook-id'])).size, 1, 'one id');
  assert.equal(new Set(received.map(({ body }) => body)).size, 1, 'the same bytes');
}

async function assertDelivered(lane: KillLane, forge: ForgeStage, id: string): Promise<void> {
  const task = await lane.client().tasks.wait(id, { signal: AbortSignal.timeout(60_000) });
  assert.equal(task.status, 'pr_created', `${task.error ?? ''}\n${lane.output()}`);
  assert.deepEqual(
    (await forge.branches()).filter((name) => name !== 'main'),
    [task.branch],
  );
  assert.equal(await forge.read(task.branch ?? '', 'hello.txt'), 'hello from the scripted model\n');
  const seen = forge.pullRequests();
  assert.deepEqual(
    seen.map(({ number, branch, labels }) => ({ number, branch, labels })),
    [{ number: task.pr_number, branch: task.branch, labels: ['bot'] }],
  );
  const runs = await lane.query<{ state: string }>(
    'select state from runs where task_id = $1 order by number',
    [id],
  );
  assert.deepEqual(runs, [{ state: 'succeeded' }], 'the agent worked once');
  forge.assertNoViolations();
}
