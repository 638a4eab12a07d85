import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { join } from 'node:path';
import type { FaultPoint } from '../../src/domain/fault-points.ts';
import { until } from '../support/processes.ts';
import type { ForgeStage } from './forge-stage.ts';
import { openGithubStage } from './github-stage.ts';
import { killAtMark, openKillLane, type KillLane } from './kill-lane.ts';

/** A run is killed at each of them, one after the other: those of its steps. */
export const stepPoints = [
  'workflow.stored',
  // The request.
  'step.leased',
  'step.begun',
  'step.fetched',
  'step.settled',
  // The task.
  'step.begun',
  'step.created',
  'step.settled',
  'finish.recorded',
  // The pull request.
  'step.leased',
  'step.begun',
  'step.published',
  'pull_request.settled',
] as const satisfies FaultPoint[];

/** Another one at each of these: those of its task. */
export const taskPoints = [
  'create.stored',
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
  'collect.bundled',
  'collect.stored',
  'finish.recorded',
  'publish.stored',
  'deliver.leased',
  'deliver.ready',
  'deliver.pushed',
  'deliver.settled',
  'pull_request.leased',
  'pull_request.opened',
  'pull_request.settled',
] as const satisfies FaultPoint[];

const keyName = 'forge';
const workflow = {
  name: 'mend',
  steps: [
    {
      name: 'ask',
      type: 'fetch',
      config: { url: '{{.Params.url}}', method: 'POST', outputs: { title: '$.title' } },
    },
    {
      name: 'work',
      type: 'task',
      config: {
        repo_url: '{{.Params.repo_url}}',
        prompt: 'Mend: {{.Steps.ask.title}}',
        provider_key: keyName,
        cli: 'script',
        // Lives until its server has been killed and started a few times, and says how often it was begun.
        command: 'echo begun; sleep 8; echo "$SLIPWAY_PROMPT" >> mended.txt',
      },
    },
    {
      name: 'publish',
      type: 'action',
      config: { kind: 'create_pr', task_step_ref: 'work', title: 'fix: {{.Steps.ask.title}}' },
    },
  ],
  parameters: [
    { name: 'url', required: true },
    { name: 'repo_url', required: true },
  ],
};

export type WorkflowLane = {
  readonly lane: KillLane;
  readonly forge: ForgeStage;
  readonly question: Question;
};

/** A server that answers, and remembers under which keys it was asked. */
type Question = { readonly url: string; readonly keys: () => readonly string[]; readonly close: () => void };

async function openQuestion(): Promise<Question> {
  const keys: string[] = [];
  const server = createServer((request, answer) => {
    keys.push(String(request.headers['idempotency-key']));
    answer.setHeader('content-type', 'application/json').end('{"title":"a bug"}');
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return {
    url: `http://127.0.0.1:${address.port}/`,
    keys: () => keys.splice(0),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A server with a workflow that asks, works and publishes at a forge. */
export async function openWorkflowLane(stack: AsyncDisposableStack): Promise<WorkflowLane> {
  const question = await openQuestion();
  stack.defer(question.close);
  const opened = Promise.withResolvers<ForgeStage>();
  const lane = await openKillLane(async (folder) => {
    const forge = await openGithubStage(join(folder, 'forge'));
    stack.defer(() => forge.stop());
    opened.resolve(forge);
    return {
      ...forge.settings,
      SLIPWAY_ALLOW_PRIVATE_ADDRESSES: new URL(question.url).host,
      SLIPWAY_SILENCE_SECONDS: '60',
    };
  });
  stack.defer(() => lane.close());
  const forge = await opened.promise;
  await lane.prepare('instruct.stored');
  await lane.client().keys.create({ name: keyName, provider: forge.name, token: forge.token });
  await ask(lane, '/api/v1/workflows', workflow);
  return { lane, forge, question };
}

/** A request whose answer may be lost: it is sent once more with its key. */
async function ask(lane: KillLane, path: string, body: object, key = path): Promise<Response> {
  const response = await fetch(new URL(path, lane.url()), {
    method: 'POST',
    headers: {
      authorization: `Bearer ${lane.token()}`,
      'content-type': 'application/json',
      'idempotency-key': key,
    },
    body: JSON.stringify(body),
  });
  assert.ok(response.ok, await response.clone().text());
  return response;
}

/** One run whose server is killed with signal 9 at each of the points, one after the other. */
export async function runThroughKills(
  stage: WorkflowLane,
  name: string,
  points: readonly FaultPoint[],
): Promise<void> {
  const { lane, forge, question } = stage;
  const start = () =>
    ask(
      lane,
      '/api/v1/workflows/mend/run',
      { params: { url: question.url, repo_url: forge.repositoryUrl } },
      name,
    );
  question.keys();
  let mark = await lane.prepareArmed(points[0] ?? 'workflow.stored');
  const lost = start().catch(() => undefined);
  for (const next of points.slice(1)) {
    await killAt(lane, mark);
    mark = await lane.prepareArmed(next);
  }
  await killAt(lane, mark);
  await lane.prepare('instruct.stored');
  await lost;
  const { run_id: runId } = (await (await start()).json()) as { run_id: string };
  await assertDone(stage, runId);
}

/** As `killAtMark`; what was not reached is told with how far the runs are. */
async function killAt(lane: KillLane, mark: string): Promise<void> {
  await killAtMark(lane, mark, 30_000).catch((error: unknown) =>
    describeRuns(lane).then((runs) => assert.fail(`${String(error)}\n${runs}\n${lane.output()}`)),
  );
}

/** Every step was done once: one key for the request, one task whose agent began once, one pull request. */
async function assertDone({ lane, forge, question }: WorkflowLane, runId: string): Promise<void> {
  const stateOf = async (): Promise<string | undefined> =>
    (await lane.query<{ state: string }>('select state from workflow_runs where id = $1', [runId]))[0]?.state;
  await until(
    'the run to end',
    async () => !['pending', 'running'].includes((await stateOf()) ?? ''),
    60_000,
  );
  assert.equal(await stateOf(), 'completed', lane.output());
  assert.equal(new Set(question.keys()).size, 1, 'one request, whatever was sent again');
  const tasks = await lane.query<{ id: string; branch: string }>(
    'select id, branch from tasks where workflow_run_id = $1',
    [runId],
  );
  assert.equal(tasks.length, 1, 'one task');
  const [task = { id: '', branch: '' }] = tasks;
  const begun = await lane.query(
    `select from events where stream_id = $1 and type = 'agent_output' and data ->> 'content' like 'begun%'`,
    [task.id],
  );
  assert.equal(begun.length, 1, 'its agent began once');
  const events = await lane.query<{ type: string }>(
    'select type from events where stream_id = $1 order by id',
    [runId],
  );
  assert.deepEqual(
    events.map(({ type }) => type),
    [
      'workflow_started',
      'step_started',
      'step_completed',
      'step_started',
      'step_task_created',
      'step_completed',
      'step_started',
      'step_completed',
      'workflow_completed',
    ],
    'each step is told of once',
  );
  const pulls = forge.pullRequests().filter(({ branch }) => branch === task.branch);
  assert.equal(pulls.length, 1, 'one pull request');
  forge.assertNoViolations();
}

/** What is stored of the runs, for who reads why one does not go on. */
async function describeRuns(lane: KillLane): Promise<string> {
  const rows = await lane.query<object>(
    `select runs.state, runs.failure, steps.name, steps.state as step, effects.state as effect
    from workflow_runs runs join workflow_steps steps on steps.run_id = runs.id
      left join effects on effects.key = 'workflow_step:' || runs.id || ':' || steps.position
    order by runs.number, steps.position`,
    [],
  );
  return rows.map((row) => JSON.stringify(row)).join('\n');
}
